"""What the log says: one line each, of whom it speaks, and nothing that is secret."""

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live import live_hub
from peers.hub import HubProcess
from scenario import Scenario

from hub.errors import SettingsError
from hub.redaction import Redactor
from hub.telemetry import logs

SECRET = "planted-in-the-log"
redact = Redactor([SECRET]).text


def record(message: str, *arguments: object, level: int = logging.INFO, **about: object) -> logging.LogRecord:
    made = logging.LogRecord("tocsin.x", level, __file__, 1, message, arguments, None)
    made.__dict__.update(about)
    return made


def text(message: str, *arguments: object, **about: object) -> str:
    return logs.formatter("text", redact).format(record(message, *arguments, **about))


def parsed(message: str, *arguments: object, **about: object) -> dict[str, Any]:
    line = logs.formatter("json", redact).format(record(message, *arguments, **about))
    assert line.isprintable()
    return dict(json.loads(line))


@pytest.fixture
def handled() -> Iterator[io.StringIO]:
    """Where the lines go; all is put back afterwards."""
    root, ours, out = logging.getLogger(), logging.getLogger("tocsin"), io.StringIO()
    before = root.handlers[:], root.level, ours.level, sys.excepthook, threading.excepthook
    yield out
    logging.captureWarnings(False)
    root.handlers[:], _, _, sys.excepthook, threading.excepthook = before
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_a_text_names_what_it_is_about() -> None:
    said = text("chat %s failed", "slack", channel="slack:#ops", delivery_id="a b", unknown="x")

    assert said.endswith('Z INFO tocsin.x: chat slack failed channel=slack:#ops delivery_id="a b"')


def test_json_has_a_field_for_each_thing_it_is_about() -> None:
    said = parsed("%d events", 2, event_ids=("e1", "e2"), source="nagios", unknown="x")

    at = said.pop("at")
    about = {"event_ids": ["e1", "e2"], "source": "nagios"}
    assert {"level": "info", "logger": "tocsin.x", "message": "2 events", **about} == said
    assert at.endswith("Z")


def test_a_traceback_is_part_of_its_line() -> None:
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        failed = record("it failed", exc_info=sys.exc_info())
    as_json, as_text = (logs.formatter(form, redact).format(failed) for form in ("json", "text"))

    assert "RuntimeError: …" in json.loads(as_json)["exception"]
    assert "\n    RuntimeError: …" in as_text
    assert SECRET not in as_json + as_text


@given(st.text(), st.text())
def test_nobody_writes_a_line_of_their_own(message: str, source: str) -> None:
    """Whatever a stranger's text holds, only our lines begin at the left, and nothing moves the cursor."""
    first, *more = text("said: %s", message, source=source).split("\n")

    assert " INFO tocsin.x: said: " in first
    assert all(line.startswith("    ") for line in more)
    assert not any(logs._UNSEEN.search(line) for line in (first, *more))
    assert redact(f"said: {message}") == parsed("said: %s", message, source=source)["message"]


def test_a_line_that_cannot_be_written_shows_nothing_of_what_it_was_given() -> None:
    assert "a line could not be written: TypeError" in text("%d things", SECRET)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_journal_is_told_how_grave_each_line_is(form: str) -> None:
    """It takes each line of a traceback for an entry of its own."""
    line = record("broken", level=logging.ERROR)
    line.exc_info = (ValueError, ValueError("first\nsecond"), None)
    written = logs.formatter(form, redact, journal=True).format(line)
    plain = logs.formatter(form, redact).format(line)

    assert {"<3>"} == {part[:3] for part in written.splitlines()}
    assert plain == written.replace("<3>", "")


def test_a_journal_is_known_by_its_device_and_inode(handled: io.StringIO, tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w") as out:
        met = os.fstat(out.fileno())

        assert logs.is_journal(out, {"JOURNAL_STREAM": f"{met.st_dev}:{met.st_ino}"})
        assert not logs.is_journal(out, {"JOURNAL_STREAM": "1:2"})
        assert not logs.is_journal(out, {})
        assert not logs.is_journal(handled, {"JOURNAL_STREAM": "1:2"})


@pytest.mark.parametrize("wanted", ["", "xml", "json:loud", "debug"])
def test_what_cannot_be_meant_is_refused_with_what_works(wanted: str) -> None:
    with pytest.raises(SettingsError, match="json:debug works"):
        logs.begin(wanted, redact)


def test_the_level_is_of_our_own_lines(handled: io.StringIO) -> None:
    logs.begin("json:debug", redact, handled)
    logging.getLogger("tocsin.x").debug("ours")
    logging.getLogger("apscheduler").info("theirs")
    sys.excepthook(ValueError, ValueError(SECRET), None)
    said = [json.loads(line) for line in handled.getvalue().splitlines()]

    assert ["ours", "the hub ends by an error of its own"] == [line["message"] for line in said]
    assert "ValueError: …" == said[1]["exception"]


async def test_taking_a_request_is_told_only_to_those_who_debug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By the ids under which it is stored; at the usual level it costs no line."""
    scenario = Scenario(tmp_path)
    await scenario.start()
    caplog.set_level(logging.INFO, logger="tocsin")
    await scenario.nagios()
    usual = [line for line in caplog.records if line.name != "tocsin.rules"]
    caplog.set_level(logging.DEBUG, logger="tocsin")
    accepted = await scenario.nagios("web302")
    stored = await scenario.hub.store.event(accepted.events[0])
    await scenario.stop()
    shown, taken = caplog.records[-2:]

    assert [] == usual
    assert stored is not None
    assert (stored.event.request_id, accepted.events, "nagios") == (taken.request_id, taken.event_ids, taken.source)  # type: ignore[attr-defined]
    assert ("room:ops", stored.event.id) == (shown.channel, shown.alert_id)  # type: ignore[attr-defined]


async def test_what_fails_within_a_request_is_found_by_its_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The id of the proxy in front if it gives one, else ours."""
    caplog.handler.setFormatter(logs.formatter("json", redact))
    rules = "version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"
    async with live_hub(tmp_path, rules, {}) as live, aiohttp.ClientSession() as http:
        live.hub.operations.actions.silences = None  # type: ignore[method-assign, assignment]
        for id in ("proxy-7", "not an id"):
            async with http.get(f"{live.url}/api/v1/silences", headers={"X-Request-ID": id}) as answer:
                assert 500 == answer.status
                told = await answer.json()
    first, second = (json.loads(line) for line in caplog.text.splitlines() if "failed" in line)

    assert "proxy-7" == first["request_id"]
    assert "TypeError" in first["exception"]
    assert second["request_id"] in told["detail"]


def test_a_hub_writes_json_from_its_first_line_to_its_last(hub_process: Any) -> None:
    hub: HubProcess = hub_process(env={"TOCSIN_LOG": "json:debug"})
    hub.post("/in/nagios", {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTSTATE": "DOWN"})
    hub.stop()
    said = [json.loads(line) for line in hub.log.read_text().splitlines()]

    assert {"stopping"} <= {line["message"] for line in said}
    assert 1 == sum(1 for line in said if "event_ids" in line)
