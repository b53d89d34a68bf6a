"""A room as it looks in a bad night: every state, every kind of message."""

from datetime import timedelta

from hub.core.event import Link, Severity
from hub.core.notification import Button, Message, MessageKind, MessageState
from tests.fakes.site import NOW, FakeSite

LOG = "\n".join(
    f"2026-11-21T03:{minute:02}:11Z db1 postgres[4411]: FATAL:  remaining connection slots are reserved"
    for minute in range(1, 12)
)
WORDS = {
    "ack": "Ack",
    "unack": "Unack",
    "silence": "Silence 1h",
    "unsilence": "Speak up",
    "resolve": "Resolve",
    "why": "Why",
}


def _buttons(post: str, *verbs: str) -> tuple[Button, ...]:
    return tuple(Button(label=WORDS[verb], value=f"{post}:1:{verb}", primary=verb == "ack") for verb in verbs)


async def fill(site: FakeSite) -> None:
    alert, notice, line = MessageKind.ALERT, MessageKind.NOTICE, MessageKind.LINE

    def at(minutes: float):  # type: ignore[no-untyped-def]
        return NOW - timedelta(minutes=minutes)

    await site.shows(
        Message(
            kind=alert,
            title="mail1: queue has 812 mails",
            standing="Healed after 41 min. bob had it.",
            state=MessageState.RESOLVED,
            severity=Severity.WARNING,
            text="WARNING: mailq is 812 (threshold w = 500)",
            facts=(("host", "mail1"), ("service", "mailq")),
            buttons=_buttons("p1", "why"),
            at=at(190),
        ),
        id="p1",
    )
    await site.shows(Message(kind=line, title="Healed: mail1: queue has 12 mails", at=at(149)), thread="p1")
    await site.shows(
        Message(
            kind=notice,
            title="alice pushed 3 commits to main of web/shop",
            state=MessageState.NOTICE,
            text="Take VAT from the order, not from the shop\nUpdate the lock file\nSay which warehouse is empty",
            links=(Link(title="Compare 4f1a…9be2", url="https://github.com/web/shop/compare/4f1a...9be2"),),
            buttons=_buttons("p2", "why"),
            at=at(120),
        ),
        id="p2",
    )
    await site.shows(
        Message(
            kind=alert,
            title="batch3: load average 18.2",
            standing="Silenced until 06:00 UTC by alice: nightly import",
            state=MessageState.SILENCED,
            severity=Severity.WARNING,
            text="load15 above 12 since 00:40",
            facts=(("host", "batch3"), ("check", "load")),
            buttons=_buttons("p3", "unsilence", "ack", "resolve", "why"),
            at=at(95),
        ),
        id="p3",
    )
    await site.shows(Message(kind=MessageKind.SAID, title="", text="silences", author="alice", at=at(60)))
    await site.shows(
        Message(
            kind=MessageKind.REPLY,
            title="",
            text='7f3  host=batch*  until 06:00 UTC, by alice: nightly import (held back 14)\n"unsilence 7f3" ends it.',
            at=at(60),
        )
    )
    await site.shows(
        Message(
            kind=alert,
            title="db1: too many connections",
            standing="alice has it: raising the pool. Nagios acknowledged.",
            state=MessageState.ACKED,
            severity=Severity.ERROR,
            text=LOG,
            facts=(("host", "db1"), ("service", "postgres"), ("cluster", "eu-west"), ("team", "storage")),
            links=(
                Link(title="Runbook", url="https://wiki.example.com/runbooks/postgres-connections"),
                Link(title="Graph", url="https://graphs.example.com/db1"),
            ),
            buttons=_buttons("p4", "unack", "silence", "resolve", "why"),
            at=at(26),
        ),
        id="p4",
    )
    await site.shows(Message(kind=line, title="Worse: warning to error", at=at(24)), thread="p4", loud=True)
    await site.shows(
        Message(kind=MessageKind.SAID, title="", text="ack raising the pool", author="alice", at=at(22)), thread="p4"
    )
    await site.shows(
        Message(
            kind=MessageKind.REPLY,
            title="",
            text='db1: too many connections is yours. Nagios was asked [8QK2]. "unack" takes it back.',
            at=at(22),
        ),
        thread="p4",
    )
    await site.shows(
        Message(kind=line, title="Nagios acknowledged: (alice) raising the pool [8QK2]", at=at(21)), thread="p4"
    )
    await site.shows(
        Message(
            kind=MessageKind.SAID,
            title="",
            text="pool is at 400 now, should drain in a few minutes",
            author="alice",
            at=at(9),
        ),
        thread="p4",
    )
    await site.shows(Message(kind=MessageKind.REPLY, title="", text="Noted.", at=at(9)), thread="p4")
    await site.shows(
        Message(
            kind=alert,
            title="web301 is down",
            standing="Nobody has it. Reported 3 times in 6 min.",
            state=MessageState.OPEN,
            severity=Severity.CRITICAL,
            text="CRITICAL - Host Unreachable (10.3.0.1)",
            facts=(("host", "web301"), ("cluster", "eu-west"), ("source", "nagios-eu")),
            links=(
                Link(title="Host in Nagios", url="https://nagios.example.com/cgi-bin/extinfo.cgi?type=1&host=web301"),
            ),
            buttons=_buttons("p5", "ack", "silence", "resolve", "why"),
            at=at(6),
        ),
        id="p5",
    )
    await site.shows(
        Message(kind=line, title="Again after 4 min of calm", text="CRITICAL - Host Unreachable (10.3.0.1)", at=at(2)),
        thread="p5",
        loud=True,
    )
