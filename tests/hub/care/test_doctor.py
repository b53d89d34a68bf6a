"""`tocsin doctor`: what is wrong, what to do about it, and no secret beside it."""

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import aiohttp
import pytest
from peers.postgres import Postgres
from sensu import KEY, Go
from slack import BOT_TOKEN, SECRET, Answer, Slack, settings, slack
from web_page import WebPage

from hub.care.doctor import Doctor
from hub.cli import main
from hub.contracts import Finding, Grade, Integration
from hub.registry import installed
from hub.routes_file.catalogue import catalogue_of
from hub.settings import read_settings
from hub.store.opening import care_of, open_store
from integrations.slack.manifest import SCOPES
from tests.fakes.bamboo import TOKEN as BAMBOO_TOKEN
from tests.fakes.bamboo import Bamboo
from tests.fakes.forge import Repository
from tests.fakes.github import KEY as GITHUB_KEY
from tests.fakes.github import GitHub

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
    folder: Path,
    rules: str = ROOM,
    *,
    host: str = "",
    now: datetime = NOW,
    database: str = "",
    more: Mapping[str, Integration] | None = None,
    **variables: str,
) -> Sequence[Finding]:
    (folder / "routes.yaml").write_text(rules)
    tools = {**installed(), **(more or {})}
    given = read_settings(
        host=host,
        routes=str(folder / "routes.yaml"),
        database=database or f"sqlite:///{folder}/tocsin.db",
        variables=variables,
    )
    async with aiohttp.ClientSession() as http:
        doctor = Doctor(
            given,
            tools=tools,
            catalogue=catalogue_of(tools),
            http=http,
            now=lambda: now,
            status=lambda: care_of(given.database).status(),
        )
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


async def test_a_database_that_no_hub_of_this_version_uses_is_not_sound(tmp_path: Path) -> None:
    """Of a later hub, after an upgrade was taken back; or of another program."""
    async with open_store(f"sqlite:///{tmp_path}/tocsin.db"):
        pass
    with closing(sqlite3.connect(tmp_path / "tocsin.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0099'")
    what, cure = wrong(await examined(tmp_path))["database"]
    assert "tocsin.db: the database is of version 99, written by a later hub" in what
    assert "run the version of the hub that wrote it" in cure
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE songs (title)")

    other_url = f"sqlite:///{tmp_path}/other.db"
    assert "something else" in wrong(await examined(tmp_path, database=other_url))["database"][0]


async def test_a_variable_that_nothing_reads_is_told(tmp_path: Path) -> None:
    """What was meant is not set. Those of sources and tools have names of their own, and the values stay unsaid."""
    rules = ROOM + "sources: {eu-west: {tool: sensu}, sensu-eu: {tool: github}}\n"
    rules += "schedules: {web: {calendar: private, timezone: UTC}}\n"
    read = ("NAGIOS_URL", "EU_WEST_API_KEY_FILE", "SENSU_EU_SECRET", "SLACK_BOT_TOKEN", "TEAMS_OUTGOING_SECRET_FILE")
    slips = {
        "NAGOIS_SECRET": "NAGIOS_SECRET",
        "GITHUB_SECERT": "GITHUB_SECRET",
        "EU_WEST_APIKEY_FILE": "EU_WEST_API_KEY_FILE",
        "EU_WEST_COMMAND_FILE": "",
        "SLACK_SINGING_SECRET": "SLACK_SIGNING_SECRET",
        "SLACK_BOT_TOKEN_FIEL": "SLACK_BOT_TOKEN",
        "TEAMS_CHANELS": "TEAMS_CHANNELS",
        "TEAMS_URL": "TEAMS_URL_<NAME>",
        "LOGG": "LOG",
        "CALENDAR_URL_WBE": "CALENDAR_URL_WEB",
    }
    names = (*read, "TEAMS_URL_OPS", "CALENDAR_URL_WEB", *slips)
    found = await examined(tmp_path, rules, **{f"TOCSIN_{name}": "https://example.com/hush" for name in names})

    told = {one.what: one.cure for one in found if "nothing reads" in one.what}
    assert {
        f"TOCSIN_{name} is set, and nothing reads it": f"did you mean TOCSIN_{meant}?"
        if meant
        else "correct its name, or take it away"
        for name, meant in slips.items()
    } == told
    assert not [one for one in found if "hush" in f"{one.what}{one.cure}"]


async def test_what_a_tool_of_others_asks_for_is_no_slip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may say what that is, and then it is helped likewise."""
    pager = Integration(title="Pager", homepage="", source=installed()["json"].source)
    rules = ROOM + "sources: {night: {tool: pager}}\n"
    given = {"TOCSIN_NIGHT_API_TOKNE": "x", "TOCSIN_PAGER_SECRET": "x"}
    silent = await examined(tmp_path, rules, more={"pager": pager}, **given)
    said = await examined(tmp_path, rules, more={"pager": replace(pager, settings=("API_TOKEN",))}, **given)

    assert [] == [one.what for one in silent if "nothing reads" in one.what]
    assert ["did you mean TOCSIN_NIGHT_API_TOKEN?"] == [one.cure for one in said if "nothing reads" in one.what]


async def test_a_setting_that_is_lacking_is_named_in_full(tmp_path: Path) -> None:
    (said,) = [one.what for one in await examined(tmp_path) if one.about == "source nagios"]

    assert "TOCSIN_NAGIOS_COMMAND_FILE, TOCSIN_NAGIOS_CGI_URL or TOCSIN_NAGIOS_LIVESTATUS" in said


async def test_what_can_be_reached_from_elsewhere_needs_secrets(tmp_path: Path) -> None:
    found = wrong(await examined(tmp_path, host="0.0.0.0"))

    assert "set TOCSIN_API_TOKEN" in found["settings"][1]
    assert ("has no secret and is refused", "set TOCSIN_NAGIOS_SECRET") == found["source nagios"]


async def test_what_can_be_guessed_is_found(tmp_path: Path) -> None:
    """Where nobody else can ask, a short one is long enough."""
    short = {"TOCSIN_API_TOKEN": "letmein", "TOCSIN_NAGIOS_SECRET": f"hunter2,{'x' * 32}"}
    found = await examined(tmp_path, host="0.0.0.0", **short)

    assert "TOCSIN_API_TOKEN is so short that somebody may guess it" in [one.what for one in found]
    assert ("TOCSIN_NAGIOS_SECRET may be guessed", "make it 32 random characters or more") == warned(found)[
        "source nagios"
    ]
    assert " guess" not in str([one.what for one in await examined(tmp_path, **short)])
    assert " guess" not in str(
        [one.what for one in await examined(tmp_path, host="0.0.0.0", TOCSIN_API_TOKEN="x" * 32)]
    )


async def test_a_database_that_others_may_read_is_found(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/tocsin.db"):
        pass
    assert "everybody on this machine" not in str(await examined(tmp_path))
    (tmp_path / "tocsin.db").chmod(0o644)

    assert "everybody on this machine" in " ".join(warned(await examined(tmp_path))["database"])


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


# ------------------------------------------------------------------------------------ databases, ways back, calendars


@pytest.mark.e2e("postgresql")
async def test_a_sound_server_has_nothing_wrong_but_what_the_tests_switched_off(
    tmp_path: Path, postgres: Postgres
) -> None:
    found = await examined(tmp_path, database=postgres.clean())

    assert ["fsync" in what for what, _ in wrong(found).values()] == [True]


@pytest.mark.e2e("postgresql")
async def test_of_several_servers_the_one_that_leads_should_wait_for_the_others(
    tmp_path: Path, postgres: Postgres
) -> None:
    """Or what a source was promised is lost with it."""
    postgres.clean()
    several = f"postgresql://postgres@/tocsin?host={postgres.socket.parent},/nowhere"

    assert "set synchronous_standby_names there" in [one.cure for one in await examined(tmp_path, database=several)]


@pytest.mark.e2e("postgresql")
async def test_a_server_without_our_tables_or_rights_is_told_of(tmp_path: Path, postgres: Postgres) -> None:
    empty = [one.cure for one in await examined(tmp_path, database=postgres.new("empty"))]
    postgres.clean()
    postgres.sql("CREATE ROLE stranger LOGIN", "tocsin")
    barred = await examined(tmp_path, database=postgres.url("tocsin").replace("postgres@", "stranger@"))
    postgres.sql("DROP ROLE stranger", "tocsin")

    assert "run: tocsin database migrate" in empty
    assert any("may not read" in one.what or "no right" in one.what for one in barred if one.grade is Grade.WRONG)


async def test_a_server_that_is_away_is_told_of_without_its_password(tmp_path: Path, free_port: int) -> None:
    url = f"postgresql://tocsin:s3cret@127.0.0.1:{free_port}/tocsin"
    found = await examined(tmp_path, database=url)

    assert "cannot be reached" in wrong(found)["database"][0]
    assert "s3cret" not in repr(found)


async def test_a_way_into_nagios_is_tried_without_doing_anything(tmp_path: Path) -> None:
    fifo, nowhere = tmp_path / "nagios.cmd", tmp_path / "none.cmd"
    os.mkfifo(fifo)
    unread = wrong(await examined(tmp_path, TOCSIN_NAGIOS_COMMAND_FILE=str(fifo)))
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    read = wrong(await examined(tmp_path, TOCSIN_NAGIOS_COMMAND_FILE=str(fifo)))
    written = os.read(reader, 100)
    os.close(reader)
    gone = wrong(await examined(tmp_path, TOCSIN_NAGIOS_COMMAND_FILE=str(nowhere)))
    lost = wrong(await examined(tmp_path, TOCSIN_NAGIOS_LIVESTATUS=f"unix:{tmp_path}/live"))

    assert ({}, b"") == (read, written)
    assert "Nagios is not running" in unread["source nagios"][0]
    assert "there is no command file" in gone["source nagios"][0]
    assert "correct LIVESTATUS" in lost["source nagios"][1]


async def test_a_key_that_sensu_refuses_is_told_and_not_shown(tmp_path: Path) -> None:
    async with Go().serves() as fake:
        at = {"TOCSIN_SENSU_API_URL": fake.url}
        well = wrong(await examined(tmp_path, **at, TOCSIN_SENSU_API_KEY=KEY))
        found = await examined(tmp_path, **at, TOCSIN_SENSU_API_KEY="s3cret-of-another")

    assert {} == well
    assert "does not accept" in wrong(found)["source sensu"][0]
    assert [] == fake.changes
    assert "s3cret" not in repr(found)


def warned(findings: Sequence[Finding]) -> Mapping[str, tuple[str, str]]:
    return {one.about: (one.what, one.cure) for one in findings if one.grade is Grade.WARNING}


async def test_tools_that_are_asked_for_more_are_tried_without_doing_anything(tmp_path: Path) -> None:
    hooks = "sources: {github: {tool: github, hooks: [acme/web]}}\n"
    async with GitHub().serves() as github, Bamboo().serves() as bamboo:
        at = {"TOCSIN_GITHUB_API_URL": github.url, "TOCSIN_BAMBOO_API_URL": bamboo.url}
        keys = {"TOCSIN_GITHUB_API_KEY": GITHUB_KEY, "TOCSIN_BAMBOO_API_KEY": BAMBOO_TOKEN}
        elsewhere = await examined(tmp_path, ROOM + hooks, **at, **keys)
        github.add_hook("acme/web", "https://alerts.example.com/in/github")
        sound = await examined(tmp_path, ROOM + hooks, **at, **keys)
        refused = await examined(tmp_path, ROOM + hooks, **at, **dict.fromkeys(keys, "s3cret-of-another"))

    assert "the webhooks of acme/web (404)" in warned(elsewhere)["source github"][0]
    assert {"source github", "source bamboo"}.isdisjoint({**warned(sound), **wrong(sound)})
    assert "does not know the API_KEY of github (401)" in warned(refused)["source github"][0]
    assert "does not know the API_KEY of bamboo (401)" in warned(refused)["source bamboo"][0]
    assert "s3cret" not in repr(refused)


async def test_a_calendar_that_is_none_is_told_of(tmp_path: Path) -> None:
    """Often somebody takes the URL of its page."""
    people = "people: {alice: {slack: U024BE7LH}}\nschedules: {web: {calendar: private, timezone: UTC}}\n"
    unset = wrong(await examined(tmp_path, ROOM + people))
    async with WebPage().serves() as page:
        found = wrong(await examined(tmp_path, ROOM + people, TOCSIN_CALENDAR_URL_WEB=page.url))

    assert "set TOCSIN_CALENDAR_URL_WEB" == unset["calendar of web"][1]
    assert "no calendar" in found["calendar of web"][0]


async def test_a_calendar_beside_the_rules_is_looked_at_there(tmp_path: Path) -> None:
    people = "people: {alice: {slack: U024BE7LH}}\n"
    schedules = "schedules: {web: {calendar: duty.ics}, db: {calendar: page.ics}, ops: {calendar: gone.ics}}\n"
    (tmp_path / "duty.ics").write_bytes(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    (tmp_path / "page.ics").write_text("<html>")
    findings = await examined(tmp_path, ROOM + people + schedules)

    assert "duty.ics can be read" in [one.what for one in findings]
    assert ("gone.ics cannot be read: No such file or directory", "put it beside the rules") == wrong(findings)[
        "calendar of ops"
    ]
    assert "page.ics is no calendar" == wrong(findings)["calendar of db"][0]


async def test_schedules_of_layers_have_no_calendar(tmp_path: Path) -> None:
    people = "people: {alice: {slack: U024BE7LH}}\nschedules: {web: {layers: [{people: [alice]}]}}\n"

    assert [] == [one for one in await examined(tmp_path, ROOM + people) if "calendar" in one.about]


async def test_a_template_that_cannot_be_used_is_told_of(tmp_path: Path) -> None:
    template = tmp_path / "templates/messages/opened/title.plain.j2"
    template.parent.mkdir(parents=True)
    template.write_text("{{ nobody }}")

    assert "no word is called 'nobody'" in wrong(await examined(tmp_path))["templates"][0]


async def test_where_rules_are_reviewed_is_tried_without_doing_anything(tmp_path: Path) -> None:
    """And a token that GitHub refuses is told of, and not shown."""
    repository = Repository()
    repository.branches["main"] = repository.commit({"routes.yaml": ROOM})
    async with GitHub(repository=repository).serves() as github:
        place = {"TOCSIN_RULES_FROM": "github:acme/alerts/routes.yaml@main", "TOCSIN_GITHUB_API_URL": github.url}
        about = "reviews at acme/alerts"
        sound = await examined(tmp_path, **place, TOCSIN_GITHUB_API_KEY=GITHUB_KEY)
        refused = await examined(tmp_path, **place, TOCSIN_GITHUB_API_KEY="ghp_other_one")
        without = await examined(tmp_path, **place)

    assert {} == wrong(sound)
    assert f"main is at {repository.branches['main'][:10]}" == next(one.what for one in sound if one.about == about)
    assert "ghp_other_one" not in str(refused)
    assert about in wrong(refused)
    assert ("the hub may not ask there", "set TOCSIN_GITHUB_API_KEY") == wrong(without)[about]
