"""Back into Nagios: exactly one command, what is in vain said at once, and "done" only when Nagios says so."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.contracts import Ask, Outcome, Result, Target, Tools
from hub.core.records import replace
from hub.errors import UsageError
from hub.proof import Secret
from integrations.nagios import CONTROL, words
from integrations.nagios.control import aim, confirm, target_of
from tests.fakes.nagios import PASSWORD, USER, Cgi, Livestatus, Pipe, pipe, write_status

ASKED = datetime(2026, 11, 21, 5, 20, tzinfo=UTC)
AT = ASKED.timestamp()
WEB = Target(name="web301", labels={"host": "web301"})
DISK = Target(name="db1:Disk /var", labels={"host": "db1", "service": "Disk /var"})
DOWN = {"current_state": 1, "problem_has_been_acknowledged": 0, "last_check": int(AT) - 60}
CGI_DOWN = {"status": 4, "problem_has_been_acknowledged": False, "last_check": (int(AT) - 60) * 1000}


def ask(verb: str = "ack", *, asker: str = "alice", reason: str = "disk swap", duration: float | None = None) -> Ask:
    return Ask(id="8QK2", verb=verb, asker=asker, reason=reason, duration=duration, asked_at=ASKED)


def tools(http: object = None, **given: str) -> Tools:
    return Tools(setting=lambda name: Secret(given[name]) if name in given else None, http=http, now=ASKED)


async def do(target: Target, asked: Ask, by: Tools) -> Outcome:
    return await CONTROL.verbs[asked.verb].run(target, asked, by)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


# -------------------------------------------------------------------------------------------------------- the commands

COMMANDS = {
    ("ack", "web301"): "ACKNOWLEDGE_HOST_PROBLEM;web301;1;1;0;alice;(alice) disk; swap [8QK2]",
    ("ack", "db1:Disk /var"): "ACKNOWLEDGE_SVC_PROBLEM;db1;Disk /var;1;1;0;alice;(alice) disk; swap [8QK2]",
    ("unack", "web301"): "REMOVE_HOST_ACKNOWLEDGEMENT;web301",
    ("unack", "db1:Disk /var"): "REMOVE_SVC_ACKNOWLEDGEMENT;db1;Disk /var",
    ("downtime", "web301"): (
        f"SCHEDULE_HOST_DOWNTIME;web301;{int(AT)};{int(AT) + 7200};1;0;7200;alice;(alice) disk, swap [8QK2]"
    ),
    ("downtime", "db1:Disk /var"): (
        f"SCHEDULE_SVC_DOWNTIME;db1;Disk /var;{int(AT)};{int(AT) + 7200};1;0;7200;alice;(alice) disk, swap [8QK2]"
    ),
    ("recheck", "web301"): f"SCHEDULE_FORCED_HOST_CHECK;web301;{int(AT)}",
    ("recheck", "db1:Disk /var"): f"SCHEDULE_FORCED_SVC_CHECK;db1;Disk /var;{int(AT)}",
}


@pytest.mark.parametrize(("verb", "name"), COMMANDS)
async def test_a_verb_is_one_external_command(verb: str, name: str, tmp_path: Path) -> None:
    """A downtime's comment would end at a semicolon; an acknowledgement's may have one. Without a duration: 2 h."""
    target = {"web301": WEB, "db1:Disk /var": DISK}[name]
    with pipe(tmp_path) as nagios:
        said = await do(target, ask(verb, reason="disk; swap"), tools(COMMAND_FILE=str(nagios.path)))

        assert Outcome(result=Result.SENT) == said
        assert f"[{int(AT)}] {COMMANDS[verb, name]}\n".encode() == nagios.read()


TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="a;\n\r\x00\x0b\x85\u2028\ud800🔥[]", max_size=40),
    st.sampled_from(["x\n[1] DISABLE_NOTIFICATIONS", "x\r[1] SHUTDOWN_PROGRAM", "🔥" * 3000, ";" * 5000, "", " "]),
)


@settings(max_examples=400, deadline=None)
@given(verb=st.sampled_from(list(CONTROL.verbs)), host=TEXTS, service=TEXTS, asker=TEXTS, reason=TEXTS)
def test_nothing_said_makes_two_commands_of_one(verb: str, host: str, service: str, asker: str, reason: str) -> None:
    """Exactly one line, in one piece, about the thing that was named; or a refusal, and nothing."""
    target = Target(name=host, labels={"host": host, "service": service})
    with TemporaryDirectory() as folder, pipe(Path(folder)) as nagios:
        asked = ask(verb, asker=asker, reason=reason)
        said = asyncio.run(do(target, asked, tools(COMMAND_FILE=str(nagios.path))))
        written = nagios.read()

    if said.result is Result.REFUSED:
        assert b"" == written
        return
    line = written.decode()
    assert Result.SENT is said.result
    assert line.endswith("\n") and [line[:-1]] == line.splitlines()
    assert len(written) <= 4096
    assert not any(ord(character) < 32 for character in line[:-1])
    _, name, *fields = line[:-1].replace("] ", ";", 1).split(";")
    wanted = [host.strip(), service.strip()] if service else [host.strip()]
    assert name in {command.partition(";")[0] for command in COMMANDS.values()}
    assert wanted == fields[: len(wanted)]
    assert verb != "downtime" or len(fields) == len(wanted) + 7


@pytest.mark.parametrize("labels", [{"host": "web301;x"}, {"host": "web301", "service": "a\nb"}, {"host": ""}, {}])
async def test_a_name_that_cannot_be_one_is_refused(labels: Mapping[str, str], tmp_path: Path) -> None:
    with pipe(tmp_path) as nagios:
        said = await do(Target(name="x", labels=labels), ask(), tools(COMMAND_FILE=str(nagios.path)))

        assert Result.REFUSED is said.result
        assert "cannot be the" in said.detail
        assert b"" == nagios.read()


def test_a_long_reason_keeps_its_id() -> None:
    """By the id Nagios' answer is known as the answer to this."""
    line = words.command("ack", WEB, ask(reason="🔥" * 2000), ASKED)

    assert line.endswith("… [8QK2]")
    assert len(line.encode()) < 4000


# -------------------------------------------------------------------------------------------------------- command file


async def test_a_pipe_that_nobody_reads_is_said(tmp_path: Path) -> None:
    with pipe(tmp_path) as nagios:
        path = nagios.path

    said = await do(WEB, ask(), tools(COMMAND_FILE=str(path)))

    assert (Result.REFUSED, True) == (said.result, "Nagios is not running" in said.detail)


async def test_a_command_file_that_is_none_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    wrong = {"file": "is not a FIFO", "missing": "there is no command file"}

    for name, says in wrong.items():
        said = await do(WEB, ask(), tools(COMMAND_FILE=str(tmp_path / name)))
        assert (Result.REFUSED, True) == (said.result, says in said.detail)
    assert "kept" == (tmp_path / "file").read_text()


async def test_a_full_pipe_holds_nobody(tmp_path: Path) -> None:
    """A Nagios that hangs does not read; the hub does not wait for it."""
    with pipe(tmp_path) as nagios:
        by = tools(COMMAND_FILE=str(nagios.path))
        for _ in range(2000):
            said = await do(WEB, ask(), by)
            if said.result is not Result.SENT:
                break

        assert (Result.REFUSED, True) == (said.result, "does not read it" in said.detail)


@pytest.fixture
def nagios(tmp_path: Path) -> AsyncIterator[Pipe]:
    with pipe(tmp_path) as found:
        yield found


def local(nagios: Pipe, *, age: float = -1.0, **hosts: Mapping[str, object]) -> Tools:
    """A pipe, and a status file that was written `age` seconds before the ask."""
    status = nagios.path.with_name("status.dat")
    write_status(status, created=AT - age, hosts=hosts)
    return tools(COMMAND_FILE=str(nagios.path), STATUS_FILE=str(status))


async def test_an_unknown_host_is_refused_with_the_nearest(nagios: Pipe) -> None:
    """Nagios would drop it without a word."""
    by = local(nagios, web301=DOWN, db1=DOWN)

    said = await do(Target(name="web310", labels={"host": "web310"}), ask(), by)
    service = await do(DISK, ask(), by)

    assert "it knows no host 'web310'; did you mean web301?" == said.detail
    assert "it knows no service 'Disk /var' on db1" == service.detail
    assert {Result.REFUSED} == {said.result, service.result}
    assert b"" == nagios.read()


@pytest.mark.parametrize("output", ["JSON {", "}", "a = {", "hoststatus {"])
async def test_what_a_check_prints_is_no_part_of_the_status(nagios: Pipe, output: str) -> None:
    """Its first line ends as a block of the file begins, and the host is known all the same."""
    by = local(nagios, web301={**DOWN, "plugin_output": output, "problem_has_been_acknowledged": 1}, db1=DOWN)

    assert Outcome(result=Result.DONE) == await confirm(WEB, ask(), by)
    assert Outcome(result=Result.ALREADY) == await do(WEB, ask(), by)


async def test_a_status_without_any_host_refuses_nothing(nagios: Pipe) -> None:
    """Nagios has only just begun to write it."""
    assert Result.SENT is (await do(WEB, ask(), local(nagios))).result


async def test_what_is_acknowledged_already_is_not_asked_again(nagios: Pipe) -> None:
    by = local(nagios, web301={**DOWN, "problem_has_been_acknowledged": 1})

    assert Outcome(result=Result.ALREADY) == await do(WEB, ask(), by)
    assert b"" == nagios.read()


async def test_what_is_well_has_nothing_to_acknowledge(nagios: Pipe) -> None:
    by = local(nagios, web301={**DOWN, "current_state": 0})

    said = await do(WEB, ask(), by)

    assert (Result.REFUSED, True) == (said.result, "nothing to acknowledge" in said.detail)
    assert Result.ALREADY is (await do(WEB, ask("unack"), by)).result
    assert Result.SENT is (await do(WEB, ask("downtime"), by)).result


async def test_a_status_from_before_the_ask_refuses_nothing(nagios: Pipe) -> None:
    """Nagios notifies before it writes its status: what is down may still stand there as up."""
    by = local(nagios, age=5.0, web301={**DOWN, "current_state": 0})

    assert Result.SENT is (await do(WEB, ask(), by)).result


async def test_a_status_that_cannot_be_read_refuses_nothing(nagios: Pipe) -> None:
    by = tools(COMMAND_FILE=str(nagios.path), STATUS_FILE=str(nagios.path.with_name("none")))

    assert Result.SENT is (await do(WEB, ask(), by)).result
    assert None is await confirm(WEB, ask(), by)


STANDINGS: Sequence[tuple[str, Mapping[str, object], float, Result | None]] = [
    ("ack", {**DOWN, "problem_has_been_acknowledged": 1}, -1, Result.DONE),
    ("ack", {**DOWN, "problem_has_been_acknowledged": 1}, 5, None),
    ("ack", DOWN, -1, None),
    ("ack", {**DOWN, "current_state": 0}, -5, Result.REFUSED),
    ("unack", DOWN, -1, Result.DONE),
    ("unack", DOWN, 5, None),
    ("unack", {**DOWN, "problem_has_been_acknowledged": 1}, -1, None),
    ("recheck", {**DOWN, "last_check": int(AT) + 1}, -1, Result.DONE),
    ("recheck", DOWN, -1, None),
    ("downtime", {**DOWN, "downtimes": ("(alice) disk swap [8QK2]",)}, -1, Result.DONE),
    ("downtime", {**DOWN, "downtimes": ("(alice) disk swap [9ZZ9]",)}, -1, None),
]


@pytest.mark.parametrize(("verb", "stands", "age", "result"), STANDINGS)
async def test_it_is_done_when_the_status_says_so(
    nagios: Pipe, verb: str, stands: Mapping[str, object], age: float, result: Result | None
) -> None:
    """And not before: None is "not yet"."""
    said = await confirm(WEB, ask(verb), local(nagios, age=age, web301=stands))

    assert result == (said and said.result)


async def test_a_service_stands_for_itself(nagios: Pipe) -> None:
    """Its host may be acknowledged, and it not."""
    by = local(
        nagios,
        db1={**DOWN, "problem_has_been_acknowledged": 1, "services": {"Disk /var": {**DOWN, "current_state": 2}}},
    )

    assert None is await confirm(DISK, ask(), by)
    assert Result.SENT is (await do(DISK, ask(), by)).result


# ------------------------------------------------------------------------------------------------------------- cmd.cgi


def over(http: aiohttp.ClientSession, cgi: Cgi, user: str = USER, password: str = PASSWORD) -> Tools:
    return tools(http, CGI_URL=cgi.url, CGI_USER=user, CGI_PASSWORD=password)


@pytest.mark.parametrize("lax", [False, True], ids=["with a form id", "from before form ids"])
@pytest.mark.parametrize("auth", ["Basic", "Digest"])
async def test_cmd_cgi_takes_an_ack(http: aiohttp.ClientSession, auth: str, lax: bool) -> None:
    """First the form, then the commit with its id and cookie; new and old alike."""
    async with Cgi(
        auth=auth, lax=lax, hosts={"db1": {**CGI_DOWN, "services": {"Disk /var": CGI_DOWN}}}
    ).serves() as cgi:
        said = await do(DISK, ask(reason="a; b <c>"), over(http, cgi))

        assert Outcome(result=Result.SENT) == said
        (commit,) = cgi.commits
        assert {"cmd_typ": "34", "cmd_mod": "2", "host": "db1", "service": "Disk /var"}.items() <= commit.items()
        assert ("alice", "(alice) a, b (c) [8QK2]") == (commit["com_author"], commit["com_data"])
        assert "on" == commit["send_notification"]
        assert not {"sticky_ack", "persistent"} & set(commit)


TYPES = {"ack": ("33", "34"), "unack": ("51", "52"), "downtime": ("55", "56"), "recheck": ("96", "7")}


@pytest.mark.parametrize("verb", TYPES)
async def test_cmd_cgi_knows_each_verb_by_its_number(http: aiohttp.ClientSession, verb: str) -> None:
    acked = {**CGI_DOWN, "problem_has_been_acknowledged": verb == "unack"}
    async with Cgi(hosts={"web301": acked, "db1": {**acked, "services": {"Disk /var": acked}}}).serves() as cgi:
        for target in (WEB, DISK):
            assert Result.SENT is (await do(target, ask(verb), over(http, cgi))).result

        assert TYPES[verb] == tuple(commit["cmd_typ"] for commit in cgi.commits)


DATES = {
    "11-21-2026 23:20:00": "11-22-2026 02:50:00",
    "21-11-2026 05:20:00": "21-11-2026 08:50:00",
    "2026-11-21 05:20:00": "2026-11-21 08:50:00",
    "2026-11-21T05:20:00": "2026-11-21T08:50:00",
}


@pytest.mark.parametrize("date", DATES)
async def test_a_downtime_is_said_in_the_servers_own_time(http: aiohttp.ClientSession, date: str) -> None:
    """Its zone and its date_format are its own: its form tells both."""
    async with Cgi(date=date, hosts={"web301": CGI_DOWN}).serves() as cgi:
        await do(WEB, ask("downtime", duration=3.5 * 3600), over(http, cgi))

        (commit,) = cgi.commits
        assert (date, DATES[date]) == (commit["start_time"], commit["end_time"])
        assert ("1", "0") == (commit["fixed"], commit["trigger"])


TODAY = {
    "11-10-2026 23:00:00": (datetime(2026, 11, 10, 22, tzinfo=UTC), 7200, "11-11-2026 01:00:00"),
    "10-11-2026 23:00:00": (datetime(2026, 11, 10, 22, tzinfo=UTC), 7200, "11-11-2026 01:00:00"),
    "12-01-2027 00:30:00": (datetime(2027, 1, 11, 23, 30, tzinfo=UTC), 86400, "13-01-2027 00:30:00"),
    "11-11-2026 23:00:05": (datetime(2026, 11, 11, 22, tzinfo=UTC), 7200 + 1800, "11-11-2026 25:30:05"),
    "11-11-2026 12:00:00": (datetime(2026, 11, 11, 12, tzinfo=UTC), 7200, "11-11-2026 14:00:00"),
    "2026-11-11 23:00:00": (datetime(2026, 11, 11, 22, tzinfo=UTC), 7200, "2026-11-12 01:00:00"),
    "31.12.2026 23:00:00": (datetime(2026, 12, 31, 22, tzinfo=UTC), 3600, None),
}


@pytest.mark.parametrize("date", TODAY)
async def test_a_downtime_past_midnight_ends_on_the_next_day(http: aiohttp.ClientSession, date: str) -> None:
    """And not in the next month, where the server writes the day first; where nobody can know, it is not made up."""
    now, seconds, end = TODAY[date]
    async with Cgi(date=date, hosts={"web301": CGI_DOWN}).serves() as cgi:
        await do(WEB, ask("downtime", duration=seconds), replace(over(http, cgi), now=now))

        assert end == cgi.commits[0].get("end_time")


REFUSALS = {
    "Error: Invalid or missing CSRF cookie!": "CSRF",
    "Sorry, but you are not authorized to commit the specified command.": "no such host or service",
    "Comment was not entered": "it wants a comment",
    "Error: Could not open command file '/var/rw/nagios.cmd' for update!": "cannot be written",
    "Sorry, but Nagios is currently not checking for external commands": "switched off",
    "Start or end time not valid": "the times",
    "A page that nobody has seen before": "does not say that it was taken: ",
}


@pytest.mark.parametrize("page", REFUSALS)
async def test_only_the_text_of_the_page_tells(http: aiohttp.ClientSession, page: str) -> None:
    """cmd.cgi answers 200 whatever comes of it."""
    async with Cgi(answer=f"<P><DIV CLASS='errorMessage'>{page}</DIV></P>", hosts={"web301": CGI_DOWN}).serves() as cgi:
        said = await do(WEB, ask(), over(http, cgi))

    assert (Result.REFUSED, True) == (said.result, REFUSALS[page] in said.detail)


async def test_two_asks_at_once_do_not_mix_their_cookies(http: aiohttp.ClientSession) -> None:
    """The hub has one session for all; it keeps the cookies of names, though not those of bare addresses."""
    hosts = {f"web{number}": CGI_DOWN for number in range(5)}
    async with Cgi(hosts=hosts).serves() as cgi:
        cgi.url = cgi.url.replace("127.0.0.1", "localhost")
        by = over(http, cgi)
        said = await asyncio.gather(*(do(Target(name=host, labels={"host": host}), ask(), by) for host in hosts))

        assert [Outcome(result=Result.SENT)] * 5 == said
        assert set(hosts) == {commit["host"] for commit in cgi.commits}


async def test_a_wrong_password_is_said_and_not_shown(http: aiohttp.ClientSession) -> None:
    for auth in ("Basic", "Digest"):
        async with Cgi(auth=auth).serves() as cgi:
            said = await do(WEB, ask(), over(http, cgi, password="not-the-one"))

            assert Result.REFUSED is said.result
            assert "user and password" in said.detail
            assert "not-the-one" not in said.detail
            assert [] == cgi.commits


async def test_a_server_error_is_said(http: aiohttp.ClientSession) -> None:
    async with Cgi(broken=502).serves() as cgi:
        said = await do(WEB, ask(), over(http, cgi))

    assert (Result.REFUSED, True) == (said.result, "502" in said.detail)


async def test_what_was_surely_not_sent_is_refused(http: aiohttp.ClientSession) -> None:
    """Nobody listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said = await do(WEB, ask(), over(http, Cgi(url=f"http://127.0.0.1:{taken.getsockname()[1]}")))

    assert (Result.REFUSED, True) == (said.result, "cannot be reached" in said.detail)


async def test_what_may_have_been_sent_is_looked_for(http: aiohttp.ClientSession) -> None:
    """The connection breaks behind the commit, or a proxy loses the answer: nobody is told that it was refused."""
    acked = {**CGI_DOWN, "problem_has_been_acknowledged": True}
    for trouble in ({"hangs": True}, {"loses": 502}, {"loses": 504}):
        async with Cgi(**trouble, hosts={"web301": CGI_DOWN}).serves() as cgi:
            said = await do(WEB, ask(), over(http, cgi))
            cgi.hosts["web301"], cgi.updated = acked, AT + 1
            became = await confirm(WEB, ask(), over(http, cgi))

        assert (Result.SENT, True) == (said.result, "cmd.cgi" in said.detail)
        assert Outcome(result=Result.DONE) == became


async def test_statusjson_is_asked_first(http: aiohttp.ClientSession) -> None:
    after = AT + 1
    hosts = {
        "web301": {**CGI_DOWN, "problem_has_been_acknowledged": True, "downtimes": ["x [8QK2]"]},
        "db1": {**CGI_DOWN, "status": 2, "last_check": (AT + 1) * 1000},
    }
    up = Target(name="db1", labels={"host": "db1"})
    async with Cgi(auth="Digest", updated=after, hosts=hosts).serves() as cgi:
        by = over(http, cgi)
        unknown = await do(Target(name="web30l", labels={"host": "web30l"}), ask(), by)

        assert "it knows no host 'web30l'; did you mean web301?" == unknown.detail
        assert Result.ALREADY is (await do(WEB, ask(), by)).result
        assert Result.REFUSED is (await do(up, ask(), by)).result
        assert [] == cgi.commits
        for verb, target in (("ack", WEB), ("downtime", WEB), ("unack", up), ("recheck", up)):
            assert Outcome(result=Result.DONE) == await confirm(target, ask(verb), by)


async def test_a_comment_that_statusjson_cannot_show_is_known_by_its_time(http: aiohttp.ClientSession) -> None:
    """Without a locale its JSON has an empty text in place of a letter beyond ASCII; a downtime never has none."""
    for updated, result in ((AT + 1, Outcome(result=Result.DONE)), (AT - 60, None)):
        async with Cgi(
            updated=updated, hosts={"web301": {**CGI_DOWN, "downtimes": ["(alice) é [8QK2]"]}}
        ).serves() as cgi:
            assert result == await confirm(WEB, ask("downtime"), over(http, cgi))


# ------------------------------------------------------------------------------------------------------ Livestatus


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
async def test_livestatus_takes_a_command(tmp_path: Path, unix: bool) -> None:
    rows = {"hosts web301": [[1, 0, AT - 60]], "hosts": [["web301"], ["db1"]]}
    async with Livestatus(rows=rows).serves(tmp_path / "live" if unix else None) as nagios:
        by = tools(LIVESTATUS=nagios.address)
        said = await do(WEB, ask(), by)
        unknown = await do(Target(name="web302", labels={"host": "web302"}), ask(), by)

        assert Outcome(result=Result.SENT) == said
        assert "it knows no host 'web302'; did you mean web301?" == unknown.detail
        commands = [text for text in nagios.heard if text.startswith("COMMAND")]
        assert [
            f"COMMAND [{int(AT)}] ACKNOWLEDGE_HOST_PROBLEM;web301;1;1;0;alice;(alice) disk swap [8QK2]\n\n"
        ] == commands


@pytest.mark.parametrize("yes", [1, True], ids=["as Naemon says it", "as Icinga says it"])
async def test_livestatus_confirms(yes: object) -> None:
    rows = {"hosts web301": [[1, yes, AT + 5]], "downtimes web301": [["x [8QK2]", ""], ["y", "Disk /var"]]}
    async with Livestatus(rows=rows).serves() as nagios:
        by = tools(LIVESTATUS=nagios.address)

        for verb, result in {
            "ack": Result.DONE,
            "recheck": Result.DONE,
            "downtime": Result.DONE,
            "unack": None,
        }.items():
            asked = replace(ask(verb), asked_at=ASKED)
            assert result == ((said := await confirm(WEB, asked, by)) and said.result)


@pytest.mark.parametrize("row", [["x"], [None, None, None], 7, {"state": 1}, [1, 0, "never"]])
async def test_an_answer_that_is_none_refuses_nothing(row: object) -> None:
    """Who cannot tell how it stands does not keep anybody from asking."""
    async with Livestatus(rows={"hosts web301": [row], "hosts": [["web301"]]}).serves() as nagios:  # type: ignore[list-item]
        by = tools(LIVESTATUS=nagios.address)

        assert Result.SENT is (await do(WEB, ask(), by)).result
        assert None is await confirm(WEB, ask(), by)


async def test_a_livestatus_that_hangs_up_may_have_done_it() -> None:
    row = [1, 0, 0]
    async with Livestatus(rows={"hosts web301": [row]}, resets=True).serves() as nagios:
        said = await do(WEB, ask(), tools(LIVESTATUS=nagios.address))

    assert (Result.SENT, True) == (said.result, "hung up" in said.detail)
    assert any("ACKNOWLEDGE_HOST_PROBLEM" in line for line in nagios.heard)


async def test_a_livestatus_that_is_away_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for address in (f"127.0.0.1:{taken.getsockname()[1]}", "unix:/nowhere", "somewhere", "127.0.0.1:99999"):
            said = await do(WEB, ask(), tools(LIVESTATUS=address))
            assert (Result.REFUSED, True) == (said.result, "Livestatus" in said.detail)


# ------------------------------------------------------------------------------------------------------------ the rest


async def test_without_a_way_nothing_is_ready() -> None:
    assert not CONTROL.ready(tools().setting)
    assert Result.REFUSED is (await do(WEB, ask(), tools())).result
    for name in ("COMMAND_FILE", "CGI_URL", "LIVESTATUS"):
        assert CONTROL.ready(tools(**{name: "x"}).setting)
        assert name in CONTROL.missing


KNOWN = [
    {"host": "db1", "service": "Disk"},
    {"host": "db1", "service": "Disk /var"},
    {"host": "db1", "service": "Disk /var/log"},
    {"host": "web301"},
]
AIMS = {
    "web301": ("web301", "", ""),
    "web301 disk swap: soon": ("web301", "", "disk swap: soon"),
    "  web999   twice": ("web999", "", "twice"),
    "db1:Disk /var": ("db1", "Disk /var", ""),
    "db1:Disk /var cleaning": ("db1", "Disk /var", "cleaning"),
    "db1:disk /VAR cleaning": ("db1", "Disk /var", "cleaning"),
    "db1:Disk /var/log cleaning": ("db1", "Disk /var/log", "cleaning"),
    "db1:Disk full": ("db1", "Disk", "full"),
    "db1:Load is high": ("db1", "Load", "is high"),
    'db1:"Load average" is high': ("db1", "Load average", "is high"),
    '"db1:Load average" is high': ("db1", "Load average", "is high"),
    "'db1:Disk /var' is full": ("db1", "Disk /var", "is full"),
    '"web301" again': ("web301", "", "again"),
}


@pytest.mark.parametrize("text", AIMS)
def test_a_target_begins_the_text(text: str) -> None:
    """The longest service that is known of that host; quotes where it is not known."""
    target, rest = aim(text, KNOWN)

    assert AIMS[text] == (target.labels["host"], target.labels.get("service", ""), rest)
    assert target == target_of(target.labels)


@pytest.mark.parametrize("text", ["", "   ", "db1:", ":Disk", '""', "web;301", "web\x00301 now", '"db1:'])
def test_a_target_that_is_none_is_said_with_an_example(text: str) -> None:
    with pytest.raises(UsageError):
        aim(text, KNOWN)


@given(text=st.text(max_size=60))
def test_aiming_gives_a_target_or_says_why_not(text: str) -> None:
    try:
        target, _ = aim(text, KNOWN)
    except UsageError:
        return

    assert target == target_of(target.labels)


def test_labels_that_name_no_host_are_no_target() -> None:
    assert None is target_of({"service": "Disk /var"})
    assert DISK == target_of({"host": "db1", "service": "Disk /var", "address": "192.0.2.11"})


def test_a_duration_is_the_one_that_was_asked() -> None:
    line = words.command("downtime", WEB, ask("downtime", duration=90), ASKED)

    ends = int((ASKED + timedelta(seconds=90)).timestamp())
    assert line.startswith(f"SCHEDULE_HOST_DOWNTIME;web301;{int(AT)};{ends};1;0;90;")
