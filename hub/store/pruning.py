"""What has grown old, and that nobody needs any more, goes: in small steps, which remember where they were."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    true,
    tuple_,
)

from hub.store import PrunePlace
from hub.store.tables import Utc
from hub.store.writing import ALERT, EVENT, GROUP, LINE, POST, REQUEST, ROOM


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is looked through by its age. `free` says which rows nobody needs that are older than a time; `remove` takes
    them away by id, and says how many rows that were."""

    table: Table
    age: ColumnElement[Any]
    free: Callable[[datetime], ColumnElement[bool]]
    remove: Callable[[Connection, Sequence[str]], int]
    among: ColumnElement[bool] = field(default_factory=true)
    """The only rows that are looked at."""
    weight: int = 1
    """Rows that go with one of them, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a look found to be free, by the number of its kind, and where the next one goes on."""

    ids: Mapping[int, Sequence[str]]
    next: PrunePlace | None

    @property
    def any(self) -> bool:
        return any(self.ids.values())


def look(connection: Connection, before: datetime, place: PrunePlace | None, step: int) -> Found:
    """See which of the next `step` rows, from a place on, are free.

    So a step takes no longer where much has to stay: years of events, say, of an alert that is open still.
    """
    (number, mark), ids, left = place or (0, None), dict[int, Sequence[str]](), step
    while number < len(KINDS):
        kind = KINDS[number]
        most = max(1, left // kind.weight)
        rows = connection.execute(_next(kind, before, mark, most)).all()
        ids[number] = [row.id for row in rows if row.free]
        if len(rows) == most:
            return Found(ids=ids, next=(number, (rows[-1].age, rows[-1].id)))
        number, mark, left = number + 1, None, left - len(rows) * kind.weight
    return Found(ids=ids, next=None)


def remove(connection: Connection, before: datetime, found: Found) -> int:
    """Take away what was found, as far as it is free still; how many rows went."""
    gone = 0
    for number, ids in found.ids.items():
        kind = KINDS[number]
        still = select(kind.table.c.id).where(kind.table.c.id.in_(ids), kind.age < before, kind.free(before))
        if ids and (free := list(connection.execute(still).scalars())):
            gone += kind.remove(connection, free)
    return gone


def _next(kind: Kind, before: datetime, mark: tuple[datetime, str] | None, limit: int) -> Select[Any]:
    id, age = kind.table.c.id, kind.age
    rows = select(id, age.label("age"), kind.free(before).label("free")).where(age < before, kind.among)
    if mark is not None:
        rows = rows.where(tuple_(age, id) > tuple_(bindparam("at", mark[0], Utc), bindparam("behind", mark[1])))
    return rows.order_by(age, id).limit(limit)


# ------------------------------------------------------------------------------------------------------ what is free


def _owed(alert: ColumnElement[str]) -> ColumnElement[bool]:
    """A post about this alert, or a line under one, is still to be told."""
    line = select(1).where(LINE.c.pending.is_(true()), POST.c.id == LINE.c.post, POST.c.group == alert)
    return or_(exists().where(POST.c.group == alert, POST.c.pending.is_(true())), line.exists())


def _free_events(_: datetime) -> ColumnElement[bool]:
    alive = exists().where(ALERT.c.id == EVENT.c.alert, ALERT.c.open.is_(true()))
    named = exists().where(LINE.c.event == EVENT.c.id, LINE.c.pending.is_(true()))
    # An event that was not routed yet stays, however old: each accepted event ends in a decision.
    return and_(EVENT.c.waiting.is_(False), ~alive, ~_owed(EVENT.c.alert), ~named)


def _free_requests(_: datetime) -> ColumnElement[bool]:
    return ~exists().where(EVENT.c.request_id == REQUEST.c.id)


def _free_alerts(before: datetime) -> ColumnElement[bool]:
    fresh_post = exists().where(POST.c.group == ALERT.c.id, POST.c.created_at >= before)
    fresh_line = exists().where(POST.c.group == ALERT.c.id, LINE.c.post == POST.c.id, LINE.c.created_at >= before)
    return and_(ALERT.c.open.is_(False), ~_owed(ALERT.c.id), ~fresh_post, ~fresh_line)


def _free_groups(_: datetime) -> ColumnElement[bool]:
    return ~_owed(GROUP.c.id)


def _free_lines(_: datetime) -> ColumnElement[bool]:
    """Those that stand alone; the others go with the alert of their post."""
    alone = or_(LINE.c.post.is_(None), ~exists().where(POST.c.id == LINE.c.post))
    return and_(LINE.c.pending.is_(False), alone)


def _free_posts(_: datetime) -> ColumnElement[bool]:
    """Those whose alert is gone."""
    owes = exists().where(LINE.c.post == POST.c.id, LINE.c.pending.is_(true()))
    gone = ~exists().where(ALERT.c.id == POST.c.group), ~exists().where(GROUP.c.id == POST.c.group)
    return and_(POST.c.pending.is_(False), *gone, ~owes)


def _free_threads(before: datetime) -> ColumnElement[bool]:
    """Heads of threads in which nothing is new, and which show no alert that we still have."""
    entry = ROOM.alias("entry")
    fresh = select(1).select_from(entry).where(entry.c.thread == ROOM.c.id, entry.c.posted_at >= before)
    shown = exists().where(POST.c.ref == ROOM.c.id)
    return and_(~fresh.exists(), ~shown)


# ------------------------------------------------------------------------------------------------------- it is removed


def _only(table: Table) -> Callable[[Connection, Sequence[str]], int]:
    return lambda connection, ids: _remove(connection, table, table.c.id.in_(ids))


def _remove(connection: Connection, of: Table, which: ColumnElement[bool]) -> int:
    return connection.execute(delete(of).where(which)).rowcount


def _remove_alerts(connection: Connection, ids: Sequence[str]) -> int:
    """With their posts and the lines of these: one alert has few."""
    posts = select(POST.c.id).where(POST.c.group.in_(ids))
    lines = _remove(connection, LINE, LINE.c.post.in_(posts))
    return lines + _remove(connection, POST, POST.c.group.in_(ids)) + _remove(connection, ALERT, ALERT.c.id.in_(ids))


def _remove_threads(connection: Connection, ids: Sequence[str]) -> int:
    return _remove(connection, ROOM, ROOM.c.thread.in_(ids)) + _remove(connection, ROOM, ROOM.c.id.in_(ids))


KINDS = (
    Kind(table=EVENT, age=EVENT.c.received_at, free=_free_events, remove=_only(EVENT)),
    Kind(table=REQUEST, age=REQUEST.c.received_at, free=_free_requests, remove=_only(REQUEST)),
    Kind(table=ALERT, age=ALERT.c.updated_at, free=_free_alerts, remove=_remove_alerts, weight=3),
    # Of a group's posts and lines, see there.
    Kind(table=GROUP, age=GROUP.c.healed_at, free=_free_groups, remove=_only(GROUP)),
    Kind(table=LINE, age=LINE.c.created_at, free=_free_lines, remove=_only(LINE)),
    Kind(table=POST, age=POST.c.created_at, free=_free_posts, remove=_only(POST)),
    Kind(table=ROOM, age=ROOM.c.posted_at, free=_free_threads, remove=_remove_threads, among=ROOM.c.head.is_(true())),
)
"""Events first, then what only they needed."""
