"""The store in one SQLite file.

One lane writes, one reads, and one looks for what has grown old: a page never waits behind a commit, and no commit
behind what was not read for weeks.
"""

import errno
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path

from sqlalchemy import URL

from hub.errors import Overloaded, SettingsError
from hub.store import Changes, Store, writing
from hub.store.address import FORMS
from hub.store.migrations import migrate, version_of
from hub.store.sql import SqlStore
from hub.store.sqlite_lane import READING, WRITING, SqliteLane, complaint
from hub.store.tables import VERSION

LITTLE_ROWS = 400
LITTLE_BYTES = 2**20
"""What is up to so large is written on the loop, within a few milliseconds."""


def file_of(url: URL) -> Path | None:
    """The file that is meant; None: in memory only."""
    if url.host:
        raise SettingsError(f"a file has no host: the database URL lacks a slash; {FORMS}")
    if url.query:
        raise SettingsError(f"the database URL takes no options behind a `?`; {FORMS}")
    return None if url.database in (None, "", ":memory:") else Path(str(url.database))


@asynccontextmanager
async def opened(file: Path | None) -> AsyncIterator[Store]:
    with claimed(file):
        if file is not None:
            with suppress(FileExistsError):
                make_private(file, file.parent)
        store = SqliteStore(file)
        try:
            await store.prepare()
            yield store
        finally:
            store.close()


@asynccontextmanager
async def read_only(file: Path | None) -> AsyncIterator[Store]:
    """What a hub keeps, whether it runs or not. Raises SettingsError where there is nothing that could be read."""
    store = SqliteStore(_there(file))
    try:
        await store.see()
        yield store
    finally:
        store.close()


@contextmanager
def claimed(file: Path | None) -> Iterator[None]:
    """Be the only hub on this file. Two would each route from a memory that the other does not see.

    The lock ends with the process, however that ends; its file stays, since to remove it would be a race.
    """
    if file is None:
        yield
        return
    lock = file.with_name(f"{file.name}.lock")
    try:
        with suppress(FileExistsError):
            make_private(lock, file if file.exists() else file.parent)
        held = lock.open("a")
    except OSError as error:
        if not file.parent.is_dir():
            raise SettingsError(
                f"there is no folder {file.absolute().parent} for the database; make it, or name another"
            ) from error
        cures = {
            errno.EACCES: f"; let the hub's user write in {file.absolute().parent}",
            errno.ENOSPC: "; make room there, or keep the database elsewhere: TOCSIN_DATABASE",
        }
        raise SettingsError(f"{lock} cannot be opened: {error.strerror}{cures.get(error.errno or 0, '')}") from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsError(f"another hub uses {file}; stop it, or give this one a file of its own") from error
        yield


def make_private(file: Path, like: Path | None = None) -> None:
    """An empty file for nobody else. What root makes is for whoever owns `like`: a backup that root puts back must not
    keep out the hub's own user. Raises FileExistsError: what is there may lead anywhere, and is given to nobody."""
    made = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        if like is not None and os.geteuid() == 0:
            owner = like.stat()
            os.fchown(made, owner.st_uid, owner.st_gid)
    finally:
        os.close(made)


def _there(file: Path | None) -> Path:
    if file is None or not file.is_file():
        raise SettingsError(f"there is no database {file or 'in memory'}; {FORMS}")
    return file


class SqliteStore(SqlStore):
    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._writer = SqliteLane(file, "BEGIN IMMEDIATE", WRITING, "store-writer")
        # A database in memory is seen by its own connection only.
        self._reader = self._writer if file is None else SqliteLane(file, "BEGIN", READING, "store-reader")
        self._looker = self._writer if file is None else SqliteLane(file, "BEGIN", READING, "store-looker")
        super().__init__(self._writer, self._reader, self._looker)

    async def commit(self, changes: Changes) -> None:
        if _is_little(changes):
            await self._writer.run_little(partial(writing.write, changes=changes))
        else:
            await super().commit(changes)

    async def prepare(self) -> None:
        """Make the tables, or bring them up to date. Raises SettingsError where the file is not ours to use."""
        if self._file and self._file.exists() and not os.access(self._file, os.R_OK | os.W_OK):
            cure = f"give it to the user of this hub: chown {os.geteuid()} {self._file}"
            raise SettingsError(f"{self._file} may not be read and written by this process; {cure}")
        try:
            await self._writer.run(migrate)
        except (Overloaded, SettingsError) as error:
            raise SettingsError(complaint(self._file, str(error))) from error

    async def see(self) -> None:
        """Look whether the tables are those of this hub, without a change. Raises SettingsError where they are not."""
        try:
            version = await self._reader.run(version_of)
        except Overloaded as error:
            raise SettingsError(complaint(self._file, str(error))) from error
        if version != VERSION:
            what = f"its tables are of version {version}, and these are {VERSION}"
            raise SettingsError(f"{self._file}: {what}; run: tocsin database migrate")

    def close(self) -> None:
        for lane in (self._reader, self._looker):
            if lane is not self._writer:
                lane.close()
        # The last to close folds the journal into the file.
        self._writer.close()


def _is_little(changes: Changes) -> bool:
    texts = sum(len(request.body) for request in changes.requests) + sum(map(len, changes.configs.values()))
    return len(changes) <= LITTLE_ROWS and texts <= LITTLE_BYTES
