"""What all tests share: free ports, the hub in a process, and the honest list of what was left out."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from peers.hub import HubProcess
from peers.postgres import Postgres
from peers.servers import BRINGS, PRESENT
from peers.servers import free_port as _free_port

LEFT_OUT: pytest.StashKey[Counter[str]] = pytest.StashKey()
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

# How long an example takes says how busy the machine is. In CI the same change has the same examples.
settings.register_profile("tocsin", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out, and count, what needs a server that is not here. Nothing else in these tests is ever skipped."""
    needed = [server for mark in item.iter_markers("e2e") for server in mark.args]
    absent = [server for server in needed if not PRESENT[server]()]
    if absent:
        item.config.stash[LEFT_OUT].update(absent)
        pytest.skip(f"needs {' and '.join(absent)}; {_brings(absent[0])} brings it")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if IN_CI and session.config.stash[LEFT_OUT] and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _brings(server: str) -> str:
    return BRINGS.get(server, "`make servers`")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash[LEFT_OUT]
    if not left_out:
        return
    colour = {"red": True} if IN_CI else {"yellow": True}
    terminalreporter.section("left out", **colour)
    for server, count in sorted(left_out.items()):
        tests = f"{count} test{'s' if count > 1 else ''} that need{'s' if count == 1 else ''}"
        terminalreporter.line(f"left out: {tests} {server}; {_brings(server)} brings it", **colour)
    if IN_CI:
        terminalreporter.line("With CI=true that is a failure.", **colour)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real server, shared by all tests; each that uses it bears the mark `e2e("postgresql")`."""
    with Postgres() as server:
        yield server


@pytest.fixture
def free_port() -> int:
    """A port of loopback that nobody listens on."""
    return _free_port()


StartHub = Callable[..., HubProcess]


@pytest.fixture
def hub_process(tmp_path: Path) -> Iterator[StartHub]:
    """`hub_process(routes=…, env={…})` gives a real hub that is ready; with `ready=False` it has an address, and starts
    when it is told. A traceback in its log fails the test."""
    hubs: list[HubProcess] = []

    def start(*, routes: str | None = None, env: dict[str, str] | None = None, ready: bool = True) -> HubProcess:
        folder = tmp_path / f"hub{len(hubs) or ''}"
        folder.mkdir()
        hubs.append(HubProcess(folder, routes=routes, env=env))
        return hubs[-1].start() if ready else hubs[-1]

    yield start
    codes = [hub.stop() for hub in hubs]

    assert [""] * len(hubs) == [hub.complaints() for hub in hubs]
    assert [0] * len(hubs) == codes
