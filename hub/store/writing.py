"""What is written: the changes of one transaction.

The statements are compiled once and run on the driver's own connection, with mappings that go into it as they are:
per row, SQLAlchemy's way through its result and context objects costs as much as SQLite's whole work.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, delete, update
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


@dataclass(frozen=True, slots=True)
class Written:
    """A table of which a transaction writes rows whole: where the keys are there already, a row takes that row's place.

    Not by `INSERT OR REPLACE`: that gives the row a new place in the table and writes every index anew.
    """

    table: Table
    keys: tuple[str, ...]
    rows: Callable[[Changes], Iterable[Values]]

    @property
    def names(self) -> Sequence[str]:
        """Of its columns, those that we fill in."""
        return [column.name for column in self.table.columns if column.name != "number"]

    def taken(self, excluded: Any) -> Mapping[str, Any]:
        """What the new row gives to the one whose place it takes; `excluded` is what the dialect calls the new one."""
        return {name: excluded[name] for name in self.names if name not in self.keys}


_RELEASE_TIMER = delete(TIMER).where(TIMER.c.kind == bindparam("kind"), TIMER.c.subject == bindparam("subject"))
_UNLINK = delete(LINK).where(LINK.c.account == bindparam("account"))
_FORGET_CALENDAR = delete(CALENDAR).where(CALENDAR.c.schedule == bindparam("schedule"))
_FORGET_CONFIG = delete(CONFIG).where(CONFIG.c.hash == bindparam("hash"))

REMOVED: Sequence[tuple[Executable, Callable[[Changes], Iterable[Values]]]] = (
    (_RELEASE_TIMER, lambda c: ({"kind": k, "subject": s} for (k, s), timer in c.timers.items() if timer is None)),
    (_UNLINK, lambda c: ({"account": account} for account, link in c.links.items() if link is None)),
    (_FORGET_CALENDAR, lambda c: ({"schedule": name} for name, one in c.calendars.items() if one is None)),
    # Stored again, a text is the newest: it goes and comes back under a higher number.
    (_FORGET_CONFIG, lambda c: ({"hash": digest} for digest in c.configs)),
)
"""What a transaction takes away before it writes, each with the rows that it is run with."""

WRITTEN = (
    Written(REQUEST, ("id",), lambda c: map(mapping.request_row, (*c.requests, *c.released.values()))),
    Written(EVENT, ("id",), lambda c: map(mapping.event_row, (*c.events, *c.decided.values()))),
    Written(ALERT, ("id",), lambda c: map(mapping.alert_row, c.alerts.values())),
    Written(POST, ("id",), lambda c: map(mapping.post_row, c.posts.values())),
    Written(LINE, ("id",), lambda c: map(mapping.line_row, c.lines.values())),
    Written(TIMER, ("kind", "subject"), lambda c: (mapping.timer_row(t) for t in c.timers.values() if t is not None)),
    Written(SILENCE, ("id",), lambda c: map(mapping.silence_row, c.silences.values())),
    Written(ASK, ("id",), lambda c: map(mapping.ask_row, c.asks.values())),
    Written(AUDIT, ("id",), lambda c: map(mapping.audit_row, c.audit)),
    Written(GROUP, ("id",), lambda c: map(mapping.group_row, c.groups.values())),
    Written(LINK, ("account",), lambda c: (mapping.link_row(link) for link in c.links.values() if link is not None)),
    Written(
        CALENDAR,
        ("schedule",),
        lambda c: (mapping.calendar_row(one) for one in c.calendars.values() if one is not None),
    ),
    Written(ROOM, ("id",), lambda c: map(mapping.room_row, c.room.values())),
    Written(CONFIG, ("hash",), lambda c: ({"hash": digest, "text": text} for digest, text in c.configs.items())),
)


ROWS_AT_ONCE = (64, 32, 16, 8, 4, 2, 1)
"""Of one INSERT of SQLite: each number of rows is a text of its own, and few texts stay prepared."""
Write = Callable[[sqlite3.Cursor, Sequence[Values]], object]


def _for_each(statement: Executable) -> Write:
    text = compiled(statement)
    return lambda cursor, rows: cursor.executemany(text, rows)


def _many_at_once(written: Written) -> Write:
    """In few statements: for each the driver lets go of the interpreter, and waits as long as a busy loop keeps it."""
    insert = sqlite.insert(written.table).values({name: bindparam(name) for name in written.names})
    upsert = insert.on_conflict_do_update(index_elements=written.keys, set_=written.taken(insert.excluded))
    positional = upsert.compile(dialect=sqlite.dialect(paramstyle="qmark"))
    assert positional.positiontup is not None
    names, text = tuple(positional.positiontup), str(positional)
    values = f"({', '.join('?' * len(names))})"
    texts = {number: text.replace(values, ", ".join([values] * number), 1) for number in ROWS_AT_ONCE}

    def write(cursor: sqlite3.Cursor, rows: Sequence[Values]) -> None:
        done = 0
        for number in ROWS_AT_ONCE:
            while len(rows) - done >= number:
                some = rows[done : done + number]
                cursor.execute(texts[number], [row[name] for row in some for name in names])
                done += number

    return write


_PLAN = (
    *((_for_each(statement), rows) for statement, rows in REMOVED),
    *((_many_at_once(written), written.rows) for written in WRITTEN),
)


_PACK = update(REQUEST).where(REQUEST.c.id == bindparam("which")).values(body=bindparam("small"))


def pack(connection: Connection, small: Sequence[tuple[str, bytes]]) -> None:
    connection.execute(_PACK, [{"which": id, "small": body} for id, body in small])


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    """All of it, within the transaction that has begun."""
    cursor = connection.cursor()
    for run, rows in _PLAN:
        # A list, not the iterator itself: a row that cannot be made must fail before SQLite has half of them.
        if values := list(rows(changes)):
            run(cursor, values)
