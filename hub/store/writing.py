"""What is written: the changes of one transaction, and what has grown old.

The statements are compiled once and run on the driver's own connection, with mappings that go into it as they are:
per row, SQLAlchemy's way through its result and context objects costs as much as SQLite's whole work.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import Executable
from sqlmodel import SQLModel

from hub.store import Changes, mapping, tables
from hub.store.mapping import Values

_DIALECT = sqlite.dialect(paramstyle="named")


def table(row: type[SQLModel]) -> Table:
    return cast(Table, row.__table__)  # type: ignore[attr-defined]  # SQLModel does not declare it


REQUEST, EVENT = table(tables.RequestRow), table(tables.EventRow)
ALERT, POST, LINE = table(tables.AlertRow), table(tables.PostRow), table(tables.LineRow)
TIMER, SILENCE, ASK = table(tables.TimerRow), table(tables.SilenceRow), table(tables.AskRow)
AUDIT, ROOM, CONFIG = table(tables.AuditRow), table(tables.RoomMessageRow), table(tables.ConfigRow)
LINK, GROUP, CALENDAR = table(tables.LinkRow), table(tables.GroupRow), table(tables.CalendarRow)


def compiled(statement: Executable) -> str:
    """Its text, with `:name` for each parameter."""
    return str(statement.compile(dialect=_DIALECT))  # type: ignore[attr-defined]


def driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)


InsertInto = Callable[[Table], Any]
"""Of the dialect: each has an INSERT of its own that knows ON CONFLICT, and both are called alike."""


def _upsert(insert_into: InsertInto, of: Table, *keys: str) -> Executable:
    """Write a row whole; where its keys are there already, it takes that row's place.

    Not `INSERT OR REPLACE`: that gives the row a new place in the table and writes every index anew.
    """
    names = [column.name for column in of.columns if column.name != "number"]
    insert = insert_into(of).values({name: bindparam(name) for name in names})
    taken = {name: insert.excluded[name] for name in names if name not in keys}
    statement: Executable = insert.on_conflict_do_update(index_elements=keys, set_=taken)
    return statement


_RELEASE_TIMER = delete(TIMER).where(TIMER.c.kind == bindparam("kind"), TIMER.c.subject == bindparam("subject"))
_UNLINK = delete(LINK).where(LINK.c.account == bindparam("account"))
_FORGET_CALENDAR = delete(CALENDAR).where(CALENDAR.c.schedule == bindparam("schedule"))
_FORGET_CONFIG = delete(CONFIG).where(CONFIG.c.hash == bindparam("hash"))


def plan(insert_into: InsertInto) -> Sequence[tuple[Executable, Callable[[Changes], Iterable[Values]]]]:
    """The statements of a transaction in their order, each with the rows that it is run with."""
    upsert = partial(_upsert, insert_into)
    return (
        (upsert(REQUEST, "id"), lambda c: map(mapping.request_row, (*c.requests, *c.released.values()))),
        (upsert(EVENT, "id"), lambda c: map(mapping.event_row, (*c.events, *c.decided.values()))),
        (upsert(ALERT, "id"), lambda c: map(mapping.alert_row, c.alerts.values())),
        (upsert(POST, "id"), lambda c: map(mapping.post_row, c.posts.values())),
        (upsert(LINE, "id"), lambda c: map(mapping.line_row, c.lines.values())),
        (
            upsert(TIMER, "kind", "subject"),
            lambda c: (mapping.timer_row(t) for t in c.timers.values() if t is not None),
        ),
        (_RELEASE_TIMER, lambda c: ({"kind": k, "subject": s} for (k, s), timer in c.timers.items() if timer is None)),
        (upsert(SILENCE, "id"), lambda c: map(mapping.silence_row, c.silences.values())),
        (upsert(ASK, "id"), lambda c: map(mapping.ask_row, c.asks.values())),
        (upsert(AUDIT, "id"), lambda c: map(mapping.audit_row, c.audit)),
        (upsert(GROUP, "id"), lambda c: map(mapping.group_row, c.groups.values())),
        (upsert(LINK, "account"), lambda c: (mapping.link_row(link) for link in c.links.values() if link is not None)),
        (_UNLINK, lambda c: ({"account": account} for account, link in c.links.items() if link is None)),
        (
            upsert(CALENDAR, "schedule"),
            lambda c: (mapping.calendar_row(one) for one in c.calendars.values() if one is not None),
        ),
        (_FORGET_CALENDAR, lambda c: ({"schedule": name} for name, one in c.calendars.items() if one is None)),
        (upsert(ROOM, "id"), lambda c: map(mapping.room_row, c.room.values())),
        # Stored again, a text is the newest: it goes and comes back under a higher number.
        (_FORGET_CONFIG, lambda c: ({"hash": digest} for digest in c.configs)),
        (upsert(CONFIG, "hash"), lambda c: ({"hash": digest, "text": text} for digest, text in c.configs.items())),
    )


AT_ONCE = 64
"""Rows of one statement."""


class _Rows:
    """A statement that is run for each of many rows.

    Many of them go into one INSERT: the driver lets go of the interpreter for each statement, and then waits for it as
    long as a busy loop keeps it.
    """

    def __init__(self, statement: Executable) -> None:
        self._one = compiled(statement)
        self._inserts = isinstance(statement, Insert)
        positional = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"))  # type: ignore[attr-defined]
        self._names, text = tuple(positional.positiontup), str(positional)
        values = f"({', '.join('?' * len(self._names))})"
        self._texts = {2**n: text.replace(values, ", ".join([values] * 2**n), 1) for n in range(7)}

    def write(self, cursor: sqlite3.Cursor, rows: Sequence[Values]) -> None:
        if not self._inserts:
            cursor.executemany(self._one, rows)
            return
        done = 0
        while left := len(rows) - done:
            number = min(AT_ONCE, 1 << (left.bit_length() - 1))
            some = rows[done : done + number]
            cursor.execute(self._texts[number], [row[name] for row in some for name in self._names])
            done += number


_PLAN = tuple((_Rows(statement), rows) for statement, rows in plan(sqlite.insert))


_PACK = update(REQUEST).where(REQUEST.c.id == bindparam("which")).values(body=bindparam("small"))


def pack(connection: Connection, small: Sequence[tuple[str, bytes]]) -> None:
    connection.execute(_PACK, [{"which": id, "small": body} for id, body in small])


def write(connection: Connection, changes: Changes) -> None:
    """All of it, within the transaction that has begun."""
    cursor = driver(connection).cursor()
    for statement, rows in _PLAN:
        # A list, not the iterator itself: a row that cannot be made must fail before SQLite has half of them.
        if values := list(rows(changes)):
            statement.write(cursor, values)


# ------------------------------------------------------------------------------------------------------- what is old


def _owed(alert: ColumnElement[str]) -> ColumnElement[bool]:
    """A post about this alert, or a line under one, is still to be told."""
    line = select(1).where(LINE.c.pending.is_(true()), POST.c.id == LINE.c.post, POST.c.group == alert)
    return or_(exists().where(POST.c.group == alert, POST.c.pending.is_(true())), line.exists())


def _old_events(before: datetime) -> ColumnElement[bool]:
    alive = exists().where(ALERT.c.id == EVENT.c.alert, ALERT.c.open.is_(true()))
    named = exists().where(LINE.c.event == EVENT.c.id, LINE.c.pending.is_(true()))
    # An event that was not routed yet stays, however old: each accepted event ends in a decision.
    old = and_(EVENT.c.received_at < before, EVENT.c.waiting.is_(False))
    return and_(old, ~alive, ~_owed(EVENT.c.alert), ~named)


def _old_requests(before: datetime) -> ColumnElement[bool]:
    return and_(REQUEST.c.received_at < before, ~exists().where(EVENT.c.request_id == REQUEST.c.id))


def _old_alerts(before: datetime) -> ColumnElement[bool]:
    fresh_post = exists().where(POST.c.group == ALERT.c.id, POST.c.created_at >= before)
    fresh_line = exists().where(POST.c.group == ALERT.c.id, LINE.c.post == POST.c.id, LINE.c.created_at >= before)
    return and_(ALERT.c.updated_at < before, ALERT.c.open.is_(False), ~_owed(ALERT.c.id), ~fresh_post, ~fresh_line)


def _old_lines(before: datetime) -> ColumnElement[bool]:
    """Those that stand alone; the others go with the alert of their post."""
    alone = or_(LINE.c.post.is_(None), ~exists().where(POST.c.id == LINE.c.post))
    return and_(LINE.c.created_at < before, LINE.c.pending.is_(False), alone)


def _old_posts(before: datetime) -> ColumnElement[bool]:
    """Those whose alert is gone."""
    owes = exists().where(LINE.c.post == POST.c.id, LINE.c.pending.is_(true()))
    return and_(
        POST.c.created_at < before,
        POST.c.pending.is_(False),
        ~exists().where(ALERT.c.id == POST.c.group),
        ~exists().where(GROUP.c.id == POST.c.group),
        ~owes,
    )


def _old_threads(before: datetime) -> ColumnElement[bool]:
    """Heads of threads in which nothing is new, and which show no alert that we still have."""
    entry = ROOM.alias("entry")
    fresh = select(1).select_from(entry).where(entry.c.thread == ROOM.c.id, entry.c.posted_at >= before)
    shown = exists().where(POST.c.ref == ROOM.c.id)
    return and_(ROOM.c.head.is_(true()), ROOM.c.posted_at < before, ~fresh.exists(), ~shown)


def prune(connection: Connection, before: datetime, step: int) -> int:
    """Events first, then what only they needed. Each kind takes what the one before has left of the step."""
    gone = 0
    kinds = (
        _prune_events,
        _prune_requests,
        _prune_alerts,
        _prune_groups,
        _prune_lines,
        _prune_posts,
        _prune_threads,
    )
    for remove in kinds:
        if gone >= step:
            break
        gone += remove(connection, before, step - gone)
    return gone


def _ids(connection: Connection, of: Table, old: ColumnElement[bool], by: Any, limit: int) -> list[str]:
    return list(connection.execute(select(of.c.id).where(old).order_by(by).limit(limit)).scalars())


def _remove(connection: Connection, of: Table, which: ColumnElement[bool]) -> int:
    return connection.execute(delete(of).where(which)).rowcount


def _prune_events(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, EVENT, _old_events(before), EVENT.c.received_at, limit)
    return _remove(connection, EVENT, EVENT.c.id.in_(ids)) if ids else 0


def _prune_requests(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, REQUEST, _old_requests(before), REQUEST.c.received_at, limit)
    return _remove(connection, REQUEST, REQUEST.c.id.in_(ids)) if ids else 0


def _prune_alerts(connection: Connection, before: datetime, limit: int) -> int:
    """With their posts and the lines of these: one alert has few."""
    ids = _ids(connection, ALERT, _old_alerts(before), ALERT.c.updated_at, limit)
    if not ids:
        return 0
    posts = select(POST.c.id).where(POST.c.group.in_(ids))
    lines = _remove(connection, LINE, LINE.c.post.in_(posts))
    return lines + _remove(connection, POST, POST.c.group.in_(ids)) + _remove(connection, ALERT, ALERT.c.id.in_(ids))


def _prune_groups(connection: Connection, before: datetime, limit: int) -> int:
    """Of their posts and lines, see there."""
    old = and_(GROUP.c.healed_at < before, ~_owed(GROUP.c.id))
    ids = _ids(connection, GROUP, old, GROUP.c.healed_at, limit)
    return _remove(connection, GROUP, GROUP.c.id.in_(ids)) if ids else 0


def _prune_lines(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, LINE, _old_lines(before), LINE.c.created_at, limit)
    return _remove(connection, LINE, LINE.c.id.in_(ids)) if ids else 0


def _prune_posts(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, POST, _old_posts(before), POST.c.created_at, limit)
    return _remove(connection, POST, POST.c.id.in_(ids)) if ids else 0


def _prune_threads(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, ROOM, _old_threads(before), ROOM.c.posted_at, limit)
    if not ids:
        return 0
    return _remove(connection, ROOM, ROOM.c.thread.in_(ids)) + _remove(connection, ROOM, ROOM.c.id.in_(ids))
