"""A message as Teams shows it: an Adaptive Card or, where a channel asks for it, a MessageCard. Pure.

All words may be a stranger's. In a card they stand in the runs of a RichTextBlock, since TextBlock and FactSet read
Markdown. Teams on iOS reads it in a run as well, whatever the schema says, so a line is cut into runs none of which
means anything by itself; side by side they show the line as it is. Each line is its own block, since iOS joins lines.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.core.event import Severity
from hub.core.notification import Mention, Message, MessageKind, MessageState, Occasion, shape
from hub.prose import in_columns, plain, web_host

Json = dict[str, Any]

LARGEST = 28_000
"""Bytes that a message may have, all in all: Teams takes 28 KB."""
BUDGETS = (8_000, 4_000, 2_000, 1_000, 500, 250, 100, 50, 25)
"""Characters that any text may have: the first with which the message is small enough. The last always is."""
LINES = 30
"""More of a text is no longer read in a channel."""
LONGEST_TITLE, LONGEST_STANDING, LONGEST_FACT, LONGEST_NAME, LONGEST_BUTTON, LONGEST_URL = 300, 600, 300, 40, 40, 2_000
LONGEST_REPLY = 8_000
FACTS = 16
LINKS = 6
"""Teams shows as many buttons, and hides the rest in a menu."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A style of Adaptive Cards, a colour of MessageCards."""

    style: str
    colour: str


LOOKS: Mapping[MessageState | None, Look] = {
    MessageState.OPEN: Look(style="attention", colour="B3261E"),
    MessageState.ACKED: Look(style="warning", colour="8A5A00"),
    MessageState.SILENCED: Look(style="emphasis", colour="5A5791"),
    MessageState.RESOLVED: Look(style="good", colour="1B6B3D"),
    MessageState.NOTICE: Look(style="accent", colour="2A6099"),
    None: Look(style="default", colour="56606C"),
}
OPEN: Mapping[Severity | None, Look] = {
    Severity.WARNING: Look(style="warning", colour="9A5B00"),
    Severity.INFO: Look(style="accent", colour="2A6099"),
}
"""Of what is open and not so bad: red is for what is."""
HEADS = {"attention": "Attention", "warning": "Warning", "accent": "Accent"}
"""The colour of the first words of what is open, by the style that they stand in."""
NEWS: Mapping[Occasion | None, str] = {
    Occasion.WORSENED: "worse",
    Occasion.EASED: "less bad",
    Occasion.REPEATED: "reported again",
    Occasion.REMINDED: "still open",
    Occasion.ESCALATED: "escalated",
    Occasion.UNACKED: "no longer acked",
    Occasion.UNSILENCED: "no longer silent",
    Occasion.REOPENED: "open again",
}
"""What a message about an alert that was told before says at once. Being acked, silent or resolved is its state."""
BRIEF = frozenset(
    {
        Occasion.ACKED,
        Occasion.UNACKED,
        Occasion.SILENCED,
        Occasion.UNSILENCED,
        Occasion.ANSWERED,
        Occasion.RESOLVED,
    }
)
"""On these the alert itself said nothing: who wants its text and facts finds them in an earlier message."""
CALLED_BY = ("host", "service", "entity", "check", "instance")
"""The facts by whose value an alert can be named in a command."""


def compose(message: Message, *, card: str = "adaptive", listens: bool = False) -> bytes:
    """What is posted, as JSON. `listens`: people can answer by an outgoing webhook, and are told how."""
    build, shown = _message_card if card == "messagecard" else _adaptive, plain(message)
    bodies = (_encoded(build(shown, budget, listens)) for budget in BUDGETS)
    body = b""
    for body in bodies:
        if len(body) <= LARGEST:
            break
    return body


def _encoded(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# -------------------------------------------------------------------------------------------------------------- words


def head(message: Message) -> str:
    """How it stands and how bad it is, in a shape and in words: `✖ OPEN · worse · CRITICAL`."""
    return " ".join(part for part in (shape(message.state, message.severity), in_words(message)) if part)


def in_words(message: Message) -> str:
    """The same for those who hear it."""
    state, news, severity = message.state, NEWS.get(message.occasion, ""), message.severity
    over = state is MessageState.RESOLVED
    words = [
        state.upper() if state else "",
        news if state and not over else "",
        _severity(severity, over=over) if severity else "",
    ]
    return " · ".join(word for word in words if word)


def _severity(severity: Severity, *, over: bool) -> str:
    return f"was {severity.word}" if over else severity.word.upper()


def title_of(message: Message, budget: int) -> str:
    return cut(message.title, min(LONGEST_TITLE, budget))


def standing_of(message: Message, budget: int) -> str:
    return cut(message.standing, min(LONGEST_STANDING, budget))


def spoken(message: Message, budget: int) -> str:
    """The message in one line, for screen readers and where no card can be shown."""
    said = " — ".join(
        part for part in (title_of(message, budget), standing_of(message, budget), for_whom(message)) if part
    )
    # Some clients take this for Markdown or for SSML: neither links nor tags survive it.
    return defused(": ".join(part for part in (in_words(message), said) if part)) or "…"


def look(message: Message) -> Look:
    otherwise = LOOKS[message.state]
    return OPEN.get(message.severity, otherwise) if message.state is MessageState.OPEN else otherwise


def for_whom(message: Message) -> str:
    return f"for {', '.join(one.name for one in message.mentions)}" if message.mentions else ""


def can_ping(id: str) -> bool:
    """By the object id of Entra, or by the name with which somebody signs in."""
    return _ACCOUNT.fullmatch(id) is not None


def how_to_answer(message: Message) -> str:
    """What to type to take an open alert on. There are no buttons: nothing pressed here would reach us."""
    if message.kind is not MessageKind.ALERT or message.state is not MessageState.OPEN:
        return ""
    named = dict(message.facts)
    names = [name for label in CALLED_BY if re.fullmatch(r"[\w.:-]{1,60}", name := named.get(label, ""))]
    return f"Mention tocsin to take it: @tocsin ack {names[0]}" if names else "Mention tocsin to answer: @tocsin alerts"


def facts_of(message: Message, budget: int) -> Iterator[tuple[str, str]]:
    """Names and values, as they are shown."""
    if message.occasion in BRIEF:
        return
    most = min(FACTS, budget // 25)
    for name, value in message.facts[:most]:
        yield cut(name, min(LONGEST_NAME, budget)), cut(value, min(LONGEST_FACT, budget))
    if len(message.facts) > most:
        yield "…", f"{len(message.facts) - most:,} more"
    if message.at is not None and message.kind is MessageKind.ALERT:
        yield "since", message.local or message.at.strftime("%Y-%m-%d %H:%M UTC")


def text_of(message: Message) -> str:
    # A line, such as of what a silence held, has words of its own.
    return "" if message.occasion in BRIEF and message.kind is not MessageKind.LINE else message.text


def links_of(message: Message) -> Iterator[tuple[str, str]]:
    """Titles and addresses of the links that lead to the web, and nowhere else."""
    for link in message.links[:LINKS]:
        if (host := web_host(link.url)) and len(link.url) <= LONGEST_URL:
            yield cut(link.title, LONGEST_BUTTON) or host, link.url


# ----------------------------------------------------------------------------------------------------- strangers' text

_ACCOUNT = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NAME = re.compile(r"[^\W_](?:[\w .'-]*[^\W_])?")
"""That means nothing in Markdown; also an underscore inside it does not."""
# Beside what formats: a backslash before a sign is taken away, two braces begin a time that cards write out anew, an
# entity is read, and behind a parenthesis a list may begin.
_SPECIAL = re.compile(r"[*_\[\]]|\\(?=[!-/:-@\[-`{-~])|\{(?=\{)|&(?=#?\w+;)|\)(?=[-+*]\s)")
_IN_A_WORD = re.compile(r"\w_\w")
_LIST = re.compile(r"\s*(?:[-+](?=\s)|\d+(?=[.)]))")
_JOINER = "\N{WORD JOINER}"


def cut(text: str, most: int) -> str:
    """The text, or its beginning and how much is missing."""
    return text if len(text) <= most else f"{text[:most].rstrip()}… ({len(text) - most:,} more characters)"


def lines_of(text: str, most: int) -> Sequence[str]:
    """The lines of a text, at most so many characters and LINES lines; the last then says how much is missing."""
    shown = "\n".join(text[:most].split("\n")[:LINES])
    missing = len(text) - len(shown)
    return [*shown.split("\n"), f"… {missing:,} more characters"] if missing else shown.split("\n") if shown else []


def runs(line: str) -> Sequence[str]:
    """The line in pieces, none of which means anything by itself."""
    bounds = [match.end() for match in _SPECIAL.finditer(line)]
    if len(bounds) == 1 and _IN_A_WORD.search(line):
        bounds = []  # as in db_01, which formats nothing
    pieces = [line[begin:end] for begin, end in zip((0, *bounds), (*bounds, len(line)), strict=True)]
    return [part for piece in pieces for part in _without_list(piece) if part]


def _without_list(piece: str) -> Sequence[str]:
    marker = _LIST.match(piece)
    return (marker[0], piece[marker.end() :]) if marker else (piece,)


def defused(text: str) -> str:
    """Plain text for where somebody may take it for Markdown, HTML or SSML: it looks the same, and neither link nor
    tag is in it. A bare address stays whole; it leads where it says."""
    return re.sub(r"(?<=\])(?=\()|(?<=\])(?=[\[:])|(?<=<)(?=[/!?\w])", _JOINER, text)


# ------------------------------------------------------------------------------------------------------- Adaptive Card


def _adaptive(message: Message, budget: int, listens: bool) -> Json:
    state, words = message.state, spoken(message, budget)
    # One thing is loud: what is open. Of what is over, a bold "web301 is DOWN" would be read before the word above it.
    loud = {"color": HEADS[look(message).style]} if state is MessageState.OPEN else {}
    weight = {"isSubtle": True} if state is MessageState.RESOLVED else {"weight": "Bolder"}
    entities = [
        {"type": "mention", "text": _at(one), "mentioned": {"id": one.id, "name": one.name}} for one in _pinged(message)
    ]
    top = [
        *_block(head(message), weight="Bolder", size="Small", **loud),
        *_block(title_of(message, budget), spacing="Small", size="Large", **weight),
        *_block(standing_of(message, budget), spacing="Small"),
        *_for(message),
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        # Workflows post 1.4; what is newer may be dropped on the way.
        "version": "1.4",
        "fallbackText": words,
        "speak": words,
        "msteams": {"width": "Full", **({"entities": entities} if entities else {})},
        "body": [
            {"type": "Container", "style": look(message).style, "bleed": True, "items": top or _block("…")},
            *_text(message, budget),
            *_facts(message, budget),
            *(_block(how_to_answer(message), size="Small", isSubtle=True) if listens else ()),
        ],
        "actions": [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links_of(message)],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _for(message: Message) -> Iterator[Json]:
    """Whom it is for. A mention needs a TextBlock, which reads Markdown: nothing but these names stands in it."""
    pinged = _pinged(message)
    if pinged:
        text = f"for {', '.join(map(_at, pinged))}"
        yield {"type": "TextBlock", "text": text, "wrap": True, "spacing": "Small"}
    others = [one.name for one in message.mentions if one not in pinged]
    yield from _block(f"for {', '.join(others)}" if others else "", spacing="Small")


def _pinged(message: Message) -> Sequence[Mention]:
    return [one for one in message.mentions if can_ping(one.id) and _NAME.fullmatch(one.name)]


def _at(mention: Mention) -> str:
    return f"<at>{mention.name}</at>"


def _block(line: str, *, spacing: str = "Default", **style: Any) -> Sequence[Json]:
    """One line of plain text; none if there is none."""
    kept = re.sub(" (?= )", "\N{NO-BREAK SPACE}", line)  # of spaces in a row only one would be shown
    inlines = [{"type": "TextRun", "text": run, **style} for run in runs(kept)]
    return [{"type": "RichTextBlock", "spacing": spacing, "inlines": inlines}] if inlines else []


def _text(message: Message, budget: int) -> Iterator[Json]:
    spacing, letters = "Medium", {"fontType": "Monospace"} if in_columns(text_of(message)) else {}
    for line in lines_of(text_of(message), budget):
        yield from _block(line.rstrip(), spacing=spacing, **letters)
        # An empty line is a gap above the next.
        spacing = "None" if line.strip() else "Medium"


def _facts(message: Message, budget: int) -> Iterator[Json]:
    spacing = "Medium"
    for name, value in facts_of(message, budget):
        columns = [
            {"type": "Column", "width": "100px", "items": _block(name, isSubtle=True)},
            {"type": "Column", "width": "stretch", "items": _block(value)},
        ]
        yield {"type": "ColumnSet", "spacing": spacing, "columns": columns}
        spacing = "Small"


# --------------------------------------------------------------------------------------------------------- MessageCard

_MARKDOWN = re.compile(r"([\\`*_\[\]~|#]|^\s*(?:[-+=>]|\d+(?=[.)])))", re.MULTILINE)
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escaped(text: str) -> str:
    """Plain text such that a MessageCard, which reads Markdown and HTML, shows it literally; two line ends make one."""
    return _MARKDOWN.sub(_escape, text).translate(_ENTITIES).replace("\n", "\n\n")


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    bare = sign.lstrip()
    return f"{sign[: len(sign) - len(bare)]}\\{bare}" if not bare.isdecimal() else f"{sign}{_JOINER}"


def _message_card(message: Message, budget: int, listens: bool) -> Json:
    import pymsteams

    subtitle = " — ".join(part for part in (head(message), standing_of(message, budget)) if part)
    section = pymsteams.cardsection()
    section.activityTitle(escaped(title_of(message, budget)))
    section.activitySubtitle(escaped(subtitle))
    section.text("\n\n".join(_paragraphs(message, budget, listens)))
    for name, value in facts_of(message, budget):
        section.addFact(escaped(name), escaped(value))
    # It is only built here: what the library would send by is of no use to Workflows, and not needed.
    card = pymsteams.connectorcard("")
    card.summary(spoken(message, budget))
    card.color(look(message).colour)
    card.addSection(section)
    return {"@type": "MessageCard", "@context": "https://schema.org/extensions", **card.payload}


def _paragraphs(message: Message, budget: int, listens: bool) -> Iterator[str]:
    text = "\n".join(lines_of(text_of(message), budget))
    # Its buttons are not shown, so links stand in the text.
    links = " · ".join(f"[{escaped(title)}]({_in_parentheses(url)})" for title, url in links_of(message))
    hint = escaped(how_to_answer(message)) if listens else ""
    yield from (part for part in (escaped(text), links, escaped(for_whom(message)), hint) if part)


def _in_parentheses(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29")
