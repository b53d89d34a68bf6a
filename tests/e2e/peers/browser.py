"""A page in a real headless Chromium, and everything that it complained about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from peers.servers import CHROMIUM
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

WIDE = (1280, 800)
PHONE = (390, 844)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass
class Sheet:
    """An open page. `faults` are errors of scripts and console, what the policy forbade, and failed requests."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # A stream that is open when the page closes or moves on ends as "aborted"; that is no fault.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.method} {request.url}: {request.failure}")

    async def overflows(self) -> bool:
        """Whether one would have to scroll sideways."""
        root = "document.documentElement"
        return bool(await self.page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"))


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(browser: Browser, url: str, *, size: tuple[int, int] = WIDE) -> AsyncIterator[Sheet]:
    """The page of that address in a context of its own, as if on another device."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, is_mobile=size == PHONE, has_touch=size == PHONE, locale="en-GB"
    )
    context.set_default_timeout(10_000)
    try:
        sheet = Sheet(await context.new_page())
        sheet.page.on("console", sheet._console)
        sheet.page.on("pageerror", lambda error: sheet.faults.append(f"script: {error}"))
        sheet.page.on("requestfailed", sheet._failed)
        await sheet.page.goto(url, wait_until="domcontentloaded")
        yield sheet
    finally:
        await context.close()
