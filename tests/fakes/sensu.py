"""The APIs of Sensu Go and Sensu Core as a control meets them: who may ask, what is known, what is there already; and a
network that drops a connection or takes its time."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.loopback import serving

KEY, OWNER = "7f63b5bc-41f4-4b3e-b59b-5431afd7e6a2", "tocsin"
USER, PASSWORD = "tocsin", "s3cret"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class Fake:
    """What the two have in common. `status` is answered to everything; requests by a method of `drops` are done, and
    then the connection is cut; those of `slow` begin only after so many seconds; `open` lets anybody in."""

    silences: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: int = 0
    drops: tuple[str, ...] = ()
    slow: dict[str, float] = field(default_factory=dict)
    open: bool = False
    url: str = ""
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    @asynccontextmanager
    async def serves(self) -> AsyncIterator["Fake"]:
        app = web.Application(middlewares=[self._weather])
        self._routes(app)
        async with serving(app) as url:
            self.url = url
            yield self

    def _routes(self, app: web.Application) -> None:
        raise NotImplementedError

    @property
    def login(self) -> str:
        raise NotImplementedError

    @property
    def _weather(self) -> Any:
        @web.middleware
        async def weather(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.asked.append(f"{request.method} {request.raw_path}")
            if request.can_read_body:
                self.bodies.append(await request.json())
            await asyncio.sleep(self.slow.get(request.method, 0.0))
            if not self.open and request.headers.get("Authorization") != self.login:
                return web.json_response({"message": "bad credentials", "code": 0}, status=401)
            if self.status:
                return web.json_response({"message": "as it was told", "code": 0}, status=self.status)
            answer = await handler(request)
            if request.method in self.drops:
                assert request.transport
                request.transport.abort()
            return answer

        return weather

    @property
    def changes(self) -> list[str]:
        return [asked for asked in self.asked if not asked.startswith("GET ")]


def _missing() -> web.Response:
    return web.json_response({"message": "not found", "code": 2}, status=404)


# ------------------------------------------------------------------------------------------------------------ Sensu Go


@dataclass(kw_only=True)
class Go(Fake):
    """`results` has the status of checks by namespace and entity: `{"default": {"web301": {"check_http": 2}}}`."""

    results: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    @property
    def login(self) -> str:
        return f"Key {KEY}"

    def _routes(self, app: web.Application) -> None:
        base = "/api/core/v2/namespaces/{namespace}"
        app.router.add_get(base + "/entities/{entity}", self._entity)
        app.router.add_get(base + "/events/{entity}/{check}", self._event)
        app.router.add_put(base + "/events/{entity}/{check}", self._put_event)
        app.router.add_post(base + "/silenced", self._create)
        app.router.add_get(base + "/silenced", self._list)
        app.router.add_get(base + "/silenced/{name}", self._silence)
        app.router.add_delete(base + "/silenced/{name}", self._delete)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.silences.values()))

    def _known(self, request: web.Request) -> dict[str, int] | None:
        said = request.match_info
        return self.results.get(said["namespace"], {}).get(said["entity"])

    async def _entity(self, request: web.Request) -> web.Response:
        if self._known(request) is None:
            return _missing()
        return web.json_response({"entity_class": "agent", "metadata": {"name": request.match_info["entity"]}})

    async def _event(self, request: web.Request) -> web.Response:
        said = request.match_info
        status = (self._known(request) or {}).get(said["check"])
        if status is None:
            return _missing()
        entity = {"entity_class": "agent", "metadata": {"name": said["entity"], "namespace": said["namespace"]}}
        check = {"status": status, "output": "", "interval": 60, "metadata": {"name": said["check"]}}
        return web.json_response({"entity": entity, "check": check, "id": "0198a4c2", "sequence": 7, "timestamp": 1})

    async def _put_event(self, request: web.Request) -> web.Response:
        event, said = await request.json(), request.match_info
        names = event["entity"]["metadata"]["name"], event["check"]["metadata"]["name"]
        if names != (said["entity"], said["check"]):
            return web.json_response({"message": "the event's names are not those of the path", "code": 1}, status=400)
        status = event["check"]["status"]
        self.results[said["namespace"]][said["entity"]][said["check"]] = status
        if status == 0:
            self.heals(said["entity"], said["check"])
        return web.Response(status=201)

    def heals(self, entity: str, check: str) -> None:
        """What ends by itself when the check is well ends."""
        for name in (f"entity:{entity}:{check}", f"entity:{entity}:*"):
            if self.silences.get(name, {}).get("expire_on_resolve"):
                del self.silences[name]

    async def _create(self, request: web.Request) -> web.Response:
        entry = await request.json()
        if request.match_info["namespace"] != entry["metadata"]["namespace"]:
            return web.json_response({"message": "namespace mismatch", "code": 1}, status=400)
        subscription, check = entry.get("subscription") or "*", entry.get("check") or "*"
        if not re.fullmatch(r"[\w.:-]+", subscription) or not re.fullmatch(r"[\w.-]+|\*", check):
            return web.json_response({"message": "cannot contain spaces or special characters", "code": 1}, status=400)
        name = f"{subscription}:{check}"
        if name in self.silences:
            return web.json_response({"message": "resource already exists", "code": 3}, status=409)
        # The name is what it covers, and the creator whose key it is.
        self.silences[name] = {**entry, "metadata": {**entry["metadata"], "name": name}, "creator": OWNER, "begin": 1}
        return web.Response(status=201)

    async def _silence(self, request: web.Request) -> web.Response:
        entry = self.silences.get(request.match_info["name"])
        return web.json_response(entry) if entry else _missing()

    async def _delete(self, request: web.Request) -> web.Response:
        return web.Response(status=204) if self.silences.pop(request.match_info["name"], None) else _missing()


# ---------------------------------------------------------------------------------------------------------- Sensu Core


@dataclass(kw_only=True)
class Core(Fake):
    """`results` has the status of the checks of each client; `lags` keeps a resolution from being done."""

    results: dict[str, dict[str, int]] = field(default_factory=dict)
    lags: bool = False

    @property
    def login(self) -> str:
        return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def _routes(self, app: web.Application) -> None:
        app.router.add_get("/info", self._info)
        app.router.add_get("/clients/{client}", self._client)
        app.router.add_get("/results/{client}/{check}", self._result)
        app.router.add_post("/resolve", self._resolve)
        app.router.add_post("/silenced", self._create)
        app.router.add_get("/silenced/ids/{id}", self._silence)
        app.router.add_post("/silenced/clear", self._clear)

    async def _info(self, request: web.Request) -> web.Response:
        return web.json_response({"sensu": {"version": "1.9.0"}})

    async def _client(self, request: web.Request) -> web.Response:
        name = request.match_info["client"]
        return web.json_response({"name": name, "address": "192.0.2.31"}) if name in self.results else _missing()

    async def _result(self, request: web.Request) -> web.Response:
        said = request.match_info
        status = self.results.get(said["client"], {}).get(said["check"])
        if status is None:
            return _missing()
        return web.json_response({"client": said["client"], "check": {"name": said["check"], "status": status}})

    async def _resolve(self, request: web.Request) -> web.Response:
        said = await request.json()
        if not self.results.get(said["client"], {}).get(said["check"]):
            return web.Response(status=404)
        if not self.lags:
            self.results[said["client"]][said["check"]] = 0
        return web.json_response({"issued": 1}, status=202)

    async def _create(self, request: web.Request) -> web.Response:
        entry = await request.json()
        names = {"subscription": r"[\w.:-]+", "check": r"[\w.-]+"}
        wrong = [name for name, allowed in names.items() if name in entry and not re.fullmatch(allowed, entry[name])]
        # `expire` is handed to Redis, where what is not positive is gone at once.
        if wrong or not set(names) & set(entry) or entry.get("expire", 1) <= 0:
            return web.Response(status=400)
        id = f"{entry.get('subscription', '*')}:{entry.get('check', '*')}"
        # One that is there is replaced without a word.
        self.silences[id] = {"id": id, "expire_on_resolve": False, **entry}
        return web.Response(status=201)

    async def _silence(self, request: web.Request) -> web.Response:
        # As it is: the last whose id ends so, a dot standing for anything.
        ends = re.compile(request.match_info["id"].replace("*", r"\*") + "$")
        found = [entry for id, entry in self.silences.items() if ends.search(id)]
        return web.json_response(found[-1]) if found else web.Response(status=404)

    async def _clear(self, request: web.Request) -> web.Response:
        said = json.loads(await request.text())
        return web.Response(status=204 if self.silences.pop(said["id"], None) else 404)
