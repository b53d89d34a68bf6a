"""The ways into a Nagios: its command file, cmd.cgi, and Livestatus. Each sends, and some can look."""

import asyncio
import errno
import html
import json
import os
import re
import stat
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp

from hub.contracts import Ask, Outcome, Result, Target, Tools
from integrations.nagios import words
from integrations.nagios.status import NotKnown, Standing, read_status_file

WITHIN = 10.0
"""Seconds that one question may take."""


class Way(Protocol):
    """How Nagios is reached."""

    async def send(self, verb: str, target: Target, ask: Ask, now: datetime) -> Outcome: ...
    async def look(self, host: str, service: str) -> Standing | NotKnown | None:
        """How it stands; None: this way cannot tell."""

    async def examine(self) -> str:
        """What is wrong with this way, and what would mend it; empty: nothing."""


def way_of(tools: Tools) -> Way | None:
    """The way that the settings of a source give; the command file goes before cmd.cgi, that before Livestatus."""
    given = {name: value.reveal() for name in SETTINGS if (value := tools.setting(name))}
    status = StatusFile(Path(given["STATUS_FILE"])) if "STATUS_FILE" in given else None
    if "COMMAND_FILE" in given:
        return CommandFile(Path(given["COMMAND_FILE"]), status)
    if "CGI_URL" in given:
        return Cgi(tools.http, given["CGI_URL"], given.get("CGI_USER", ""), given.get("CGI_PASSWORD", ""))
    return Livestatus(given["LIVESTATUS"]) if "LIVESTATUS" in given else None


SETTINGS = ("COMMAND_FILE", "STATUS_FILE", "CGI_URL", "CGI_USER", "CGI_PASSWORD", "LIVESTATUS")


def refused(detail: str) -> Outcome:
    return Outcome(result=Result.REFUSED, detail=detail)


def perhaps(detail: str) -> Outcome:
    """It may have been done; `confirm` goes and looks."""
    return Outcome(result=Result.SENT, detail=detail)


# --------------------------------------------------------------------------------------------------------- command file


class StatusFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def look(self, host: str, service: str) -> Standing | NotKnown | None:
        try:
            return await asyncio.to_thread(read_status_file, self._path, host, service)
        except (OSError, ValueError):
            return None


class CommandFile:
    """The FIFO that Nagios reads on its own machine. It never answers."""

    def __init__(self, path: Path, status: StatusFile | None) -> None:
        self._path = path
        self._status = status

    async def send(self, verb: str, target: Target, ask: Ask, now: datetime) -> Outcome:
        line = f"[{int(now.timestamp())}] {words.command(verb, target, ask, now)}\n"
        try:
            await asyncio.to_thread(_write_line, self._path, line.encode())
        except OSError as error:
            return refused(_why_not(error))
        return Outcome(result=Result.SENT)

    async def look(self, host: str, service: str) -> Standing | NotKnown | None:
        return await self._status.look(host, service) if self._status else None

    async def examine(self) -> str:
        try:
            await asyncio.to_thread(_write_line, self._path, b"")
        except OSError as error:
            return f"{_why_not(error)}; see that Nagios runs, and that the hub is of the group of its command file"
        return ""


def _write_line(path: Path, line: bytes) -> None:
    """Write in one piece: a line shorter than PIPE_BUF is never mixed with another's. Nothing is written of none."""
    file = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISFIFO(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "is not a FIFO")
        os.write(file, line)
    finally:
        os.close(file)


def _why_not(error: OSError) -> str:
    return {
        errno.ENXIO: "nobody reads the command file: Nagios is not running",
        errno.ENOENT: "there is no command file: Nagios is not running, or its setting is wrong",
        errno.EACCES: "the hub may not write to the command file",
        errno.EAGAIN: "the command file is full: Nagios does not read it",
        errno.EINVAL: "the command file is not a FIFO",
    }.get(error.errno or 0, f"the command file cannot be written: {error.strerror}")


# -------------------------------------------------------------------------------------------------------------- cmd.cgi

FORM_ID = re.compile(r"nagFormId'?\"?\s+VALUE=['\"]([0-9a-fA-F]+)['\"]", re.IGNORECASE)
TIME_FIELD = re.compile(r"NAME='(start_time|end_time)'\s+VALUE='([^']*)'", re.IGNORECASE)
TAGS = re.compile(r"<[^>]*>")
SUCCESS = "successfully submitted"
REFUSALS: Mapping[str, str] = {
    "invalid or missing csrf cookie": "its form was not taken (CSRF cookie)",
    "not authorized to commit": "it knows no such host or service, or its user may not do that",
    "not authorized": "its user may not do that",
    "comment was not entered": "it wants a comment",
    "external commands": "external commands are switched off in Nagios",
    "could not open command file": "its command file cannot be written by the web server",
    "start or end time not valid": "it does not understand the times",
}
HOURS_FIRST, HOURS_LAST = 24, 99
FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%m-%d-%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S")


class Cgi:
    """cmd.cgi: first the form, whose id and cookie the commit must bear, then the commit. It answers 200 whatever comes
    of it, so that only the text of the page tells."""

    def __init__(self, http: Any, url: str, user: str, password: str) -> None:
        self._http: aiohttp.ClientSession = http
        base = url.rstrip("/")
        self._base = base.removesuffix("/cmd.cgi")
        self._user, self._password = user, password

    async def send(self, verb: str, target: Target, ask: Ask, now: datetime) -> Outcome:
        fields = words.cgi_fields(verb, target, ask)
        asked: dict[str, str] = {name: fields[name] for name in ("cmd_typ", "host", "service") if name in fields}
        try:
            status, form, cookies = await self._call("GET", f"cmd.cgi?{urlencode(asked)}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return refused(f"cmd.cgi cannot be reached: {type(error).__name__}")
        if status != 200:
            return refused(_say_status(status))
        if (found := FORM_ID.search(form)) is not None:
            fields["nagFormId"] = found[1]
        fields |= _times(verb, form, ask, now) | {"cmd_mod": "2", "btnSubmit": "Commit"}
        try:
            status, page, _ = await self._call("POST", "cmd.cgi", fields, cookies)
        except aiohttp.ClientConnectorError as error:
            return refused(f"cmd.cgi cannot be reached: {type(error).__name__}")
        except (aiohttp.ClientError, TimeoutError) as error:
            return perhaps(f"cmd.cgi did not answer: {type(error).__name__}")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # a proxy may have lost the answer alone
            return perhaps(f"cmd.cgi answered {status}")
        return _read_page(page) if status == 200 else refused(_say_status(status))

    async def look(self, host: str, service: str) -> Standing | NotKnown | None:
        query = {"query": "service", "servicedescription": service} if service else {"query": "host"}
        try:
            found = await self._json({**query, "hostname": host})
            if found is None:
                return None
            if found["result"]["type_code"] != 0:
                return NotKnown(names=await self._hosts())
            body = found["data"]["service" if service else "host"]
            planned = await self._downtimes(host, service)
            return Standing(
                # Hosts: 2 is up; services: 2 is ok. So says statusjson.cgi without enumeration.
                well=body["status"] == 2,
                acknowledged=bool(body["problem_has_been_acknowledged"]),
                as_of=float(found["result"].get("last_data_update") or 0) / 1000,
                last_check=float(body.get("last_check") or 0) / 1000,
                downtimes=tuple(entry["comment"] for entry in planned),
                mute_downtime_at=max((e["entry_time"] / 1000 for e in planned if not e["comment"]), default=0.0),
            )
        except (aiohttp.ClientError, TimeoutError, LookupError, TypeError, AttributeError, ValueError):
            return None

    async def examine(self) -> str:
        try:
            status, _, _ = await self._call("GET", "cmd.cgi")
        except (aiohttp.ClientError, TimeoutError) as error:
            return (
                f"cmd.cgi cannot be reached ({type(error).__name__}); see whether CGI_URL is right, and the server runs"
            )
        return "" if status == 200 else f"{_say_status(status)}; correct CGI_URL, CGI_USER or CGI_PASSWORD"

    async def _hosts(self) -> tuple[str, ...]:
        found = await self._json({"query": "hostlist"})
        return tuple(found["data"]["hostlist"]) if found else ()

    async def _downtimes(self, host: str, service: str) -> Sequence[Mapping[str, Any]]:
        """Nagios' JSON has an empty comment where it has a letter beyond ASCII, and the web server no locale."""
        found = await self._json({"query": "downtimelist", "details": "true", "hostname": host})
        listed = found["data"].get("downtimelist", {}) if found else {}
        entries = listed.values() if isinstance(listed, dict) else listed
        return [e for e in entries if isinstance(e, dict) and e.get("service_description", "") == service]

    async def _json(self, query: Mapping[str, str]) -> Any:
        status, text, _ = await self._call("GET", f"statusjson.cgi?{urlencode(query)}")
        return json.loads(text) if status == 200 else None

    async def _call(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None
    ) -> tuple[int, str, Mapping[str, str]]:
        """Status, text and cookies of one request, as the server wants us to prove who we are: Basic or Digest."""
        # Cookies of a request go before those that the session keeps, which may be of another ask's form.
        url = f"{self._base}/{path}"
        given: dict[str, Any] = {"data": fields, "cookies": cookies, "allow_redirects": False}
        proof: dict[str, Any] = {}
        async with asyncio.timeout(WITHIN):
            for last in (not self._user, True):
                async with self._http.request(method, url, **given, **proof) as answer:
                    text = await answer.text(errors="replace")
                    if answer.status != 401 or last:
                        return answer.status, text, {name: morsel.value for name, morsel in answer.cookies.items()}
                    proof = self._proof(answer.headers.getall("WWW-Authenticate", []))
        raise AssertionError("unreachable: the last answer is always given")

    def _proof(self, challenges: Sequence[str]) -> dict[str, Any]:
        if any(challenge.lower().startswith("digest") for challenge in challenges):
            return {"middlewares": (aiohttp.DigestAuthMiddleware(self._user, self._password),)}
        return {"headers": {"Authorization": aiohttp.encode_basic_auth(self._user, self._password)}}


def _say_status(status: int) -> str:
    if status in (401, 403):
        return "cmd.cgi does not accept the hub's user and password"
    return f"cmd.cgi answered {status}; is CGI_URL right?"


def _read_page(page: str) -> Outcome:
    text = " ".join(html.unescape(TAGS.sub(" ", page)).split())
    if SUCCESS in text.lower():
        return Outcome(result=Result.SENT)
    why = next((said for sign, said in REFUSALS.items() if sign in text.lower()), "")
    return refused(why or f"its page does not say that it was taken: {text[-120:]}")


def _times(verb: str, form: str, ask: Ask, now: datetime) -> dict[str, str]:
    """Times in the server's own zone and format: the form is filled in with its now, from which both can be learnt."""
    given = {name.lower(): value for name, value in TIME_FIELD.findall(form)}
    if "start_time" not in given or verb not in ("recheck", "downtime"):
        return {}
    start = given["start_time"]
    if verb == "recheck":
        return {"start_time": start}
    if end := _end(start, ask.duration or words.DOWNTIME, now):
        return {"start_time": start, "end_time": end}
    # In a format that nobody knows: its own two hours, if they are what was asked; else it refuses for want of times.
    return given if (ask.duration or words.DOWNTIME) == words.DOWNTIME else {}


def _end(start: str, seconds: float, now: datetime) -> str:
    """The end as the server writes times; an empty text where it cannot be known how. Whether the day or the month
    comes first is seen by which of the two is today."""
    read = [(at, layout) for layout in FORMATS if (at := _read(start, layout))]
    if not read:
        return ""
    at, layout = min(read, key=lambda found: abs(found[0] - now.replace(tzinfo=None)))
    hours = at.hour + int((at.minute * 60 + at.second + seconds) // 3600)
    end = at + timedelta(seconds=seconds)
    if len({either for either, _ in read}) < len(read) and HOURS_FIRST <= hours <= HOURS_LAST:
        # Today looks the same either way, and the end would not; Nagios takes 26:00 for 02:00 of the next day.
        return f"{start[:11]}{hours:02}{end.strftime(':%M:%S')}"
    return end.strftime(layout)


def _read(text: str, layout: str) -> datetime | None:
    try:
        return datetime.strptime(text, layout)  # noqa: DTZ007 - its zone is theirs
    except ValueError:
        return None


# ----------------------------------------------------------------------------------------------------------- Livestatus


LAST_PORT = 65_535


class Livestatus:
    """A broker module's socket: `host:port` or `unix:/path`. Commands get no answer; questions do."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def send(self, verb: str, target: Target, ask: Ask, now: datetime) -> Outcome:
        line = f"COMMAND [{int(now.timestamp())}] {words.command(verb, target, ask, now)}\n\n"
        try:
            await self._exchange(line)
        except (TimeoutError, ConnectionResetError, BrokenPipeError) as error:  # which are OSErrors, too
            return perhaps(f"Livestatus hung up, or took too long: {type(error).__name__}")
        except OSError as error:
            return refused(f"Livestatus cannot be reached: {error.strerror or type(error).__name__}")
        return Outcome(result=Result.SENT)

    async def look(self, host: str, service: str) -> Standing | NotKnown | None:
        try:
            if service:
                rows = await self._rows("services", {"host_name": host, "description": service})
            else:
                rows = await self._rows("hosts", {"name": host})
            if not rows:
                names = await self._query("GET hosts\nColumns: name\nLimit: 10000")
                return NotKnown(names=tuple(str(row[0]) for row in names))
            state, acknowledged, last_check = rows[0]
            return Standing(
                well=int(state) == 0,
                acknowledged=bool(acknowledged),
                as_of=time.time(),
                last_check=float(last_check),
                downtimes=await self._downtimes(host, service),
            )
        except (OSError, TimeoutError, LookupError, TypeError, ValueError):
            return None

    async def examine(self) -> str:
        try:
            known = await self._query("GET status\nColumns: program_version")
        except (OSError, TimeoutError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            return f"Livestatus cannot be reached ({why}); see that its module is loaded, and correct LIVESTATUS"
        return "" if known else "Livestatus does not answer; see that its module is loaded, and correct LIVESTATUS"

    async def _downtimes(self, host: str, service: str) -> tuple[str, ...]:
        asked = f"GET downtimes\nColumns: comment service_description\nFilter: host_name = {host}"
        return tuple(str(row[0]) for row in await self._query(asked) if (row[1] or "") == service)

    async def _rows(self, table: str, wanted: Mapping[str, str]) -> Sequence[Sequence[Any]]:
        filters = "".join(f"\nFilter: {name} = {value}" for name, value in wanted.items())
        return await self._query(f"GET {table}\nColumns: state acknowledged last_check{filters}")

    async def _query(self, text: str) -> Sequence[Sequence[Any]]:
        answer = await self._exchange(f"{text}\nOutputFormat: json\n\n")
        rows = json.loads(answer) if answer.strip() else []
        if not isinstance(rows, list):
            raise ValueError("Livestatus did not answer with rows")  # noqa: TRY004 - a value of theirs, not a type of ours
        return rows

    async def _exchange(self, text: str) -> str:
        async with asyncio.timeout(WITHIN):
            reader, writer = await self._open()
            try:
                writer.write(text.encode())
                await writer.drain()
                writer.write_eof()
                return (await reader.read()).decode(errors="replace")
            finally:
                writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.startswith("unix:"):
            return await asyncio.open_unix_connection(self._address.removeprefix("unix:"))
        host, _, port = self._address.rpartition(":")
        if not port.isdecimal() or int(port) > LAST_PORT:
            raise OSError(errno.EINVAL, "LIVESTATUS is neither host:port nor unix:/path")
        return await asyncio.open_connection(host.strip("[]"), int(port))
