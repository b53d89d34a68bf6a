"""The script that Nagios runs: it loses nothing, says nothing twice, and never keeps Nagios waiting."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import integrations.nagios

SCRIPT = Path(integrations.nagios.__file__).with_name("tocsin-nagios-notify")
SECRET = "shared-with-nagios"
DOWN = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTSTATE": "DOWN", "HOSTOUTPUT": "PING CRITICAL"}


@dataclass
class FakeHub:
    """A hub over real HTTP: what it took, and what it answers."""

    answer: Callable[[Mapping[str, str]], int] = lambda macros: 202
    took: list[Mapping[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def post(self, request: BaseHTTPRequestHandler) -> None:
        macros = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        key = request.headers["Idempotency-Key"]
        self.asked.append((macros.get("HOSTNAME", ""), key, request.headers.get("Authorization", "")))
        status = self.answer(macros)
        if status == 202 and key not in self.keys:
            self.keys.append(key)
            self.took.append(macros)
        request.send_response(status)
        request.send_header("Location", "/elsewhere")
        request.send_header("Content-Length", "0")
        request.end_headers()

    @property
    def hosts(self) -> list[str]:
        return [macros["HOSTNAME"] for macros in self.took]


class Notifier:
    """Nagios, as far as the script can see."""

    def __init__(self, folder: Path) -> None:
        self.spool, self.secret = folder / "spool", folder / "secret"
        self.secret.write_text(f"{SECRET}\n")
        self.port = 1  # nobody listens there

    prefix = "NAGIOS_"

    def starts(self, *options: str, **macros: str) -> "subprocess.Popen[str]":
        environment = {f"{self.prefix}{name}": value for name, value in macros.items()}
        where = (
            "--url",
            f"http://127.0.0.1:{self.port}/in/nagios",
            "--secret-file",
            self.secret,
            "--spool",
            self.spool,
        )
        command = [sys.executable, "-W", "error", SCRIPT, *where, *options]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, *options: str, **macros: str) -> tuple[int, str]:
        with self.starts(*options, **macros) as process:
            said, complaints = process.communicate(timeout=60)
        assert "Traceback" not in complaints
        return process.returncode, said + complaints

    def kept(self) -> list[Mapping[str, str]]:
        return [json.loads(path.read_text()) for path in sorted(self.spool.glob("*.json"))]


@pytest.fixture
def notify(tmp_path: Path) -> Notifier:
    return Notifier(tmp_path)


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def up(hub: FakeHub, notify: Notifier) -> Iterator[Callable[[], None]]:
    """`up()` lets the hub listen."""
    servers: list[ThreadingHTTPServer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hub.post(self)

        def log_message(self, *_: object) -> None:
            pass

    def start() -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        notify.port = server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_notification_arrives_with_its_macros(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    """By their bare names, with the secret, without what is empty or about the whole Nagios."""
    up()

    assert (0, "") == notify(**DOWN, LONGHOSTOUTPUT="", TOTALHOSTSDOWN="3", COMMANDFILE="/x", _HOSTTEAM="a b; 'c' ü")

    assert [{**DOWN, "_HOSTTEAM": "a b; 'c' ü"}] == hub.took
    assert f"Bearer {SECRET}" == hub.asked[0][2]
    assert [] == notify.kept()


@pytest.mark.parametrize("prefix", ["NOTIFY_", "ICINGA_", "NAEMON_"])
def test_checkmk_icinga_and_naemon_have_prefixes_of_their_own(
    notify: Notifier, hub: FakeHub, up: Callable[[], None], prefix: str
) -> None:
    up()
    notify.prefix = prefix

    assert (0, "") == notify(**DOWN)

    assert [DOWN] == hub.took


def test_macros_may_come_as_arguments(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    """For a Nagios without macros in the environment; a value may have an equals sign."""
    up()

    assert (0, "") == notify("NOTIFICATIONTYPE=PROBLEM", "NAGIOS_HOSTNAME=web301", "HOSTOUTPUT=a=b")

    assert [{"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTOUTPUT": "a=b"}] == hub.took


def test_what_the_hub_missed_comes_in_order_and_once(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    """Away for three notifications; the fourth brings them, oldest first, and a flush finds nothing left."""
    for number in range(3):
        status, said = notify(**{**DOWN, "HOSTNAME": f"web{number}"})
        assert (0, True) == (status, "cannot be reached" in said)
    assert 3 == len(notify.kept())

    up()
    notify(**{**DOWN, "HOSTNAME": "web3"})
    notify("--flush")

    assert ["web0", "web1", "web2", "web3"] == hub.hosts == [host for host, *_ in hub.asked]
    assert [] == notify.kept()


def test_a_flush_is_enough(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    notify(**DOWN)
    up()

    assert (0, "") == notify("--flush")

    assert ["web301"] == hub.hosts


@pytest.mark.parametrize("status", [301, 302, 307, 401, 404, 429, 500, 503])
def test_what_is_not_taken_is_kept_with_its_key(
    notify: Notifier, hub: FakeHub, up: Callable[[], None], status: int
) -> None:
    """The same notification has the same key at every try, and another has another."""
    hub.answer = lambda macros: status
    up()
    notify(**DOWN)
    notify(**DOWN)
    assert 2 == len(notify.kept())

    hub.answer = lambda macros: 202
    notify("--flush")

    first, again, *rest = [key for _, key, _ in hub.asked]
    assert 2 == len(hub.took) == len({first, again, *rest})
    assert first == again
    assert [] == notify.kept()


@pytest.mark.parametrize("status", [400, 413])
def test_what_the_hub_will_never_take_blocks_nothing(
    notify: Notifier, hub: FakeHub, up: Callable[[], None], status: int
) -> None:
    """It is named on stderr, and what waits behind it goes on."""
    hub.answer = lambda macros: status if macros["HOSTNAME"] == "bad" else 202
    notify(**{**DOWN, "HOSTNAME": "bad"})
    up()

    code, said = notify(**DOWN)

    assert (1, True) == (code, "refused a notification for good" in said)
    assert ["web301"] == hub.hosts
    assert [] == notify.kept()


def test_many_at_once_are_delivered_once_each(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    """Nagios runs notification commands side by side; only one delivers at a time."""
    up()
    running = [notify.starts(**{**DOWN, "HOSTNAME": f"web{number}"}) for number in range(12)]
    for process in running:
        process.communicate(timeout=60)

    assert {f"web{number}" for number in range(12)} == set(hub.hosts)
    assert 12 == len(hub.asked)
    assert [] == notify.kept()


def test_a_full_disk_is_no_reason_to_keep_quiet(
    notify: Notifier, hub: FakeHub, up: Callable[[], None], tmp_path: Path
) -> None:
    """A spool that cannot be written, and a hub that is there."""
    notify.spool = tmp_path / "secret" / "spool"
    up()

    code, said = notify(**DOWN)

    assert (0, True) == (code, "cannot spool" in said)
    assert ["web301"] == hub.hosts


def test_without_a_spool_and_a_hub_it_is_lost_and_said_so(notify: Notifier, tmp_path: Path) -> None:
    notify.spool = tmp_path / "secret" / "spool"

    assert 1 == notify(**DOWN)[0]


def test_a_secret_that_cannot_be_read_loses_nothing(
    notify: Notifier, hub: FakeHub, up: Callable[[], None], tmp_path: Path
) -> None:
    up()
    notify.secret = tmp_path / "missing"

    code, said = notify(**DOWN)

    assert (0, True) == (code, "missing" in said)
    assert 1 == len(notify.kept())


def test_what_is_too_old_or_too_many_is_dropped_and_named(
    notify: Notifier, hub: FakeHub, up: Callable[[], None]
) -> None:
    """A hub that is gone for good must not fill the disk."""
    notify.spool.mkdir()
    old = int((time.time() - 8 * 86400) * 1_000_000)
    (notify.spool / f"{old:020d}-{'0' * 32}.json").write_text(json.dumps({**DOWN, "HOSTNAME": "long-ago"}))
    up()

    code, said = notify(**DOWN)

    assert (0, True) == (code, "dropped 1 notification" in said)
    assert ["web301"] == hub.hosts


def test_what_lies_in_the_spool_by_chance_is_left_alone(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    """A half-written file of a machine that lost its power, and somebody's notes."""
    notify.spool.mkdir()
    (notify.spool / f".{1:020d}-{'0' * 32}.json").write_text('{"HOST')
    (notify.spool / "notes.json").write_text("[]")
    up()

    assert (0, "") == notify(**DOWN)

    assert ["web301"] == hub.hosts
    assert 2 == len([*notify.spool.iterdir()])


def test_what_cannot_be_read_stops_nothing_else(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    """Somebody tried the script as root, and left a lock and a notification that are not ours to open."""
    notify.spool.mkdir()
    (notify.spool / ".lock").mkdir()
    (notify.spool / f"{int(time.time() * 1_000_000):020d}-{'0' * 32}.json").mkdir()
    up()

    code, said = notify(**DOWN)

    assert (0, 1) == (code, said.count("cannot read"))
    assert ["web301"] == hub.hosts


def test_a_hub_that_hangs_does_not_hold_nagios(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    """Nagios kills its commands after 30 seconds; what hung is spooled, and told once."""
    free = threading.Event()
    hub.answer = lambda macros: 503 if not free.wait(20) else 202
    up()
    code, said = notify("--timeout", "0.3", **DOWN)
    free.set()
    notify("--flush")

    assert (0, True) == (code, "timed out" in said)
    assert ["web301"] == hub.hosts


def test_output_that_is_not_utf_8_is_read_as_latin_1(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    """Checks print what they like."""
    up()

    notify(**{**DOWN, "HOSTOUTPUT": "caf\udce9"})

    assert "caf\xe9" == hub.took[0]["HOSTOUTPUT"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("NOTIFICATIONTYPE",), "is not NAME=value"),
        (("--url", "hub.example.com"), "say where to post"),
        ((), "enable_environment_macros=1"),
    ],
)
def test_a_slip_in_the_command_is_said(notify: Notifier, arguments: tuple[str, ...], says: str) -> None:
    code, said = notify(*arguments)

    assert (2, True) == (code, says in said)
    assert [] == notify.kept()


def test_the_secret_is_nowhere_but_in_the_header(notify: Notifier, hub: FakeHub, up: Callable[[], None]) -> None:
    hub.answer = lambda macros: 401
    up()

    _, said = notify(**DOWN)

    files = "".join(path.read_text() for path in notify.spool.iterdir())
    assert SECRET not in said + files
    assert "answered 401 (the secret is not that of TOCSIN_<SOURCE>_SECRET)" in said
