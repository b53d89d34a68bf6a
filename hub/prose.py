"""Strangers' text, made fit to be told: on one line, or in a few, cut where it grows too long."""

import re
from urllib.parse import urlsplit

from hub.core.event import Link
from hub.core.notification import Message
from hub.core.records import replace

LONGEST_NAME = 60
LAID_OUT = 20_000
"""How much of a text is looked at for columns."""
AHEAD = 20
"""How many times its length of a text is looked at: it may have megabytes, and what is cut off does not matter."""


_GAP = re.compile(r"\n{3,}")


def one_line(text: str, longest: int) -> str:
    """Text on one line."""
    even = " ".join(text[: AHEAD * longest].split())
    return even if len(even) <= longest else cut(even, longest)


def in_lines(text: str, longest: int) -> str:
    """A text of several lines, without wide gaps."""
    return cut(_GAP.sub("\n\n", text[: 2 * longest].replace("\r\n", "\n")).strip(), longest)


def in_columns(text: str) -> bool:
    """Whether somebody laid it out: columns stay columns in even letters only."""
    return re.search(r"\S {2,}\S", text[:LAID_OUT]) is not None


def say_count(number: int, thing: str) -> str:
    """`1 alert`, `1,204 alerts`."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and a sign that there is more."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


# ------------------------------------------------------------------------------------------------ for a chat to show

_LINE_ENDS = re.compile("\r\n|\r|\u2028|\u2029|\x85|\x0b|\x0c")
# Controls, halves of pairs, and what turns the direction of writing: with these "moc.live" reads as another name.
_UNSHOWABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
_UNSAFE = re.compile(r"[<>\"\\]|[^!-~]")


def plain(message: Message) -> Message:
    """The message with nothing but text in it: the body in lines, all else in one."""
    facts = ((spaced(name), spaced(value)) for name, value in message.facts)
    return replace(
        message,
        title=spaced(message.title),
        standing=spaced(message.standing),
        text=clean(message.text).strip("\n"),
        facts=tuple((name, value) for name, value in facts if name and value),
        links=tuple(Link(title=spaced(link.title), url=link.url.strip()) for link in message.links),
        mentions=tuple(
            replace(mention, name=one_line(clean(mention.name), LONGEST_NAME)) for mention in message.mentions
        ),
        buttons=tuple(replace(button, label=spaced(button.label)) for button in message.buttons),
    )


def clean(text: str) -> str:
    """A stranger's text without what controls anything; lines stay."""
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", _LINE_ENDS.sub("\n", text).expandtabs(4))


def spaced(text: str) -> str:
    """The same on one line, however long."""
    return " ".join(clean(text).split())


def web_host(url: str) -> str:
    """The host of an address of the web; empty where it leads elsewhere, or could break out of where it stands."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    return host or "" if parts.scheme in ("http", "https") and not _UNSAFE.search(url) else ""


# -------------------------------------------------------------------------------------------------------- for Markdown


def code(text: str, longest: int = 200) -> str:
    """Text as Markdown shows it letter for letter, also in a table: nothing in it pings, links or formats."""
    safe = one_line(clean(text), longest).replace("`", "'").replace("|", "\N{BROKEN BAR}")
    return f"`{safe}`" if safe else ""
