"""Servers that are measured, each a process of its own."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_processes: dict[str, int] = {}


@contextmanager
def server(
    command: list[str], health: str = "/", variables: Mapping[str, str] | None = None, listens: str = "--port={port}"
) -> Iterator[str]:
    """A program until the end of the block. `listens` is how it is told on which port."""
    port, settings = _free_port(), {**os.environ, **(variables or {})}
    process = subprocess.Popen([*command, listens.format(port=port)], stderr=subprocess.DEVNULL, env=settings)
    url = f"http://127.0.0.1:{port}"
    _processes[url] = process.pid
    try:
        _wait(url + health)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            get(url)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"{url} does not answer")


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:
        body: bytes = response.read()
    return body.decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def rss(url: str) -> float:
    """VmRSS in MiB."""
    status = Path(f"/proc/{_processes[url]}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def cpu(url: str) -> float:
    """Seconds of processor that it has used."""
    figures = Path(f"/proc/{_processes[url]}/stat").read_text().rpartition(")")[2].split()
    return (int(figures[11]) + int(figures[12])) / os.sysconf("SC_CLK_TCK")
