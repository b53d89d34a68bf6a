"""How PostgreSQL is told what a transaction writes: all tables in one statement, each column of each as one array.

Round trips cost a small batch more than its rows do: a statement for each table, run once for each row, takes the
batch up to twice the time, and the hub up to twice the processor.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from operator import itemgetter
from typing import Any

from sqlalchemy import CTE, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql.asyncpg import dialect as AsyncpgDialect  # noqa: N812  a class, whatever its name
from sqlalchemy.sql import Executable

from hub.store import Changes
from hub.store.mapping import Values
from hub.store.writing import REMOVED, WRITTEN, Written

Batch = tuple[str, Sequence[Sequence[Any]]]
"""A statement, and the rows that it is run with."""

ROWS_AT_ONCE = 64
"""Of each table in one statement, of which PostgreSQL takes a gigabyte at most."""
LARGE = 256 * 1024
"""Bytes of a body that goes by itself."""
TEXTS = 64
"""Statements that stay compiled, one for each set of tables that was written together."""

_DIALECT = AsyncpgDialect()  # type: ignore[no-untyped-call]


def compiled(statement: Executable) -> tuple[str, Callable[[Values], tuple[Any, ...]]]:
    """Its text with `$1`, and what puts a row in that order."""
    compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    names = compiled.positiontup
    if len(names) == 1:
        return str(compiled), lambda row: (row[names[0]],)
    return str(compiled), itemgetter(*names)


_REMOVED = tuple((*compiled(statement), rows) for statement, rows in REMOVED)
_KEYS = tuple(itemgetter(*written.keys) for written in WRITTEN)
_COLUMNS = tuple(itemgetter(*written.names) for written in WRITTEN)


def batches(changes: Changes) -> list[Batch]:
    """All that a transaction has to run, in its order."""
    removed = [(text, some) for text, order, rows in _REMOVED if (some := [*map(order, rows(changes))])]
    shares = [
        _shares({key(row): row for row in one.rows(changes)}.values()) for one, key in zip(WRITTEN, _KEYS, strict=True)
    ]
    return [*removed, *map(_together, zip_longest(*shares, fillvalue=()))]


def _shares(rows: Iterable[Values]) -> Iterator[Sequence[Values]]:
    """What is written at once. Of each key one row, since a statement cannot write a row twice."""
    small = [row for row in rows if len(row.get("body", b"")) <= LARGE]
    for at in range(0, len(small), ROWS_AT_ONCE):
        yield small[at : at + ROWS_AT_ONCE]
    yield from ([row] for row in rows if len(row.get("body", b"")) > LARGE)


def _together(shares: Sequence[Sequence[Values]]) -> Batch:
    """One share of each table."""
    some = [(place, rows) for place, rows in enumerate(shares) if rows]
    arrays = [column for place, rows in some for column in zip(*map(_COLUMNS[place], rows), strict=True)]
    return _text(tuple(place for place, _ in some)), [arrays]


@lru_cache(TEXTS)
def _text(places: Sequence[int]) -> str:
    ctes = [_upsert(WRITTEN[place]) for place in places]
    text, _ = compiled(select(literal_column("1")).add_cte(*ctes))
    return text


def _upsert(written: Written) -> CTE:
    """Its arrays come in the order of its names."""
    columns = [written.table.c[name] for name in written.names]
    arrays = [bindparam(f"{written.table.name}_{column.name}", type_=ARRAY(column.type)) for column in columns]
    given = func.unnest(*arrays).table_valued(*written.names).render_derived()
    statement = insert(written.table).from_select(written.names, select(given), include_defaults=False)
    upsert = statement.on_conflict_do_update(index_elements=written.keys, set_=written.taken(statement.excluded))
    return upsert.cte(f"put_{written.table.name}")
