"""What people get out of a message in a room of the hub's own, by its page."""

from datetime import UTC, datetime
from html.parser import HTMLParser

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hub.core.notification import Message
from hub.shipped_files import shipped
from hub.web.gate import GateSettings, gate
from hub.web.pages import page_routes
from tests.fakes.readers.read import Read
from tests.fakes.site import FakeSite

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
FORMATS = {"em", "strong", "i", "u", "s", "del", "code", "blockquote", "table", "img", "script", "iframe", "at", "font"}


class Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src") and (value or "")[:1] != "/"]

    def handle_data(self, data: str) -> None:
        self.words += data


async def in_the_room(told: Message) -> Read:
    site, settings = FakeSite(("ops",)), GateSettings(now=lambda: NOW)
    await site.shows(told)
    app = web.Application(middlewares=[gate(settings)])
    app.add_routes(page_routes(site, settings, [shipped("templates")]))
    async with TestClient(TestServer(app)) as client:
        page = Page(await (await client.get("/room/ops")).text())
    links = [url for url in page.links if not url.startswith("#")]
    return Read(page.words, pings=(), links=links, formatted=[tag for tag in page.elements if tag in FORMATS])


READERS = {"page": in_the_room}
SAYS = None
"""A reply is a message like others."""
