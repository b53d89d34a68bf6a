"""What `deploy/` holds is what the hub understands."""

import json
import os
import re
import resource
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from peers.hub import HubProcess
from peers.servers import wait_until

from hub.care.supervisor import notify
from hub.cli.grammar import parser
from hub.routes_file import cases, includes, sheets
from hub.routes_file.yaml_tree import Tree
from hub.settings import read_settings
from hub.web.doorway import DoorLimits

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "deploy/tocsin.service").read_text()
CONTAINER = (ROOT / "deploy/Containerfile").read_text().replace("\\\n", " ")


def of_unit(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


def of_container(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", CONTAINER, re.MULTILINE)


def test_the_unit_starts_what_there_is(tmp_path: Path) -> None:
    """By settings that are read: secrets from the files that systemd puts there."""
    (command,) = of_unit("ExecStart")
    (tmp_path / "api-token").write_text("a token of thirty-two characters\n")
    given = dict(
        line.replace("%S", "/var/lib").replace("%d", str(tmp_path)).split("=", 1) for line in of_unit("Environment")
    )
    settings = read_settings(variables=given)
    credentials = {line.partition(":")[0] for line in of_unit("LoadCredential")}

    assert "serve" == parser().parse_args(shlex.split(command)[1:]).verb
    assert settings.api_tokens
    assert ("sqlite:////var/lib/tocsin/tocsin.db", "json") == (settings.database, settings.log)
    assert credentials == {Path(path).name for name, path in given.items() if name.endswith("_FILE")}


def test_a_reload_fails_where_the_rules_are_refused(tmp_path: Path) -> None:
    """Read without a setting: systemd opens a service's credentials to nobody else than its main process."""
    check, tell = of_unit("ExecReload")
    words = shlex.split(check.replace("$$", "$").replace("/opt/tocsin/bin/tocsin", f"{sys.executable} -m hub"))
    given = {"TOCSIN_ROUTES": str(tmp_path / "routes.yaml"), "TOCSIN_API_TOKEN_FILE": "/nowhere", "PATH": os.defpath}

    def reload(more: str) -> int:
        (tmp_path / "routes.yaml").write_text((ROOT / "routes.yaml").read_text() + more)
        return subprocess.run(words, env=given, check=False).returncode

    assert (0, 1) == (reload(""), reload("nonsense: 3\n"))
    assert 0 == reload("schedules: {data: {calendar: not-there.ics}}\n")
    assert "/bin/kill -HUP $MAINPID" == tell


def test_a_crowd_at_the_door_leaves_files_for_others(hub_process: Any) -> None:
    """Of 1,024, which is what a process has unless it asks, a thousand connections would leave hardly any."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, before[1]))
    try:
        hub: HubProcess = hub_process()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert 2 * DoorLimits().connections <= resource.prlimit(hub.pid, resource.RLIMIT_NOFILE)[0]


@pytest.mark.e2e("systemd")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """And nothing much that the hub could harm."""
    unit = tmp_path / "tocsin.service"
    unit.write_text(UNIT.replace("/opt/tocsin/bin/tocsin", sys.executable))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "" == verified.stderr
    assert 0 == judged.returncode, judged.stdout[-600:]


def test_systemd_is_told_that_the_hub_is_ready_alive_and_ends(tmp_path: Path, hub_process: Any) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.setblocking(False)
        heard: list[str] = []

        def hears(state: str) -> bool:
            try:
                heard.append(told.recv(100).decode())
            except BlockingIOError:
                return False
            return heard[-1] == state

        hub: HubProcess = hub_process(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
        wait_until("it is ready", lambda: hears("READY=1"))
        wait_until("it is alive", lambda: hears("WATCHDOG=1"))
        hub.stop()
        wait_until("it ends", lambda: hears("STOPPING=1"))


@pytest.mark.parametrize("address", ["", "nonsense", "/nowhere/at/all", "@nobody-listens"])
def test_who_is_not_there_is_told_nothing(address: str) -> None:
    notify("READY=1", {"NOTIFY_SOCKET": address})


def test_the_container_file_builds_of_what_it_copies(tmp_path: Path) -> None:
    """Its own steps, without a container: a file that it forgets is missing from the wheel, or the build fails."""
    for line in of_container("COPY"):
        *sources, target = shlex.split(line)
        for source in sources if not Path(target).is_absolute() else []:  # which is the second stage
            place = tmp_path / target / ("" if (ROOT / source).is_dir() else Path(source).name)
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, place)  # type: ignore[operator]
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    installs = [step for line in of_container("RUN") for step in line.split("&&") if "pip install" in step]

    assert [*(tmp_path / "dist").glob("tocsin-*.whl")]
    assert all("--require-hashes -r" in step or "--no-deps /dist/" in step for step in installs)
    assert all((tmp_path / lock).is_file() for step in installs for lock in re.findall(r"-r (\S+)", step))


def test_the_container_runs_the_hub_as_somebody_else_and_asks_how_it_is(hub_process: Any) -> None:
    hub: HubProcess = hub_process()
    (health,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    asks, given = json.loads(health), os.environ | {"TOCSIN_PORT": hub.url.rpartition(":")[2]}
    well = subprocess.run([sys.executable, *asks[1:]], check=False, env=given)
    hub.stop()
    gone = subprocess.run([sys.executable, *asks[1:]], check=False, env=given, stderr=subprocess.DEVNULL)
    (program,), (words,) = (json.loads(of_container(name)[0]) for name in ("ENTRYPOINT", "CMD"))

    set_there = dict(pair.split("=", 1) for line in of_container("ENV") for pair in line.split())

    assert (0, 1) == (well.returncode, gone.returncode)
    assert f":{set_there['TOCSIN_ROUTES']}:ro" in CONTAINER, "rules that are mounted there are those that count"
    assert set_there["TOCSIN_ROUTES"] in [line.split()[-1] for line in of_container("COPY")]
    assert ("tocsin", "serve") == (Path(program).name, parser().parse_args([words]).verb)
    assert ["10001"] == of_container("USER")


def test_whatever_the_rules_are_made_of_is_looked_at() -> None:
    """Not `routes.yaml` alone: who breaks a table or a recording shall hear of it as well."""
    hooked = {
        re.compile(found) for found in re.findall(r"files: (.*)", (ROOT / "deploy/pre-commit-config.yaml").read_text())
    }
    workflow = (ROOT / "deploy/github-actions.yaml").read_text()
    endings = {*includes.ENDINGS, *sheets.ENDINGS, *cases.FIXTURES, ".ics", ".j2"}

    assert [] == [ending for ending in endings for files in hooked if not files.search(f"teams/web/it{ending}")]
    assert "paths:" not in workflow


@pytest.mark.parametrize("name", ["github-actions.yaml", "pre-commit-config.yaml"])
def test_what_is_to_be_copied_is_yaml_and_runs_what_there_is(name: str, tmp_path: Path) -> None:
    """In the workflow and in the hook: each command as it stands there passes in a repository of the shipped rules."""
    text = (ROOT / "deploy" / name).read_text()
    tree = Tree(name)
    tree.load(text)
    commands = re.findall(r"(?:run|entry): (tocsin .*)$", text, re.MULTILINE)
    (tmp_path / "routes.yaml").write_text((ROOT / "routes.yaml").read_text())
    (tmp_path / "past.jsonl").write_text('{"tocsin":"past","version":1}\n')
    given = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_BASE_REF": "main",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }

    def run(command: str) -> tuple[int, str]:
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=given, capture_output=True, check=False)
        return done.returncode, done.stderr.decode()

    as_alice = "git -c user.name=alice -c user.email=alice@example.com"
    assert (0, "") == run(f"git init -q && git add . && {as_alice} commit -qm rules")
    assert (0, "") == run("git update-ref refs/remotes/origin/main HEAD")

    assert "install tocsin" not in text, "on no index is it ours: whoever took that name would run in the workflow"
    assert [] == tree.complaints
    assert ["tocsin check", "tocsin test"] == [" ".join(command.split()[:2]) for command in commands[:2]]
    for command in commands:
        assert (0, "") == run(command), command
    if name == "github-actions.yaml":
        assert "Nothing changes for anybody" in (tmp_path / "summary.md").read_text()
