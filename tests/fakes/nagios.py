"""Nagios as a control meets it: a pipe and a status file, cmd.cgi behind Basic or Digest, and Livestatus."""

import asyncio
import base64
import hashlib
import json
import os
import re
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.loopback import serving

USER, PASSWORD, REALM = "tocsin", "s3cret", "Nagios"


# ----------------------------------------------------------------------------------------------------------------- pipe


@contextmanager
def pipe(folder: Path) -> Iterator["Pipe"]:
    """A command file that somebody reads."""
    path = folder / "nagios.cmd"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield Pipe(path=path, reader=reader)
    finally:
        os.close(reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe:
    path: Path
    reader: int

    def read(self) -> bytes:
        """What was written since, as it came."""
        try:
            return os.read(self.reader, 1 << 20)
        except BlockingIOError:
            return b""


def write_status(path: Path, *, created: float, hosts: Mapping[str, Mapping[str, Any]]) -> None:
    """A status.dat: `{"web301": {"current_state": 1, "services": {"Disk /var": {…}}, "downtimes": ["…"]}}`."""
    blocks = [_block("info", created=int(created), version="4.4.6")]
    for host, said in hosts.items():
        services, downtimes = said.get("services", {}), said.get("downtimes", ())
        blocks.append(
            _block(
                "hoststatus",
                host_name=host,
                **{k: v for k, v in said.items() if not isinstance(v, Mapping | tuple | list)},
            )
        )
        for service, own in services.items():
            blocks.append(_block("servicestatus", host_name=host, service_description=service, **own))
        blocks += [_block("hostdowntime", host_name=host, comment=comment) for comment in downtimes]
    path.write_text("".join(blocks))


def _block(kind: str, **fields: object) -> str:
    return f"{kind} {{\n" + "".join(f"\t{name}={value}\n" for name, value in fields.items()) + "\t}\n\n"


# -------------------------------------------------------------------------------------------------------------- cmd.cgi


@dataclass(kw_only=True)
class Cgi:
    """cmd.cgi since the CSRF fix, and statusjson.cgi. `lax` is one from before; `answer` is the page of a commit."""

    auth: str = "Basic"
    lax: bool = False
    answer: str = "Your command request was successfully submitted to Nagios for processing."
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    updated: float = 0.0
    date: str = "11-21-2026 05:20:00"
    broken: int = 0
    hangs: bool = False
    """Of a commit it hangs up before it answers."""
    loses: int = 0
    """A commit is taken, and a proxy in front answers with this status."""
    url: str = ""
    commits: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _nonces: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def serves(self) -> AsyncIterator["Cgi"]:
        app = web.Application()
        app.router.add_get("/cgi-bin/cmd.cgi", self._form)
        app.router.add_post("/cgi-bin/cmd.cgi", self._commit)
        app.router.add_get("/cgi-bin/statusjson.cgi", self._status)
        async with serving(app) as url:
            self.url = f"{url}/cgi-bin"
            yield self

    def _refuses(self, request: web.Request) -> web.Response | None:
        self.asked.append(f"{request.method} {request.path_qs}")
        if self.broken:
            return web.Response(status=self.broken)
        if self.auth == "Basic" and request.headers.get("Authorization") == _basic():
            return None
        if self.auth == "Digest" and self._digest_is_right(request):
            return None
        nonce = secrets.token_hex(8)
        self._nonces.add(nonce)
        digest = f'Digest realm="{REALM}", nonce="{nonce}", algorithm=MD5, qop="auth"'
        challenge = digest if self.auth == "Digest" else f'Basic realm="{REALM}"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge}, text="401 Unauthorized")

    def _digest_is_right(self, request: web.Request) -> bool:
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', request.headers.get("Authorization", "")))
        if said.get("nonce") not in self._nonces or said.get("uri") != request.path_qs:
            return False
        ours, theirs = _md5(f"{USER}:{REALM}:{PASSWORD}"), _md5(f"{request.method}:{request.path_qs}")
        return said["response"] == _md5(f"{ours}:{said['nonce']}:{said['nc']}:{said['cnonce']}:{said['qop']}:{theirs}")

    async def _form(self, request: web.Request) -> web.Response:
        if (refused := self._refuses(request)) is not None:
            return refused
        form_id = secrets.token_hex(16)
        self._ids.add(form_id)
        times = "".join(
            f"<INPUT TYPE='TEXT' NAME='{name}' VALUE='{self.date}'></td>" for name in ("start_time", "end_time")
        )
        # The tag is not closed: so Nagios writes it.
        hidden = "" if self.lax else f"<INPUT TYPE='hidden' NAME='nagFormId' VALUE='{form_id}'\n"
        answer = web.Response(text=f"<html><form method='post'>{hidden}{times}</form></html>", content_type="text/html")
        if not self.lax:
            answer.set_cookie("NagFormId", form_id)
        return answer

    async def _commit(self, request: web.Request) -> web.Response:
        if (refused := self._refuses(request)) is not None:
            return refused
        fields = {name: str(value) for name, value in (await request.post()).items()}
        if self.hangs:
            assert request.transport
            request.transport.abort()
        form_id = fields.get("nagFormId", "")
        if not self.lax and (form_id not in self._ids or request.cookies.get("NagFormId") != form_id):
            return _page("<DIV CLASS='errorMessage'>Error: Invalid or missing CSRF cookie!</DIV>")
        self.commits.append(fields)
        return web.Response(status=self.loses) if self.loses else _page(self.answer)

    async def _status(self, request: web.Request) -> web.Response:
        if (refused := self._refuses(request)) is not None:
            return refused
        query = request.query
        result = {"type_code": 0, "last_data_update": int(self.updated * 1000)}
        host = self.hosts.get(query.get("hostname", ""))
        if query["query"] == "hostlist":
            data: Any = {"hostlist": dict.fromkeys(self.hosts, 2)}
        elif query["query"] == "downtimelist":
            comments = (host or {}).get("downtimes", ())
            data = {
                "downtimelist": {
                    str(n): {
                        "comment": text if text.isascii() else "",
                        "entry_time": int(self.updated * 1000),
                        "service_description": "",
                    }
                    for n, text in enumerate(comments)
                }
            }
        else:
            found = (
                host if query["query"] == "host" else (host or {}).get("services", {}).get(query["servicedescription"])
            )
            if found is None:
                return web.json_response({"result": {**result, "type_code": 6}, "data": {"help": "…"}})
            data = {
                query["query"]: {name: value for name, value in found.items() if name not in ("services", "downtimes")}
            }
        return web.json_response({"result": result, "data": data})


def _basic() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _page(text: str) -> web.Response:
    return web.Response(
        text=f"<html><head><title>External Command Interface</title></head><body>{text}</body></html>",
        content_type="text/html",
    )


# ----------------------------------------------------------------------------------------------------------- Livestatus


@dataclass(kw_only=True)
class Livestatus:
    """A broker's socket. `rows` answers a table with its rows."""

    rows: dict[str, list[list[Any]]] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    resets: bool = False
    """It takes a command, and resets the connection."""
    address: str = ""

    @asynccontextmanager
    async def serves(self, path: Path | None = None) -> AsyncIterator["Livestatus"]:
        if path is None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        else:
            server = await asyncio.start_unix_server(self._serve, path)
            self.address = f"unix:{path}"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = (await reader.read()).decode()
        self.heard.append(said)
        words = said.split()
        if self.resets and words[0] == "COMMAND":
            # Closed at once instead of in order: what asks sees a reset, and no end.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        if words[0] == "GET":
            wanted = dict(re.findall(r"^Filter: (\S+) = (.*)$", said, re.MULTILINE))
            name = wanted.get("name", wanted.get("host_name"))
            rows = self.rows.get(f"{words[1]} {name}" if name else words[1], [])
            writer.write(json.dumps(rows).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
