"""What rooms are made of: threads of messages as HTML, for the page, and one by one for its live stream.

They are put together here and not by a template, since a room to which many messages come is made of little else, and
jinja2 takes several times as long. A piece of HTML is of a type of its own: the type checker lets nothing else into
another, so that a stranger's text gets there by `text` alone, which escapes it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from hub.contracts import RoomMessage
from hub.core.event import Link
from hub.core.notification import Message, MessageKind, MessageState
from hub.prose import in_columns


class Html(str):
    """What is HTML already; templates take it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


NOTHING = Html("")

LONGEST_TEXT, LONGEST_VALUE, LONGEST_TITLE, LONGEST_URL = 20_000, 1_000, 300, 2_000
"""Beyond, a page shows a beginning: the whole is in the event."""
FOLD_LINES, FOLD_CHARACTERS = 8, 700
ENTRIES_SHOWN = 4

# ---------------------------------------------------------------------------------------------------- strangers' text

_LINE_ENDS = re.compile("\r\n|\r|\u2028|\u2029|\x85")
# Controls, surrogates, and what turns the direction of writing: with these "moc.live" reads as another name.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
# Marks that rightly stand in Arabic and Hebrew; each piece of text is isolated by the page, so they are not missed.
_SILENT = re.compile("[\u061c\u200e\u200f\ufeff]")

# Those of them that ASCII has.
_CONTROLS = bytes(code for code in range(128) if _LINE_ENDS.match(chr(code)) or _UNSHOWABLE.match(chr(code)))


def plain(text: str) -> str:
    """A stranger's text, or a page with it, as it may be shown: lines stay, nothing else controls anything."""
    if _is_plain(text):  # as nearly all is
        return text
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", _SILENT.sub("", _LINE_ENDS.sub("\n", text)))


def _is_plain(text: str) -> bool:
    """Asked in ways that take a fraction of what the three expressions take."""
    if text.isascii():
        return len(text.encode().translate(None, _CONTROLS)) == len(text)
    return text.replace("\n", "").isprintable()


def text(words: str) -> Html:
    """A stranger's text as a piece of HTML."""
    return Html(escape(words))


def clip(words: str, longest: int = LONGEST_TEXT) -> str:
    return words if len(words) <= longest else f"{words[:longest]}\n… (cut: {len(words):,} characters)"


def value(words: str) -> str:
    return clip(words, LONGEST_VALUE)


def short(words: str) -> str:
    return words if len(words) <= LONGEST_TITLE else f"{words[:LONGEST_TITLE]} …"


def is_long(words: str) -> bool:
    return len(words) > FOLD_CHARACTERS or words.count("\n") >= FOLD_LINES


def beginning(words: str) -> str:
    """What is shown of a long text until it is unfolded."""
    return "\n".join(words.split("\n")[: FOLD_LINES // 2])[: FOLD_CHARACTERS // 2].rstrip() + " …"


class SafeLink(NamedTuple):
    title: str
    url: str
    host: str
    """Shown beside the title, which a stranger chose."""


def safe_links(links: Sequence[Link]) -> list[SafeLink]:
    """Those that lead to the web. `javascript:` and its kin are left out."""
    return [safe for link in links if (safe := _safe(link)) is not None]


def _safe(link: Link) -> SafeLink | None:
    url = link.url.strip()
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or len(url) > LONGEST_URL or _UNSHOWABLE.search(url):
        return None
    return SafeLink(title=link.title or host, url=url, host=host)


# -------------------------------------------------------------------------------------------------------- small pieces


def put(pattern: str, *pieces: Html) -> Html:
    """Pieces in their places: at each `%s` of a pattern of ours."""
    return Html(pattern % pieces)


def joined(pieces: Iterable[Html], between: str = "") -> Html:
    return Html(between.join(pieces))


def ago(at: datetime, now: datetime) -> str:
    """An age in one unit, as one glances at it; a time to come reads `in 5 min`."""
    seconds = (now - at).total_seconds()
    span = _span(abs(seconds))
    if not span:
        return "now"
    return f"{span} ago" if seconds > 0 else f"in {span}"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size * (2 if unit == "d" else 1):
            return f"{int(seconds // size)} {unit}"
    return ""


def exact(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


TIME = '<time datetime="%s" title="%s" data-age="%s">%s</time>\n'


def when(at: datetime, now: datetime) -> Html:
    age = text(ago(at, now))
    return put(TIME, text(at.isoformat()), text(exact(at)), age, age)


ICON = """<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
%s
</svg>
"""
OCTAGON = (
    '<path fill="currentColor" fill-rule="evenodd" d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1L5.1 1Z'
    'm.6 3.4L4.4 5.7 6.7 8l-2.3 2.3 1.3 1.3L8 9.3l2.3 2.3 1.3-1.3L9.3 8l2.3-2.3-1.3-1.3L8 6.7 5.7 4.4Z"/>'
)
DIAMOND = (
    '<path fill="currentColor" fill-rule="evenodd" d="M7.2.7c.4-.4 1.2-.4 1.6 0l6.5 6.5c.4.4.4 1.2 0 1.6l-6.5 6.5'
    "c-.4.4-1.2.4-1.6 0L.7 8.8c-.4-.4-.4-1.2 0-1.6L7.2.7Z"
    'm-.1 3.5v4.6h1.8V4.2H7.1ZM8 10a1.1 1.1 0 1 0 0 2.2A1.1 1.1 0 0 0 8 10Z"/>'
)
TRIANGLE = (
    '<path fill="currentColor" fill-rule="evenodd" d="M8 .9c.5 0 .9.3 1.1.7l6.2 11.2c.5.9-.1 1.9-1.1 1.9H1.8'
    "c-1 0-1.6-1-1.1-1.9L6.9 1.6C7.1 1.2 7.5.9 8 .9Z"
    'M7.1 5.2v4.3h1.8V5.2H7.1Zm.9 5.5a1.1 1.1 0 1 0 0 2.2 1.1 1.1 0 0 0 0-2.2Z"/>'
)
LETTER_I = (
    '<circle cx="8" cy="8" r="6.4" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    '<path stroke="currentColor" stroke-width="1.8" stroke-linecap="round" d="M8 7.3v4"/>'
    '<circle cx="8" cy="4.7" r="1.1" fill="currentColor"/>'
)
HALF_DISC = (
    '<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.8"/>'
    '<path fill="currentColor" d="M8 1.8v12.4A6.2 6.2 0 0 1 8 1.8Z"/>'
)
CROSSED_BELL = (
    '<path fill="currentColor" d="M8 1.5a4 4 0 0 0-4 4v3.2l-1.3 2.5h10.6L12 8.7V5.5a4 4 0 0 0-4-4Z'
    'm-1.8 11a1.9 1.9 0 0 0 3.6 0H6.2Z"/>'
    '<path stroke="var(--card)" stroke-width="3.6" d="m2 14.5 12-13"/>'
    '<path stroke="currentColor" stroke-width="1.7" stroke-linecap="round" d="m2 14.5 12-13"/>'
)
TICK = (
    '<path fill="none" stroke="currentColor" stroke-width="2.3" stroke-linecap="round" stroke-linejoin="round"'
    ' d="m2.3 8.6 3.9 3.9 7.5-8.6"/>'
)
ICONS = {
    ("open", "critical"): OCTAGON,
    ("open", "error"): DIAMOND,
    ("open", "info"): LETTER_I,
    ("open", ""): TRIANGLE,
    ("acked", ""): HALF_DISC,
    ("silenced", ""): CROSSED_BELL,
    ("resolved", ""): TICK,
}


@lru_cache(maxsize=100)
def icon(state: str, severity: str = "") -> Html:
    """A shape beside the colour: of what is open it says how bad it is."""
    return put(ICON, Html(ICONS.get((state, severity)) or ICONS.get((state, ""), LETTER_I)))


# ------------------------------------------------------------------------------------------------------------ messages

LONG = (
    '<details class="long"><summary><bdi class="beginning">%s</bdi><span class="more">Show all</span></summary>'
    '<pre dir="auto"%s>%s</pre></details>\n'
)
TEXT = '<pre dir="auto"%s>%s</pre>\n'
COLUMNS = Html(' class="columns"')
FACTS = '<dl class="facts">\n%s</dl>\n'
FACT = '<div><dt dir="auto">%s</dt><dd dir="auto">%s</dd></div>\n'
LINKS = '<ul class="links">\n%s</ul>\n'
LINK = (
    '<li><a href="%s" rel="noopener noreferrer" target="_blank"><bdi>%s</bdi></a> <span class="host">%s</span></li>\n'
)
BUTTONS = (
    '<form class="buttons" method="post" action="/room/%s/press" data-press aria-label="Actions"'
    ' aria-describedby="t-%s">\n%s</form>\n'
)
BUTTON = '<button name="value" value="%s"%s aria-describedby="t-%s">%s</button>\n'
PRIMARY = Html(' class="primary"')
WHOM = '<p class="whom">for %s</p>\n'
CARD = """<div class="card head" data-state="%s"%s>
<p class="bar">
<span class="state">%s%s</span>
%s<span class="when">%s</span>
</p>
<h2 dir="auto" id="t-%s">%s</h2>
%s%s%s%s</div>
"""
BAD = ' data-bad="%s"'
SEVERITY = '<span class="severity" data-severity="%s">%s%s</span>\n'
STANDING = '<p class="standing" dir="auto">%s</p>\n'
FOLDED = '<details class="folded"><summary>Details</summary>%s</details>\n'
BUBBLE = """<div class="bubble head" data-kind="%s">
<p class="who"><b dir="auto">%s</b> %s</p>
%s%s</div>
"""
WORDS = '<p class="words" dir="auto">%s</p>\n'
LINE = """<div class="line head%s">
<p class="words">%s%s<span dir="auto" id="t-%s">%s</span> %s</p>
%s%s%s</div>
"""
LOUD = Html(" loud")
BAD_LINE = '<b class="severity" data-severity="%s">%s</b> '
SAID = (MessageKind.SAID, MessageKind.REPLY)
CARDS = (MessageKind.ALERT, MessageKind.NOTICE)
QUIET_STATES = (MessageState.RESOLVED, MessageState.SILENCED)


def _body(words: str) -> Html:
    columns = COLUMNS if in_columns(words) else NOTHING
    if is_long(words):
        return put(LONG, text(beginning(words)), columns, text(clip(words)))
    return put(TEXT, columns, text(words)) if words else NOTHING


def _particulars(message: Message) -> Html:
    facts = joined(put(FACT, text(short(name)), text(value(said))) for name, said in message.facts)
    links = joined(
        put(LINK, text(url), text(short(title)), text(host)) for title, url, host in safe_links(message.links)
    )
    return joined(
        (_body(message.text), put(FACTS, facts) if facts else NOTHING, put(LINKS, links) if links else NOTHING)
    )


def _buttons(message: RoomMessage, room: str) -> Html:
    if not message.message.buttons:
        return NOTHING
    id = text(message.id)
    made = (
        put(BUTTON, text(button.value), PRIMARY if button.primary else NOTHING, id, text(short(button.label)))
        for button in message.message.buttons
    )
    return put(BUTTONS, text(quote(room)), id, joined(made))


def _whom(message: Message) -> Html:
    names = [put('<b dir="auto">%s</b>', text(short(one.name))) for one in message.mentions]
    return put(WHOM, joined(names, ", ")) if names else NOTHING


def _bad(message: Message) -> str:
    return message.severity.word if message.severity else ""


def _card(message: RoomMessage, room: str, now: datetime) -> Html:
    """An alert or a notice. What is over, or quiet, keeps its particulars folded: it shall not shout."""
    m, bad = message.message, _bad(message.message)
    state = m.state or MessageState.NOTICE
    was = Html("was ") if state is MessageState.RESOLVED else NOTHING
    particulars = _particulars(m)
    return put(
        CARD,
        text(state),
        put(BAD, text(bad)) if bad else NOTHING,
        icon(state, bad),
        text(state.upper()),
        put(SEVERITY, text(bad), was, text(bad)) if bad else NOTHING,
        when(message.posted_at, now),
        text(message.id),
        text(short(m.title)),
        _whom(m),
        put(STANDING, text(value(m.standing))) if m.standing else NOTHING,
        put(FOLDED, particulars) if particulars and state in QUIET_STATES else particulars,
        _buttons(message, room),
    )


def _bubble(message: RoomMessage, now: datetime) -> Html:
    m = message.message
    words = put(WORDS, text(clip(m.title))) if m.title else NOTHING
    return put(BUBBLE, text(m.kind), text(short(m.author)), when(message.posted_at, now), words, _body(m.text))


def _line(message: RoomMessage, room: str, now: datetime) -> Html:
    m, bad = message.message, _bad(message.message)
    picture = NOTHING
    if message.loud:
        picture = icon("open", bad) if bad else icon("notice")
    elif m.occasion == "resolved":
        picture = icon("resolved")
    return put(
        LINE,
        LOUD if message.loud else NOTHING,
        picture,
        put(BAD_LINE, text(bad), text(bad)) if message.loud and bad else NOTHING,
        text(message.id),
        text(value(m.title)),
        when(message.posted_at, now),
        _whom(m),
        _body(m.text),
        _buttons(message, room),
    )


def _face(message: RoomMessage, room: str, now: datetime) -> Html:
    kind = message.message.kind
    if kind in CARDS:
        return _card(message, room, now)
    return _bubble(message, now) if kind in SAID else _line(message, room, now)


def _spoken(message: RoomMessage) -> Html:
    """What is read aloud when it comes: alerts, loud lines and what people say; neither edits nor quiet lines."""
    m = message.message
    if m.kind in SAID:
        return text(f"{short(m.author)}: {short(m.title or m.text)}".strip())
    if not (m.state or message.loud):
        return NOTHING
    how = ", ".join(word for word in (m.state or "", _bad(m)) if word)
    return text(f"{how}: {short(m.title)}".strip() if how else short(m.title).strip())


# ------------------------------------------------------------------------------------------------------------- threads

ENTRY = '<li class="entry" id="m-%s" data-spoken="%s">%s</li>\n'
THREAD = """<article class="thread" id="m-%s" data-kind="%s" aria-label="%s" data-spoken="%s">
%s<div class="under">
%s<ol class="entries latest" aria-label="Thread">
%s</ol>
%s</div>
</article>
"""
OLDER = """<details class="older"><summary>%s earlier</summary>
<ol class="entries" aria-label="Earlier in the thread">
%s</ol></details>
"""
ANSWER = """<details class="answer"><summary>Reply in thread</summary>
<form method="post" action="/room/%s/say" data-say>
<input type="hidden" name="thread" value="%s">
<input class="field" name="text" aria-label="Reply about %s" placeholder="ack, unack, silence 1h, or a word"\
 maxlength="4000" required autocomplete="off" autocapitalize="none" enterkeyhint="send">
<button class="primary">Send</button>
</form></details>
"""


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


def entry(message: RoomMessage, room: str, now: datetime) -> Html:
    return put(ENTRY, text(message.id), _spoken(message), _face(message, room, now))


def thread(head: RoomMessage, entries: Sequence[RoomMessage], room: str, now: datetime) -> Html:
    m, id = head.message, text(head.id)
    older = entries[:-ENTRIES_SHOWN] if len(entries) > ENTRIES_SHOWN + 1 else ()
    earlier = joined(entry(message, room, now) for message in older)
    latest = joined(entry(message, room, now) for message in entries[len(older) :])
    return put(
        THREAD,
        id,
        text(m.kind),
        text(short(m.title or m.author)),
        _spoken(head),
        _face(head, room, now),
        put(OLDER, text(str(len(older))), earlier) if older else NOTHING,
        latest,
        put(ANSWER, text(quote(room)), id, text(short(m.title))) if m.kind in CARDS else NOTHING,
    )
