"""The page that says why, in a real Chromium, on a desk and on a phone."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from peers.browser import PHONE, WIDE, chromium, opened
from peers.hub import HubProcess
from playwright.async_api import expect

RULES = """\
version: 1
sources:
  disk:
    tool: json
    event:
      key: "{body.host}"
      title: "{body.host}: {body.text}"
      status: problem
      labels: {host: "{body.host}", cluster: eu-central-1.example.com}
channels: {ops: room:ops, web: room:web, managers: room:managers}
routes:
  - name: web-tier
    match: {host: "web*"}
    to: web
    escalate: [{after: 10m, to: managers}]
    routes:
      - name: web-tier-that-is-critical
        match: {severity: critical}
        to: managers
  - {name: databases, match: {host: {regex: "(db|sql|a-rather-long-name-of-a-host)[0-9]+"}}, to: ops}
everything_else: {to: ops}
"""


@pytest.mark.e2e("chromium")
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_one_finds_out_why_and_why_not(hub_process: Callable[..., HubProcess], size: tuple[int, int]) -> None:
    """From the list of what is open to the line of the rule, without scrolling sideways. SCREENSHOTS names a folder."""
    hub = hub_process(routes=RULES)
    hub.post("/in/disk", {"host": "db7", "text": "disk full of what nobody has looked at for a year"})
    async with chromium() as browser, opened(browser, f"{hub.url}/", size=size) as sheet:
        await sheet.page.get_by_role("link", name="Why: db7").click()
        await expect(sheet.page.locator(".trail [data-matched=yes]").first).to_contain_text("databases routes.yaml:20")
        await sheet.page.get_by_label("Channel", exact=True).select_option("web")
        await sheet.page.get_by_role("button", name="Ask").click()
        await expect(sheet.page.get_by_label("Channel", exact=True)).to_have_value("web")
        await expect(sheet.page.locator(".rows")).to_contain_text(['host is "db7", not "web*"'])

        if folder := os.environ.get("SCREENSHOTS"):
            await sheet.page.screenshot(path=Path(folder) / f"why-{size[0]}.png", full_page=True)
        assert not await sheet.overflows()
        assert [] == sheet.faults
