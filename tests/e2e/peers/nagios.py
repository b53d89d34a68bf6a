"""A real Nagios Core with its CGIs behind a real Apache, of two hosts whose state a test writes into files."""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers.servers import (
    REPOSITORY,
    ROOT,
    free_port,
    give,
    libraries,
    listens,
    running,
    tail,
    unprivileged,
    wait_until,
    workplace,
)

SCRIPT = REPOSITORY / "integrations" / "nagios" / "tocsin-nagios-notify"
USER, PASSWORD = "nagiosadmin", "s3cret"
HOSTS = ("web301", "db1")
STATES = {"up": "0 PING OK - Packet loss = 0%", "down": "2 PING CRITICAL - Packet loss = 100%"}
MODULES = (
    *("mpm_prefork", "alias", "env", "cgi"),
    *("authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "auth_digest"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nagios:
    folder: Path
    port: int

    @property
    def command_file(self) -> Path:
        return self.folder / "var/rw/nagios.cmd"

    @property
    def status_file(self) -> Path:
        return self.folder / "var/status.dat"

    @property
    def spool(self) -> Path:
        return self.folder / "var/tocsin"

    def cgi_url(self, auth: str = "basic") -> str:
        return f"http://127.0.0.1:{self.port}/{auth}/cgi-bin"

    def goes(self, state: str, host: str = "web301") -> None:
        """The host goes down or up, and Nagios looks at once instead of at its next turn."""
        (self.folder / "state" / host).write_text(STATES[state])
        for _ in range(2):
            self.command(f"SCHEDULE_FORCED_HOST_CHECK;{host};{int(time.time())}")

    def command(self, text: str) -> None:
        with self.command_file.open("w") as pipe:
            pipe.write(f"[{int(time.time())}] {text}\n")

    def status(self, host: str = "web301") -> Mapping[str, str]:
        """What status.dat says of a host; empty until it says something."""
        try:
            text = self.status_file.read_text()
        except OSError:
            return {}
        for block in re.findall(r"^hoststatus \{\n(.*?)^\t\}", text, re.DOTALL | re.MULTILINE):
            fields = dict(line.strip().split("=", 1) for line in block.splitlines() if "=" in line)
            if fields.get("host_name") == host:
                return fields
        return {}

    def acknowledged(self, host: str = "web301") -> bool:
        return self.status(host).get("problem_has_been_acknowledged") == "1"

    def log(self) -> str:
        return (self.folder / "var/nagios.log").read_text(errors="replace")

    def logs(self) -> str:
        names = ("var/nagios.log", "nagios.out", "notify.err", "httpd/error.log")
        return tail([self.folder / name for name in names])


@contextmanager
def nagios(*, hub: str, secret: str, source: str = "nagios") -> Iterator[Nagios]:
    """Started, its hosts up and checked; it notifies the hub through the script that we ship."""
    with workplace("nagios") as folder:
        peer = Nagios(folder=folder, port=free_port())
        _unpack(folder)
        _configure(peer, f"{hub}/in/{source}", secret)
        _configure_httpd(peer)
        give(folder)
        library = {"LD_LIBRARY_PATH": str(folder / "lib")}
        nagios4 = folder / "bin/nagios4"
        with (
            running(nagios4, folder / "nagios.cfg", log=folder / "nagios.out", as_nobody=True) as core,
            running(
                folder / "bin/apache2", "-f", folder / "httpd/httpd.conf", "-DFOREGROUND",
                log=folder / "httpd/out.log", env=library, as_nobody=True,
            ),
        ):  # fmt: skip
            try:
                wait_until("Nagios opens its pipe", lambda: peer.command_file.is_fifo() or core.poll() is not None)
                assert core.poll() is None, "Nagios did not start"
                for host in HOSTS:
                    peer.goes("up", host)
                    wait_until(
                        f"Nagios checks {host}", lambda host=host: peer.status(host).get("last_check", "0") != "0"
                    )
                wait_until("Apache listens", lambda: listens(peer.port))
                yield peer
            except BaseException as error:
                error.add_note(peer.logs())
                raise


def _unpack(folder: Path) -> None:
    """Copies, since the checkout may lie where the peer's user cannot read."""
    for name in ("bin", "httpd", "state", "var/rw", "var/spool/checkresults", "var/archives", "var/tocsin"):
        (folder / name).mkdir(parents=True)
    for program in ("nagios4", "apache2"):
        shutil.copy(ROOT / "usr/sbin" / program, folder / "bin")
    shutil.copytree(ROOT / "usr/lib/cgi-bin/nagios4", folder / "cgi-bin", symlinks=True)
    shutil.copytree(ROOT / "usr/lib/apache2/modules", folder / "modules")
    shutil.copytree(libraries(), folder / "lib", symlinks=True, ignore=shutil.ignore_patterns("icinga2"))
    if SCRIPT.is_file():
        shutil.copy(SCRIPT, folder / "bin")


def python() -> str:
    """A Python that the peer's user may run: that of the tests lies in somebody's home sometimes."""
    for candidate in (getattr(sys, "_base_executable", sys.executable), sys.executable, "/usr/bin/python3"):
        try:
            tried = subprocess.run([candidate, "-c", "import ssl"], cwd="/", capture_output=True, **unprivileged())
        except OSError:
            continue
        if tried.returncode == 0:
            return candidate
    raise AssertionError("no Python here that user nobody may run")


def _configure(peer: Nagios, url: str, secret: str) -> None:
    folder = peer.folder
    var, script = folder / "var", folder / "bin" / SCRIPT.name
    (folder / "secret").write_text(f"{secret}\n")
    (folder / "secret").chmod(0o600)
    for name in (*HOSTS, "disk"):
        (folder / "state" / name).write_text(STATES["up"])
    check = folder / "bin/check-file"
    check.write_text('#!/bin/sh\nread rc text < "$1"; echo "$text"; exit $rc\n')
    check.chmod(0o755)
    (folder / "resource.cfg").write_text("")
    (folder / "nagios.cfg").write_text(
        _CORE.format(folder=folder, var=var)
        + "illegal_object_name_chars=`~!$%^&*|'\"<>?,()=\nillegal_macro_output_chars=`~$&|'\"<>\n"
    )
    options = f"--url {url} --secret-file {folder}/secret --spool {peer.spool}"
    notify = f"{python()} {script} {options} 2>> {folder}/notify.err"
    (folder / "objects.cfg").write_text(_OBJECTS.replace("@notify@", notify).replace("@folder@", str(folder)))
    (folder / "cgi.cfg").write_text(
        f"main_config_file={folder}/nagios.cfg\nphysical_html_path={folder}\nurl_html_path=/nagios\nuse_authentication=1\n"
        + "".join(f"authorized_for_{right}={USER}\n" for right in _RIGHTS)
    )


def _configure_httpd(peer: Nagios) -> None:
    httpd = peer.folder / "httpd"
    sha = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (httpd / "basic").write_text(f"{USER}:{{SHA}}{sha}\n")
    digest = hashlib.md5(f"{USER}:Nagios:{PASSWORD}".encode()).hexdigest()
    (httpd / "digest").write_text(f"{USER}:Nagios:{digest}\n")
    modules = "".join(f"LoadModule {name}_module modules/mod_{name}.so\n" for name in MODULES)
    locations = "".join(
        _LOCATION.format(name=name, auth=name.title(), folder=peer.folder, digest=extra)
        for name, extra in _AUTH.items()
    )
    (httpd / "httpd.conf").write_text(_HTTPD.format(folder=peer.folder, port=peer.port, modules=modules) + locations)


_AUTH = {"basic": "", "digest": "AuthDigestProvider file"}
_RIGHTS = (
    *("system_information", "configuration_information", "system_commands"),
    *("all_services", "all_hosts", "all_service_commands", "all_host_commands"),
)

_HTTPD = """\
ServerRoot "{folder}"
Listen 127.0.0.1:{port}
ServerName localhost
PidFile {folder}/httpd/httpd.pid
ErrorLog {folder}/httpd/error.log
DefaultRuntimeDir {folder}/httpd
{modules}
SetEnv NAGIOS_CGI_CONFIG {folder}/cgi.cfg
<Directory "{folder}/cgi-bin">
  Options +ExecCGI
</Directory>
"""

_LOCATION = """\
ScriptAlias /{name}/cgi-bin "{folder}/cgi-bin"
<Location /{name}>
  AuthType {auth}
  AuthName Nagios
  {digest}
  AuthUserFile {folder}/httpd/{name}
  Require valid-user
</Location>
"""

_CORE = """\
log_file={var}/nagios.log
cfg_file={folder}/objects.cfg
object_cache_file={var}/objects.cache
precached_object_file={var}/objects.precache
resource_file={folder}/resource.cfg
status_file={var}/status.dat
status_update_interval=1
check_external_commands=1
command_file={var}/rw/nagios.cmd
lock_file={var}/nagios.lock
temp_file={var}/nagios.tmp
temp_path={var}
check_result_path={var}/spool/checkresults
state_retention_file={var}/retention.dat
query_socket={var}/rw/nagios.qh
log_archive_path={var}/archives
event_broker_options=-1
interval_length=1
enable_notifications=1
execute_service_checks=1
execute_host_checks=1
accept_passive_service_checks=1
accept_passive_host_checks=1
enable_environment_macros=1
use_syslog=0
log_notifications=1
log_external_commands=1
date_format=iso8601
daemon_dumps_core=0
check_for_updates=0
check_workers=2
check_result_reaper_frequency=1
max_host_check_spread=1
max_service_check_spread=1
"""

# A line must end behind `define x {`.
_OBJECTS = """\
define timeperiod {
  timeperiod_name 24x7
  alias always
  sunday 00:00-24:00
  monday 00:00-24:00
  tuesday 00:00-24:00
  wednesday 00:00-24:00
  thursday 00:00-24:00
  friday 00:00-24:00
  saturday 00:00-24:00
}
define command {
  command_name check-file
  command_line @folder@/bin/check-file $ARG1$
}
define command {
  command_name tocsin
  command_line @notify@
}
define contact {
  contact_name tocsin
  host_notification_period 24x7
  service_notification_period 24x7
  host_notification_options d,u,r,f,s
  service_notification_options w,u,c,r,f,s
  host_notification_commands tocsin
  service_notification_commands tocsin
}
define contactgroup {
  contactgroup_name tocsin
  alias the alert hub
  members tocsin
}
define host {
  name watched
  register 0
  address 127.0.0.1
  check_interval 2
  retry_interval 1
  max_check_attempts 1
  check_period 24x7
  notification_interval 0
  notification_period 24x7
  notification_options d,u,r,f,s
  contact_groups tocsin
}
define host {
  use watched
  host_name web301
  alias Web server 301
  check_command check-file!@folder@/state/web301
  notes_url https://wiki.example.com/web301
  _TEAM platform
}
define host {
  use watched
  host_name db1
  alias Database 1
  check_command check-file!@folder@/state/db1
}
define service {
  host_name db1
  service_description Disk /var
  check_command check-file!@folder@/state/disk
  check_interval 2
  retry_interval 1
  max_check_attempts 1
  check_period 24x7
  notification_interval 0
  notification_period 24x7
  notification_options w,u,c,r,f,s
  contact_groups tocsin
}
"""
