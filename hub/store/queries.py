"""What is asked. Each function reads all that its answer needs in one go, within one transaction."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    Table,
    bindparam,
    false,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)

from hub.contracts import RoomMessage, WebhookRequest
from hub.core.alert import RESTS, Alert
from hub.core.event import Event
from hub.core.grouping import Group
from hub.core.matching import event_look
from hub.core.notification import DeliveryState, Line, Post
from hub.core.past import Act, Happened, of_silence
from hub.core.silence import LONGEST, Silence
from hub.errors import PayloadError
from hub.store import (
    MOST_COUNTED,
    Audit,
    DeliveryKey,
    LifeKey,
    Mark,
    Snapshot,
    StoredAsk,
    StoredEvent,
    StoredRequest,
    Unsettled,
    Waiting,
    mapping,
)
from hub.store.mapping import storable
from hub.store.tables import Utc, micros
from hub.store.writing import (
    ALERT,
    ASK,
    AUDIT,
    CALENDAR,
    CONFIG,
    EVENT,
    GROUP,
    LINE,
    LINK,
    POST,
    REQUEST,
    ROOM,
    SILENCE,
    TIMER,
    compiled,
    driver,
)

RecordT = TypeVar("RecordT")
Read = Callable[[str], RecordT]

CHUNK = 500
"""Ids in one statement: SQLite takes some thousands of parameters at most."""

STEP_BYTES = 1 << 22
"""Of bodies that are read in one step, unless one alone has more."""

BEGINNING = 1 << 15
"""Of a stored body, which may have 25 MiB, what a list of many shows."""

ARRIVAL = literal_column("rowid", BigInteger)
"""Keeps what has the same time in the order in which it came. Every index of SQLite ends with it; in PostgreSQL it is a
column of ours."""


def _flagged(of: Table, flag: ColumnElement[bool], by: ColumnElement[Any]) -> Select[Any]:
    return select(of.c.record).where(flag.is_(true())).order_by(by, ARRIVAL)


def _all(connection: Connection, statement: Select[Any], read: Read[RecordT]) -> list[RecordT]:
    return [read(record) for record in connection.execute(statement).scalars()]


def _one(connection: Connection, of: Table, id: str, read: Read[RecordT]) -> RecordT | None:
    record = connection.execute(select(of.c.record).where(of.c.id == storable(id))).scalar()
    return None if record is None else read(record)


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    known = list(dict.fromkeys(map(storable, ids)))
    return (known[at : at + CHUNK] for at in range(0, len(known), CHUNK))


def _among(
    connection: Connection, of: Table, column: ColumnElement[str], ids: Iterable[str], read: Read[RecordT]
) -> list[RecordT]:
    """All rows whose column holds one of the ids."""
    return [
        record
        for chunk in _chunks(ids)
        for record in _all(connection, select(of.c.record).where(column.in_(chunk)), read)
    ]


# ---------------------------------------------------------------------------------------------------- the memory's own


def load(connection: Connection, since: datetime) -> Snapshot:
    pending_posts = _all(connection, select(POST.c.record).where(POST.c.pending.is_(true())), mapping.post_of)
    pending_lines = _all(connection, select(LINE.c.record).where(LINE.c.pending.is_(true())), mapping.line_of)
    above = _among(connection, POST, POST.c.id, (p.post for p in pending_lines if p.post), mapping.post_of)
    timers = [mapping.timer_of(*row) for row in connection.execute(select(TIMER).order_by(TIMER.c.due_at))]
    about = {post.group for post in (*pending_posts, *above)}
    about |= {timer.subject for timer in timers if timer.kind == RESTS}
    groups = {
        group.id: group
        for group in (
            *_all(connection, select(GROUP.c.record).where(GROUP.c.firing.is_(true())), mapping.group_of),
            *_all(connection, select(GROUP.c.record).where(GROUP.c.healed_at >= since), mapping.group_of),
            *_among(connection, GROUP, GROUP.c.id, about, mapping.group_of),
        )
    }
    owed = [group for group in groups.values() if group.id in about]
    healed = [group for group in owed if group.healed_at is not None and group.healed_at < since]
    owed_since = _owed_since((*pending_posts, *above), pending_lines)
    touched = min((_news_of(group, owed_since.get(group.id, since)) for group in healed), default=since)
    alerts = _kept_alerts(connection, since, about, {group.id for group in healed}, touched)
    told_of = (*(alert.id for alert in alerts), *groups)
    shown = _among(connection, POST, POST.c.group, told_of, mapping.post_of)
    posts = {post.id: post for post in (*pending_posts, *above, *shown)}
    return Snapshot(
        alerts=alerts,
        posts=sorted(posts.values(), key=lambda post: post.order),
        lines=sorted(pending_lines, key=lambda line: line.order),
        timers=timers,
        silences=_all(connection, _flagged(SILENCE, SILENCE.c.standing, SILENCE.c.starts_at), mapping.silence_of),
        asks=_all(connection, _flagged(ASK, ASK.c.pending, ASK.c.asked_at), mapping.ask_of),
        groups=[*groups.values()],
        links=_all(connection, select(LINK.c.record), mapping.link_of),
        calendars=_all(connection, select(CALENDAR.c.record), mapping.calendar_of),
        unrouted=unrouted(connection, None),
        highest_order=max(_highest_order(connection, POST), _highest_order(connection, LINE)),
    )


UNROUTED = _flagged(EVENT, EVENT.c.waiting, EVENT.c.received_at)


def unrouted(connection: Connection, limit: int | None) -> list[StoredEvent]:
    return _all(connection, UNROUTED.limit(limit), mapping.event_of)


def _behind(
    connection: Connection, of: Table, id: str | None, *by: ColumnElement[Any], rising: bool = False
) -> ColumnElement[bool]:
    """What comes after the row of that id in a list that is sorted by these, the greatest first, or `rising`; where
    there is no such row, nothing. None: all."""
    if id is None:
        return true()
    place = connection.execute(select(*by).where(of.c.id == storable(id))).first()
    if place is None:
        return false()
    row = tuple_(*(literal(value, column.type) for value, column in zip(place, by, strict=True)))
    return tuple_(*by) > row if rising else tuple_(*by) < row


RESTED = timedelta(minutes=30)
"""Who came to rest longer than this before a word of its group became owed was told to be at rest, and is no news."""


def _news_of(group: Group, owed_since: datetime) -> datetime:
    """From when what was touched of it is news. Of one that fired for weeks nobody asks for all its members."""
    return max(group.opened_at, min(owed_since, group.healed_at or owed_since) - RESTED)


def _owed_since(posts: Iterable[Post], lines: Iterable[Line]) -> Mapping[str, datetime]:
    """By group, from when something of it is owed; the posts of these lines are among these posts."""
    found = dict[str, datetime]()
    group_of = {post.id: post.group for post in posts}
    own = (
        (post.group, (post.shown and post.sending.since) or post.created_at)
        for post in posts
        if post.sending.state in mapping.PENDING
    )
    under = ((group_of.get(line.post, ""), line.created_at) for line in lines if line.post)
    for group, at in (*own, *under):
        found[group] = min(at, found.get(group, at))
    return found


def _kept_alerts(
    connection: Connection, since: datetime, about: Collection[str], healed: AbstractSet[str], touched: datetime
) -> list[Alert]:
    """What is open, what was touched since, and what is owed a word (`about`), by itself or as a member of these groups
    that `healed` before, if it was `touched` after that."""
    record = select(ALERT.c.record)
    alerts = [
        *_all(connection, record.where(ALERT.c.open.is_(true())), mapping.alert_of),
        *_all(connection, record.where(ALERT.c.updated_at >= since), mapping.alert_of),
        *_among(connection, ALERT, ALERT.c.id, about, mapping.alert_of),
    ]
    if healed:
        some = _all(connection, record.where(ALERT.c.updated_at.between(touched, since)), mapping.alert_of)
        alerts += [alert for alert in some if not healed.isdisjoint(alert.groups)]
    return sorted({alert.id: alert for alert in alerts}.values(), key=lambda alert: (alert.opened_at, alert.id))


def _highest_order(connection: Connection, of: Table) -> int:
    return connection.execute(select(func.max(of.c.order))).scalar() or 0


_encoded = msgspec.json.Encoder().encode


def _for_each(one: Select[Any], *names: str) -> str:
    """A query for the first record of each of many, in one statement: `asked` is a JSON list of their values.

    The driver lets go of the interpreter for each step of a statement, and may wait for it as long as a busy loop
    keeps it: what a batch asks for is asked at once.
    """
    text = f"{compiled(one.with_only_columns(one.selected_columns.record))} LIMIT 1"
    for place, name in enumerate(names):
        text = text.replace(f":{name}", f"json_extract(asked.value, '$[{place}]')")
    found = f"SELECT asked.key AS place, ({text}) AS record FROM json_each(:asked) AS asked"  # noqa: S608 - no text of others
    return f"SELECT place, record FROM ({found}) WHERE record IS NOT NULL"  # noqa: S608


NEWEST_LIFE = (
    select(ALERT.c.record, ALERT.c.source, ALERT.c.key, ALERT.c.notice)
    .where(
        ALERT.c.source == bindparam("source"), ALERT.c.key == bindparam("key"), ALERT.c.notice == bindparam("notice")
    )
    .order_by(ALERT.c.opened_at.desc(), ALERT.c.id.desc())
)
_NEWEST_LIVES = _for_each(NEWEST_LIFE, "source", "key", "notice")


def lives(connection: Connection, keys: Sequence[LifeKey]) -> Mapping[LifeKey, Alert]:
    asked = [(source, storable(key), notice) for source, key, notice in keys]
    rows = driver(connection).execute(_NEWEST_LIVES, {"asked": _encoded(asked)})
    return {keys[place]: mapping.alert_of(record) for place, record in rows}


SEEN = (
    select(REQUEST.c.record, REQUEST.c.source, REQUEST.c.delivery_id)
    .where(
        REQUEST.c.accepted.is_(true()),
        REQUEST.c.source == bindparam("source"),
        REQUEST.c.delivery_id == bindparam("delivery_id"),
        REQUEST.c.received_at >= bindparam("since"),
    )
    .order_by(REQUEST.c.received_at)
)
_SEEN = _for_each(SEEN, "source", "delivery_id")


class _Events(msgspec.Struct):
    """As much of a request's record as is asked for."""

    events: tuple[str, ...] = ()


def life_keys(connection: Connection, after: LifeKey | None, step: int) -> Sequence[LifeKey]:
    return _keys(connection, select(ALERT.c.source, ALERT.c.key, ALERT.c.notice), after, step)


def delivery_keys(
    connection: Connection, after: DeliveryKey | None, since: datetime, step: int
) -> Sequence[DeliveryKey]:
    accepted = select(REQUEST.c.source, REQUEST.c.delivery_id).where(REQUEST.c.accepted.is_(true()))
    return _keys(connection, accepted.where(REQUEST.c.received_at >= since), after, step)


def _keys(connection: Connection, keys: Select[Any], after: tuple[Any, ...] | None, step: int) -> Sequence[Any]:
    """The next ones, by the index that begins with these columns."""
    columns = [*keys.selected_columns]
    if after is not None:
        keys = keys.where(tuple_(*columns) > tuple_(*after))
    return [tuple(row) for row in connection.execute(keys.distinct().order_by(*columns).limit(step))]


events_of_request = msgspec.json.Decoder(_Events).decode


def deliveries_seen(
    connection: Connection, ids: Sequence[DeliveryKey], since: datetime
) -> Mapping[DeliveryKey, tuple[str, ...]]:
    asked = [(source, storable(delivery)) for source, delivery in ids]
    rows = driver(connection).execute(_SEEN, {"asked": _encoded(asked), "since": micros(since)})
    return {ids[place]: events_of_request(record).events for place, record in rows}


def posts_of(connection: Connection, groups: Sequence[str]) -> Sequence[Post]:
    posts = _among(connection, POST, POST.c.group, groups, mapping.post_of)
    return sorted(posts, key=lambda post: post.order)


# ------------------------------------------------------------------------------------------------- events and requests


def event(connection: Connection, id: str) -> StoredEvent | None:
    return _one(connection, EVENT, id, mapping.event_of)


def events_of(connection: Connection, alert: str, limit: int) -> Sequence[StoredEvent]:
    named = select(EVENT.c.record).where(EVENT.c.alert == storable(alert)).order_by(EVENT.c.received_at, ARRIVAL)
    return _all(connection, named.limit(limit), mapping.event_of)


def past_events(
    connection: Connection, since: datetime, before: Mark | None, limit: int
) -> tuple[Sequence[StoredEvent], Mark | None]:
    place = tuple_(EVENT.c.received_at, ARRIVAL)
    newest = select(EVENT.c.record, EVENT.c.received_at, ARRIVAL).where(EVENT.c.received_at >= since)
    if before is not None:
        newest = newest.where(place < tuple_(bindparam("at", before[0], Utc), bindparam("arrival", before[1])))
    rows = connection.execute(newest.order_by(EVENT.c.received_at.desc(), ARRIVAL.desc()).limit(limit)).all()
    return [mapping.event_of(row[0]) for row in rows], (rows[-1][1], rows[-1][2]) if len(rows) == limit else None


def past(
    connection: Connection, since: datetime, after: Mark | None, limit: int, bodies: Sequence[str]
) -> tuple[Sequence[Happened], Mark | None]:
    place = tuple_(EVENT.c.received_at, ARRIVAL)
    oldest = select(EVENT.c.record, EVENT.c.received_at, ARRIVAL).where(EVENT.c.received_at >= since)
    if after is not None:
        oldest = oldest.where(place > tuple_(bindparam("at", after[0], Utc), bindparam("arrival", after[1])))
    rows = connection.execute(oldest.order_by(EVENT.c.received_at, ARRIVAL).limit(limit)).all()
    stored = [mapping.event_of(row[0]) for row in rows]
    posted = {one.id: one for one in requests(connection, [s.event.request_id for s in stored])} if bodies else {}
    events = [
        Happened(at=s.routed_at or s.event.received_at, event=s.event, body=_of_body(s.event, posted, bodies))
        for s in stored
    ]
    mark = (rows[-1][1], rows[-1][2]) if len(rows) == limit else None
    return ([*_deeds(connection, since), *events] if after is None else events), mark


def _of_body(event: Event, posted: Mapping[str, StoredRequest], names: Sequence[str]) -> Mapping[str, str]:
    request = posted.get(event.request_id)
    if request is None:
        return {}
    webhook = WebhookRequest(
        source=request.source,
        headers=request.headers,
        query=request.query,
        body=request.body,
        received_at=request.received_at,
    )
    try:
        look = event_look(event, webhook.json().value)
    except PayloadError:
        return {}
    return {name: value for name in names if (value := look(name)) is not None}


def _deeds(connection: Connection, since: datetime) -> Iterator[Happened]:
    """What people did, as far as it is on record: silences that hold since then, and acts."""
    begun = select(SILENCE.c.record).where(SILENCE.c.starts_at >= since - LONGEST).order_by(SILENCE.c.starts_at)
    for silence in _all(connection, begun, mapping.silence_of):
        if (silence.ended_at or silence.ends_at) > since:
            yield from of_silence(silence)
    said = select(AUDIT.c.record).where(AUDIT.c.at >= since).order_by(AUDIT.c.at, ARRIVAL)
    for audit in _all(connection, said, mapping.audit_of):
        yield from (Happened(at=audit.at, act=act) for act in audit.acts if audit.allowed)
    asked = select(ASK.c.record).where(ASK.c.asked_at >= since).order_by(ASK.c.asked_at)
    for ask in _all(connection, asked, mapping.ask_of):
        if ask.verb == "ack" and ask.alert:
            act = Act(verb=ask.verb, alert=ask.alert, by=ask.asker, reason=ask.reason, seconds=ask.duration)
            yield Happened(at=ask.asked_at, act=act)


def failed_events(connection: Connection, after: str | None, limit: int) -> Sequence[StoredEvent]:
    behind = _behind(connection, EVENT, after, EVENT.c.received_at, ARRIVAL, rising=True)
    failed = _flagged(EVENT, EVENT.c.failed, EVENT.c.received_at).where(behind)
    return _all(connection, failed.limit(limit), mapping.event_of)


def request(connection: Connection, id: str) -> StoredRequest | None:
    row = connection.execute(select(REQUEST.c.record, REQUEST.c.body).where(REQUEST.c.id == storable(id))).first()
    return None if row is None else mapping.request_of(*row)


REQUESTS = select(REQUEST.c.record, REQUEST.c.body)


def requests(connection: Connection, ids: Sequence[str]) -> list[StoredRequest]:
    return [
        mapping.request_of(*row)
        for chunk in _chunks(ids)
        for row in connection.execute(REQUESTS.where(REQUEST.c.id.in_(chunk)))
    ]


def bodies(
    connection: Connection, after: Mark | None, before: datetime, most: int
) -> tuple[Sequence[tuple[str, bytes]], Mark | None]:
    """Those of one step: the first beyond a mark, up to some number of bytes together."""
    place = tuple_(REQUEST.c.received_at, ARRIVAL)
    size = func.length(REQUEST.c.body)
    oldest = select(REQUEST.c.id, REQUEST.c.received_at, ARRIVAL, size).where(REQUEST.c.received_at < before)
    if after is not None:
        oldest = oldest.where(place > tuple_(bindparam("at", after[0], Utc), bindparam("arrival", after[1])))
    found = connection.execute(oldest.order_by(REQUEST.c.received_at, ARRIVAL).limit(most)).all()
    total = [*accumulate(row[3] for row in found)]
    rows = [row for row, sum_ in zip(found, total, strict=True) if sum_ <= STEP_BYTES] or found[:1]
    wanted = select(REQUEST.c.id, REQUEST.c.body).where(REQUEST.c.id.in_([row[0] for row in rows]))
    read = [(id, body) for id, body in connection.execute(wanted)]
    return read, (rows[-1][1], rows[-1][2]) if rows else None


def quarantine(connection: Connection, before: str | None, limit: int) -> Sequence[StoredRequest]:
    newest = (
        select(REQUEST.c.record, func.substr(REQUEST.c.body, 1, BEGINNING, type_=LargeBinary))
        .where(REQUEST.c.quarantined.is_(true()), _behind(connection, REQUEST, before, REQUEST.c.received_at, ARRIVAL))
        .order_by(REQUEST.c.received_at.desc(), ARRIVAL.desc())
        .limit(limit)
    )
    unpack = partial(mapping.beginning, most=BEGINNING)
    return [mapping.request_of(record, body or b"", unpack=unpack) for record, body in connection.execute(newest)]


def newest_quarantined(connection: Connection, since: datetime) -> Sequence[StoredRequest]:
    lately = (REQUEST.c.quarantined.is_(true()), REQUEST.c.received_at > since)
    newest = select(func.max(ARRIVAL)).where(*lately).group_by(REQUEST.c.source)
    records = select(REQUEST.c.record).where(*lately, ARRIVAL.in_(newest)).order_by(REQUEST.c.received_at)
    return _all(connection, records, partial(mapping.request_of, body=b""))


def in_quarantine(connection: Connection, sources: Sequence[str]) -> Mapping[str, Waiting]:
    oldest = select(REQUEST.c.received_at).where(REQUEST.c.quarantined.is_(true())).order_by(REQUEST.c.received_at)
    found = dict[str, Waiting]()
    for name in sources:
        times = connection.execute(oldest.where(REQUEST.c.source == storable(name)).limit(MOST_COUNTED)).scalars().all()
        if times:
            found[name] = Waiting(number=len(times), since=times[0])
    return found


def unsettled(connection: Connection) -> Unsettled:
    """Each is counted along an index of its own."""
    dead = [_number(connection, of, of.c.state == str(DeliveryState.DEAD)) for of in (POST, LINE)]
    return Unsettled(
        dead=sum(dead),
        quarantined=_number(connection, REQUEST, REQUEST.c.quarantined.is_(true())),
        unrouted=_number(connection, EVENT, EVENT.c.failed.is_(true())),
    )


def _number(connection: Connection, of: Table, which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(of).where(which)).scalar_one()


# ------------------------------------------------------------------------------------------------- alerts and messages


def alert(connection: Connection, id: str) -> Alert | None:
    return _one(connection, ALERT, id, mapping.alert_of)


_ALERTS: Mapping[str | None, Sequence[ColumnElement[bool]]] = {
    None: (ALERT.c.life.is_(true()),),
    "open": (ALERT.c.open.is_(true()),),
    "acked": (ALERT.c.open.is_(true()), ALERT.c.acked.is_(true())),
    "resolved": (ALERT.c.resolved.is_(true()),),
}


def alerts(connection: Connection, state: str | None, before: str | None, limit: int) -> Sequence[Alert]:
    newest = select(ALERT.c.record).where(*_ALERTS[state]).order_by(ALERT.c.opened_at.desc(), ALERT.c.id.desc())
    behind = _behind(connection, ALERT, before, ALERT.c.opened_at, ALERT.c.id)
    return _all(connection, newest.where(behind).limit(limit), mapping.alert_of)


def deliveries(
    connection: Connection, state: str | None, group: str | None, before: str | None, limit: int
) -> Sequence[Post | Line]:
    posts = _listed(POST, state)
    lines = _listed(LINE, state)
    if before is not None:
        named = (select(of.c.order).where(of.c.id == storable(before)) for of in (POST, LINE))
        order = connection.execute(union_all(*named)).scalar() or 0
        posts, lines = posts.where(POST.c.order < order), lines.where(LINE.c.order < order)
    if group is not None:
        group = storable(group)
        posts = posts.where(POST.c.group == group)
        lines = lines.where(LINE.c.post.in_(select(POST.c.id).where(POST.c.group == group)))
    both: list[Post | Line] = [
        *_all(connection, posts.limit(limit), mapping.post_of),
        *_all(connection, lines.limit(limit), mapping.line_of),
    ]
    return sorted(both, key=lambda owed: owed.order, reverse=True)[:limit]


def _listed(of: Table, state: str | None) -> Select[Any]:
    listed = select(of.c.record).where(of.c.state.not_in(mapping.UNLISTED)).order_by(of.c.order.desc())
    return listed if state is None else listed.where(of.c.state == state)


def crowd(connection: Connection, id: str) -> tuple[Group, Sequence[Alert]] | None:
    group = _one(connection, GROUP, id, mapping.group_of)
    if group is None:
        return None
    touched = select(ALERT.c.record).where(ALERT.c.updated_at >= group.opened_at).order_by(ALERT.c.updated_at)
    if group.healed_at is not None:  # else it is open, and memory has it
        touched = touched.where(ALERT.c.updated_at <= group.healed_at)
    return group, [alert for alert in _all(connection, touched, mapping.alert_of) if group.id in alert.groups]


def post(connection: Connection, id: str) -> Post | None:
    return _one(connection, POST, id, mapping.post_of)


def line(connection: Connection, id: str) -> Line | None:
    return _one(connection, LINE, id, mapping.line_of)


def post_shown_as(connection: Connection, chat: str, ref: str) -> Post | None:
    there = POST.c.channel.startswith(f"{chat}:", autoescape=True)
    shown = select(POST.c.record).where(POST.c.ref == storable(ref), there)
    found = _all(connection, shown.order_by(POST.c.order.desc()).limit(1), mapping.post_of)
    return found[0] if found else None


# ---------------------------------------------------------------------------------------------------------- the others


def silence(connection: Connection, id: str) -> Silence | None:
    return _one(connection, SILENCE, id, mapping.silence_of)


def ask(connection: Connection, id: str) -> StoredAsk | None:
    return _one(connection, ASK, id, mapping.ask_of)


def audit(connection: Connection, before: str | None, limit: int) -> Sequence[Audit]:
    newest = select(AUDIT.c.record).order_by(AUDIT.c.at.desc(), ARRIVAL.desc())
    behind = _behind(connection, AUDIT, before, AUDIT.c.at, ARRIVAL)
    return _all(connection, newest.where(behind).limit(limit), mapping.audit_of)


def config(connection: Connection, hash: str) -> str | None:
    return connection.execute(select(CONFIG.c.text).where(CONFIG.c.hash == storable(hash))).scalar()


def newest_config(connection: Connection) -> tuple[str, str] | None:
    newest = select(CONFIG.c.hash, CONFIG.c.text).order_by(CONFIG.c.number.desc()).limit(1)
    row = connection.execute(newest).first()
    return None if row is None else (row.hash, row.text)


def room_threads(connection: Connection, room: str, limit: int) -> Sequence[RoomMessage]:
    newest = select(ROOM.c.record).where(ROOM.c.head.is_(true()), ROOM.c.room == room)
    heads = _all(
        connection, newest.order_by(ROOM.c.posted_at.desc(), ROOM.c.number.desc()).limit(limit), mapping.room_of
    )
    entries: dict[str | None, list[RoomMessage]] = {}
    for chunk in _chunks(head.id for head in heads):
        for entry in _all(connection, _entries(chunk), mapping.room_of):
            entries.setdefault(entry.thread, []).append(entry)
    return [message for head in reversed(heads) for message in (head, *entries.get(head.id, ()))]


def _entries(heads: Sequence[str]) -> Select[Any]:
    return select(ROOM.c.record).where(ROOM.c.thread.in_(heads)).order_by(ROOM.c.posted_at, ROOM.c.number)


def room_thread(connection: Connection, id: str) -> Sequence[RoomMessage]:
    asked = _room_message(connection, id)
    if asked is None:
        return ()
    head = asked if asked.thread is None else _room_message(connection, asked.thread)
    entries = _all(connection, _entries([asked.thread or asked.id]), mapping.room_of)
    return [head, *entries] if head is not None else entries


def _room_message(connection: Connection, id: str) -> RoomMessage | None:
    return _one(connection, ROOM, id, mapping.room_of)


def room_messages(connection: Connection, ids: Sequence[str]) -> Sequence[RoomMessage]:
    return _among(connection, ROOM, ROOM.c.id, ids, mapping.room_of)


COUNTED: Mapping[str, Table] = {
    "requests": REQUEST,
    "events": EVENT,
    "alerts": ALERT,
    "posts": POST,
    "lines": LINE,
    "timers": TIMER,
    "silences": SILENCE,
    "asks": ASK,
    "audit": AUDIT,
    "room": ROOM,
    "configs": CONFIG,
}
EXACT = 20_000
"""Up to so many rows are counted; of more it is enough to know about how many there are."""


_ESTIMATED = (
    "SELECT reltuples::bigint FROM pg_class WHERE relname = $1 AND relnamespace = current_schema()::regnamespace"
)
"""By PostgreSQL's own statistics; -1 of a table that it has not looked at yet."""


def count(connection: Connection) -> Mapping[str, int]:
    return {name: _rows(connection, of) for name, of in COUNTED.items()}


def _rows(connection: Connection, of: Table) -> int:
    some = select(literal_column("1")).select_from(of).limit(EXACT + 1).subquery()
    counted = connection.execute(select(func.count()).select_from(some)).scalar_one()
    if counted <= EXACT:
        return counted
    if connection.dialect.name == "postgresql":
        return max(counted, int(connection.exec_driver_sql(_ESTIMATED, (of.name,)).scalar_one()))
    # Rows are numbered as they come, and the oldest go first.
    highest = connection.execute(select(func.max(ARRIVAL)).select_from(of)).scalar_one()
    lowest = connection.execute(select(func.min(ARRIVAL)).select_from(of)).scalar_one()
    return int(highest - lowest + 1)
