"""Tables beside the rules: what is wrong is said with its place and its cure, and nothing outside the folder is read."""

# ruff: noqa: E501 - a complaint is one line, however long

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hub.core.event import Event, EventId, Status
from hub.core.rules import Rules
from hub.errors import Complaint, RulesError
from hub.registry import installed
from hub.routes_file.beside import LARGEST, together
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules, read_rules_text
from hub.routes_file.sheets import MOST_FAULTS, MOST_GLOBS, MOST_ROWS

CATALOGUE = catalogue_of({name: installed()[name] for name in ("json", "nagios", "room")})
RULES = """\
version: 1
channels: {ops: room:ops}
everything_else: {to: ops}
enrich:
  - {name: hosts, table: TABLE, by: host}
routes:
  - {name: web, match: {team: web}, to: ops}
"""
SERVICES = RULES.replace("by: host", "by: [host, service], add: [team]")
CSV = "host,team,runbook\nweb301,web,https://example.com/web\ndb*,db,\n"


def complaints(folder: Path, rules: str, name: str, text: str | bytes) -> list[str]:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return refused(folder, rules.replace("TABLE", name))


def refused(folder: Path, rules: str) -> list[str]:
    (folder / "routes.yaml").write_text(rules)
    with pytest.raises(RulesError) as caught:
        read_rules(folder / "routes.yaml", CATALOGUE)
    return [str(one).removeprefix(f"{folder}/").replace(f" {folder}/", " ") for one in caught.value.complaints]


def read(folder: Path, name: str, text: str | bytes, rules: str = RULES) -> Rules:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "routes.yaml").write_text(rules.replace("TABLE", name))
    return read_rules(folder / "routes.yaml", CATALOGUE)


def added(rules: Rules, **labels: str) -> dict[str, str]:
    event = rules.enriched(
        Event(
            id=EventId("1"),
            source="nagios",
            tool="nagios",
            status=Status.PROBLEM,
            kind="host",
            key="k",
            title="t",
            labels=labels,
            received_at=datetime(2026, 11, 21, tzinfo=UTC),
        )
    )
    return {name: event.labels[name] for name in event.added}


def test_a_column_is_a_name_that_rules_know(tmp_path: Path) -> None:
    """In every place where a label is; and one that is not added is not."""
    rules = RULES.replace("to: ops}\n", "to: ops, group_by: [team, runbook]}\n", 1)
    more = "inhibit: [{name: a, when: {team: web}, quiets: {team: db}, equal: [runbook]}]\n"

    assert {"team", "runbook"} == read(tmp_path, "t.csv", CSV, rules + more).labels
    assert ["routes.yaml:8:68: no field or label is called 'runbook' (labels of your own are listed under labels:)"] == [
        one for one in complaints(tmp_path, RULES.replace("by: host}", "by: host, add: [team]}") + more, "t.csv", CSV)
        if "runbook" in one
    ]  # fmt: skip


def test_csv_is_read_as_programs_write_it(tmp_path: Path) -> None:
    """A byte order mark, foreign line ends, quotes with commas, quotes and lines in them, empty rows at the end."""
    text = '\ufeffhost, team ,runbook\r\n"web301", "the ""web"", shop","a\r\nb"\r\n\r\nweb302,,\r\n,,\r\n'
    rules = read(tmp_path, "t.csv", text)

    assert {"team": 'the "web", shop', "runbook": "a\r\nb"} == added(rules, host="web301")
    assert {} == added(rules, host="web302")


@pytest.mark.parametrize(
    "text",
    [
        "web301: {team: web, runbook: yes}\n'db*': {team: 1.10}\n",
        "- {host: web301, team: web, runbook: yes}\n- {host: db*, team: 1.10}\n",
        "- {host: web301, team: ' web ', runbook: yes}\n- {host: db*, team: 1.10, runbook: ''}\n",
    ],
)
def test_yaml_is_a_mapping_or_a_list_and_all_of_it_is_text(text: str, tmp_path: Path) -> None:
    rules = read(tmp_path, "t.yaml", text)

    assert {"team": "web", "runbook": "yes"} == added(rules, host="web301")
    assert {"team": "1.10"} == added(rules, host="db7")


def test_several_columns_find_a_row(tmp_path: Path) -> None:
    rules = read(tmp_path, "t.csv", "service,host,team\nHTTP,web*,web\n*,web301,net\n", SERVICES)

    assert {"team": "web"} == added(rules, host="web301", service="HTTP")
    assert {"team": "net"} == added(rules, host="web301", service="SSH")
    assert {} == added(rules, host="web301")
    assert ["t.yaml:1:1: is not a list of rows, such as - {host: …, service: …, team: web}"] == complaints(
        tmp_path, SERVICES, "t.yaml", "web301: {team: web}\n"
    )


def test_a_key_that_can_never_be_is_a_complaint(tmp_path: Path) -> None:
    rules = RULES.replace("by: host", "by: severity")

    assert ["t.csv:3:1: 'bad' is none of info, warning, error, critical"] == complaints(
        tmp_path, rules, "t.csv", "severity,team\nerror,web\nbad,web\n"
    )


def test_limits_hold(tmp_path: Path) -> None:
    """Of the file, its rows, its globs; and of the complaints about them."""
    many = "host,team\n" + "".join(f"h{i},web\n" for i in range(MOST_ROWS + 1))
    globs = "host,team\n" + "".join(f"h{i}*,web\n" for i in range(MOST_GLOBS + 1))
    same = "host,team\n" + "web301,web\n" * 1000

    assert ["t.csv:1:1: has more than 200000 rows; leave out what no rule needs"] == complaints(
        tmp_path, RULES, "t.csv", many
    )
    assert [f"t.csv:{MOST_GLOBS + 2}:1: there are more than 5000 rows with * or ?; write the others out"] == complaints(
        tmp_path, RULES, "t.csv", globs
    )
    assert MOST_FAULTS == len(complaints(tmp_path, RULES, "t.csv", same))
    assert ["t.csv:1:1: is larger than 32 MiB; leave out what no rule needs"] == complaints(
        tmp_path, RULES, "t.csv", b"a" * (LARGEST + 1)
    )


def test_what_is_not_utf_8_is_named(tmp_path: Path) -> None:
    """As spreadsheets save it."""
    assert ["t.csv:2:1: is not UTF-8 text; save it as UTF-8"] == complaints(
        tmp_path, RULES, "t.csv", b"host,team\nweb301,caf\xe9\n"
    )


def test_a_table_may_lie_in_a_folder_and_behind_a_link_that_stays(tmp_path: Path) -> None:
    """A mounted configuration is a folder of links."""
    folder = tmp_path / "rules"
    (folder / "..2026" / "sub").mkdir(parents=True)
    (folder / "..2026" / "sub" / "t.csv").write_text(CSV)
    (folder / "..data").symlink_to("..2026")
    (folder / "sub").symlink_to("..data/sub")
    (folder / "routes.yaml").write_text(RULES.replace("TABLE", "sub/t.csv"))

    assert {"team": "db"} == added(read_rules(folder / "routes.yaml", CATALOGUE), host="db1")


def test_a_link_that_leaves_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (tmp_path / "t.csv").write_text(CSV)
    (folder / "t.csv").symlink_to("../t.csv")
    (folder / "loop.csv").symlink_to("loop.csv")
    os.mkfifo(folder / "pipe.csv")

    assert ["routes.yaml:5:26: 't.csv' is a link that leads out of the folder of the rules; put the file there"] == (
        refused(folder, RULES.replace("TABLE", "t.csv"))
    )
    assert "cannot be read" in refused(folder, RULES.replace("TABLE", "loop.csv"))[0]
    assert ["routes.yaml:5:26: 'pipe.csv' is no file"] == refused(folder, RULES.replace("TABLE", "pipe.csv"))


# ------------------------------------------------------------------------------------------------------------ as one text


def test_rules_and_tables_are_one_text_with_one_hash(tmp_path: Path) -> None:
    """What is stored is what was read: it reads the same where the files are gone."""
    rules = read(tmp_path, "t.csv", CSV)
    again = read_rules_text(rules.text, "routes.yaml", CATALOGUE)

    assert (rules.hash, rules.text) == (again.hash, again.text)
    assert {"team": "db"} == added(again, host="db1")
    assert rules.hash != read(tmp_path, "t.csv", CSV.replace("db,", "dba,")).hash


def test_rules_without_tables_are_their_own_text(tmp_path: Path) -> None:
    """As they were stored before there were tables."""
    text = "version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"

    assert text == read_rules_text(text, "routes.yaml", CATALOGUE).text


@pytest.mark.parametrize("text", ['{"files":', '{"files":{}}', '{"files": 1}', '{"files":"\ud800"}', RULES])
def test_what_is_no_such_text_is_refused(text: str) -> None:
    with pytest.raises(RulesError):
        read_rules_text(text, "routes.yaml", CATALOGUE)


# ------------------------------------------------------------------------------------------------------------ any text


@given(text=st.text(st.sampled_from("host,team\n\r\"'*?;:{}[]-  \x00é"), max_size=60) | st.text(max_size=60))
@pytest.mark.parametrize("name", ["t.csv", "t.yaml"])
@example(text='host,"')
@example(text='host,team\r"a\rb",x\ra')
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    """Nothing but RulesError is ever raised, and every complaint has a place."""
    rules = RULES.partition("routes:")[0].replace("TABLE", name)
    said: Sequence[Complaint] = ()
    try:
        read_rules_text(together("routes.yaml", rules, {name: text}), "routes.yaml", CATALOGUE)
    except RulesError as error:
        said = error.complaints

    assert all(one.line >= 1 and one.column >= 1 and one.what for one in said)


def test_a_row_of_another_name_than_its_own_is_refused(tmp_path: Path) -> None:
    """It would be found by its name, and what it says of itself would be passed over."""
    (first, *others) = complaints(tmp_path, RULES, "hosts.yaml", "web301: {host: db1, team: web}\n")

    assert [] == others
    assert first.startswith("hosts.yaml:1:16: this row is that of host 'web301'")
    assert {"team": "web"} == added(read(tmp_path, "hosts.yaml", "web301: {host: web301, team: web}\n"), host="web301")


def test_a_table_that_adds_nothing_is_refused(tmp_path: Path) -> None:
    (first, *others) = complaints(tmp_path, RULES.replace("by: host", "by: host, add: []"), "hosts.csv", CSV)

    assert [] == others
    assert first.startswith("routes.yaml:5:52: is empty, so that nothing would be added")
