"""Somebody who reads channels, and knows nothing but what stands in them: what they believe, and what woke them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.core.notification import Message, MessageKind, MessageState, Occasion

STANDINGS = {
    "resolved": MessageState.RESOLVED,
    "acked": MessageState.ACKED,
    "silenced": MessageState.SILENCED,
}
"""How the message of a group begins to say how a member stands; any other word is of one that nobody has."""

_GROUP = re.compile(r"(?P<storm>Storm: )?(?P<firing>\d+) firing(: .*)?|Resolved: \d+(: .*)?")
_TIMES = re.compile(r" \(×\d+\)$")
_ACKED = re.compile(r"\backed by (\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a chat shows: a message, or in a thread what is said under one."""

    id: str
    under: str
    message: Message
    loud: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """How one thing stands, as a message says."""

    state: MessageState
    acked_by: str = ""

    @property
    def firing(self) -> bool:
        return self.state is not MessageState.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A message of alerts as it stands in a channel: what it says of each thing, and of all together."""

    id: str
    channel: str
    state: MessageState
    title: str
    firing: int
    """As its title counts them."""
    says: Mapping[str, Belief]
    company: bool = False
    """It speaks of several, or has."""
    storm: bool = False

    @property
    def fires(self) -> frozenset[str]:
        return frozenset(thing for thing, belief in self.says.items() if belief.firing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Something that made a phone ring: a new message, or a loud line under one. Without a `head` it stands alone."""

    at: datetime
    channel: str
    occasion: Occasion | None
    words: str
    head: Head | None
    new: bool


@dataclass(slots=True)
class Reader:
    """Looks into each channel now and then. `heads` is what stands there; `woken` is what rang, oldest first."""

    heads: dict[str, dict[str, Head]] = field(default_factory=lambda: defaultdict(dict))
    woken: list[Wake] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def look(self, channel: str, entries: Iterable[Entry], now: datetime, *, edits: bool = True) -> Sequence[Wake]:
        """Read a channel as it is now; gives what rang since the last look. Where nothing is edited, what was said
        last of a thing counts."""
        shown = list(entries)
        heads = {one.id: read(channel, one) for one in shown if not one.under and one.message.kind is MessageKind.ALERT}
        if not edits:
            newest = {thing: head for head in heads.values() for thing in head.says}
            heads = {id: newest[thing] for id, head in heads.items() for thing in head.says}
        self.heads[channel] = {head.id: head for head in heads.values()}
        rang: list[Wake] = []
        for one in shown:
            if (channel, one.id) in self._seen:
                continue
            self._seen.add((channel, one.id))
            of_hub = one.message.kind in (MessageKind.ALERT, MessageKind.NOTICE, MessageKind.LINE)
            if of_hub and (one.loud or not one.under):
                wake = Wake(
                    at=now,
                    channel=channel,
                    occasion=one.message.occasion,
                    words=f"{one.message.title}\n{one.message.text}",
                    head=heads.get(one.under or one.id),
                    new=not one.under,
                )
                rang.append(wake)
        self.woken += rang
        return rang

    def believes(self, channel: str) -> Mapping[str, Belief]:
        """What fires, as far as the channel says."""
        return {
            thing: belief
            for head in self.heads[channel].values()
            for thing, belief in head.says.items()
            if belief.firing
        }

    def about(self, channel: str, thing: str) -> Sequence[Head]:
        """The messages that say that it fires."""
        return [head for head in self.heads[channel].values() if thing in head.fires]


def read(channel: str, entry: Entry) -> Head:
    message = entry.message
    group = _GROUP.fullmatch(message.title)
    assert message.state is not None, message.title
    if group is None:
        belief = Belief(state=message.state, acked_by=_acked_by(message.standing))
        says = {thing_of(message.title): belief}
    else:
        members = [_member(line) for line in message.text.splitlines() if not line.startswith("…")]
        says = dict(sorted(members, key=lambda member: member[1].firing))  # what broke again counts, not what it was
    firing = sum(belief.firing for belief in says.values())
    return Head(
        id=entry.id,
        channel=channel,
        state=message.state,
        title=message.title,
        firing=firing if group is None else int(group["firing"] or 0),
        says=says,
        company=group is not None,
        storm=group is not None and group["storm"] is not None,
    )


def thing_of(title: str) -> str:
    """What a title is about: `db1 / Disk is CRITICAL (×2)` is about `db1 / Disk`."""
    return _TIMES.sub("", title).partition(" is ")[0]


def _member(line: str) -> tuple[str, Belief]:
    words, _, standing = line[2:].partition(" – ")
    state = STANDINGS.get(standing.partition(" ")[0], MessageState.OPEN)
    return thing_of(words), Belief(state=state, acked_by=_acked_by(standing))


def _acked_by(standing: str) -> str:
    found = _ACKED.search(standing)
    return found[1] if found else ""
