"""What a change of the rules changes: for any past and any rules, and case by case what is said of it."""

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.cli import main
from hub.core.comparison import Comparison, Kind
from hub.core.event import Event, EventId, Severity, Status
from hub.core.past import Act, Happened
from hub.core.rules import Rules
from hub.core.silence import Silence, SilenceId
from hub.errors import TocsinError
from hub.registry import installed
from hub.rehearsals import corpus
from hub.rehearsals.diff_words import as_dict, head, markdown, text, to
from hub.rehearsals.diffing import bodies_of, diff
from hub.rehearsals.revisions import rules_of
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text

CATALOGUE = catalogue_of(installed())
START = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
BASE = """\
version: 1
channels: {ops: room:ops, web: room:web, night: {to: room:night, pages: true}, new: {to: room:new, shadow: true}}
time_windows: {office: {days: mon-fri, hours: "08:00-18:00"}}
everything_else: {to: ops}
"""
WEB = 'routes: [{name: web, match: {host: "web*"}, to: web}]\n'
HEAD = '{"tocsin": "past", "version": 1}\n'


def rules(text: str) -> Rules:
    return read_rules_text(BASE + text, "routes.yaml", CATALOGUE)


def event(
    host: str,
    minutes: float = 0,
    *,
    status: Status = Status.PROBLEM,
    severity: Severity = Severity.ERROR,
    kind: str = "host",
    title: str = "",
) -> Happened:
    at = START + timedelta(minutes=minutes)
    told = Event(
        id=EventId(f"{host}-{kind}-{minutes}"),
        source="nagios",
        tool="nagios",
        status=status,
        kind=kind,
        key=f"{kind} {host}",
        title=title or f"{host} is bad",
        severity=severity if status is Status.PROBLEM else None,
        labels={"host": host},
        received_at=at,
    )
    return Happened(at=at, event=told, body={"body.team": "web"})


def counts(compared: Comparison) -> dict[str, int]:
    return {found.kind.value: found.count for found in compared.findings}


# ---------------------------------------------------------------------------------------------------- for any of them

PARTS = (
    WEB,
    'routes: [{name: web, match: {host: "web*"}, to: web, group_by: [host], repeat_interval: 30m}]\n',
    "routes: [{name: bad, match: {severity: critical}, to: night, escalate: [{after: 5m, to: ops}], continue: true}]\n",
    'routes: [{name: web, match: {host: "web*"}, to: web, deliver: {during: office, otherwise: digest}}]\n',
    'routes: [{name: daily, match: {host: "db*"}, to: ops, digest: {every: "weekdays 09:00"}}]\n',
    "inhibit: [{name: host, when: {kind: host}, quiets: {kind: service}, equal: [host]}]\n",
    "silences: [{name: quiet, match: {host: web1}, until: 2026-01-08T12:00Z}]\nstorm: {most: 2, within: 5m}\n",
)
events = st.builds(
    event,
    st.sampled_from(["web1", "web2", "db1"]),
    st.integers(0, 3000),
    status=st.sampled_from([Status.PROBLEM, Status.PROBLEM, Status.RECOVERY, Status.NOTICE]),
    severity=st.sampled_from(Severity),
    kind=st.sampled_from(["host", "service"]),
)
AFTER_HOURS = [event("web1"), event("web1", 1, status=Status.RECOVERY), event("web1", 360)]
"""It breaks again when the office has closed."""
pasts = st.lists(events, max_size=25, unique_by=lambda one: one.event and one.event.id)


@given(pasts, st.sampled_from(PARTS))
@settings(max_examples=40)
def test_the_same_rules_differ_in_nothing(past: Sequence[Happened], part: str) -> None:
    """Whatever happened."""
    compared = diff(rules(part), rules(part), past)

    assert compared.same
    assert head(compared).startswith("Nothing changes for anybody")


@given(pasts, st.sampled_from(PARTS), st.sampled_from(PARTS))
@example(past=AFTER_HOURS, old=PARTS[1], new=PARTS[3])
@settings(max_examples=40)
def test_a_replay_is_deterministic(past: Sequence[Happened], old: str, new: str) -> None:
    """The same past and the same rules say the same, to the letter; and the other way round the other way round."""
    first, second = (diff(rules(old), rules(new), past) for _ in range(2))
    back = diff(rules(new), rules(old), past)

    assert text(first, to("")) == text(second, to(""))
    assert (first.alerts, first.same) == (back.alerts, back.same)
    assert [(n.name, n.before, n.added) for n in first.channels] == [
        (n.name, n.after, n.removed) for n in back.channels
    ]


# --------------------------------------------------------------------------------------------------------- one by one


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (WEB, "", {"lost": 2}),
        ("", WEB, {"found": 2}),
        (WEB, WEB.replace("to: web}", "to: night}"), {"paging": 2, "moved": 2}),
        (WEB.replace("to: web}", "to: night}"), WEB, {"unpaged": 2, "moved": 2}),
        (
            WEB,
            WEB + "inhibit: [{name: i, when: {host: db1}, quiets: {host: web1}, equal: [kind]}]\n",
            {"lost": 1, "held": 1},
        ),
        (WEB, WEB + "silences: [{name: s, match: {host: web1}, until: 2027-01-01T00:00Z}]\n", {"lost": 1, "held": 1}),
        (WEB, WEB.replace("to: web}", "to: web, group_by: [kind], group_wait: 5m}"), {"later": 2}),
        (WEB, WEB.replace("to: web}", "to: new}"), {"lost": 2}),
        (WEB, WEB.replace("to: web}", 'to: web, digest: {every: "weekdays 09:00"}}'), {"held": 2}),
        (WEB, 'routes: [{name: web, match: {body.team: web, host: "web*"}, to: web}]\n', {}),
        (WEB, WEB.replace("}]", "}, {name: dbs, match: {host: db1}, to: ops}]"), {"found": 1}),
    ],
)
def test_every_kind_of_change_has_its_name(old: str, new: str, kinds: dict[str, int]) -> None:
    """Two hosts of the web tier and a database break, and heal."""
    past = [event("db1"), event("web1", 1), event("web2", 2)]
    past += [event(host, 60, status=Status.RECOVERY) for host in ("web1", "web2", "db1")]

    assert kinds == counts(diff(rules(old), rules(new), past))


def test_what_people_did_is_replayed() -> None:
    """An ack ends the reminders, a silence holds, until somebody ends it."""
    often = WEB.replace("to: web}", "to: web, repeat_interval: 10m}")
    silence = Silence(
        id=SilenceId("s"), match={"host": "web2"}, author="bob", starts_at=START, ends_at=START + timedelta(hours=9)
    )
    past = [
        Happened(at=START, silence=silence),
        event("web1", 1),
        event("web2", 2),
        Happened(at=START + timedelta(minutes=15), act=Act(verb="ack", alert="web1-host-1", by="alice")),
        Happened(at=START + timedelta(minutes=30), ended="s"),
        event("web1", 100, status=Status.RECOVERY),
        event("web2", 100, status=Status.RECOVERY),
    ]
    (web,) = diff(rules(WEB), rules(often), past).channels

    assert (2, 2, 0, 0) == (web.before, web.after, web.added, web.removed)
    assert 1 + 7 == web.wakes_after - web.wakes_before  # web1 once more, web2 from when it is told


def test_who_hears_alone_is_called_by_name() -> None:
    """An account says nothing to a reviewer."""
    on_call = (
        "people: {alice: {slack: U024BE7LH}}\nschedules: {web: {layers: [{people: [alice]}]}}\n"
        'routes: [{name: web, match: {host: "web*"}, to: "oncall:web"}]\n'
    )

    assert (("web", "alice", 1),) == diff(rules(WEB), rules(on_call), [event("web1")]).moves


def test_storms_are_counted() -> None:
    """By channel, and not by how many alerts they hold."""
    past = [event(f"web{n}") for n in range(10)]
    compared = diff(rules(WEB), rules(WEB + "storm: {most: 3, within: 1m}\n"), past)

    assert 1 == compared.count("storms")
    assert "storms in web: 0 before, 1 after" in text(compared, to(""))


def test_bodies_that_rules_look_into_are_known() -> None:
    """So that no others are read."""
    deep = "routes: [{name: a, match: {body.a.b: x}, to: web, routes: [{name: b, match: {not: {body.c: y}}}]}]\n"

    assert ("body.a.b", "body.c") == bodies_of(rules(deep), rules(WEB))


# ------------------------------------------------------------------------------------------------------------ as said


def test_the_words_name_the_answer_first_and_hold_what_strangers_write() -> None:
    """In Markdown nothing of them pings, links or formats."""
    past = [event("web1", title="`@alice` | [x](https://evil.example) #1 </details>")]
    compared = diff(rules(WEB), rules(""), past)
    said = markdown(compared, to("https://hub.example.com/"))

    assert said.splitlines()[0] == (
        "**1 alert would be heard by nobody, or by everything_else alone; nothing else changes "
        "(1 event replayed, 1 alert).**"
    )
    assert "[2026-01-07 12:00](https://hub.example.com/events/web1-host-0)" in said
    assert "`'@alice' ¦ [x](https://evil.example) #1 </details>`: `web` → `ops`" in said
    assert as_dict(compared, to(""))["findings"][0]["examples"][0]["at"] == "2026-01-07T12:00:00Z"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the rules of before, rules in the folder, and what happened."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules/routes.d").mkdir(parents=True)
    (tmp_path / "rules/routes.yaml").write_text(BASE + "include: [routes.d/*.yaml]\n")
    (tmp_path / "rules/routes.d/web.yaml").write_text(WEB)
    _git("init", "-qb", "main")
    _commit()
    (tmp_path / "rules/routes.d/web.yaml").unlink()
    lines = corpus.lines([event("web1"), event("web1", 5, status=Status.RECOVERY)])
    (tmp_path / "past.jsonl").write_bytes(b"\n".join(lines))
    return tmp_path


def _commit() -> None:
    _git("add", ".")
    _git("-c", "user.name=alice", "-c", "user.email=alice@example.com", "commit", "-qm", "rules")


def _git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, capture_output=True)


def test_a_revision_is_read_with_what_it_includes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As git has it: nothing of the folder as it is now."""
    assert ["web"] == [route.name for route in rules_of("main:rules/routes.yaml", CATALOGUE).tree.routes]
    assert [] == list(rules_of(str(folder / "rules"), CATALOGUE).tree.routes)
    (folder / "rules/more.yaml").write_text(WEB)
    (folder / "rules/routes.yaml").write_text(BASE + 'include: ["mor*.yaml"]\n')
    _commit()
    monkeypatch.chdir(folder / "rules")
    for where in ("main:rules/routes.yaml", "main:./routes.yaml"):
        assert ["web"] == [route.name for route in rules_of(where, CATALOGUE).tree.routes]
    monkeypatch.chdir(folder)
    for where in ("main:rules", "main:./rules/"):
        assert ["web"] == [route.name for route in rules_of(where, CATALOGUE).tree.routes]
    for wrong in ("none:rules/routes.yaml", "main:none.yaml", "none.yaml", "--output=x:y"):
        with pytest.raises(TocsinError):
            rules_of(wrong, CATALOGUE)


@pytest.mark.parametrize(
    ("words", "code"),
    [("", 0), ("--fail-on lost", 1), ("--fail-on paging,storms", 0), ("--fail-on losses", 2)],
)
def test_the_command_fails_on_what_it_is_asked_to(
    folder: Path, capsys: pytest.CaptureFixture[str], words: str, code: int
) -> None:
    """In CI."""
    with pytest.raises(SystemExit) as ended:
        main(["diff", "main:rules/routes.yaml", "rules", "--events", "past.jsonl", "--json", *words.split()])

    said = json.loads(capsys.readouterr().out)
    assert code == ended.value.code
    assert said.get("findings", [{"kind": "lost"}])[0]["kind"] == Kind.LOST


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no file of events; make one with: tocsin export --since 30d"),
        ('{"tocsin": "future", "version": 1}', "is no file of events"),
        ('{"tocsin": "past", "version": 9}', "is of version 9; this tocsin reads 1"),
        (HEAD + "{", ":2: is none of what has happened"),
        (HEAD + '{"at": "2026-01-01T00:00:00"}', "'at' has no offset"),
        (HEAD + '{"at": "2026-01-01T00:00:00Z", "act": {"verb": "rm", "alert": "x"}}', ":2: 'rm' is none of ack"),
        (HEAD + '\n{"at": "2026-01-01T00:00:00Z", "body": {"body.a": "x", "body.a.b": "y"}}', ":3:"),
    ],
)
def test_a_broken_file_of_events_is_named_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    """And never half read."""
    path = tmp_path / "past.jsonl"
    path.write_text(content)

    with pytest.raises(TocsinError, match=said.replace("(", r"\(")):
        corpus.read(path)
