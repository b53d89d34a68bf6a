"""What came of an attempt, on record: of the message, of its channel, and for those who hear in its place. What is to
follow is decided in `core.delivery`."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from hub.alerting.fallbacks import Fallbacks
from hub.contracts import Chat, Repeat, RoomMessage
from hub.core import delivery, telling
from hub.core.delivery import Attempt, Came, Dead, Fallback, Next, Retry, Settled, Unknown
from hub.core.event import Report, Severity, Status
from hub.core.grouping import VERSIONS
from hub.core.notification import DeliveryState, Line, MessageRef, Post, Sending
from hub.core.records import Record, replace
from hub.delivering.channel import Channel
from hub.delivering.items import Item, current_of, is_edit, owed_at, put
from hub.memory.draft import Draft


class Tried(Record, frozen=True, kw_only=True):
    """What one attempt came to. `version` is that of the post that was tried; 0 for a line."""

    item: Item
    came: Came
    version: int = 0
    ref: MessageRef | None = None
    gist: str = ""
    error: str = ""
    shadow: bool = False
    """Nothing was sent: its channel is a shadow."""
    unsaid: bool = False
    """Nothing was sent: all that it would say is said. So nobody knows whether its channel takes anything."""
    retry_after: float | None = None
    kept: RoomMessage | None = None
    """What is still to be written of it, in a chat that the hub itself keeps."""


class Settling:
    def __init__(
        self,
        *,
        chats: Mapping[str, Chat],
        report: Callable[[Draft, Report], None],
        fallbacks: Fallbacks,
        redact: Callable[[str], str],
    ) -> None:
        self._chats = chats
        self._report = report
        self._fallbacks = fallbacks
        self._redact = redact

    def settle(self, draft: Draft, channel: Channel, tried: Sequence[Tried]) -> None:
        """Put on record what came of these attempts."""
        for one in tried:
            self._settle(draft, channel, replace(one, error=self._redact(one.error)) if one.error else one)
            if one.kept is not None:
                draft.changes.room[one.kept.id] = one.kept

    def _settle(self, draft: Draft, channel: Channel, tried: Tried) -> None:
        current = draft.post(tried.item.id) if isinstance(tried.item, Post) else draft.line(tried.item.id)
        if current is None:
            return
        chat = self._chats.get(channel.room.chat)
        attempt = Attempt(
            number=current.sending.attempts + 1,
            owed_at=owed_at(current),
            edit=chat is not None and is_edit(chat, current),
            loud=isinstance(current, Post) or current.loud,
            repeats_safely=chat is not None and chat.traits.repeat is Repeat.ONCE,
            perhaps_again=current.sending.perhaps_again,
            failing_since=current.sending.failing_since,
            in_vain_since=channel.in_vain_since,
        )
        jitter = random.random()  # noqa: S311 - spreads retries, hides nothing
        what = delivery.after(attempt, tried.came, draft.now, retry_after=tried.retry_after, jitter=jitter)
        if isinstance(what, Retry):
            channel.not_before = what.at
            channel.trouble, channel.troubled_at = tried.error, draft.now
            channel.in_vain_since = channel.in_vain_since or draft.now
        elif isinstance(what, Settled) and not tried.unsaid:
            channel.in_vain_since = None
        if isinstance(current, Post):
            settled = settled_post(current, tried, what, draft.now)
            if settled.shown and not current.shown:
                first_shown(draft, settled)
            draft.put(posts=[settled])
        else:
            draft.put(lines=[settled_line(current, tried, what, draft.now)])
        if not tried.unsaid:
            self._note_health(draft, channel.room.address, current.id, what, tried.error)

    def _note_health(self, draft: Draft, address: str, id: str, what: Next, error: str) -> None:
        """What follows for the channel, and for those who hear in its place."""
        match what:
            case Settled():
                self._fallbacks.mends(draft, address)
                self._report(draft, _recovered(address))
            case Fallback() if self._fallbacks.breaks(draft, address, error):
                place = self._fallbacks.of(address)
                meanwhile = f"What wakes is told in {place} meanwhile." if place else "What is owed is told later."
                self._report(draft, _failed(address, "takes nothing", f"{error}\n{meanwhile}"))
            case Dead():
                where = "It lies in the dead letters: tocsin deliveries --dead"
                self._report(draft, _failed(address, "did not take a message", f"{error}\n{where}"))
                self._fallbacks.tell(draft, [id], f"did not take it: {error}")
            case Unknown():
                self._fallbacks.tell(draft, [id], f"may not have shown it: {error}")
            case _:
                pass


def _recovered(address: str) -> Report:
    """What the hub itself says of a channel that takes something again."""
    return Report(
        status=Status.RECOVERY,
        kind="delivery",
        key=f"delivery:{address}",
        title=f"{address} takes messages again",
        labels={"channel": address},
    )


def _failed(address: str, what: str, body: str) -> Report:
    return Report(
        status=Status.PROBLEM,
        kind="delivery",
        key=f"delivery:{address}",
        title=f"{address} {what}",
        severity=Severity.ERROR,
        body=body,
        labels={"channel": address},
    )


def mark_begun(draft: Draft, items: Sequence[Item]) -> None:
    """What is about to be tried, and might be shown though nobody is there any more to say so."""
    for item in items:
        if (now := current_of(draft, item)) is not None:
            put(draft, replace(now, sending=replace(now.sending, trying=True)))


def first_shown(draft: Draft, post: Post) -> None:
    """From now on it is reminded of."""
    if first := post.pace.repeats_after(post.reminders):
        draft.set_timer("remind", post.id, draft.now + first)


def settled_line(item: Line, tried: Tried, what: Next, now: datetime) -> Line:
    return replace(item, sending=_sending(item.sending, tried, what, now), ref=tried.ref or item.ref)


def settled_post(post: Post, tried: Tried, what: Next, now: datetime) -> Post:
    """The post after an attempt. If more was wanted meanwhile it stays owed."""
    sending = _sending(post.sending, tried, what, now)
    shown = tried.version if isinstance(what, Settled) else post.shown
    if isinstance(what, Settled) and post.wanted > tried.version and isinstance(tried.item, Post):
        sending = telling.still_owed(post, tried.item, now)
    return replace(
        post,
        sending=sending,
        shown=shown,
        ref=tried.ref or post.ref,
        shown_at=now if isinstance(what, Settled) else post.shown_at,
        gist=tried.gist or post.gist,
        shown_versions=((tried.version, now), *post.shown_versions)[:VERSIONS]
        if isinstance(what, Settled) and post.pace.group_by
        else post.shown_versions,
    )


def _sending(sending: Sending, tried: Tried, what: Next, now: datetime) -> Sending:
    attempts = sending.attempts + 1
    match what:
        case Settled():
            state = DeliveryState.SHADOW if tried.shadow else DeliveryState.SENT
            return Sending(state=state, attempts=attempts)
        case Retry(at=at, perhaps_again=again):
            again = again or sending.perhaps_again
            return Sending(
                state=DeliveryState.OWED,
                attempts=attempts,
                error=tried.error,
                due_at=at,
                since=sending.since,
                failing_since=sending.failing_since or now,
                perhaps_again=again,
            )
        case Dead():
            return Sending(state=DeliveryState.DEAD, attempts=attempts, error=tried.error)
        case Unknown():
            return Sending(state=DeliveryState.UNKNOWN, attempts=attempts, error=tried.error)
