"""A table beside the rules, CSV or YAML → what the core looks rows up in. Complaints carry file, line and column."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hub.core.enrichment import Key, Row, Table, is_glob
from hub.core.matching import ALERT_FIELDS, CLOSED, COMBINE, EVENT_FIELDS, MatchError, compile_text
from hub.errors import Complaint
from hub.routes_file.yaml_tree import Path_, Tree, one_line, shown

ENDINGS = (".csv", ".yaml", ".yml")
MOST_ROWS = 200_000
MOST_GLOBS = 5_000
LONGEST_CELL = 2_000
MOST_FAULTS = 20
"""Complaints after which the rest of a table is not looked at: it is one mistake all the way down, as a rule."""
COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
RESERVED = frozenset({*EVENT_FIELDS, *ALERT_FIELDS, *COMBINE, "labels", "body"})
CELL = re.compile(r' *"(?:[^"]|"")*"|[^,\r\n]*')
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ELSE = "or list under add: what is to be added"

Cells = Sequence[str]
HEADER = -1
"""The row that has the names of the columns."""


@dataclass(kw_only=True)
class Sheet:
    """A table as it was written, and what is wrong with it. A row has a cell for each column."""

    file: str
    columns: list[str] = field(default_factory=list)
    rows: list[Cells] = field(default_factory=list)
    place: Callable[[int, int], tuple[int, int]] = lambda _row, _column: (1, 1)
    """Line and column of a cell."""
    complaints: list[Complaint] = field(default_factory=list)

    def wrong(self, row: int, column: int, what: str) -> None:
        self.wrong_at(*self.place(row, column), what)

    def wrong_at(self, line: int, column: int, what: str) -> None:
        self.complaints.append(Complaint(file=self.file, line=line, column=column, what=one_line(what)))

    @property
    def given_up(self) -> bool:
        return len(self.complaints) >= MOST_FAULTS


def read_sheet(text: str, file: str, by: Sequence[str]) -> Sheet:
    """Read a table whose rows are found by these columns."""
    sheet = _csv(text, file) if file.endswith(".csv") else _yaml(text, file, by)
    if len(sheet.rows) > MOST_ROWS:
        sheet.wrong_at(1, 1, f"has more than {MOST_ROWS} rows; leave out what no rule needs")
    return sheet


def check_columns(sheet: Sheet, columns: Sequence[str], acted_on: Mapping[str, str]) -> None:
    """Whether these can be labels. `acted_on` are those by which a tool knows what an ack is for, and the tool."""
    for name in columns:
        column = sheet.columns.index(name)
        if not COLUMN.fullmatch(name):
            sheet.wrong(HEADER, column, f"{shown(name)} cannot be a label: use letters, digits, - and _; {ELSE}")
        elif name in RESERVED:
            sheet.wrong(HEADER, column, f"{shown(name)} is what every event has, or a word of rules; rename it, {ELSE}")
        elif name in acted_on:
            what = f"{shown(name)} names what {acted_on[name]} is asked to act on, which no table may say"
            sheet.wrong(HEADER, column, f"{what}; rename it, {ELSE}")


def compile_table(sheet: Sheet, name: str, by: Sequence[str], columns: Sequence[str]) -> Table | None:
    """What the core looks rows up in; None where something is wrong with the sheet."""
    table = Table(name, by, columns, _rows(sheet, by, columns))
    return None if sheet.complaints else table


def _rows(sheet: Sheet, by: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[Key, Row]]:
    """Those that are right. Equal ones are one: a hundred thousand hosts have a few dozen owners."""
    keys = [sheet.columns.index(name) for name in by]
    places = [(name, sheet.columns.index(name)) for name in columns]
    closed = any(name in CLOSED for name in by)
    seen: dict[Key, int] = {}
    same: dict[Row, Row] = {}
    globs = 0
    for number, cells in enumerate(sheet.rows):
        if sheet.given_up:
            return
        key = tuple([cells[at] for at in keys])
        glob = is_glob(key)
        globs += glob
        if globs > MOST_GLOBS:
            sheet.wrong(number, keys[0], f"there are more than {MOST_GLOBS} rows with * or ?; write the others out")
            return
        fault = _fault(cells, keys, by) or ((glob or closed) and _odd_key(key, keys, by))
        if fault:
            sheet.wrong(number, *fault)
        elif (first := seen.setdefault(key, number)) != number:
            line, _ = sheet.place(first, keys[0])
            sheet.wrong(number, keys[0], f"{_said(key)} stands here twice (first in line {line}); keep one")
        else:
            row = tuple([(name, cells[at]) for name, at in places if cells[at]])
            yield key, same.setdefault(row, row)


def _fault(cells: Cells, keys: Sequence[int], by: Sequence[str]) -> tuple[int, str] | None:
    """What is wrong with a row, and in which of its cells."""
    for at, name in zip(keys, by, strict=True):
        if not cells[at]:
            return at, f"the {name} is missing, by which the row is found"
    if len("".join(cells)) > LONGEST_CELL and len(longest := max(cells, key=len)) > LONGEST_CELL:
        return cells.index(longest), f"is longer than {LONGEST_CELL} characters"
    if UNPRINTABLE.search("".join(cells)):
        at, found = next((at, found) for at, cell in enumerate(cells) if (found := UNPRINTABLE.search(cell)))
        return at, f"character U+{ord(found[0]):04X} is not allowed; remove it"
    return None


def _odd_key(key: Key, keys: Sequence[int], by: Sequence[str]) -> tuple[int, str] | None:
    for at, name, value in zip(keys, by, key, strict=True):
        try:
            compile_text(name, value)
        except MatchError as error:
            return at, error.what
    return None


def _said(key: Key) -> str:
    return ", ".join(map(shown, key))


# ----------------------------------------------------------------------------------------------------------------- csv


def _csv(text: str, file: str) -> Sheet:
    places = _CsvPlaces(text)
    sheet = Sheet(file=file, place=places.of)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    end = 0
    try:
        for cells in reader:
            begin, end = end + 1, reader.line_num
            row = [cell.strip() for cell in cells]
            if not any(row):
                continue
            places.begins.append(begin)
            if not sheet.columns:
                _head(sheet, row)
            elif len(row) == len(sheet.columns):
                sheet.rows.append(row)
            else:
                _ragged(sheet, begin, len(row))
            if sheet.given_up:
                break
    except csv.Error as error:
        sheet.wrong_at(
            end + 1, 1, f"is not CSV: {error}; check the quotes from here on, and double those within a cell"
        )
    if not places.begins:
        sheet.wrong_at(1, 1, "is empty; the first line has the names of the columns: host,team")
    return sheet


def _head(sheet: Sheet, names: list[str]) -> None:
    sheet.columns = names
    if len(names) == 1 and (other := re.search(r"[;\t|]", names[0])):
        sheet.wrong(HEADER, 0, f"is one column; put commas between the cells, not {shown(other[0])}")
    for column, name in enumerate(names):
        if name in names[:column]:
            sheet.wrong(HEADER, column, f"{shown(name)} stands here twice; keep one")


def _ragged(sheet: Sheet, line: int, number: int) -> None:
    what = f"has {number} {'cell' if number == 1 else 'cells'}, and there are {len(sheet.columns)} columns"
    sheet.wrong_at(line, 1, f"{what}; put quotes around what holds a comma")


class _CsvPlaces:
    """Where a cell is. The reader does not say, and nobody asks but for a complaint."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.begins: list[int] = []
        """The line in which each row begins, the header first."""

    @cached_property
    def _lines(self) -> list[str]:
        return list(io.StringIO(self._text, newline=""))

    def of(self, row: int, column: int) -> tuple[int, int]:
        begin, *more = self.begins[row + 1 : row + 3]
        record = "".join(self._lines[begin - 1 : more[0] - 1 if more else None])
        at = 0
        for _ in range(column):
            found = CELL.match(record, at)
            at = found.end() + 1 if found else at
        at += len(record[at:]) - len(record[at:].lstrip(" "))
        before = record[:at]
        return begin + before.count("\n"), at - before.rfind("\n")


# ---------------------------------------------------------------------------------------------------------------- yaml


def _yaml(text: str, file: str, by: Sequence[str]) -> Sheet:
    """A mapping of keys to rows, or a list of rows with their keys in them."""
    tree = Tree(file, what="tables", least="web301: {team: web}")
    tree.load(text)
    rows: list[tuple[Path_, Mapping[str, Any]]] = []
    if isinstance(tree.value, list):
        rows = [
            ((i,), row) for i, row in enumerate(tree.value) if _is_row(tree, (i,), row, "- {host: web301, team: web}")
        ]
    elif not tree.complaints and len(by) > 1:
        tree.wrong((), f"is not a list of rows, such as - {{{', '.join(f'{name}: …' for name in by)}, team: web}}")
    elif isinstance(tree.value, dict):
        for key, row in tree.value.items():
            if isinstance(row, dict) and row.get(by[0], key) != key:
                what = f"this row is that of {by[0]} {shown(key)}, as its name says; other names need a list of rows"
                tree.wrong((key, by[0]), what)
        given = [((key,), row) for key, row in tree.value.items() if _is_row(tree, (key,), row, "web301: {team: web}")]
        rows = [(path, {**row, by[0]: str(path[0])}) for path, row in given]
        return _sheet_of(tree, rows, key=by[0])
    elif not tree.complaints:
        tree.wrong((), f"{shown(tree.value)} is no table; write web301: {{team: web}}")
    return _sheet_of(tree, rows)


def _is_row(tree: Tree, path: Path_, row: Any, example: str) -> bool:
    if isinstance(row, dict):
        for name, value in row.items():
            if not isinstance(value, str):
                tree.wrong((*path, name), f"{shown(value)} is not a text; write a word, or a text in quotes")
        return True
    tree.wrong(path, f"{shown(row)} is not a row, such as {example}")
    return False


def _sheet_of(tree: Tree, rows: Sequence[tuple[Path_, Mapping[str, Any]]], key: str = "") -> Sheet:
    """`key` is the column whose cells are the names of the rows."""
    columns = list(dict.fromkeys(name for _, row in rows for name in row))

    def place(row: int, column: int) -> tuple[int, int]:
        name = columns[column]
        if row == HEADER:
            path = next(path for path, one in rows if name in one)
            return tree.where((*path, name), key=True)
        return tree.where((*rows[row][0], name), key=name == key)

    return Sheet(
        file=tree.name,
        columns=columns,
        rows=[] if tree.complaints else [[row.get(name, "").strip() for name in columns] for _, row in rows],
        place=place,
        complaints=tree.complaints[:MOST_FAULTS],
    )
