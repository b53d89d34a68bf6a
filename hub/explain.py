"""Why somebody heard of an event, or did not: computed when asked, by the rules of its time. The command line, the API,
the page and the chats all tell what is found here."""

import asyncio
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.commands.phrases import say_match
from hub.core.alert import Change
from hub.core.event import Event
from hub.core.explaining import Missed, missed
from hub.core.matching import Look, event_look
from hub.core.notification import DeliveryState, Occasion, Post
from hub.core.records import plain
from hub.core.routing import Step, Taken, say_trail
from hub.core.rules import Rules
from hub.core.telling import OCCASIONS, wanted
from hub.errors import PayloadError, RulesError, UsageError
from hub.payload import decode_json
from hub.store import Decision, Store, StoredEvent

MOST_OLDER = 4
"""Rules of other times that are kept read."""

STANDING = {
    DeliveryState.HELD: "{route} takes it, and it is held back",
    DeliveryState.DROPPED: "{route} took it, it was held back, and it was over before that ended",
    DeliveryState.OWED: "{route} takes it, and it is not delivered yet",
    DeliveryState.UNKNOWN: "{route} took it, and nobody knows whether the chat shows it",
    DeliveryState.DEAD: "{route} took it, and the chat refused it",
    DeliveryState.SHADOW: "{route} takes it, and nothing is sent there: the channel says shadow: true",
}
"""How it stands with a post that its channel does not show."""
TELLS_ONLY = "{route} takes it, and tells only {tell}"


def in_full(event: Event, routed_at: datetime | None = None) -> dict[str, Any]:
    """An event as scripts read it."""
    return plain(event) | {"severity": event.severity.word if event.severity else None, "routed_at": routed_at}


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """Why a channel did not hear. `told` says so where it did; `held` is what kept a post of it from being shown;
    `happened` is false of an event that is only thought of."""

    channel: str
    address: str
    told: str = ""
    held: tuple[str, ...] = ()
    missed: tuple[Missed, ...] = ()
    happened: bool = True

    @property
    def text(self) -> str:
        tense = "did" if self.happened else "would"
        if self.told:
            return f"{self.channel} {tense} hear of it: {self.told}"
        why = [*self.held, *map(str, self.missed)] or [f"no route leads to {self.address}"]
        return "\n".join([f"{self.channel} {tense} not hear of it:", *(f"  {one}" for one in why)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """`rules` is the hash of those by which the trail was made; it is not the decision's own where those are not kept
    any more."""

    stored: StoredEvent
    rules: str
    took: tuple[tuple[str, str], ...]
    """Route and address of those that took it when it was decided."""
    untold: Mapping[str, str] = field(default_factory=dict)
    """Of these, by route, why one tells nobody of it, held back or not."""
    held: tuple[str, ...]
    trail: tuple[Step, ...]
    posts: tuple[Post, ...] = ()
    """The messages that are shown of its alert, wherever it was told until now: also by an escalation, or a storm."""
    why_not: WhyNot | None = None

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """Route and address of those who heard, unless it was held back."""
        return tuple([one for one in self.took if one[0] not in self.untold])

    @property
    def text(self) -> str:
        """In words, the trail with file and line."""
        event, decision = self.stored.event, self.stored.decision
        head = f"{event.title} ({event.source}, {event.status}, {event.id})"
        if decision is None:
            return "\n".join([head, "not routed: " + (self.stored.failure.strip().splitlines() or ["it waits"])[-1]])
        if self.why_not is not None:
            return "\n".join([head, self.why_not.text, self.by_rules])
        change = f"change: {decision.change}" + (f" ({decision.note})" if decision.note else "")
        held = [f"held back by {one}" for one in self.held]
        told = say_told(self.told, self.untold)
        return "\n".join([head, *say_added(event), change, *held, self.by_rules, told, say_trail(self.trail)])

    @property
    def by_rules(self) -> str:
        decided = self.stored.decision.config if self.stored.decision else self.rules
        lost = f" are not kept any more; this is by those of now, {self.rules}" if decided != self.rules else ""
        return f"rules: {decided}{lost}"


class Explainer:
    def __init__(self, store: Store, rules: Callable[[], Rules], read: Callable[[str], Rules]) -> None:
        self._store = store
        self._rules = rules
        self._read = read
        self._older: dict[str, Rules] = {}

    async def explain(self, id: str, channel: str = "") -> Explained | None:
        """All that there is to say of an event, or of an alert by its id; and why a channel did not hear. None: there
        is no such event. Raises UsageError where no channel is called so."""
        stored = await self._find(id)
        if stored is None:
            return None
        deciding = await self._decided(stored)
        rules = await self._rules_of(deciding.decision.config if deciding.decision else "")
        look = event_look(deciding.event, await self._body(deciding))
        decision = deciding.decision
        return Explained(
            stored=stored,
            rules=rules.hash,
            took=decision.routes if decision else (),
            untold=_untold(decision, rules, look) if decision else {},
            held=await self._held(stored.decision) if stored.decision else (),
            trail=rules.tree.trail(look),
            posts=tuple([post for post in await self._posts(decision.alert) if post.shown]) if decision else (),
            why_not=await self._why_not(decision, rules, look, channel) if channel and decision else None,
        )

    async def text(self, id: str, channel: str = "") -> str:
        explained = await self.explain(id, channel)
        return explained.text if explained else f"no event is called '{id[:60]}'"

    # --------------------------------------------------------------------------------------------------------- why not

    async def _why_not(self, decision: Decision, rules: Rules, look: Look, channel: str) -> WhyNot:
        address = _on_call(address_of(channel, rules), decision, rules, look)
        post = await self._post(decision.alert, address)
        if post is not None and post.shown and post.sending.state is not DeliveryState.SHADOW:
            at = f" at {post.shown_at:%Y-%m-%d %H:%M} UTC" if post.shown_at else ""
            return WhyNot(channel=channel, address=address, told=f"by {post.route}{at}")
        if post is not None:
            return WhyNot(channel=channel, address=address, held=tuple(await self._standing(post, decision)))
        found = tuple(missed(rules.tree, look, address))
        return WhyNot(channel=channel, address=address, missed=found, held=tuple(_unposted(decision, address)))

    async def _post(self, alert: str, address: str) -> Post | None:
        posts = [post for post in await self._posts(alert) if post.channel == address]
        return max(posts, key=lambda post: post.shown, default=None)

    async def _posts(self, alert: str) -> Sequence[Post]:
        known = await self._store.alert(alert) if alert else None
        return await self._store.posts_of([alert, *(known.groups if known else ())]) if alert else ()

    async def _standing(self, post: Post, decision: Decision) -> list[str]:
        if post.merged_into:
            return [f"{post.route} takes it, and one message of a storm tells of all there"]
        if post.tell is not None and post.occasion not in post.tell:
            return [TELLS_ONLY.format(route=post.route, tell=", ".join(post.tell))]
        how = STANDING.get(post.sending.state, "{route} takes it").format(route=post.route)
        said = [f"{how}: {post.sending.error}" if post.sending.error else how]
        if post.sending.state in (DeliveryState.HELD, DeliveryState.DROPPED):
            said += [f"held back by {one}" for one in await self._held(decision, post)]
        return said

    async def _held(self, decision: Decision, post: Post | None = None) -> tuple[str, ...]:
        """What held the alert when it was decided; of a post, without what concerns others."""
        return tuple([await self._say_held(by, id) for by, id in decision.suppressed if _concerns(by, id, post)])

    async def _say_held(self, by: str, id: str) -> str:
        silence = await self._store.silence(id) if by == "silence" else None
        if silence is None:
            return f"{by} {id}"
        because = f" ({silence.because})" if silence.because else ""
        until = f"{silence.ends_at:%Y-%m-%d %H:%M} UTC"
        return f"{by} {id}: {say_match(silence.match)}, by {silence.author}, until {until}{because}"

    # ------------------------------------------------------------------------------------------------- what there is

    async def _decided(self, stored: StoredEvent) -> StoredEvent:
        """The event that decided the routes which this one followed: repeats and recoveries decide nothing anew."""
        decision = stored.decision
        if decision is None or decision.routes or not decision.alert:
            return stored
        for earlier in await self._store.events_of(decision.alert):
            if earlier.decision and earlier.decision.routes:
                return earlier
        return stored

    async def _find(self, id: str) -> StoredEvent | None:
        found = await self._store.event(id)
        if found is not None:
            return found
        events = await self._store.events_of(id)
        return events[-1] if events else None

    async def _rules_of(self, hash: str) -> Rules:
        now = self._rules()
        if not hash or hash == now.hash:
            return now
        if hash not in self._older:
            text = await self._store.config(hash)
            if text is None:
                return now
            try:
                # In a thread: they may hold a table of 100,000 rows.
                self._older[hash] = await asyncio.to_thread(self._read, text)
            except RulesError:
                return now
            if len(self._older) > MOST_OLDER:
                del self._older[next(iter(self._older))]
        return self._older[hash]

    async def _body(self, stored: StoredEvent) -> Any:
        request = await self._store.request(stored.event.request_id) if stored.event.request_id else None
        try:
            return decode_json(request.body).value if request else None
        except PayloadError:
            return None


def address_of(said: str, rules: Rules) -> str:
    """The address that somebody means by `web`, `#web`, `slack:#web`, or `oncall:web`. Raises UsageError."""
    name = said.strip().strip("\"'")
    known = {**{address: address for address in rules.channels.values()}, **rules.channels}
    known |= {f"oncall:{schedule}": f"oncall:{schedule}" for schedule in rules.schedules}
    rooms = {address.partition(":")[2].lstrip("#").casefold(): address for address in rules.channels.values()}
    by_case = {known_name.casefold(): address for known_name, address in known.items()}
    bare = name.lstrip("#").casefold()
    found = known.get(name) or by_case.get(name.casefold()) or by_case.get(bare) or rooms.get(bare)
    if found:
        return found
    close = difflib.get_close_matches(bare[:80], [*by_case], n=1, cutoff=0.5)
    hint = f'did you mean "{close[0]}"?' if close else f"there is {', '.join(sorted(rules.channels)[:20])}"
    raise UsageError(f"no channel is called '{name[:60]}'; {hint}")


def _on_call(address: str, decision: Decision, rules: Rules, look: Look) -> str:
    """Where whoever was on call heard, if it was told to a schedule."""
    routes = {taken.route for taken in rules.tree.decide(look) if taken.channel == address != ""}
    return next((channel for route, channel in decision.routes if route in routes), address)


def _unposted(decision: Decision, address: str) -> list[str]:
    """What is to be said of a route that was taken, where there is no post of it."""
    routes = [route for route, channel in decision.routes if channel == address]
    return [f"{route} takes it, and there was nothing to tell ({decision.change})" for route in routes]


def _untold(decision: Decision, rules: Rules, look: Look) -> Mapping[str, str]:
    """Of the routes that it took then, though rules of now may be asked, where those are not kept any more."""
    routes = {route for route, _ in decision.routes}
    taken = [one for one in rules.tree.decide(look) if one.route in routes]
    return untold(taken, OCCASIONS.get(Change(decision.change)), rules)


def untold(taken: Iterable[Taken], occasion: Occasion | None, rules: Rules) -> Mapping[str, str]:
    """By route, why one that takes it tells nobody of such an occasion."""
    found = {}
    for one in taken:
        if one.tell is not None and occasion is not None and not wanted(one.tell, occasion):
            found[one.route] = TELLS_ONLY.format(route=one.route, tell=", ".join(one.tell))
        elif one.channel in rules.shadows:
            found[one.route] = STANDING[DeliveryState.SHADOW].format(route=one.route)
    return found


def say_told(told: Iterable[tuple[str, str]], untold: Mapping[str, str]) -> str:
    heard = ", ".join(f"{channel} by {route}" for route, channel in told) or "nobody"
    return "\n".join([f"told: {heard}", *untold.values()])


def _concerns(by: str, id: str, post: Post | None) -> bool:
    if post is None or by in ("silence", "inhibition"):
        return True
    mine = {"window": (post.pace.during,), "pause": (post.route, post.channel)}
    return by not in mine or id in mine[by]


def say_added(event: Event) -> list[str]:
    """Which labels no tool said, and which table did."""
    added = [f"{name}={event.labels[name]} ({table})" for name, table in event.added.items()]
    return [f"added: {', '.join(added)}"] if added else []
