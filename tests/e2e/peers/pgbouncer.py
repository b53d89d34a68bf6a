"""A real PgBouncer, which pools connections to a PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from peers.postgres import Postgres
from peers.servers import PGBOUNCER, free_port, give, libraries, listens, running, wait_until, workplace


@contextmanager
def pgbouncer(postgres: Postgres, pooled: str) -> Iterator[str]:
    """Its address. `pooled` is what it pools: session, transaction or statement."""
    port = free_port()
    with workplace("pgbouncer") as folder:
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\ntocsin = host={postgres.socket.parent} user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = {pooled}\n"
        )
        give(folder)
        command = (PGBOUNCER, folder / "pgbouncer.ini")
        library = {"LD_LIBRARY_PATH": str(libraries())}
        with running(*command, log=folder / "log", env=library, as_nobody=True):
            wait_until("PgBouncer listens", lambda: listens(port))
            yield f"127.0.0.1:{port}"
