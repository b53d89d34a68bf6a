"""`tocsin render` and `tocsin check`: words are looked at before anybody hears them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from peers.hub import HubProcess

from hub.cli import main
from hub.shipped_files import shipped

DOWN = str(Path(__file__).parents[3] / "integrations/nagios/fixtures/host-problem.http")


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text(shipped("routes.yaml").read_text())
    return path


def write(routes: Path, name: str, words: str) -> Path:
    path = routes.parent / "templates/messages" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words)
    return path


@pytest.fixture
def tocsin(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command; gives its code, and what it said and complained of."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_an_occasion_is_shown_whole(tocsin, routes: Path) -> None:
    code, said, _ = tocsin("render", "acked", DOWN, "--routes", routes)

    assert 0 == code
    assert [
        "acked, plain",
        "  title: web301 is DOWN",
        "  standing: acked by alice: looking",
        "  text: PING CRITICAL - Packet loss = 100%",
        "  line: web301 is DOWN",
    ] == said.splitlines()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("resolved/standing", "resolved after 6h 47m"),
        ("silenced/standing", "silent until 13:07 UTC, alice: looking"),
        ("worsened/line", "Worse: web301 is DOWN"),
        ("group/title", "1 firing: nagios"),
        ("default/title.plain.j2", "web301 is DOWN"),
    ],
)
def test_a_part_is_shown_as_the_alert_stands_then(tocsin, routes: Path, what: str, words: str) -> None:
    _, said, _ = tocsin("render", what, DOWN, "--routes", routes, "--json")

    assert [words] == [one["words"] for one in json.loads(said)]


def test_each_chat_with_words_of_its_own_is_shown(tocsin, routes: Path) -> None:
    write(routes, "opened/title.slack.j2", "slackers: {{ title }}")
    _, every, _ = tocsin("render", "opened/title", DOWN, "--routes", routes, "--json")
    _, one, _ = tocsin("render", "opened/title", DOWN, "--routes", routes, "--json", "--dialect", "teams")

    assert {"plain": "web301 is DOWN", "slack": "slackers: web301 is DOWN"} == {
        rendered["dialect"]: rendered["words"] for rendered in json.loads(every)
    }
    assert [("teams", "web301 is DOWN")] == [(rendered["dialect"], rendered["words"]) for rendered in json.loads(one)]


def test_a_file_need_not_lie_where_it_will(tocsin, routes: Path, tmp_path: Path) -> None:
    draft = tmp_path / "idea.j2"
    draft.write_text("{{ labels.host }}: {{ title }}, by {{ by or 'nobody' }}")
    _, said, _ = tocsin("render", draft, DOWN, "--routes", routes, "--json")

    assert ["web301: web301 is DOWN, by nobody"] == [one["words"] for one in json.loads(said)]


@pytest.mark.parametrize("what", ["opened", "opened/title", None])
def test_a_broken_template_says_where_and_what_would_be_right(tocsin, routes: Path, what: str | None) -> None:
    path = write(routes, "opened/title.plain.j2", "\n{{ titel }}")
    code, said, complaint = tocsin("render", what or path, DOWN, "--routes", routes)

    assert (1, "") == (code, said)
    assert f"""tocsin: {path}:2: no word is called 'titel'; did you mean "title"?\n""" == complaint


def test_a_name_that_there_is_not_is_answered_by_the_nearest(tocsin, routes: Path) -> None:
    code, _, complaint = tocsin("render", "opend", DOWN, "--routes", routes)

    assert 1 == code
    assert """no occasion is called 'opend'; did you mean "opened"?""" in complaint
    assert (1, "", "tocsin: there is no file opend.j2\n") == tocsin("render", "opend.j2", DOWN, "--routes", routes)


def test_an_event_of_a_running_hub_is_shown(
    tocsin, routes: Path, hub_process: Callable[..., HubProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hub_process()
    posted = hub.post("/in/nagios", {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTSTATE": "DOWN"})
    monkeypatch.setenv("TOCSIN_URL", hub.url)
    code, said, _ = tocsin("render", "opened/title", posted["events"][0], "--routes", routes, "--json")
    lost, _, _ = tocsin("render", "opened", "nothing-is-called-that", "--routes", routes)

    assert (0, 1) == (code, lost)
    assert ["web301 is DOWN"] == [one["words"] for one in json.loads(said)]


def test_check_reads_the_templates_beside_the_rules(tocsin, routes: Path) -> None:
    path = write(routes, "opened/line.slack.j2", "{{ firing }}")
    code, said, _ = tocsin("check", routes, "--json")
    told, _, complaint = tocsin("check", routes)

    assert (1, 1) == (code, told)
    assert [
        f"{path}:1:1: no word is called 'firing'; there is body, by, occasion, severity, text, title"
    ] == json.loads(said)["faults"]
    assert str(path) in complaint
