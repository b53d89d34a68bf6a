"""How log lines are written: as text for people, or as JSON for machines; without what is secret, and one line each.
Where they go to systemd's journal, each says how grave it is, so that `journalctl -p warning` finds it.

The parts log by the standard library, and name what a line is about by `extra=`: only the names of FIELDS are written.
The one home of structlog.
"""

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.processors import format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

from hub.errors import SettingsError

FIELDS = (
    "request_id",
    "source",
    "event_id",
    "event_ids",
    "alert_id",
    "channel",
    "chat",
    "delivery_id",
    "ask_id",
    "timer",
)
"""What a line may be about, in the order in which a text names it."""
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""The journal's, see sd-daemon(3)."""

log = logging.getLogger("tocsin")

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and what turns the direction of writing round: in a terminal either could rewrite what stands
there."""
_PLAIN = re.compile(r"[\w.:@#/+…-]+")


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Every line that is written within is about this, too."""
    with bound_contextvars(**fields):
        yield


def begin(wanted: str, redact: Callable[[str], str], out: TextIO | None = None) -> None:
    """Write to standard error from now on. `wanted` is `text` or `json`, with a level if not `info`: `json:debug`.
    Raises SettingsError."""
    form, level = _read(wanted)
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter(form, redact, journal=is_journal(handler.stream)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # what libraries have to say of their daily work is of no use here
    log.setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = _note_end
    threading.excepthook = _note_end_of_thread


def is_journal(out: TextIO, variables: Mapping[str, str] = os.environ) -> bool:
    """Whether what is written there goes into systemd's journal: it says which device and inode that is."""
    try:
        met = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return variables.get("JOURNAL_STREAM") == f"{met.st_dev}:{met.st_ino}"


def _read(wanted: str) -> tuple[str, int]:
    form, _, level = wanted.strip().lower().partition(":")
    if form not in FORMATS or (level or "info") not in LEVELS:
        raise SettingsError(f"TOCSIN_LOG is '{wanted}'; text, json, or with a level json:debug works")
    return form, getattr(logging, (level or "info").upper())


def _note_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the hub ends by an error of its own", exc_info=(kind, error, trace))


def _note_end_of_thread(met: threading.ExceptHookArgs) -> None:
    if met.exc_value is not None:
        log.critical("a thread ends by an error of its own", exc_info=(met.exc_type, met.exc_value, met.exc_traceback))


def formatter(form: str, redact: Callable[[str], str], *, journal: bool = False) -> logging.Formatter:
    plain: Processor = _as_json if form == "json" else _as_text
    write = _for_journal(plain) if journal else plain
    known: list[Processor] = [add_log_level, add_logger_name, _stamp, merge_contextvars, ExtraAdder(allow=FIELDS)]
    written: list[Processor] = [format_exc_info, _drop_record, _discreet(redact), write]
    return _Unfailing(foreign_pre_chain=known, processors=written)


class _Unfailing(ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        """What cannot be written, say because a text lacks what its `%s` stands for, is told of by name alone: Python
        itself would print all that it was given, secrets too."""
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 - a log line must never be what fails
            record.msg, record.args, record.exc_info = f"a line could not be written: {type(error).__name__}", (), None
            return super().format(record)


def _stamp(_: Any, __: str, line: EventDict) -> EventDict:
    at = datetime.fromtimestamp(line["_record"].created, UTC)
    return {**line, "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}


def _drop_record(_: Any, __: str, line: EventDict) -> EventDict:
    return {name: value for name, value in line.items() if not name.startswith("_")}


def _discreet(redact: Callable[[str], str]) -> Processor:
    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return redact(value)
        return [clean(one) for one in value] if isinstance(value, list | tuple) else clean(str(value))

    return lambda _, __, line: {name: clean(value) for name, value in line.items()}


def _for_journal(write: Processor) -> Processor:
    """Before each line, since the journal takes each for an entry of its own; it takes them away again."""

    def grave(logger: Any, name: str, line: EventDict) -> str:
        mark = f"<{PRIORITIES.get(line['level'], PRIORITIES['info'])}>"
        return mark + str(write(logger, name, line)).replace("\n", f"\n{mark}")

    return grave


def _as_json(_: Any, __: str, line: EventDict) -> str:
    named = {"at": line["at"], "level": line["level"], "logger": line["logger"], "message": line["event"]}
    about = {name: value for name, value in line.items() if name not in (*named, "event")}
    return json.dumps({**named, **about})  # which writes what is not ASCII as \u….


def _as_text(_: Any, __: str, line: EventDict) -> str:
    """A line break in it is followed by spaces, so that nobody's text begins a line of its own."""
    message, *more = str(line["event"]).splitlines() or [""]
    fields = [f"{name}={_written(line[name])}" for name in FIELDS if name in line]
    first = " ".join([line["at"], line["level"].upper(), f"{line['logger']}:", message, *fields])
    more += line.get("exception", "").splitlines()
    return "\n    ".join(_UNSEEN.sub(_escaped, part) for part in (first, *more))


def _written(value: Any) -> str:
    text = ",".join(value) if isinstance(value, list) else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
