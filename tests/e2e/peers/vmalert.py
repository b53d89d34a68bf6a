"""A real vmalert with one rule: it asks a Prometheus, and posts to the hub as if it were an Alertmanager."""

from collections.abc import Iterator
from contextlib import contextmanager

from peers.prometheus import RULES, prometheus
from peers.servers import VMALERT, free_port, listens, running, tail, wait_until, workplace


@contextmanager
def vmalert(*, hub: int, source: str, secret: str, watched: int) -> Iterator[None]:
    """It runs, and posts each second what fires."""
    with prometheus(watched=watched) as asked, workplace("vmalert") as folder:
        (folder / "rules.yml").write_text(RULES)
        port, log = free_port(), folder / "vmalert.log"
        command = [
            VMALERT,
            f"-rule={folder}/rules.yml",
            f"-datasource.url=http://127.0.0.1:{asked}",
            f"-notifier.url=http://127.0.0.1:{hub}/in/{source}",
            f"-notifier.bearerToken={secret}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-evaluationInterval=1s",
        ]
        with running(*command, log=log):
            try:
                wait_until("vmalert listens", lambda: listens(port))
                yield
            except AssertionError as error:
                raise AssertionError(f"{error}\n{tail([log])}") from error
