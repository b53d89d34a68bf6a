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

LEFT_OUT = "left out for want of"
END_TO_END = Path(__file__).parent / "e2e"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

# How long an example takes says how busy the machine is. In CI the same change has the same examples.
settings.register_profile("tocsin", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_LeftOut())


@pytest.hookimpl(tryfirst=True)  # before groups are looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts processes and asks how long they take runs one after the other; all else, beside it."""
    for item in items:
        if END_TO_END in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what needs a server that is not here, and say which. Nothing else in these tests is ever skipped."""
    needed = [server for mark in item.iter_markers("e2e") for server in mark.args]
    for server in needed:
        assert server in PRESENT, f"say in PRESENT of tests/e2e/peers/servers.py how to see whether {server} is there"
    absent = [server for server in needed if not PRESENT[server]()]
    if absent:
        item.user_properties += [(LEFT_OUT, server) for server in absent]
        pytest.skip(f"needs {' and '.join(absent)}; {_brings(absent[0])} brings it")


class _LeftOut:
    """Counts what was left out, in whichever process."""

    def __init__(self) -> None:
        self._servers = Counter[object]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup":
            self._servers.update(server for name, server in report.user_properties if name == LEFT_OUT)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if IN_CI and self._servers and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._servers:
            return
        colour = {"red": True} if IN_CI else {"yellow": True}
        terminalreporter.section("left out", **colour)
        for server, count in sorted(self._servers.items(), key=str):
            tests = f"{count} test{'s' if count > 1 else ''} that need{'s' if count == 1 else ''}"
            terminalreporter.line(f"left out: {tests} {server}; {_brings(str(server))} brings it", **colour)
        if IN_CI:
            terminalreporter.line("With CI=true that is a failure.", **colour)


def _brings(server: str) -> str:
    return BRINGS.get(server, "`make servers`")


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
