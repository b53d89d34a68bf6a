"""A real Icinga 2, for the sake of its Livestatus listener: Debian 12 has no other server of that language."""

import grp
import json
import os
import pwd
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers.nagios import SCRIPT, STATES
from peers.servers import ROOT, free_port, libraries, listens, running, tail, wait_until, workplace


@dataclass(frozen=True, slots=True, kw_only=True)
class Icinga2:
    folder: Path
    port: int

    @property
    def livestatus(self) -> str:
        return f"127.0.0.1:{self.port}"

    def goes(self, state: str, host: str = "web301") -> None:
        (self.folder / "state" / host).write_text(STATES[state])

    def ask(self, query: str) -> str:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(query.encode())
            line.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: line.recv(65536), b"")).decode()

    def column(self, name: str, host: str = "web301") -> str:
        """One fact about a host, as Livestatus tells it."""
        answer = self.ask(f"GET hosts\nColumns: {name}\nFilter: name = {host}\nOutputFormat: json\n\n")
        rows = json.loads(answer or "[]")
        return str(rows[0][0]) if rows else ""

    def acknowledged(self, host: str = "web301") -> bool:
        return self.column("acknowledged", host) in {"1", "1.0", "True"}

    def logs(self) -> str:
        return tail([self.folder / "log/icinga2.log", self.folder / "out.log", self.folder / "notify.err"])


@contextmanager
def icinga2(*, hub: str, secret: str, source: str = "nagios") -> Iterator[Icinga2]:
    """Started, with Livestatus over TCP and its host up; it notifies through the script that we ship for Nagios."""
    with workplace("icinga2") as folder:
        peer = Icinga2(folder=folder, port=free_port())
        for name in ("etc", "data", "log/compat/archives", "cache", "spool", "run", "state"):
            (folder / name).mkdir(parents=True)
        peer.goes("up")
        _configure(peer, f"{hub}/in/{source}", secret)
        library = libraries()
        command = [
            library / "icinga2/sbin/icinga2", "daemon",
            *(part for name, value in _paths(folder).items() for part in ("-D", f"{name}={value}")),
            "-I", ROOT / "usr/share/icinga2/include", "-c", folder / "etc/icinga2.conf",
        ]  # fmt: skip
        with running(*command, log=folder / "out.log", env={"LD_LIBRARY_PATH": f"{library}:{library}/icinga2"}):
            try:
                wait_until("Icinga 2 opens Livestatus", lambda: listens(peer.port))
                wait_until("Icinga 2 checks its host", lambda: peer.column("has_been_checked") in {"1", "1.0", "True"})
                yield peer
            except BaseException as error:
                error.add_note(peer.logs())
                raise


def _paths(folder: Path) -> dict[str, str]:
    return {
        "DataDir": f"{folder}/data",
        **{f"Configuration.{name}Dir": f"{folder}/{name.lower()}" for name in ("Data", "Log", "Cache", "Spool")},
        "Configuration.InitRunDir": f"{folder}/run",
        "Configuration.PidPath": f"{folder}/run/icinga2.pid",
        "Configuration.ConfigDir": f"{folder}/etc",
        "Configuration.RunAsUser": pwd.getpwuid(os.getuid()).pw_name,
        "Configuration.RunAsGroup": grp.getgrgid(os.getgid()).gr_name,
    }


def _configure(peer: Icinga2, url: str, secret: str) -> None:
    folder = peer.folder
    (folder / "secret").write_text(f"{secret}\n")
    (folder / "secret").chmod(0o600)
    check = folder / "etc/check-file"
    check.write_text('#!/bin/sh\nread rc text < "$1"; echo "$text"; exit $rc\n')
    check.chmod(0o755)
    if SCRIPT.is_file():
        shutil.copy(SCRIPT, folder / "etc")
    notify = folder / "etc/notify"
    script = f"{sys.executable} {folder}/etc/{SCRIPT.name}"
    spool = folder / "spool/tocsin"
    spool.mkdir()
    notify.write_text(
        f"#!/bin/sh\nexec {script} --url {url} --secret-file {folder}/secret --spool {spool} 2>> {folder}/notify.err\n"
    )
    notify.chmod(0o755)
    (folder / "etc/icinga2.conf").write_text(
        _CONFIGURATION.replace("@folder@", str(folder)).replace("@port@", str(peer.port))
    )


_CONFIGURATION = """\
const NodeName = "icinga.test"
const ZoneName = NodeName
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" { }
object NotificationComponent "notification" { }
object IcingaApplication "app" { }
object FileLogger "main" { severity = "information", path = "@folder@/log/icinga2.log" }
object LivestatusListener "livestatus" { socket_type = "tcp", bind_host = "127.0.0.1", bind_port = "@port@" }
object CheckCommand "check-file" { command = [ "@folder@/etc/check-file", "$file$" ] }
object NotificationCommand "tocsin" {
  command = [ "@folder@/etc/notify" ]
  env = {
    NAGIOS_NOTIFICATIONTYPE = "$notification.type$"
    NAGIOS_NOTIFICATIONAUTHOR = "$notification.author$"
    NAGIOS_NOTIFICATIONCOMMENT = "$notification.comment$"
    NAGIOS_HOSTNAME = "$host.name$"
    NAGIOS_HOSTSTATE = "$host.state$"
    NAGIOS_HOSTSTATETYPE = "$host.state_type$"
    NAGIOS_HOSTOUTPUT = "$host.output$"
    NAGIOS_TIMET = "$icinga.timet$"
  }
}
object User "hub" { enable_notifications = true }
object Host "web301" {
  check_command = "check-file"
  vars.file = "@folder@/state/web301"
  check_interval = 1s
  retry_interval = 1s
  max_check_attempts = 1
}
apply Notification "tocsin" to Host { command = "tocsin", users = [ "hub" ], interval = 0, assign where true }
"""
