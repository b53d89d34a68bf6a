"""Nothing that a stranger writes can ping, lead somewhere, or format, in any chat: it is shown as it is.

Each chat has a reader in `tests/fakes/readers`, called like its folder: what people get out of a message there, by its
fake or by the page itself. There is no list of them.
"""

import importlib
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hostile import HOSTILE

from hub.core.event import Link, Severity
from hub.core.notification import Button, Mention, Message, MessageKind, MessageState
from hub.registry import installed
from tests.fakes import readers
from tests.fakes.readers.read import Reader, Says

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OURS = Link(title="Open in Nagios", url="https://nagios.example.com/web301")
KINDS = pytest.mark.parametrize("kind", [MessageKind.ALERT, MessageKind.NOTICE, MessageKind.LINE])
TEXTS = pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))

(FOLDER,) = map(Path, readers.__path__)
CHATS = [name for name, tool in installed().items() if tool.chat]
READABLE = {
    name: importlib.import_module(f"tests.fakes.readers.{name}") for name in CHATS if (FOLDER / f"{name}.py").is_file()
}
READERS: dict[str, Reader] = {
    f"{name}: {way}": read for name, chat in READABLE.items() for way, read in chat.READERS.items()
}
SAYS: dict[str, Says] = {name: chat.SAYS for name, chat in READABLE.items() if chat.SAYS}


def message(text: str, kind: MessageKind) -> Message:
    """One with a stranger's text wherever a stranger's text can be."""
    return Message(
        kind=kind,
        title=text,
        text=f"{text}\n{text}",
        standing=f"acked by {text}",
        state=MessageState.ACKED if kind is MessageKind.ALERT else MessageState.NOTICE,
        severity=Severity.ERROR,
        facts=(("host", text), (text, "x")),
        links=(OURS, Link(title="odd", url="javascript:alert(1)"), Link(title=text, url=OURS.url)),
        buttons=(Button(label="Ack", value="p1:1:ack", primary=True),),
        mentions=(Mention(name=text), Mention(name="alice", id=text)),
        at=NOW,
    )


@pytest.mark.parametrize("chat", CHATS)
def test_every_chat_has_a_reader(chat: str) -> None:
    """What a chat shows that nobody reads here, nobody has looked at."""
    assert chat in READABLE, f"write tests/fakes/readers/{chat}.py, with READERS and SAYS, like those beside it"


@pytest.fixture(params=READERS)
def read(request: pytest.FixtureRequest) -> Reader:
    return READERS[request.param]


# ------------------------------------------------------------------------------------------------------------- promises


@KINDS
@TEXTS
async def test_it_does_nothing(read: Reader, text: str, kind: MessageKind) -> None:
    """Nobody is pinged, no link is there but the event's own, nothing is formatted."""
    plain, seen = await read(message("web301 is DOWN", kind)), await read(message(text, kind))

    assert [] == seen.pings
    assert {*seen.links} <= {*plain.links, OURS.url}
    assert plain.formatted == seen.formatted


@TEXTS
async def test_it_is_shown_as_it_is(read: Reader, text: str) -> None:
    """Every word of it, as far as there is room; only what cannot be seen is gone."""
    words = (await read(message(text, MessageKind.ALERT))).text

    assert bare(text)[:80] in bare(words)


def bare(text: str) -> str:
    """Its visible characters, without the sign that a chat may put for one that cannot be."""
    return "".join(c for c in text if unicodedata.category(c)[0] not in "CZ" and c != "\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize("chat", SAYS)
@TEXTS
def test_a_reply_that_repeats_it_does_nothing_either(chat: str, text: str) -> None:
    """`I do not know '<!channel>'` is no way to wake a channel."""
    seen = SAYS[chat](f"I do not know '{text[:80]}'")

    assert ([], [], []) == (seen.pings, seen.links, seen.formatted)
    assert bare(text)[:40] in bare(seen.text)
