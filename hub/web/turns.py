"""Which of two tables of routes answers: one replica leads at a time, and its door stays open when that changes."""

from collections.abc import Callable, Iterator, Sized
from typing import Any

from aiohttp import web
from aiohttp.web_urldispatcher import AbstractResource, AbstractRoute, UrlMappingMatchInfo
from yarl import URL


class Turns(AbstractResource, Sized):
    """Asks for each request which table it is."""

    def __init__(self, router: Callable[[], web.UrlDispatcher]) -> None:
        super().__init__()
        self._router = router

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        return await self._router().resolve(request), set()

    @property
    def canonical(self) -> str:
        return "/"

    def url_for(self, **_: str) -> URL:
        raise RuntimeError("it has many")

    def add_prefix(self, prefix: str) -> None:  # noqa: ARG002  as aiohttp calls it
        raise RuntimeError("it stands at the top")

    def get_info(self) -> Any:
        return {}

    def raw_match(self, path: str) -> bool:  # noqa: ARG002  likewise
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(())
