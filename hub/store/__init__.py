"""What is durable, in core types. Rows never leave this package.

The hub works on memory and writes what changed: a `Changes` is one transaction, and what it holds is true together or
not at all. A record is written whole, under its id; writing it again replaces it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from hub.contracts import RoomMessage
from hub.core.alert import Alert, Phase
from hub.core.calendar import Occurrence
from hub.core.event import Event
from hub.core.grouping import Group
from hub.core.notification import Line, Post
from hub.core.past import Act, Happened
from hub.core.records import Record
from hub.core.records import field as struct_field
from hub.core.silence import Silence


class StoredRequest(Record, frozen=True, kw_only=True):
    """What a source posted, raw, with our verdict. Secrets in headers are gone before it gets here."""

    id: str
    source: str
    tool: str
    received_at: datetime
    headers: Mapping[str, str] = struct_field(default_factory=dict)
    query: Mapping[str, str] = struct_field(default_factory=dict)
    body: bytes = b""
    verdict: str
    """`events`, `quiet`, `quarantined`, or `partly`: events, and entries that lie in quarantine; `heard` of what a
    chat posted."""
    why: str = ""
    path: str = ""
    fetched: str = ""
    """How the hub itself got it, where it was not posted."""
    delivery_id: str = ""
    events: tuple[str, ...] = ()
    missing: Mapping[str, str] = struct_field(default_factory=dict)
    """By its place in the body, what is wrong with each entry that was not understood."""
    replayed_at: datetime | None = None
    """Set when a quarantined request was replayed with success: it is no longer in quarantine."""

    @property
    def waits(self) -> bool:
        """Whether it lies in quarantine, whole or in part."""
        return self.verdict in ("quarantined", "partly") and self.replayed_at is None


class Decision(Record, frozen=True, kw_only=True):
    """What became of an event, and why. `config` is the hash of the rules that decided."""

    config: str
    change: str
    note: str = ""
    alert: str = ""
    routes: tuple[tuple[str, str], ...] = ()
    """Route name and channel address of each route taken; empty where none was decided anew."""
    suppressed: tuple[tuple[str, str], ...] = ()
    """What kept it from being told: (`silence`, its id)."""


class StoredEvent(Record, frozen=True, kw_only=True):
    """An event with its decision: None until it is routed. `failure` is the traceback of a rule that raised."""

    event: Event
    decision: Decision | None = None
    routed_at: datetime | None = None
    failure: str = ""

    @property
    def id(self) -> str:
        return self.event.id


class Timer(Record, frozen=True, kw_only=True):
    """Something to be looked at when the time comes. One per kind and subject."""

    kind: str
    subject: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAsk:
    """A request to a tool in its durable queue. `state` is queued, asking, or a result of the contracts."""

    id: str
    source: str
    verb: str
    target: str
    labels: Mapping[str, str] = field(default_factory=dict)
    alert: str = ""
    asker: str
    reason: str = ""
    duration: float | None = None
    place: str = ""
    """Where the outcome is told if no alert shows it."""
    state: str
    detail: str = ""
    asked_at: datetime
    sent_at: datetime | None = None


MOST_COUNTED = 1_000
"""Of what waits of one source; of more, nobody need know how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What lies in quarantine of a source."""

    number: int
    """At most `MOST_COUNTED`."""
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """How many of each wait until somebody looks."""

    dead: int
    """Posts and lines that a chat refused."""
    quarantined: int
    """Requests that were not understood."""
    unrouted: int
    """Events that a rule failed to route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One command: who, where, the raw text, what was understood, what came of it."""

    id: str
    at: datetime
    person: str
    known: bool
    token: bool
    via: str
    account: str = ""
    place: str
    raw: str
    parsed: str = ""
    allowed: bool
    why: str = ""
    outcome: str = ""
    acts: tuple[Act, ...] = ()
    """What it did to alerts by the hub's own word; what a tool was asked is an ask."""
    alerts: tuple[str, ...] = ()
    """The ids of those that it is about, of very many the first, whatever came of it; `why` may be about any event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Somebody's account in a chat that counts as a person of the rules. `account` is `<chat>:<user id>`."""

    account: str
    person: str
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCalendar:
    """What a schedule's calendar said when it was read last. `place` is a digest of where it is: the address itself may
    be a secret."""

    schedule: str
    place: str
    read_at: datetime
    seen_at: datetime
    """When it was last found to be as it was."""
    etag: str = ""
    modified: str = ""
    occurrences: tuple[Occurrence, ...] = ()


class Changes(Struct):
    """What one transaction writes. Lists of new rows; mappings of rows that may replace older ones, by their id."""

    requests: list[StoredRequest] = []
    events: list[StoredEvent] = []
    alerts: dict[str, Alert] = {}
    posts: dict[str, Post] = {}
    lines: dict[str, Line] = {}
    timers: dict[tuple[str, str], Timer | None] = {}
    """None takes the timer away."""
    silences: dict[str, Silence] = {}
    asks: dict[str, StoredAsk] = {}
    audit: list[Audit] = []
    links: dict[str, Linked | None] = {}
    """By account. None takes the link away."""
    calendars: dict[str, StoredCalendar | None] = {}
    """By schedule. None takes the calendar away."""
    room: dict[str, RoomMessage] = {}
    decided: dict[str, StoredEvent] = {}
    """Events written earlier, decided now."""
    released: dict[str, StoredRequest] = {}
    """Quarantined requests, replayed now."""
    groups: dict[str, Group] = {}
    configs: dict[str, str] = {}
    """Configuration texts by hash."""

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)

    def __len__(self) -> int:
        """Rows that are written or taken away."""
        return sum(len(getattr(self, name)) for name in self.__struct_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the router holds in memory, as it was when the hub stopped."""

    alerts: Sequence[Alert]
    """All open alerts; resolved ones and notices whose `updated_at` is not before the asked `since`; and the alerts
    of every post or line that is still owed or held."""
    posts: Sequence[Post]
    """All posts of these alerts (`post.group` is the alert's id), and every post that is owed or held."""
    lines: Sequence[Line]
    """Lines that are owed or held."""
    timers: Sequence[Timer]
    silences: Sequence[Silence]
    """Those that have not ended (`ended_at` is None)."""
    asks: Sequence[StoredAsk]
    """Those queued, asking or sent."""
    links: Sequence[Linked]
    calendars: Sequence[StoredCalendar]
    groups: Sequence[Group]
    """Those of several that have a member open, or whose last one resolved not before the asked `since`."""
    unrouted: Sequence[StoredEvent]
    """Events without a decision and without a failure, oldest first."""
    highest_order: int
    """The greatest `order` of any post or line; 0 if there is none."""


DUPLICATES_FOR = timedelta(days=7)
"""How long a delivery id is known."""

Mark = tuple[datetime, int]
"""Where a reading of events stopped: the place of the last one read."""

PrunePlace = tuple[int, tuple[datetime, str] | None]
"""Where pruning stopped: at which kind of record, and behind which of them, by its age and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many rows a step took away, and where the next one goes on; None: everything was looked at."""

    gone: int
    next: PrunePlace | None = None


LifeKey = tuple[str, str, bool]
"""Source, key, and whether a notice is meant."""

DeliveryKey = tuple[str, str]
"""Source and delivery id."""


def life_key(alert: Alert) -> LifeKey:
    return (alert.source, alert.key, alert.phase is Phase.NOTICE)


class Store(Protocol):
    """A durable home. All errors of the database come out as Overloaded: nothing was written."""

    async def load(self, *, since: datetime) -> Snapshot: ...
    async def commit(self, changes: Changes) -> None:
        """Write all of it in one transaction, on disk when it returns. Raises Overtaken where another replica has
        written one of its deliveries meanwhile, and Deposed where another leads."""

    async def lives(self, keys: Sequence[LifeKey]) -> Mapping[LifeKey, Alert]:
        """The newest life of each key (by `opened_at`, then id), for those that have one."""

    async def known(
        self, keys: Sequence[LifeKey], ids: Sequence[DeliveryKey], *, since: datetime
    ) -> tuple[Mapping[LifeKey, Alert], Mapping[DeliveryKey, tuple[str, ...]]]:
        """`lives` of the keys and `deliveries_seen` of the ids, in one go."""

    async def life_keys(self, after: LifeKey | None, *, step: int) -> Sequence[LifeKey]:
        """At most `step` of those that have a life, beyond one, each once and in the store's own order."""

    async def delivery_keys(self, after: DeliveryKey | None, *, since: datetime, step: int) -> Sequence[DeliveryKey]:
        """Likewise those that were accepted since then."""

    async def posts_of(self, groups: Sequence[str]) -> Sequence[Post]: ...
    async def deliveries_seen(
        self, ids: Sequence[DeliveryKey], *, since: datetime
    ) -> Mapping[DeliveryKey, tuple[str, ...]]:
        """For each (source, delivery id) that was accepted (verdict not `quarantined`) since then: its events' ids."""

    async def event(self, id: str) -> StoredEvent | None: ...
    async def events_of(self, alert: str, *, limit: int = 100) -> Sequence[StoredEvent]:
        """The events whose decision names the alert, oldest first."""

    async def past_events(
        self, *, since: datetime, before: Mark | None, limit: int
    ) -> tuple[Sequence[StoredEvent], Mark | None]:
        """At most `limit` events received since then, newest first, beginning behind a mark. With the mark to go on
        from; None: there is nothing more."""

    async def past(
        self, *, since: datetime, after: Mark | None, limit: int, bodies: Sequence[str] = ()
    ) -> tuple[Sequence[Happened], Mark | None]:
        """What happened since then, as far as it can be replayed: at most `limit` events, oldest first, beginning
        behind a mark, each with what it has of these fields of bodies (`body.repo.name`); and with the first, in
        no order, what people did. With the mark to go on from; None: there is nothing more."""

    async def failed_events(self, *, after: str | None = None, limit: int = 100) -> Sequence[StoredEvent]:
        """Events that a rule failed to route, oldest first. With `after`, those that come behind that one."""

    async def unrouted(self, *, limit: int) -> Sequence[StoredEvent]:
        """Events without a decision and without a failure, oldest first."""

    async def request(self, id: str) -> StoredRequest | None: ...
    async def requests(self, ids: Sequence[str]) -> Sequence[StoredRequest]:
        """Those of them that are there, in no order."""

    async def alert(self, id: str) -> Alert | None: ...
    async def alerts(self, *, state: str | None, before: str | None = None, limit: int = 500) -> Sequence[Alert]:
        """Newest first; never notices. `state`: open (all unresolved), acked, resolved, or None for all. With `before`,
        those that opened before that one."""

    async def deliveries(
        self, *, state: str | None, group: str | None = None, before: str | None = None, limit: int = 500
    ) -> Sequence[Post | Line]:
        """Posts and lines, newest first; never held or dropped ones.

        `group`: only of this alert, lines by their post. With `before`, those that come behind that one.
        """

    async def crowd(self, id: str) -> tuple[Group, Sequence[Alert]] | None:
        """A group of several, with its members; of one that healed, those that nothing happened to since."""

    async def post(self, id: str) -> Post | None: ...
    async def line(self, id: str) -> Line | None: ...
    async def post_shown_as(self, chat: str, ref: str) -> Post | None:
        """The post that a chat calls `ref`."""

    async def silence(self, id: str) -> Silence | None: ...
    async def ask(self, id: str) -> StoredAsk | None: ...
    async def quarantine(self, *, before: str | None = None, limit: int = 200) -> Sequence[StoredRequest]:
        """Quarantined and not yet replayed, newest first, each with the beginning of its body. With `before`, those
        that come behind that one."""

    async def newest_quarantined(self, *, since: datetime) -> Sequence[StoredRequest]:
        """Of each source the newest of what lies there and came since then, without its body."""

    async def in_quarantine(self, sources: Sequence[str]) -> Mapping[str, Waiting]:
        """Those of which anything lies there, and how much."""

    async def unsettled(self) -> Unsettled: ...

    async def audit(self, *, before: str | None = None, limit: int = 200) -> Sequence[Audit]:
        """Newest first, beginning behind the one that is called so; where there is none, there is nothing."""

    async def config(self, hash: str) -> str | None: ...
    async def newest_config(self) -> tuple[str, str] | None:
        """Hash and text of the configuration stored last."""

    async def room_threads(self, room: str, *, limit: int) -> Sequence[RoomMessage]:
        """The newest `limit` thread heads, oldest first, each followed by its entries, oldest first."""

    async def room_thread(self, id: str) -> Sequence[RoomMessage]:
        """The head and its entries; given an entry's id, that entry's whole thread."""

    async def room_messages(self, ids: Sequence[str]) -> Sequence[RoomMessage]:
        """Those of them that are there, in no order."""

    async def count(self) -> Mapping[str, int]:
        """Rows per table, for `status`."""

    async def pack(self, after: Mark | None, *, before: datetime, step: int = 100) -> Mark | None:
        """Make the raw bodies of at most `step` requests smaller that are older, beginning behind a mark; they are read
        as before. With the mark to go on from; None: there is nothing more."""

    async def prune(self, place: PrunePlace | None = None, *, before: datetime, step: int = 200) -> Pruned:
        """Of the next `step` records from a place on that are older, take away requests and events which no open alert
        or owed delivery needs, and resolved alerts, settled posts and lines."""


# ---------------------------------------------------------------------------------------- several hubs on one database


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who leads, as the database has it. `lasts` is in seconds, by its clock; not above 0: it is over."""

    owner: str
    epoch: int
    address: str
    """Where the others reach it."""
    lasts: float


@dataclass(slots=True, kw_only=True)
class Term:
    """The time in which this replica leads. `until` is when its lease could end, by `ticks`."""

    owner: str
    epoch: int
    until: float
    ticks: Callable[[], float]
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def holds(self) -> bool:
        """Whether nobody else can lead yet."""
        return not self.lost.is_set() and self.ticks() < self.until


class Desk(Protocol):
    """Where replicas agree on who leads, and call each other. All raise Overloaded."""

    async def look(self) -> Lease | None:
        """None: nobody ever led."""

    async def take(self, owner: str, address: str, seconds: float) -> int | None:
        """Lead, if nobody does; under which epoch."""

    async def renew(self, term: Term, seconds: float) -> bool:
        """Lead on. False: another one does."""

    async def give_back(self, term: Term) -> None: ...
    async def call(self, *words: str) -> None:
        """Say it to all replicas; who is away does not hear it."""

    def hear(self, listener: Callable[[Sequence[str]], None]) -> None: ...


class SharedStore(Store, Protocol):
    """A store that several hubs may use at once."""

    @property
    def desk(self) -> Desk: ...
    def under(self, term: Term) -> Store:
        """The same, for the one that leads: each transaction holds only while the term does."""
