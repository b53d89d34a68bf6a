"""How strangers' text, times and threads are shown on pages, and the one environment in which the templates are."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import Markup, escape

from hub.contracts import RoomMessage
from hub.core.alert import Alert
from hub.core.event import Link
from hub.core.notification import MessageState
from hub.prose import in_columns

LONGEST_TEXT, LONGEST_VALUE, LONGEST_TITLE, LONGEST_URL = 20_000, 1_000, 300, 2_000
"""Beyond, a page shows a beginning: the whole is in the event."""
FOLD_LINES, FOLD_CHARACTERS = 8, 700
ENTRIES_SHOWN = 4
ALERTS_SHOWN, ALERTS_LISTED = 30, 200
"""On the first page, at once and unfolded, so that what stands below can be reached. Beyond there is their number: tens
of thousands would keep the hub busy for seconds, just when they come."""

_LINE_ENDS = re.compile("\r\n|\r|\u2028|\u2029|\x85")
# Controls, surrogates, and what turns the direction of writing: with these "moc.live" reads as another name.
UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
# Marks that rightly stand in Arabic and Hebrew; each piece of text is isolated by the page, so they are not missed.
_SILENT = re.compile("[\u061c\u200e\u200f\ufeff]")

# Those of them that ASCII has.
_CONTROLS = bytes(code for code in range(128) if _LINE_ENDS.match(chr(code)) or UNSHOWABLE.match(chr(code)))


def plain(text: str) -> str:
    """A stranger's text, or a page with it, as it may be shown: lines stay, nothing else controls anything."""
    if _is_plain(text):  # as nearly all is
        return text
    return UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", _SILENT.sub("", _LINE_ENDS.sub("\n", text)))


def _is_plain(text: str) -> bool:
    """Asked in ways that take a fraction of what the three expressions take."""
    if text.isascii():
        return len(text.encode().translate(None, _CONTROLS)) == len(text)
    return text.replace("\n", "").isprintable()


def clip(text: str, longest: int = LONGEST_TEXT) -> str:
    return text if len(text) <= longest else f"{text[:longest]}\n… (cut: {len(text):,} characters)"


def value(text: str) -> str:
    return clip(text, LONGEST_VALUE)


def short(text: str) -> str:
    return text if len(text) <= LONGEST_TITLE else f"{text[:LONGEST_TITLE]} …"


def offered(text: str, proposals: Sequence[str]) -> Sequence[str]:
    """The text in pieces; each second one is a sentence that it proposes, without its quotes."""
    either = "|".join(re.escape(one) for one in sorted(proposals, key=len, reverse=True))
    return re.split(f'"({either})"', text) if proposals else [text]


def is_long(text: str) -> bool:
    return len(text) > FOLD_CHARACTERS or text.count("\n") >= FOLD_LINES


def beginning(text: str) -> str:
    """What is shown of a long text until it is unfolded."""
    return "\n".join(text.split("\n")[: FOLD_LINES // 2])[: FOLD_CHARACTERS // 2].rstrip() + " …"


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeLink:
    title: str
    url: str
    host: str
    """Shown beside the title, which a stranger chose."""


def safe_links(links: Sequence[Link]) -> list[SafeLink]:
    """Those that lead to the web. `javascript:` and its kin are left out."""
    return [safe for link in links for safe in [_safe(link)] if safe is not None]


def _safe(link: Link) -> SafeLink | None:
    url = link.url.strip()
    try:
        parts = urlsplit(url.replace("\\", "/"))  # as browsers read it: `https://evil\\@good` leads to evil
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or len(url) > LONGEST_URL or UNSHOWABLE.search(url):
        return None
    return SafeLink(title=link.title or host, url=url, host=host)


# ------------------------------------------------------------------------------------------------------ what is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    head: RoomMessage
    entries: tuple[RoomMessage, ...] = ()


def threads_of(messages: Sequence[RoomMessage]) -> list[Thread]:
    """Heads in their order, each with its entries; an entry whose head is not there stands for itself."""
    heads = {message.id: message for message in messages if message.thread is None}
    entries: dict[str, list[RoomMessage]] = {}
    for message in messages:
        at = message.thread if message.thread in heads else message.id
        if at != message.id:
            entries.setdefault(str(at), []).append(message)
        else:
            heads.setdefault(message.id, message)
    return [Thread(head=head, entries=tuple(entries.get(name, ()))) for name, head in heads.items()]


def version_of(messages: Sequence[RoomMessage]) -> str:
    """What a page shows, in short: equal means that a page missed nothing."""
    told = "\n".join(f"{message.id} {message.edited_at or ''}" for message in messages)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def alert_state(alert: Alert, *, silenced: bool) -> MessageState:
    if not alert.open:
        return MessageState.RESOLVED
    if silenced or alert.quieted is not None:
        return MessageState.SILENCED
    return MessageState.ACKED if alert.ack else MessageState.OPEN


def ago(at: datetime, now: datetime) -> str:
    """An age in one unit, as one glances at it; a time to come reads `in 5 min`."""
    seconds = (now - at).total_seconds()
    text = _span(seconds) if seconds > 0 else _span(-seconds, ahead=True)
    if not text:
        return "now"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def _span(seconds: float, *, ahead: bool = False) -> str:
    """What is over counts whole units; what is to come the nearest: two hours that have just begun are no "1 h"."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size * (2 if unit == "d" else 1):
            return f"{int(seconds / size + ahead / 2)} {unit}"
    return ""


def written(at: datetime) -> str:
    """The time as it is read without a script."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def exact(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


_SPECIAL = re.compile("[&<>'\"]")


class _Pieces(CodeGenerator):
    """Lets `PageEnvironment.escaped` escape each piece of a page. Should a later jinja2 make its code otherwise, then
    its own way does it, and does the same."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("environment.escaped(")
        else:
            super()._output_child_pre(node, frame, finalize)


class PageEnvironment(jinja2.Environment):
    code_generator_class = _Pieces

    @staticmethod
    def escaped(piece: object) -> str:
        """As `escape`, which makes a `Markup` even of what is only written out: of a message on an open page, which has
        fifty pieces, that took a fifth of the time."""
        if type(piece) is Markup or (type(piece) is str and _SPECIAL.search(piece) is None):
            return piece
        return escape(piece)


def page_environment(folders: Sequence[Path], static: "Mapping[str, StaticFile]") -> jinja2.Environment:
    """The one environment of the pages. The first folder that has a `pages/…` template gives it."""
    environment = PageEnvironment(
        loader=jinja2.FileSystemLoader([folder / "pages" for folder in folders]),
        autoescape=True,
        auto_reload=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clip": clip, "ago": ago, "written": written, "exact": exact, "beginning": beginning}
    environment.filters |= {"value": value, "short": short, "safe_links": safe_links, "offered": offered}
    environment.tests |= {"long": is_long, "columns": in_columns}
    environment.globals |= {
        "entries_shown": ENTRIES_SHOWN,
        "alerts_shown": ALERTS_SHOWN,
        "static": lambda name: f"/static/{name}?v={static[name].mark}",
    }
    return environment


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    body: bytes
    type: str
    mark: str


def static_answer(request: web.Request, file: StaticFile) -> web.Response:
    """The file. One that is as it was when a page asked for it by its mark may be kept for good."""
    keep = "public, max-age=31536000, immutable" if request.query.get("v") == file.mark else "no-cache"
    headers = {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    return packed(request, web.Response(body=file.body, content_type=file.type, charset="utf-8", headers=headers))


def packed(request: web.Request, response: web.Response) -> web.Response:
    """For who takes it so, a tenth as long: in a storm the first page has 200 kB, which takes its time on a train."""
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response


def static_files(folders: Sequence[Path]) -> dict[str, StaticFile]:
    """All that may be asked for under `/static`, read once: no path of a stranger ever reaches the disk."""
    found: dict[str, StaticFile] = {}
    for path in (path for folder in folders for path in sorted((folder / "pages" / "static").glob("*.*"))):
        body = path.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        mark = hashlib.sha256(body).hexdigest()[:12]
        found.setdefault(path.name, StaticFile(body=body, type=kind, mark=mark))
    return found
