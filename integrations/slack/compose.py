"""A message as Slack shows it: Block Kit. Pure.

All words may be a stranger's, so they stand in the text elements of rich text and on buttons: there they are shown as
they are, make no link, ping nobody and know no emoji. `mrkdwn`, which has no escape for `*` and `_`, holds words of our
own alone. The fallback, for notifications and screen readers, is escaped.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.core.event import Link, Severity
from hub.core.notification import Mention, Message, MessageKind, MessageState, Occasion
from hub.prose import clean, cut, in_columns, plain, spaced, web_host
from integrations.slack.address import HERE, can_ping

Json = dict[str, Any]

LARGEST = 9_000
"""Characters of the message as JSON. Slack refuses blocks from some 11,000 on, and does not say how it counts."""
BUDGETS = (800, 400, 200, 100, 40)
"""Characters that any text may have: the first with which the message is small enough. The last always is."""
LINES, LINES_WHEN_OVER = 10, 2
"""Of a text. What is longer Slack folds, and the buttons with it."""
LONGEST_TITLE, LONGEST_STANDING, LONGEST_NAME, LONGEST_FACT = 250, 500, 40, 100
LONGEST_LABEL, LONGEST_VALUE, LONGEST_URL = 75, 255, 1_000
LONGEST_FALLBACK = 600
"""Escaped it may be five times as long; from 4,000 on Slack makes several messages of it."""
LONGEST_REPLY = 5_000
FACTS, LINKS, BUTTONS = 9, 5, 5
"""A line of facts has ten places, and one may be needed to say that there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An emoji, each of another shape, for those who see no colours; and the colour of the edge."""

    emoji: str
    colour: str


OPEN: Mapping[Severity | None, Look] = {
    Severity.CRITICAL: Look(emoji="rotating_light", colour="#c62828"),
    Severity.ERROR: Look(emoji="large_orange_diamond", colour="#d9541e"),
    Severity.WARNING: Look(emoji="warning", colour="#e0a100"),
    Severity.INFO: Look(emoji="information_source", colour="#2a6099"),
    None: Look(emoji="large_orange_diamond", colour="#c62828"),
}
OTHERWISE: Mapping[MessageState | None, Look] = {
    MessageState.ACKED: Look(emoji="eyes", colour="#a8742a"),
    MessageState.SILENCED: Look(emoji="no_bell", colour="#5a5791"),
    MessageState.RESOLVED: Look(emoji="white_check_mark", colour="#1b8a4b"),
    MessageState.NOTICE: Look(emoji="speech_balloon", colour="#2a6099"),
}
BRIEFLY: Mapping[Occasion | None, str] = {
    Occasion.RESOLVED: "white_check_mark",
    Occasion.EASED: "arrow_lower_right",
    Occasion.ACKED: "eyes",
    Occasion.SILENCED: "no_bell",
    Occasion.UNSILENCED: "bell",
    Occasion.DIGEST: "clipboard",
}
"""What begins a line that wakes nobody."""
BEGAN: Mapping[MessageState | None, str] = {MessageState.NOTICE: "", MessageState.RESOLVED: "began "}
OVER = (MessageState.RESOLVED, MessageState.SILENCED)
CARDS = (MessageKind.ALERT, MessageKind.NOTICE)


def compose(message: Message) -> Json:
    """Text, blocks and attachments, as `chat.postMessage` and `chat.update` take them."""
    shown, built = plain(message), Json()
    for budget in BUDGETS:
        built = _card(shown, budget) if shown.kind in CARDS else _line(shown, budget)
        if len(json.dumps(built, ensure_ascii=False)) <= LARGEST:
            break
    return built


def compose_reply(text: str) -> Json:
    """What the hub says back to somebody."""
    words = cut(clean(text).strip("\n"), LONGEST_REPLY) or "…"
    return {"text": escaped(cut(words, LONGEST_FALLBACK)), "blocks": _rich(_section(_text(words)))}


def _card(message: Message, budget: int) -> Json:
    """An alert or a notice. What it is and how it stands is on top, where Slack folds nothing; the rest has a coloured
    edge, which only attachments have."""
    look, state = _look(message), message.state
    title = _text(f" {_title(message, budget)}", bold=state not in OVER)
    edge = [
        *_rich(_section(_text(_standing(message, budget)))),
        *_rich(*_body(message, budget)),
        *_rich(_section(_links(message, budget))),
        *_facts(message, budget),
        *_actions(message),
    ]
    return {
        "text": spoken(message),
        "blocks": [*_rich(_section([_emoji(look.emoji), *title]), _section(_for(message))), *_context(message)],
        "attachments": [{"color": look.colour, "blocks": edge}] if edge else [],
    }


def _line(message: Message, budget: int) -> Json:
    """An entry of a thread, or one that stands alone: compact."""
    loud = message.severity is not None
    emoji = OPEN[message.severity].emoji if loud else BRIEFLY.get(message.occasion)
    first = _text(" · ".join(part for part in (_severity(message), _title(message, budget)) if part), bold=loud)
    blocks = _rich(
        _section([_emoji(emoji), *_text(" "), *first] if emoji else first),
        _section(_for(message)),
        _section(_text(_standing(message, budget), italic=True)),
        *_body(message, budget),
        _section(_links(message, budget)),
    )
    return {"text": spoken(message), "blocks": [*blocks, *_actions(message)], "attachments": []}


# --------------------------------------------------------------------------------------------------------------- words


def spoken(message: Message) -> str:
    """The message in a line or two, as a telephone shows it when it rings and a screen reader reads it."""
    words = " · ".join(part for part in (_state(message), _severity(message)) if part)
    said = " — ".join(part for part in (message.title, message.standing) if part)
    first = ": ".join(part for part in (words, said) if part)
    text = "" if message.state in OVER else spaced(message.text)
    said = escaped(cut("\n".join(part for part in (first, text) if part), LONGEST_FALLBACK)) or "…"
    named = [_token(mention) for mention in message.mentions]
    return f"{said}\nfor {', '.join(named)}" if named else said


def _token(mention: Mention) -> str:
    """How the fallback pings somebody. The only tokens in it: all else is escaped."""
    if not can_ping(mention.id):
        return escaped(mention.name)
    return "<!here>" if mention.id == HERE else f"<@{mention.id}>"


def _look(message: Message) -> Look:
    return OTHERWISE.get(message.state) or OPEN[message.severity]


def _state(message: Message) -> str:
    return message.state.upper() if message.state else ""


def _severity(message: Message) -> str:
    severity = message.severity
    if severity is None or (message.state is MessageState.NOTICE and severity is Severity.INFO):
        return ""
    return f"was {severity.word}" if message.state is MessageState.RESOLVED else severity.word.upper()


def _title(message: Message, budget: int) -> str:
    return cut(message.title, min(LONGEST_TITLE, budget)) or "…"


def _standing(message: Message, budget: int) -> str:
    return cut(message.standing, min(LONGEST_STANDING, budget))


# -------------------------------------------------------------------------------------------------------------- blocks


def _for(message: Message) -> Iterator[Json]:
    """Whom it is for: they are pinged by elements of their own, which no text can be mistaken for."""
    for number, mention in enumerate(message.mentions):
        yield from _text(", " if number else "for ")
        if mention.id == HERE:
            yield {"type": "broadcast", "range": HERE}
        elif can_ping(mention.id):
            yield {"type": "user", "user_id": mention.id}
        else:
            yield from _text(mention.name)


def _context(message: Message) -> Sequence[Json]:
    """State, severity, since when."""
    named = " · ".join(word for word in (_state(message), _severity(message)) if word)
    elements = [_plain_text(named)] if named else []
    if message.at is not None:
        # In the reader's own zone, which takes `mrkdwn`; nobody else's words are in it.
        words, fallback = BEGAN.get(message.state, "since "), message.local or message.at.strftime("%Y-%m-%d %H:%M UTC")
        date = f"<!date^{int(message.at.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"
        elements.append({"type": "mrkdwn", "text": f"{words}{date}"})
    return [{"type": "context", "elements": elements}] if elements else []


def _body(message: Message, budget: int) -> Iterator[Sequence[Json]]:
    text, missing = beginning(message.text, budget, LINES_WHEN_OVER if message.state in OVER else LINES)
    yield _preformatted(text) if in_columns(text) else _section(_text(text))
    yield _section(_text(f"… {missing:,} more characters", italic=True) if missing else ())


def _facts(message: Message, budget: int) -> Sequence[Json]:
    """In small letters: the title mostly says it, and on a telephone each line counts."""
    most = min(FACTS, budget // 20)
    words = [
        f"{cut(name, min(LONGEST_NAME, budget))}: {cut(value, min(LONGEST_FACT, budget))}"
        for name, value in message.facts[:most]
    ]
    if len(message.facts) > most:
        words.append(f"{len(message.facts) - most} more")
    return [{"type": "context", "elements": [_plain_text(word) for word in words]}] if words else []


def _links(message: Message, budget: int) -> Iterator[Json]:
    for number, (title, url) in enumerate(_web(message.links, budget)):
        yield from _text("     " if number else "")
        yield {"type": "link", "url": url, "text": title}


def _actions(message: Message) -> Sequence[Json]:
    elements = [
        {
            "type": "button",
            "action_id": f"press.{number}",
            "text": _plain_text(label),
            # A screen reader says which of all the "Ack" it is.
            "accessibility_label": cut(f"{label}: {message.title}", LONGEST_LABEL),
            "value": button.value,
            **({"style": "primary"} if button.primary else {}),
        }
        for number, button in enumerate(message.buttons[:BUTTONS])
        if (label := cut(button.label, LONGEST_LABEL)) and len(button.value) <= LONGEST_VALUE
    ]
    return [{"type": "actions", "elements": elements}] if elements else []


def _rich(*parts: Sequence[Json]) -> Sequence[Json]:
    """A block of the parts that are there; none if none is."""
    elements = [element for part in parts for element in part]
    return [{"type": "rich_text", "elements": elements}] if elements else []


def _section(runs: Iterator[Json] | Sequence[Json]) -> Sequence[Json]:
    elements = list(runs)
    return [{"type": "rich_text_section", "elements": elements}] if elements else []


def _preformatted(text: str) -> Sequence[Json]:
    return [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}]


def _text(text: str, **style: bool) -> Sequence[Json]:
    """A run of text, shown as it is; none if there is none, which Slack would refuse."""
    chosen = {"style": {name: True for name, on in style.items() if on}} if any(style.values()) else {}
    return [{"type": "text", "text": text, **chosen}] if text else []


def _plain_text(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def _emoji(name: str) -> Json:
    return {"type": "emoji", "name": name}


def _web(links: Sequence[Link], budget: int) -> Iterator[tuple[str, str]]:
    """Titles and addresses of the links that lead to the web, and nowhere else."""
    for link in links[:LINKS]:
        if (host := web_host(link.url)) and len(link.url) <= min(LONGEST_URL, 4 * budget):
            yield cut(link.title, LONGEST_LABEL) or host, link.url.replace("|", "%7C")


# ----------------------------------------------------------------------------------------------------- strangers' text


def beginning(text: str, most: int, lines: int) -> tuple[str, int]:
    """As much of a text as is shown, and how many characters are missing."""
    shown = "\n".join(text[:most].split("\n")[:lines]).rstrip()
    return shown, len(text) - len(shown)


def escaped(text: str) -> str:
    """Plain text such that Slack reads nothing in it: neither mention nor link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
