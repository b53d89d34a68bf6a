"""What scripts go by: exit codes, `--json`, and settings that come as files."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.cli import main
from hub.rehearsals import corpus

FIXTURE = Path("integrations/nagios/fixtures/host-problem.http").resolve()


def run(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


@pytest.mark.parametrize(
    "words",
    [
        ("diff", "routes.yaml", "routes.yaml", "--fail-on", "lots"),
        ("diff", "routes.yaml", "routes.yaml", "--since", "ages"),
        ("export", "--since", "ages"),
        ("check", "--since", "ages"),
        ("slack", "manifest"),
    ],
)
def test_what_cannot_be_meant_is_told_from_what_was_found(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """`diff --fail-on` of a workflow would else fail for a week as if somebody were to hear less."""
    assert 2 == run(*words)
    assert capsys.readouterr().err.startswith("tocsin: ")


def test_kinds_of_changes_may_stand_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (past := tmp_path / "past.jsonl").write_text('{"tocsin":"past","version":1,"redacted":false}\n')

    assert 0 == run("diff", "routes.yaml", "routes.yaml", "--events", str(past), "--fail-on", "lost, paging,")
    assert "Nothing" in capsys.readouterr().out


def test_json_is_printed_wherever_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for words in (
        ("--json", "test", "routes.yaml"),
        ("test", "--json", "routes.yaml"),
        ("test", "routes.yaml", "--json"),
    ):
        assert 0 == run(*words)
        said.append(json.loads(capsys.readouterr().out))

    assert said[0] == said[1] == said[2]


def test_every_verb_goes_by_settings_in_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, named = tmp_path / "rules.yaml", tmp_path / "named"
    rules.write_text("version: 1\nchannels: {night: room:night}\neverything_else: {to: night}\n")
    named.write_text(f"{rules}\n")
    monkeypatch.setenv("TOCSIN_ROUTES_FILE", str(named))

    assert 0 == run("explain", str(FIXTURE))
    assert "told: room:night" in capsys.readouterr().out


def test_a_hub_is_found_by_a_url_from_a_file_and_not_by_what_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (named := tmp_path / "url").write_text("http://127.0.0.1:1\n")
    monkeypatch.setenv("TOCSIN_URL_FILE", str(named))
    assert 3 == run("alerts")
    assert "http://127.0.0.1:1" in capsys.readouterr().err

    for wrong in ("hub.example.com:8080", "banana", "ftp://hub", "http://"):
        monkeypatch.setenv("TOCSIN_URL", wrong)
        assert 1 == run("alerts")
        assert "begins with http:// or https://" in capsys.readouterr().err


def test_what_is_no_id_is_asked_for_as_it_was_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    async def hear(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.json_response({"error": "not found", "detail": "there is none"}, status=404)

    async def ask() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", hear)
        async with TestServer(app) as hub:
            monkeypatch.setenv("TOCSIN_URL", str(hub.make_url("/")))
            for words in (("explain", "a b/☃?x#y"), ("explain", "../../x"), ("replay", "a b")):
                assert 1 == await asyncio.to_thread(run, *words)

    asyncio.run(ask())
    told = "/api/v1/events/"
    assert [f"{told}a%20b%2F%E2%98%83%3Fx%23y", f"{told}..%2F..%2Fx"] == asked[:2]
    assert "/api/v1/quarantine/a%20b/replay" == asked[2]
    assert "Traceback" not in capsys.readouterr().err


def test_a_list_stays_a_list_whatever_stands_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silence = {"id": "7F3KQ", "match": {"host": [f"web{n}" for n in range(1_000)]}, "because": "x" * 200}
    silence |= {"state": "waiting", "ends_at": "2026-11-23T09:00:00.005585Z"}  # which holds nothing yet

    async def hear(_: web.Request) -> web.Response:
        return web.json_response({"silences": [silence]})

    async def ask() -> None:
        app = web.Application()
        app.router.add_get("/api/v1/silences", hear)
        async with TestServer(app) as hub:
            monkeypatch.setenv("TOCSIN_URL", str(hub.make_url("/")))
            assert 0 == await asyncio.to_thread(run, "silences")

    asyncio.run(ask())
    head, row = capsys.readouterr().out.splitlines()
    assert len(head) < 130
    assert row.endswith("x" * 200)
    assert ("7F3KQ", "waiting", "2026-11-23T09:00:00Z") == (*row.split()[:2], row.split()[-3])


@pytest.mark.parametrize("port", ["80000", "-1", "http"])
def test_a_port_that_there_cannot_be_is_a_wrong_call(capsys: pytest.CaptureFixture[str], port: str) -> None:
    """Else the hub would listen at another one: 80000 is 14464 to the system."""
    assert 2 == run("serve", f"--port={port}")
    assert f"'{port}' is no port; it is a number such as 8080" in capsys.readouterr().err


def test_a_backup_into_a_folder_that_is_not_there_names_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = f"sqlite:///{tmp_path}/tocsin.db"
    assert 0 == run("database", "migrate", "--database", database)
    assert 1 == run("database", "backup", "--database", database, str(tmp_path / "none" / "copy.db"))
    assert f"there is no folder {tmp_path / 'none'}; make it" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["hub.example.com", "http://hub.example.com", "https://"])
def test_what_a_vendor_could_not_reach_is_not_pasted_there(capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert 2 == run("slack", "manifest", "--url", url)
    assert "--url https://hub.example.com" in capsys.readouterr().err


def test_a_paper_without_the_address_asks_for_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TOCSIN_PUBLIC_URL", raising=False)
    assert 0 == run("slack", "socket-manifest")
    printed = json.loads(capsys.readouterr().out)
    assert 0 == run("slack", "socket-manifest", "--url", "https://hub.example.com", "--json")

    assert printed == json.loads(json.loads(capsys.readouterr().out)["socket-manifest"])


def test_what_answers_and_is_no_hub_is_said_to_be_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The port of an SSH server, or an address with a blank in it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as caller:
                caller.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        (greeting := threading.Thread(target=greet)).start()
        monkeypatch.setenv("TOCSIN_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert 3 == run("alerts")
        greeting.join()
    assert capsys.readouterr().err.startswith("tocsin: no hub answers at http://127.0.0.1:")

    monkeypatch.setenv("TOCSIN_URL", "http://hub example.com")
    assert 1 == run("alerts")
    assert "TOCSIN_URL, or --url, is not a URL" in capsys.readouterr().err


def test_a_token_that_no_header_can_hold_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for token in ("correct\nhorse", "correct-horse-€"):
        monkeypatch.setenv("TOCSIN_API_TOKEN", token)
        assert 1 == run("alerts")
        said = capsys.readouterr().err
        assert "TOCSIN_API_TOKEN holds what no header can" in said
        assert "horse" not in said


def test_a_terminal_without_the_letters_is_told_all_the_same(tmp_path: Path) -> None:
    rules, report = tmp_path / "routes.yaml", tmp_path / "report.xml"
    test = '{name: "ärger → ops", given: [{source: nagios, host: a}], expect: {ops: [opened]}}'
    rules.write_text(
        f"version: 1\nchannels: {{ops: room:ops}}\neverything_else: {{to: ops}}\ntests: [{test}]\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "hub", "test", str(rules), "--junit", str(report)]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}

    done = subprocess.run(command, capture_output=True, check=True, env=environment)

    assert r"ok   ärger \u2192 ops" in done.stdout.decode("latin-1")
    assert "ärger → ops" in report.read_text(encoding="utf-8")


def command(*words: str, unbuffered: bool = False, **given: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""}
    said = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **given}
    return subprocess.run([sys.executable, "-m", "hub", *words], text=True, check=False, env=environment, **said)


@pytest.mark.parametrize("unbuffered", [True, False])
@pytest.mark.parametrize("words", [("check", "routes.yaml"), ("schema",), ("check", "nothing", "--json")])
def test_what_cannot_be_written_is_said_in_a_line(words: tuple[str, ...], unbuffered: bool) -> None:
    """The disk is full to which a script sends it."""
    with Path("/dev/full").open("w") as full:
        done = command(*words, unbuffered=unbuffered, stdout=full)

    assert "tocsin: what it has to say cannot be written: No space left on device\n" == done.stderr
    assert 1 == done.returncode


@pytest.mark.parametrize("unbuffered", [True, False])
@pytest.mark.parametrize("words", [("check", "routes.yaml"), ("schema",), ("--help",)])
def test_a_reader_that_has_gone_away_is_no_fault(words: tuple[str, ...], unbuffered: bool) -> None:
    """`tocsin schema | head -1`."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        done = command(*words, unbuffered=unbuffered, stdout=nobody)

    assert ("", 0) == (done.stderr, done.returncode)


def test_without_an_output_the_exit_code_says_it() -> None:
    """`tocsin check >&-`, as a daemon may call it."""
    fine, wrong = (
        subprocess.run(["/bin/sh", "-c", f'exec "$0" -m hub check {file} >&-', sys.executable], capture_output=True)
        for file in ("routes.yaml", "nothing.yaml")
    )

    assert (b"", 0) == (fine.stderr, fine.returncode)
    assert 1 == wrong.returncode
    assert b"Traceback" not in wrong.stderr


def test_an_export_takes_the_place_of_no_pipe(tmp_path: Path) -> None:
    """Nor of a device: `--output /dev/stdout`, by root."""
    os.mkfifo(pipe := tmp_path / "pipe")
    (past := tmp_path / "past.jsonl").write_text('{"tocsin":"past","version":1,"redacted":false}\n')
    with corpus.written(past) as file:
        file.write(b"whole")
    reading = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    read: list[bytes] = []
    reading.start()
    with corpus.written(pipe) as file:
        file.write(b"as it goes")
    reading.join()

    assert [b"as it goes", b"whole"] == [*read, past.read_bytes()]
    assert pipe.is_fifo()
