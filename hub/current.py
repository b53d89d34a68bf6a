"""The rules in force. A reload is whole or not at all: what can fail is done first, then they are swapped."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hub.core.event import Report, Severity, Status
from hub.core.rules import OWN, Rules
from hub.errors import RulesError, TocsinError
from hub.memory.draft import Draft
from hub.memory.writer import Writer
from hub.routes_file.beside import Unreadable, apart, beside, names_of
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.reading import Ahead, read_rules, read_rules_text, read_text
from hub.store import Store

log = logging.getLogger("tocsin.rules")


Marks = frozenset[tuple[Path, int, int, int]]
"""Of files: what tells each from another, and from what it was before."""


def marks_of(paths: Iterable[Path]) -> Marks:
    """Of those that are there."""
    found = set()
    for path in paths:
        with suppress(OSError, ValueError):
            about = path.stat()
            found.add((path, about.st_ino, about.st_size, about.st_mtime_ns))
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedReload:
    at: datetime
    why: str


class Current:
    """Holds the rules. Call it to have them."""

    def __init__(self, path: Path, catalogue: Catalogue, redact: Callable[[str], str], *, pulled: bool = False) -> None:
        """`pulled`: they come from where they are reviewed. The file is for a start with an empty store."""
        self._pulled = pulled
        self._path = path
        self._catalogue = catalogue
        self._redact = redact
        self._rules: Rules | None = None
        self.refused: RefusedReload | None = None
        self._adopting: Sequence[Callable[[Draft], None]] = ()
        self._told: Callable[[Draft, Report], None] | None = None
        self._asked: frozenset[str] = frozenset()
        """The names and patterns of the files beside it that it named when it was last read, be they there or not."""

    def on_change(self, *adopt: Callable[[Draft], None], tell: Callable[[Draft, Report], None]) -> None:
        """What is done in the transaction that puts rules in force, and how it is said that some were refused."""
        self._adopting, self._told = adopt, tell

    def __call__(self) -> Rules:
        assert self._rules is not None, "no rules are loaded yet"
        return self._rules

    def read(self, text: str) -> Rules:
        """Rules of another time, from their text."""
        return read_rules_text(text, str(self._path), self._catalogue)

    def read_files(self) -> Rules:
        """Read the file, and what it names, as they are now. Raises RulesError."""
        if self._pulled and self._rules is not None:
            return self.read(self._rules.text)
        others = beside(self._path)
        try:
            return read_rules(self._path, self._catalogue, others)
        finally:
            self._asked = frozenset(others.asked)

    def look(self) -> Marks:
        """Of the files that are there now, as far as they were asked for."""
        now = beside(self._path)
        found = {self._path}
        for asked in self._asked:
            with suppress(Unreadable):
                found |= {self._path.parent / name for name in now.names(asked)}
        return marks_of(found)

    def _as_read(self) -> bool:
        """Whether the files are what was read last. To read 10,000 routes again takes a second, and for that time as
        much memory again."""
        if self._pulled:
            return True
        now, folder = beside(self._path), self._path.parent
        main, before = apart(self().text)
        try:
            names = {name for asked in self._asked for name in now.names(asked) if not (folder / name).is_dir()}
            return (
                read_text(self._path) == main
                and names == names_of(self().text) - {self._path.name}
                and all(now.text(name) == before.text(name) for name in names)
            )
        except (Unreadable, RulesError):
            return False

    async def begin(self, store: Store, now: datetime, ahead: Ahead | None = None) -> None:
        """Take the file, or, loudly, the last good rules if it is broken. Raises RulesError where there are none."""
        if self._pulled and await self.begin_again(store):
            return
        try:
            if ahead is None:
                self._rules = self.read_files()
            else:
                self._rules, self._asked = ahead.rules, frozenset(ahead.others.asked)
        except RulesError as error:
            last = await store.newest_config()
            if last is None:
                raise
            self._rules = self.read(last[1])
            self._refuse(error, now)
        self._warn()

    async def begin_again(self, store: Store) -> bool:
        """Take the rules that were last in force, where they are pulled: another replica may have done so."""
        last = await store.newest_config() if self._pulled else None
        if last is None:
            return False
        try:
            self._rules = await asyncio.to_thread(self.read, last[1])
        except RulesError as error:
            log.warning("the rules that were last in force cannot be read any more:\n%s", error)
            return False
        self._warn()
        return True

    async def keep(self, writer: Writer) -> None:
        """Store the text by its hash, so that decisions can be explained by the rules of their time."""
        rules = self()

        def job(draft: Draft) -> None:
            draft.changes.configs[rules.hash] = self._redact(rules.text)
            for adopt in self._adopting:
                adopt(draft)

        await writer.do(job)

    async def reload(self, writer: Writer | None, now: datetime) -> bool:
        """Read the file again. Where it is broken the rules of before stay. Without a writer, since another replica
        leads, nothing is said of it."""
        if self.refused is None and await asyncio.to_thread(self._as_read):
            return True
        try:
            # In a thread: a table of 100,000 rows takes half a second, in which requests want to be answered.
            fresh = await asyncio.to_thread(self.read_files)
        except RulesError as error:
            self._refuse(error, now)
            first, more = error.complaints[0], len(error.complaints) - 1
            await self._tell(writer, _refusal(f"{first}\nand {more} more" if more else str(first)))
            return False
        if (self.refused is None or self._pulled) and fresh.hash == self().hash:
            return True
        await self.take(fresh, writer)
        return True

    async def take(self, fresh: Rules, writer: Writer | None) -> None:
        """Put rules in force that were read without a complaint. Raises Overloaded where that cannot be put on record:
        those of before stay."""
        before, self._rules = self(), fresh
        try:
            if writer is not None:
                await self.keep(writer)
        except BaseException:
            self._rules = before
            raise
        title = "routes.yaml is taken in"
        await self._tell(writer, Report(status=Status.RECOVERY, kind="rules", key="rules", title=title))
        # Only now: where it could not be told, it is taken in once more.
        self.refused = None
        if fresh.hash != before.hash:
            log.info("rules %s are in force, instead of %s", fresh.hash, before.hash)
            self._warn()

    async def refuse_pulled(self, writer: Writer, why: str, now: datetime) -> None:
        """What was merged cannot be taken in. The rules of before stay, and everybody hears of it."""
        if self.refused is None or self.refused.why != self._redact(why):
            self._refuse(TocsinError(why), now)
        await self._tell(writer, _refusal(why))

    async def _tell(self, writer: Writer | None, report: Report) -> None:
        tell = self._told
        if tell is not None and writer is not None:
            await writer.do(lambda draft: tell(draft, report), keys=[(OWN, report.key, False)])

    def _refuse(self, error: TocsinError, now: datetime) -> None:
        before, self.refused = self.refused, RefusedReload(at=now, why=self._redact(str(error)))
        if before is not None and before.why == self.refused.why:
            log.info("%s is refused as before", self._path)
            return
        hash = self._rules.hash if self._rules else "none"
        log.error("%s was refused; the last good rules (%s) stay in force:\n%s", self._path, hash, error)

    def _warn(self) -> None:
        for fault in self().faults:
            log.error("%s", fault)
        for warning in self().warnings:
            log.warning("%s", warning)
        if self._redact(self().text) != self().text:
            log.warning("%s holds a secret, and is stored without it; a setting is the place for it", self._path)


def _refusal(why: str) -> Report:
    return Report(
        status=Status.PROBLEM,
        kind="rules",
        key="rules",
        title="a changed routes.yaml was refused; the last good rules stay",
        severity=Severity.ERROR,
        body=why,
    )
