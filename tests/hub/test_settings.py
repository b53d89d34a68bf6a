"""What the process is told from outside."""

import os
import socket
import subprocess
import sys
from itertools import islice
from pathlib import Path
from urllib.request import urlopen

import pytest

from hub.errors import SettingsError
from hub.serving import serve
from hub.settings import Environment, read_settings


def test_a_zone_that_there_is_not_is_answered_by_the_nearest() -> None:
    """Before anything runs; any case will do."""
    with pytest.raises(
        SettingsError, match="TOCSIN_TIMEZONE: 'Europe/Berln' is no time zone; did you mean Europe/Berlin"
    ):
        read_settings(variables={"TOCSIN_TIMEZONE": "Europe/Berln"}).zone  # noqa: B018 - reading it is what fails

    assert "Europe/Berlin" == read_settings(variables={"TOCSIN_TIMEZONE": "europe/berlin"}).zone.key
    assert "UTC" == read_settings(variables={}).zone.key


@pytest.mark.parametrize(
    ("host", "port", "cure"),
    [
        ("192.0.2.1", 0, "--host names no address of this machine"),
        ("hub.invalid", 0, "--host names no address of this machine"),
        ("127.0.0.1", 1, "take another --port"),
    ],
)
async def test_a_place_that_cannot_be_listened_at_is_answered_with_another(
    tmp_path: Path, host: str, port: int, cure: str
) -> None:
    (tmp_path / "routes.yaml").write_text("version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        given = read_settings(
            host=host,
            port=taken.getsockname()[1] if port else 0,
            routes=str(tmp_path / "routes.yaml"),
            database=f"sqlite:///{tmp_path}/tocsin.db",
            variables={"TOCSIN_API_TOKEN": "correct-horse"},
        )

        with pytest.raises(SettingsError, match=cure):
            await serve(given)


def test_the_port_that_the_system_chose_is_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from hub.cli import main; main()", "serve", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    with subprocess.Popen(
        [*command, "--database", f"sqlite:///{tmp_path}/tocsin.db"], stderr=subprocess.PIPE, text=True, env=environment
    ) as hub:
        assert hub.stderr is not None
        try:
            (said,) = islice((line for line in hub.stderr if "Tocsin is at" in line), 1)
            with urlopen(f"{said.split()[-1]}/readyz") as answer:
                assert 200 == answer.status
        finally:
            hub.terminate()


def test_what_kubernetes_puts_beside_a_service_of_that_name_is_known() -> None:
    with pytest.raises(SettingsError, match=r"a port is a number such as 8080 .*enableServiceLinks: false"):
        read_settings(variables={"TOCSIN_PORT": "tcp://10.0.0.1:8080"})


@pytest.mark.parametrize("name", ["TOCSIN_PUBLIC_URL", "TOCSIN_REPLICA_URL"])
def test_an_address_that_nobody_could_click_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not a URL that begins with http:// or https://"):
        read_settings(variables={name: "hub.example.com"})


def test_a_secret_that_did_not_arrive_closes(tmp_path: Path) -> None:
    """An empty file would else be no secret, and that opens what it was to close."""
    (empty := tmp_path / "token").write_text("\n")

    with pytest.raises(SettingsError, match=f"TOCSIN_API_TOKEN_FILE names a file, {empty}, that is empty"):
        read_settings(variables={"TOCSIN_API_TOKEN_FILE": str(empty)})


def test_a_file_that_is_missing_is_named_and_a_secret_in_its_place_is_not() -> None:
    with pytest.raises(SettingsError, match="names a file, /run/nowhere, that cannot be read: No such file"):
        read_settings(variables={"TOCSIN_API_TOKEN_FILE": "/run/nowhere"})
    with pytest.raises(SettingsError, match="names a file that cannot be read: No such file"):
        read_settings(variables={"TOCSIN_API_TOKEN_FILE": "correct-horse"})


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "http://127.0.0.1:9090"), ("::", "http://[::1]:9090"), ("10.0.0.7", "http://10.0.0.7:9090")],
)
def test_the_command_line_finds_the_hub_of_its_machine_by_the_settings_of_that(host: str, reached: str) -> None:
    assert reached == read_settings(variables={"TOCSIN_HOST": host, "TOCSIN_PORT": "9090"}).here


def test_a_file_that_is_just_being_written_counts_as_it_was_read_last(tmp_path: Path) -> None:
    """Whoever changes a secret empties its file first, or takes it away; the hub asks its tools meanwhile."""
    file = tmp_path / "key"
    environment = Environment({"TOCSIN_GITHUB_API_KEY_FILE": str(file)})
    seen = list[str]()
    with pytest.raises(SettingsError, match="cannot be read"):
        environment.get("TOCSIN_GITHUB_API_KEY")
    for text in ("first\n", "", "second\n", None):
        file.unlink(missing_ok=True) if text is None else file.write_text(text)
        seen.append(environment.get("TOCSIN_GITHUB_API_KEY") or "")

    assert ["first", "first", "second", "second"] == seen


def test_a_pipe_of_commands_is_never_read_for_a_secret(tmp_path: Path) -> None:
    """Whoever reads it waits for ever. The source is called like a key."""
    os.mkfifo(pipe := tmp_path / "nagios.cmd")
    variables = {"TOCSIN_MONKEY_COMMAND_FILE": str(pipe), "TOCSIN_A_URL_B_COMMAND_FILE": str(pipe)}
    environment = Environment({**variables, "TOCSIN_MONKEY_SECRET": "one, two"})

    assert {"one", "two"} <= environment.known_secrets()
    assert environment.names() == {*variables, "TOCSIN_MONKEY_SECRET"}


def test_a_line_feed_behind_a_secret_is_none_of_it(tmp_path: Path) -> None:
    """`echo secret | base64` makes a Secret of Kubernetes that ends in one; an editor of Windows begins with a mark."""
    (file := tmp_path / "key").write_bytes(b"\xef\xbb\xbfcorrect-horse\r\n")
    settings = read_settings(variables={"TOCSIN_API_TOKEN": "correct-horse\n", "TOCSIN_SECRET_KEY_FILE": str(file)})

    assert settings.secret_key
    assert ["correct-horse"] * 2 == [one.reveal() for one in (*settings.api_tokens, settings.secret_key)]
    assert "correct-horse" in settings.environment.known_secrets()


@pytest.mark.parametrize("text", [",", " , ,", "   "])
def test_a_token_that_is_none_is_refused(text: str) -> None:
    """A variable that a script put together of nothing must not open the hub."""
    with pytest.raises(SettingsError, match="TOCSIN_API_TOKEN holds no token"):
        read_settings(variables={"TOCSIN_API_TOKEN": text})


def test_of_several_tokens_each_is_one() -> None:
    settings = read_settings(variables={"TOCSIN_API_TOKEN": "old, new,"})

    assert ["old", "new"] == [one.reveal() for one in settings.api_tokens]
