"""What tables beside the rules know of an event, and its tool does not: who owns it, which runbook helps."""

from collections.abc import Iterable, Iterator, Sequence

from hub.core.event import Event, Labels
from hub.core.matching import EVENT_FIELDS, Field, PatternSet, compile_text, event_look, glob_pattern
from hub.core.records import replace

Key = tuple[str, ...]
Row = tuple[tuple[str, str], ...]
"""Names and values of the columns that have one."""

BETWEEN = "\0"
"""Stands between the values of a key, and in no table."""


class Table:
    """Rows, found by the values of some fields and labels of an event. A key may hold globs: the row that has just
    these values comes first, then those with globs in the order of the file."""

    def __init__(self, name: str, by: Sequence[str], columns: Sequence[str], rows: Iterable[tuple[Key, Row]]) -> None:
        """Of each row the values of `by`, and what it knows of `columns`. Raises MatchError."""
        self.name = name
        self.by = tuple(by)
        self.columns = tuple(columns)
        self._exact: dict[str, Row] = {}
        self._globs: list[tuple[tuple[Field, ...], Row]] = []
        patterns = []
        for key, row in rows:
            if is_glob(key):
                patterns.append(r"\x00".join(map(glob_pattern, key)))
                self._globs.append((tuple(map(compile_text, self.by, key)), row))
            else:
                self._exact[BETWEEN.join(key)] = row
        self._patterns = PatternSet(patterns) if patterns else None

    def rows(self, values: Sequence[str]) -> Iterator[Row]:
        """Those that fit, the one that counts most first."""
        key = BETWEEN.join(values)
        exact = self._exact.get(key)
        if exact is not None:
            yield exact
            if len(exact) == len(self.columns):
                return
        for position in sorted(self._patterns.matching(key)) if self._patterns else ():
            fields, row = self._globs[position]
            if all(field.test(value) for field, value in zip(fields, values, strict=True)):
                yield row


def is_glob(key: Key) -> bool:
    return any("*" in value or "?" in value for value in key)


def enriched(event: Event, tables: Sequence[Table]) -> Event:
    """The event with the labels that the tables add. What its tool said stays; of several tables and rows that know a
    column the first counts. A table may look for what another before it has added."""
    labels, added = {**event.said}, dict[str, str]()
    for table in tables:
        values = [_value(event, labels, name) or "" for name in table.by]
        for row in table.rows(values) if all(values) else ():
            for column, value in row:
                if column not in labels:
                    labels[column] = value
                    added[column] = table.name
    return replace(event, labels=labels, added=added) if added or event.added else event


def _value(event: Event, labels: Labels, name: str) -> str | None:
    return event_look(event)(name) if name in EVENT_FIELDS else labels.get(name)
