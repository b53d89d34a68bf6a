"""The real hub in a process of its own, which a test may kill and start again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from peers.servers import REPOSITORY, free_port, tail

READY_WITHIN = 45.0
"""Seconds; of which it needs two, where nothing else goes on."""

BURST = """\
version: 1
sources:
  burst:
    tool: json
    event: {key: "{body.key}", title: "{body.key} is broken", status: problem, severity: error}
"""
"""Rules begin so, with a source of which each key is an alert."""


class HubProcess:
    """`python -m hub serve` on a free port, with its database and its rules in `folder`: the shipped ones if none are
    given."""

    def __init__(
        self,
        folder: Path,
        *,
        routes: str | None = None,
        env: Mapping[str, str] | None = None,
        database: str = "",
    ) -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder}/tocsin.db"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "hub.log"
        self.env = dict(env or {})
        self.routes = folder / "routes.yaml"
        self.routes.write_text(routes if routes is not None else (REPOSITORY / "routes.yaml").read_text())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, within: float = READY_WITHIN) -> "HubProcess":
        """Start it and wait until it is ready."""
        self.launch()
        return self.becomes_ready(within=within)

    def launch(self) -> None:
        assert self._process is None, "it runs already"
        options = ["--port", str(self.port), "--database", self.database, "--routes", str(self.routes)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hub", "serve", *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={**clean, "PYTHONFAULTHANDLER": "1", **self.env},
            )

    def becomes_ready(self, *, within: float = READY_WITHIN) -> "HubProcess":
        assert self._process is not None
        end = time.monotonic() + within
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                code = self.kill(signal.SIGABRT)  # upon which it says where it stands
                raise AssertionError(f"the hub did not get ready, and ended with {code}\n{tail([self.log], 80)}")
            time.sleep(0.02)
        return self

    def is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def sends(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal and wait for the end; gives the exit code."""
        assert self._process is not None
        self.sends(number)
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
            name = signal.Signals(number).name
            raise AssertionError(f"the hub did not end within 15 s of {name}\n{tail([self.log])}") from None
        finally:
            self._process = None

    def restart(self) -> "HubProcess":
        if self._process is not None:
            self.kill(signal.SIGTERM)
        return self.start()

    def stop(self) -> int:
        """End it in an orderly way if it runs; gives the exit code."""
        return 0 if self._process is None else self.kill(signal.SIGTERM)

    def get(self, path: str) -> Any:
        """An answer of the API, whatever its status."""
        return self._ask(Request(f"{self.url}{path}"))

    def post(self, path: str, body: Any, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"Content-Type": "application/json", **named}
        return self._ask(Request(f"{self.url}{path}", json.dumps(body).encode(), headers))

    def metrics(self) -> str:
        with urlopen(f"{self.url}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def messages(self, room: str = "ops") -> list[dict[str, Any]]:
        return list(self.get(f"/api/v1/rooms/{room}/messages")["messages"])

    def alerts(self) -> list[dict[str, Any]]:
        return list(self.get("/api/v1/alerts?state=open")["alerts"])

    def say(self, text: str, person: str = "alice", room: str = "room:ops") -> dict[str, Any]:
        return dict(self.post("/api/v1/say", {"text": text, "as": person, "in": room}))

    def _ask(self, request: Request) -> Any:
        try:
            with urlopen(request, timeout=10) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
                raise AssertionError(f"{request.full_url}: {error.code} {said}") from None

    def complaints(self) -> str:
        """Every traceback in the log, or nothing."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return text[max(0, text.index("Traceback") - 500) :] if "Traceback (most recent call last)" in text else ""
