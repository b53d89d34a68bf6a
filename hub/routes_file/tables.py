"""`enrich:`: the tables of what is known of hosts and the like, and the labels that they add."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hub.contracts import Integration
from hub.core.enrichment import Table
from hub.routes_file.beside import Beside
from hub.routes_file.includes import text_beside
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.shapes import is_text, known_keys, mapping, sequence, texts, unique
from hub.routes_file.sheets import ENDINGS, Sheet, check_columns, compile_table, read_sheet
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown


@dataclass
class Tables:
    """Reads tables. Their columns become labels that the rules may name."""

    tree: Tree
    tools: Mapping[str, Integration]
    others: Beside
    matches: Matches

    def read(self, value: Any) -> Iterator[Table]:
        """Each may look for what those before it add."""
        names: dict[str, Path_] = {}
        example = "a table is {name: hosts, table: hosts.csv, by: host}"
        for i, given in enumerate(sequence(self.tree, value, ("enrich",))):
            path: Path_ = ("enrich", i)
            body = mapping(self.tree, given, path, example)
            if body is None:
                self.matches.columns_unknown = True
                continue
            known_keys(self.tree, body, path, KEYS["enrich"], "enrich")
            missing = [key for key in ("name", "table", "by") if key not in body]
            for key in missing:
                self.tree.wrong(path, f"{shown(key)} is missing; {example}")
            name = str(body.get("name"))
            unique(self.tree, name, path, names, "table")
            table = None if missing else self._table(name, body, path)
            if table is None:
                self.matches.columns_unknown = True
            else:
                self.matches.labels |= frozenset(table.columns)
                yield table

    def _table(self, name: str, body: Mapping[str, Any], path: Path_) -> Table | None:
        faults = len(self.tree.complaints)
        is_text(self.tree, body["name"], (*path, "name"))
        by = [one.removeprefix("labels.") for one in self.matches.fields(body["by"], (*path, "by"))]
        if body["by"] == []:
            self.tree.wrong((*path, "by"), "is empty, so that no row could be found; write by: host")
        if body.get("add") == []:
            self.tree.wrong((*path, "add"), "is empty, so that nothing would be added; name columns, or leave it out")
        add = [one for _, one in texts(self.tree, body["add"], (*path, "add"))] if "add" in body else None
        text = self._text_beside(body["table"], (*path, "table")) if by else None
        if text is None or len(self.tree.complaints) > faults:
            return None
        sheet = read_sheet(text, str(Path(self.tree.name).parent / body["table"]), by)
        if not sheet.complaints:
            self._has_columns(sheet, by, (*path, "by"))
            self._has_columns(sheet, add or (), (*path, "add"))
        if not sheet.complaints and len(self.tree.complaints) == faults:
            columns = [column for column in sheet.columns if column not in by] if add is None else add
            check_columns(sheet, columns, self._acted_on)
            if (table := compile_table(sheet, name, by, columns)) is not None:
                return table
        self.tree.complaints += sheet.complaints
        return None

    def _text_beside(self, name: Any, path: Path_) -> str | None:
        if not is_text(self.tree, name, path):
            return None
        if not name.endswith(ENDINGS):
            self.tree.wrong(path, f"{shown(name)} is not the name of a table: it ends in one of {', '.join(ENDINGS)}")
            return None
        return text_beside(self.tree, path, name, self.others)

    def _has_columns(self, sheet: Sheet, names: Sequence[str], path: Path_) -> None:
        for name in names:
            if name not in sheet.columns:
                self.tree.wrong(path, f"{sheet.file} has no column {shown(name)}{nearest(name, sheet.columns)}")

    @cached_property
    def _acted_on(self) -> Mapping[str, str]:
        """The labels by which tools know what they are asked to act on, and one that does."""
        tools = self.tools.values()
        return {name: tool.title for tool in tools if tool.control for name in tool.control.names}
