"""A real Prometheus, which watches one address. With a rule, it posts to the hub as if it were an Alertmanager."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from peers.servers import PROMETHEUS, free_port, listens, running, tail, wait_until, workplace

CONFIGURATION = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: web
    static_configs: [{{targets: ["127.0.0.1:{watched}"], labels: {{host: web301}}}}]
"""
ALERTING = """\
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - path_prefix: /in/{source}
      authorization: {{credentials: {secret}}}
      static_configs: [{{targets: ["127.0.0.1:{hub}"]}}]
"""
RULES = """\
groups:
  - name: web
    rules:
      - alert: HostDown
        expr: up{job="web"} == 0
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.host }} is down"}
"""


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"works 1\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def prometheus(*, watched: int, hub: int | None = None, source: str = "", secret: str = "") -> Iterator[int]:
    """It runs, at this port, and posts each second what fires, if it knows a hub."""
    with workplace("prometheus") as folder:
        alerting = ALERTING.format(hub=hub, source=source, secret=secret) if hub else ""
        (folder / "prometheus.yml").write_text(CONFIGURATION.format(watched=watched) + alerting)
        (folder / "rules.yml").write_text(RULES)
        port, log = free_port(), folder / "prometheus.log"
        with running(*_command(folder, port), log=log):
            try:
                wait_until("Prometheus listens", lambda: listens(port))
                yield port
            except AssertionError as error:
                raise AssertionError(f"{error}\n{tail([log])}") from error


def _command(folder: Path, port: int) -> list[str | Path]:
    return [
        PROMETHEUS,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--rules.alert.resend-delay=1s",
    ]


@contextmanager
def answering(port: int) -> Iterator[None]:
    """Something answers at the address that is watched."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
