"""Whoever sends too much, too fast or too slowly is told so, and nobody else notices."""

import asyncio
import io
import json
import resource
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from live import WITHIN, LiveHub, live_hub

from hub.payload import MOST_VALUES
from hub.web.doorway import LARGEST_BODY, LARGEST_SAID, DoorLimits

RULES = """\
version: 1
sources:
  json: {tool: json}
  slow: {tool: json, rate: {most: 3, within: 1m}}
channels: {ops: "room:ops"}
everything_else: {to: ops}
"""
DOOR = DoorLimits(connections=250, headers_within=1.0, body_within=1.0, look_every=0.1)
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveHub]:
    async with live_hub(tmp_path, RULES, {}, DOOR) as started:
        yield started


async def post(live: LiveHub, path: str, body: bytes, **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.post(f"{live.url}{path}", data=io.BytesIO(body), headers={**JSON, **headers}) as answer,
    ):
        return answer.status, await answer.text()


async def dial(live: LiveHub) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(live.url.rpartition(":")[2]))


async def test_a_body_may_be_as_large_as_the_largest_of_any_tool(live: LiveHub) -> None:
    assert 413 == (await post(live, "/in/json", b" " * (LARGEST_BODY + 1)))[0]
    status, said = await post(live, "/api/v1/say", b" " * (LARGEST_SAID + 1))
    assert (413, "a body may have 1,048,576 bytes here") == (status, json.loads(said)["detail"])
    assert 400 == (await post(live, "/in/json", b" " * (LARGEST_SAID + 1)))[0]


async def test_what_is_packed_is_refused_before_it_is_unpacked(live: LiveHub) -> None:
    """A quarter of a gigabyte of nothing is a quarter of a megabyte when it comes."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(256)), packer.flush()])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for encoding in ("gzip", "deflate", "br", "zstd", "nonsense"):
        status, said = await post(live, "/in/json", bomb, **{"Content-Encoding": encoding})

        assert 415 == status
        assert f"not as {encoding}" in said
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 * 1024


async def test_headers_are_bounded_in_length_and_number(live: LiveHub) -> None:
    for headers in ({"X-Long": "x" * 20_000}, {f"X-{n}": "x" for n in range(200)}):
        status, said = await post(live, "/in/json", b"{}", **headers)

        assert (400, "request") == (status, json.loads(said)["error"])


async def test_what_is_no_http_is_told_so_like_all_that_goes_wrong(live: LiveHub) -> None:
    reader, writer = await dial(live)
    writer.write(b"FROB /in/json HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(WITHIN):
        said = await reader.read()
    writer.close()

    assert b" 400 " in said.partition(b"\r\n")[0]
    assert b'{"error":"request","detail":"Invalid method encountered"}' in said


async def test_what_is_no_http_fills_no_log(live: LiveHub, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever scans ports would write pages of tracebacks, and what they sent, among the errors of the hub."""
    for sent in (b"X-Token: hunter2\x1b", b"Authorization : hunter2", b"Content-Length: 1\r\nContent-Length: 2"):
        reader, writer = await dial(live)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + sent + b"\r\n\r\n")
        async with asyncio.timeout(WITHIN):
            assert b" 400 " in (await reader.read()).partition(b"\r\n")[0]
        writer.close()

    assert [] == [line.getMessage() for line in caplog.records if line.levelname not in ("DEBUG", "INFO")]
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deeply"),
        (b"[" + b"[]," * MOST_VALUES + b"1]", "more than 500,000 values"),
    ],
)
async def test_json_is_bounded_in_depth_and_number(live: LiveHub, body: bytes, says: str) -> None:
    status, said = await post(live, "/in/json", body)

    assert 400 == status
    assert says in said


async def test_an_event_is_bounded_and_shows_what_was_cut(live: LiveHub) -> None:
    body = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web1", "HOSTSTATE": "DOWN", "HOSTOUTPUT": "x" * 99_999}
    status, _ = await post(live, "/in/nagios", json.dumps(body | {"HOSTGROUPNAMES": "y" * 99_999}).encode())
    [alert] = live.hub.state.alerts.values()

    assert 202 == status
    assert len(alert.title) + len(alert.body) + sum(map(len, alert.labels.values())) < 50_000
    assert any(text.endswith("…") for text in (alert.title, alert.body, *alert.labels.values()))


async def test_a_source_that_posts_faster_than_its_rate_is_asked_to_wait(live: LiveHub) -> None:
    """Others are not; and what it asks for in vain is counted."""
    answers = [await post(live, "/in/slow", b'{"title": "x"}') for _ in range(4)]
    async with aiohttp.request("GET", f"{live.url}/metrics") as answer:
        metrics = await answer.text()

    assert [202, 202, 202, 503] == [status for status, _ in answers]
    assert "source slow sends more than 3 in 1m" in answers[-1][1]
    assert 202 == (await post(live, "/in/json", b'{"title": "x"}'))[0]
    assert 'tocsin_requests_total{source="slow",verdict="limited"} 1.0' in metrics


async def test_two_hundred_that_stand_in_the_door_keep_nobody_out(live: LiveHub) -> None:
    """Some say nothing, some half a header, some half a body. Others are served, and these put out in the end."""
    beginnings = (b"", b"POST /in/json HT", b"POST /in/json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90\r\n\r\n{")
    dialled = [await dial(live) for _ in range(240)]
    for n, (_, writer) in enumerate(dialled):
        writer.write(beginnings[n % 3])
    for _ in range(20):
        assert 202 == (await post(live, "/in/json", b'{"title": "web1 is down"}'))[0]

    told = await asyncio.wait_for(asyncio.gather(*(_read(reader) for reader, _ in dialled)), WITHIN)

    assert {} == live.hub.doorway.waiting
    assert {b"", b"HTTP/1.1 408"} == {said[:12] for said in told}
    for _, writer in dialled:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def test_where_there_is_no_room_who_has_waited_longest_makes_it(live: LiveHub) -> None:
    dialled = [await dial(live) for _ in range(400)]

    assert 202 == (await post(live, "/in/json", b'{"title": "web1 is down"}'))[0]
    assert b"" == await asyncio.wait_for(_read(dialled[0][0]), 0.9)
    for _, writer in dialled:
        writer.close()
