"""`tocsin doctor`: what is wrong, what to do about it, and no secret beside it."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import aiohttp
import pytest
from slack import BOT_TOKEN, SECRET, Answer, Slack, settings, slack

from hub.app import catalogue_of
from hub.cli import main
from hub.contracts import Finding, Grade
from hub.doctor import Doctor
from hub.registry import installed
from hub.settings import read_settings
from hub.store.sql import open_store
from integrations.slack.manifest import SCOPES

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ROOM = "version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"
CHATS = """\
version: 1
channels: {ops: "slack:#ops", managers: teams:managers}
routes: [{name: all, match: {severity: critical}, to: managers}]
everything_else: {to: ops}
"""
SLACK = 'version: 1\nchannels: {ops: "slack:#ops"}\neverything_else: {to: ops}\n'


async def examined(
    folder: Path, rules: str = ROOM, *, host: str = "", now: datetime = NOW, **variables: str
) -> Sequence[Finding]:
    (folder / "routes.yaml").write_text(rules)
    tools = installed()
    given = read_settings(
        host=host,
        routes=str(folder / "routes.yaml"),
        database=f"sqlite:///{folder}/tocsin.db",
        variables=variables,
    )
    async with aiohttp.ClientSession() as http:
        doctor = Doctor(given, tools=tools, catalogue=catalogue_of(tools), http=http, now=lambda: now)
        return await doctor.findings()


def wrong(findings: Sequence[Finding]) -> Mapping[str, tuple[str, str]]:
    return {one.about: (one.what, one.cure) for one in findings if one.grade is Grade.WRONG}


def of_slack(fake: Slack) -> dict[str, str]:
    return {f"TOCSIN_SLACK_{name}": value for name, value in settings(fake).items()}


async def test_a_sound_installation_has_nothing_wrong(tmp_path: Path) -> None:
    """Beside a hub that runs, too."""
    async with open_store(f"sqlite:///{tmp_path}/tocsin.db"):
        assert {} == wrong(await examined(tmp_path))


async def test_rules_that_are_wrong_are_told_with_their_place(tmp_path: Path) -> None:
    found = wrong(await examined(tmp_path, ROOM.replace("{to: ops}", "{to: opps}")))

    assert "opps" in found["rules"][0]


async def test_what_can_be_reached_from_elsewhere_needs_secrets(tmp_path: Path) -> None:
    found = wrong(await examined(tmp_path, host="0.0.0.0"))

    assert "set TOCSIN_API_TOKEN" in found["settings"][1]
    assert ("has no secret and is refused", "set TOCSIN_NAGIOS_SECRET") == found["source nagios"]


async def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    (tmp_path / "tocsin.db").write_bytes(b"this is no database" * 1_000)

    assert "file is not a database" in wrong(await examined(tmp_path))["database"][0]


async def test_a_database_that_somebody_holds_is_read_all_the_same(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/tocsin.db"):
        pass
    other = sqlite3.connect(tmp_path / "tocsin.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    found = await examined(tmp_path)
    other.close()

    assert {} == wrong(found)


async def test_chats_that_are_not_set_up_are_told_with_what_to_set(tmp_path: Path) -> None:
    found = wrong(await examined(tmp_path, CHATS))

    assert "set TOCSIN_SLACK_BOT_TOKEN" == found["slack"][1]
    assert "TOCSIN_TEAMS_URL_MANAGERS" in found["teams"][1]


async def test_a_url_of_teams_that_cannot_work_is_told_and_not_shown(tmp_path: Path) -> None:
    url = "https://example.logic.azure.com/workflows/s3cret-part"
    found = await examined(tmp_path, CHATS, TOCSIN_TEAMS_URL_MANAGERS=url)

    assert "is cut off" in wrong(found)["teams"][0]
    assert "s3cret" not in repr(found)


async def test_slack_says_of_its_token_scopes_clock_and_channels(tmp_path: Path) -> None:
    async with slack() as fake:
        fake.answers["auth.test"].append(Answer(headers={"x-oauth-scopes": ",".join(SCOPES[1:])}))
        ahead = datetime.now(UTC) + timedelta(hours=1)
        found = await examined(tmp_path, SLACK.replace("#ops", "#nowhere"), now=ahead, **of_slack(fake))

    told = {one.about: one.what for one in found}
    assert any(SCOPES[0] in one.what for one in found)
    assert "seconds from Slack's" in told["clock"]
    assert "/invite @tocsin" in told["slack:#nowhere"]
    assert BOT_TOKEN not in repr(found)


async def test_a_sound_slack_has_nothing_wrong(tmp_path: Path) -> None:
    async with slack() as fake:
        fake.answers["auth.test"].append(Answer(headers={"Date": format_datetime(NOW, usegmt=True)}))
        found = await examined(tmp_path, SLACK, **of_slack(fake))

    assert {} == wrong(found)
    assert [] == [call for call in fake.calls if call[0].startswith("chat.")]


async def test_a_token_that_slack_refuses_is_told_and_not_shown(tmp_path: Path) -> None:
    async with slack() as fake:
        given = of_slack(fake) | {"TOCSIN_SLACK_BOT_TOKEN": "xoxb-wrong"}
        found = await examined(tmp_path, SLACK, **given)

    assert "set TOCSIN_SLACK_BOT_TOKEN anew" in wrong(found)["slack"][0]
    assert "xoxb" not in repr(found)
    assert SECRET not in repr(found)


@pytest.mark.parametrize(("rules", "code"), [(ROOM, 0), (CHATS, 1)])
def test_the_command_says_it_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rules: str, code: int
) -> None:
    (tmp_path / "routes.yaml").write_text(rules)
    where = ["--routes", str(tmp_path / "routes.yaml"), "--database", f"sqlite:///{tmp_path}/tocsin.db"]
    with pytest.raises(SystemExit) as left:
        main(["doctor", "--json", *where])
    said = json.loads(capsys.readouterr().out)

    assert code == left.value.code
    assert (code == 0) == said["ok"]
    assert {"grade", "about", "what", "cure"} == set(said["findings"][0])
