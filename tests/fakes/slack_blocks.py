"""What Slack takes of a message, and what a reader gets to see of it: in words, pings, links, and what was formatted.

Rules and limits are those of Block Kit's reference. Where clients differ, the worst of them counts.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


# ------------------------------------------------------------------------------------------------ what Slack would take


class Faulty(ValueError):
    """What Slack would not take, by its own name for it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


LARGEST = 11_000
"""Characters of all blocks, as JSON; what it is exactly nobody says."""
ELEMENTS = {"text": {"type", "text", "style"}, "emoji": {"type", "name"}, "link": {"type", "url", "text", "style"},
            "user": {"type", "user_id"}, "broadcast": {"type", "range"}}  # fmt: skip


def check(message: Json) -> None:
    """Raise Faulty with what Slack would not take."""
    text, blocks, attachments = message.get("text", ""), message.get("blocks", ()), message.get("attachments", ())
    _must("no_text", text or blocks or attachments, "nothing is said")
    _must("no_text", text.strip(), "there are blocks and no words for notifications")
    _must("msg_too_long", len(text) <= 4_000, "from 4,000 characters on it arrives in pieces")
    _must("invalid_blocks", len(blocks) <= 50, "there are more than 50 blocks")
    _must("too_many_attachments", len(attachments) <= 100, "there are more than 100 attachments")
    for attachment in attachments:
        _must("invalid_attachments", set(attachment) <= {"color", "blocks", "fallback"}, "blocks and older fields")
        _must("invalid_attachments", 1 <= len(attachment["blocks"]) <= 20, "an attachment has 1 to 20 blocks")
        _must("invalid_attachments", re.fullmatch("#[0-9a-f]{6}", attachment["color"]), "a colour is #rrggbb")
    all_blocks = list(_all_blocks(message))
    _must("msg_blocks_too_long", len(json.dumps(all_blocks, ensure_ascii=False)) <= LARGEST, "too much in the blocks")
    for block in all_blocks:
        _check_block(block)
    ids = [element["action_id"] for block in all_blocks for element in block["elements"] if "action_id" in element]
    _must("invalid_blocks", len(ids) == len(set(ids)), "an action_id comes twice")


def _all_blocks(message: Json) -> Iterator[Json]:
    yield from message.get("blocks", ())
    for attachment in message.get("attachments", ()):
        yield from attachment["blocks"]


def _check_block(block: Json) -> None:
    elements = block.get("elements", ())
    match block["type"]:
        case "rich_text":
            _must("invalid_blocks", elements, "an empty rich text")
            for part in elements:
                _check_rich(part)
        case "context":
            _must("invalid_blocks", 1 <= len(elements) <= 10, "a context has 1 to 10 elements")
            for element in elements:
                _check_text(element, 2_000)
        case "actions":
            _must("invalid_blocks", 1 <= len(elements) <= 25, "actions have 1 to 25 elements")
            for element in elements:
                _check_button(element)
        case other:
            _must("invalid_blocks", False, f"a block of type {other}")


def _check_rich(part: Json) -> None:
    _must("invalid_blocks", part["type"] in ("rich_text_section", "rich_text_preformatted"), part["type"])
    _must("invalid_blocks", part["elements"], "an empty section")
    for run in part["elements"]:
        _must("invalid_blocks", set(run) <= ELEMENTS.get(run["type"], set()), f"{run}")
        _must("invalid_blocks", all(run.get(name) != "" for name in ("text", "url", "name")), "an empty text")
        _must("invalid_blocks", len(run.get("url", "")) <= 3_000, "a URL of more than 3,000 characters")


def _check_button(button: Json) -> None:
    _must("invalid_blocks", button["type"] == "button" and button["text"]["type"] == "plain_text", "a button")
    _check_text(button["text"], 75)
    _must("invalid_blocks", 1 <= len(button["accessibility_label"]) <= 75, "a label of 1 to 75 characters")
    _must("invalid_blocks", 1 <= len(button["value"]) <= 2_000, "a value has 1 to 2,000 characters")
    _must("invalid_blocks", 1 <= len(button["action_id"]) <= 255, "an action_id has 1 to 255 characters")
    _must("invalid_blocks", button.get("style", "primary") in ("primary", "danger"), "a style")


def _check_text(text: Json, longest: int) -> None:
    _must("invalid_blocks", text["type"] in ("plain_text", "mrkdwn"), "a text object")
    _must("invalid_blocks", "emoji" not in text or text["type"] == "plain_text", "emoji is of plain_text")
    _must("invalid_blocks", 1 <= len(text["text"]) <= longest, f"a text of 1 to {longest} characters")


def _must(code: str, holds: Any, why: str) -> None:
    if not holds:
        raise Faulty(code, why)


# ------------------------------------------------------------------------------------------------- what a reader sees


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one message shows: its lines, whom it pings, where it leads, and what was not shown as it was written."""

    texts: tuple[str, ...]
    heard: str
    """What a notification and a screen reader say."""
    pings: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    formatted: tuple[str, ...] = ()
    buttons: Mapping[str, str]
    """Labels and values."""
    colour: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A piece of text as a client shows it."""

    text: str
    pings: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    formatted: tuple[str, ...] = ()


def read(message: Json) -> Seen:
    """What a message shows. What it says in a notification pings as well, and leads nowhere."""
    blocks = list(_all_blocks(message))
    heard = mrkdwn(message["text"], **_parsing(message))
    shown = [one for block in blocks for one in _read_block(block)] or [heard]
    buttons = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    return Seen(
        texts=tuple(line for one in shown for line in one.text.split("\n")),
        heard=heard.text,
        pings=tuple(ping for one in (*shown, heard) for ping in one.pings),
        links=tuple(link for one in shown for link in one.links),
        formatted=tuple(form for one in shown for form in one.formatted),
        buttons={button["text"]["text"]: button["value"] for button in buttons},
        colour=next((attachment["color"] for attachment in message.get("attachments", ())), ""),
    )


def _parsing(message: Json) -> dict[str, bool]:
    return {"names": bool(message.get("link_names")) or message.get("parse") in ("full", "client")}


def _read_block(block: Json) -> Sequence[Shown]:
    if block["type"] == "rich_text":
        return [_read_runs(part["elements"]) for part in block["elements"]]
    if block["type"] == "actions":
        return [_read_object(element["text"]) for element in block["elements"]]
    return [_read_object(element) for element in block["elements"]]


def _read_runs(runs: Sequence[Json]) -> Shown:
    """Runs of rich text say what they are; nothing is read out of their text."""
    words = [_read_run(run) for run in runs]
    links = [(run.get("text", ""), run["url"]) for run in runs if run["type"] == "link"]
    pings = [str(run) for run in runs if run["type"] in ("user", "usergroup", "broadcast", "channel")]
    return Shown(text="".join(words), links=tuple(links), pings=tuple(pings))


def _read_run(run: Json) -> str:
    if run["type"] in ("user", "broadcast"):
        return f"@{run.get('user_id') or run['range']}"
    return f":{run['name']}:" if run["type"] == "emoji" else run.get("text") or run["url"]


_SHORTCODE = re.compile(r":[a-z0-9_+-]+:")


def _read_object(text: Json) -> Shown:
    if text["type"] == "mrkdwn":
        return mrkdwn(text["text"], urls=not text.get("verbatim"))
    codes = _SHORTCODE.findall(text["text"]) if text.get("emoji", True) else []
    return Shown(text=text["text"], formatted=tuple(codes))


_TOKEN = re.compile(r"<([^<>]*)>")
_FORMATS = (
    re.compile(r"(?<!\w)\*[^*\s][^*\n]*\*(?!\w)"),
    re.compile(r"(?<!\w)_[^_\s][^_\n]*_(?!\w)"),
    re.compile(r"(?<!\w)~[^~\s][^~\n]*~(?!\w)"),
    re.compile(r"`[^`\n]+`"),
    re.compile(r"^(?:>|&gt;)", re.MULTILINE),
    _SHORTCODE,
)
_NAMES = re.compile(r"(?<!\w)(?:@(?:channel|here|everyone)|#[a-z][\w-]*)")
_URLS = re.compile(r"https?://\S+")


def mrkdwn(text: str, *, urls: bool = True, names: bool = False) -> Shown:
    """How a client shows this as `mrkdwn`."""
    tokens = [found[1] for found in _TOKEN.finditer(text)]
    pings = [token for token in tokens if token[:1] in "@#!" and not token.startswith("!date")]
    links = [(token.partition("|")[2], token.partition("|")[0]) for token in tokens if token[:1] not in "@#!"]
    rest = _TOKEN.sub(lambda found: found[1].partition("|")[2] or found[1], text)
    formatted = [found[0] for form in _FORMATS for found in form.finditer(rest)]
    if names:
        pings += _NAMES.findall(rest)
    if urls:
        links += [("", url) for url in _URLS.findall(_TOKEN.sub(" ", text))]
    return Shown(text=html.unescape(rest), pings=tuple(pings), links=tuple(links), formatted=tuple(formatted))
