"""The script that Nagios runs keeps what it cannot deliver."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from peers.hub import HubProcess
from peers.nagios import SCRIPT
from peers.servers import wait_until

SECRET = "shared-with-nagios"


def _notify(hub: HubProcess, folder: Path, *options: str, **macros: str) -> subprocess.CompletedProcess[str]:
    secret, spool = folder / "secret", folder / "spool"
    spool.mkdir(exist_ok=True)
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    environment = {"PATH": os.environ["PATH"], **{f"NAGIOS_{name}": value for name, value in macros.items()}}
    command = [sys.executable, SCRIPT, "--url", f"{hub.url}/in/nagios", "--secret-file", secret, "--spool", spool]
    return subprocess.run([*command, *options], env=environment, capture_output=True, text=True, timeout=60)


def _kept(folder: Path) -> list[Path]:
    return [path for path in (folder / "spool").rglob("*.json") if path.is_file()]


def test_what_the_hub_missed_arrives_when_it_is_back(hub_process: Callable[..., HubProcess], tmp_path: Path) -> None:
    """Two problems while the hub is down; they are delivered once, in their order, by the next flush."""
    hub = hub_process(env={"TOCSIN_NAGIOS_SECRET": SECRET}, ready=False)
    down = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTSTATE": "DOWN", "HOSTSTATETYPE": "HARD", "TIMET": "1795238342"}
    for number, host in enumerate(("web301", "db1"), start=1):
        _notify(hub, tmp_path, HOSTNAME=host, HOSTNOTIFICATIONID=str(number), HOSTOUTPUT="PING CRITICAL", **down)
    assert 2 == len(_kept(tmp_path))

    hub.start()
    flushed = _notify(hub, tmp_path, "--flush")

    assert (0, []) == (flushed.returncode, _kept(tmp_path)), flushed.stderr
    alerts = wait_until("both are alerts", lambda: hub.alerts() if len(hub.alerts()) == 2 else None)
    assert {"web301", "db1"} == {alert["labels"]["host"] for alert in alerts}
    assert 0 == _notify(hub, tmp_path, "--flush").returncode
    assert [1, 1] == [alert["count"] for alert in hub.alerts()]


def test_the_secret_never_ends_in_the_spool(hub_process: Callable[..., HubProcess], tmp_path: Path) -> None:
    """Files of the spool may be read by whoever repairs it."""
    hub = hub_process(ready=False)

    said = _notify(hub, tmp_path, HOSTNAME="web301", NOTIFICATIONTYPE="PROBLEM", HOSTSTATE="DOWN")

    kept = _kept(tmp_path)
    assert kept
    assert SECRET not in said.stdout + said.stderr + "".join(path.read_text() for path in kept)
