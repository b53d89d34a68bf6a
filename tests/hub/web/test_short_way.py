"""What tools post passes neither resolver nor middlewares. Nobody can tell by the answer, and nobody gets in by it."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
from live import LiveHub, live_hub

from hub.web.gate import HEADERS

RULES = """\
version: 1
sources:
  json: {tool: json}
  limited: {tool: json, rate: {most: 1, within: 1h}}
channels: {ops: "room:ops"}
everything_else: {to: ops}
"""
GOOD = b'{"title": "web301 is down", "key": "web301"}'
LONG_WAY = {"Sec-Fetch-Site": "none"}
"""A header that the gate looks at, and says nothing about."""
ITS_OWN = ("Date", "Content-Length")


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveHub]:
    async with live_hub(tmp_path, RULES, {"TOCSIN_GITHUB_SECRET": "of-github"}) as started:
        yield started


async def answered(
    live: LiveHub, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], dict[str, object]]:
    given = {"Content-Type": "application/json", **headers}
    async with aiohttp.ClientSession() as http, http.post(live.url + path, data=body, headers=given) as answer:
        kept = {name: value for name, value in answer.headers.items() if name not in ITS_OWN}
        said = await answer.json()
        return (
            answer.status,
            kept,
            {name: value for name, value in said.items() if name not in ("events", "quarantined")},
        )


def signed(body: bytes) -> dict[str, str]:
    mac = hmac.digest(b"of-github", body, hashlib.sha256).hex()
    return {"X-Hub-Signature-256": f"sha256={mac}", "X-GitHub-Event": "ping"}


@pytest.mark.parametrize(
    ("status", "path", "body", "headers"),
    [
        (202, "/in/json", GOOD, {}),
        (202, "/in/json?from=here", GOOD, {}),
        (400, "/in/json", b"{", {}),
        (400, "/in/json", b"", {}),
        (202, "/in/github", b"{}", signed(b"{}")),
        (401, "/in/github", b"{}", signed(b"[]")),
        (401, "/in/github", b"{}", {}),
        (404, "/in/jason", GOOD, {}),
        (404, "/in/", GOOD, {}),
        (202, "/in/%6Ason", GOOD, {}),
        (415, "/in/json", GOOD, {"Content-Encoding": "gzip"}),
        (403, "/in/json", GOOD, {"Origin": "https://evil.example"}),
        (403, "/in/json", GOOD, {"Sec-Fetch-Site": "cross-site"}),
    ],
)
async def test_both_ways_answer_alike(
    live: LiveHub, status: int, path: str, body: bytes, headers: dict[str, str]
) -> None:
    short = await answered(live, path, body, headers)
    assert status == short[0], short
    assert short == await answered(live, path, body, LONG_WAY | headers)
    assert HEADERS.items() <= short[1].items()


async def test_a_source_is_held_to_its_rate(live: LiveHub) -> None:
    assert [202, 503] == [(await answered(live, "/in/limited", GOOD, {}))[0] for _ in range(2)]


async def test_what_fails_within_is_said_without_a_word_of_it(live: LiveHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(live.hub.inbound._ingest, "_redact", fails)
    status, headers, said = await answered(live, "/in/json", GOOD, {})
    assert (500, "internal") == (status, said["error"])
    assert "secret" not in str(said)
    assert HEADERS.items() <= headers.items()


async def test_an_address_that_is_nearly_right_is_told_the_right_ones(live: LiveHub) -> None:
    """As of a Loki that was not told to speak version 2."""
    for path in ("/in/alertmanager/api/v1/alerts", "/in/alertmanager//api/v2/alerts"):
        status, _, said = await answered(live, path, b"[]", {})

        assert 404 == status
        assert str(said["detail"]).endswith("posted to /in/alertmanager or /in/alertmanager/api/v2/alerts")
