"""`include:`: what teams keep in files of their own. Together they are one set of rules, and each complaint names the
file that it stands in."""

import gc
import json
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.routing import say_trail
from hub.core.rules import Rules
from hub.errors import RulesError
from hub.registry import installed
from hub.rehearsals.rule_tests import run_tests
from hub.routes_file.beside import Beside, together
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules, read_rules_text

CATALOGUE = catalogue_of(installed())
HEAD = "version: 1\nchannels: {ops: room:ops, web: room:web, db: room:db}\neverything_else: {to: ops}\n"
ALL = HEAD + "include: [routes.d/*.yaml]\n"
WEB = 'routes:\n  - {name: web, match: {host: "web*"}, to: web}\n'
DB = 'routes:\n  - {name: db, match: {host: "db*"}, to: db}\n'


def lay(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "routes.yaml"


def read(folder: Path, **files: str) -> Rules:
    """`routes.yaml` is `main`; `a_b` is `routes.d/a_b.yaml`."""
    names = {name: "routes.yaml" if name == "main" else f"routes.d/{name}.yaml" for name in files}
    return read_rules(lay(folder, {names[name]: text for name, text in files.items()}), CATALOGUE)


def complaints(folder: Path, **files: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        read(folder, **files)
    return [str(one).removeprefix(f"{folder}/") for one in caught.value.complaints]


def test_files_join_in_the_order_of_their_paths_after_the_rules_themselves(tmp_path: Path) -> None:
    """However they are listed, and only once."""
    main = HEAD + "include: [routes.d/w*.yaml, routes.d/*.yaml, routes.d/db.yaml]\n"
    main += "routes:\n  - {name: first, match: {kind: x}, to: ops}\n"
    rules = read(tmp_path, main=main, web=WEB, db=DB)

    assert [("first", "routes.yaml", 6), ("db", "routes.d/db.yaml", 2), ("web", "routes.d/web.yaml", 2)] == [
        (route.name, route.file, route.line) for route in rules.tree.routes
    ]


def test_what_is_included_decides_silences_inhibits_and_tests(tmp_path: Path) -> None:
    """All that such a file may hold."""
    web = WEB + (
        "inhibit:\n  - {name: host, when: {kind: host}, quiets: {kind: service}, equal: [host]}\n"
        "silences:\n  - {name: patches, match: {host: web1}, until: 2026-12-01T22:00Z}\n"
        "tests:\n  - {name: web hears, given: [{source: nagios, host: web1}], expect: {web: [opened]}}\n"
    )
    rules = read(tmp_path, main=ALL, web=web)

    assert (["host"], ["patches"]) == ([rule.name for rule in rules.inhibit], [one.name for one in rules.silences])
    assert [("routes.d/web.yaml", 8)] == [(test.file, test.line) for test in rules.tests]
    assert all(result.passed for result in run_tests(rules))


def test_the_trail_names_the_file_of_each_route(tmp_path: Path) -> None:
    """So that whoever asks why knows whom to ask."""
    rules = read(tmp_path, main=ALL, web=WEB, db=DB)

    assert [
        'db (routes.d/db.yaml:2): no, host is "web1", not "db*"',
        'web (routes.d/web.yaml:2): yes, host is "web1"',
        "everything_else: no, some route took it",
    ] == say_trail(rules.tree.trail({"host": "web1"}.get)).splitlines()


def test_all_files_are_stored_as_one_text_with_one_hash(tmp_path: Path) -> None:
    """So that past decisions are explained by them, whatever the files say by then."""
    rules = read(tmp_path, main=ALL, web=WEB)
    other = read(tmp_path, main=ALL, web=WEB + "\n")
    again = read_rules_text(rules.text, str(tmp_path / "routes.yaml"), CATALOGUE)

    assert rules.hash != other.hash
    assert (rules.hash, rules.text) == (again.hash, again.text)
    assert ["web"] == [route.name for route in again.tree.routes]


def test_a_team_each_with_a_folder(tmp_path: Path) -> None:
    """A pattern may stand for folders; those without such a file, and what is hidden, are passed over."""
    files = {
        "routes.yaml": HEAD + "include: ['teams/*/routes.yml']\n",
        "teams/web/routes.yml": WEB,
        "teams/db/routes.yml": DB,
        "teams/new/README": "soon",
        "teams/README": "a folder for each",
        "teams/.old/routes.yml": "never read",
    }

    assert ["db", "web"] == [route.name for route in read_rules(lay(tmp_path, files), CATALOGUE).tree.routes]


def test_no_file_yet_is_a_warning(tmp_path: Path) -> None:
    """The folder is there before the first team moves in."""
    rules = read(tmp_path, main=ALL)

    assert f"{tmp_path}/routes.yaml:4:11: warning: no file fits 'routes.d/*.yaml' yet" in map(str, rules.warnings)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("../*.yaml", "'../*.yaml' does not lie beside the rules; write its name, or folder/name"),
        ("routes.d", "'routes.d' is not the name of rules, which ends in .yaml; write: include: [routes.d/*.yaml]"),
        ("**/*.yaml", "'**/*.yaml' goes through any number of folders; write a * for each: teams/*/*.yaml"),
        (
            "routes.yaml",
            "'routes.yaml' takes in the rules themselves; put the others into a folder: include: [routes.d/*.yaml]",
        ),
        ("out/*.yaml", "'out/etc.yaml' is a link that leads out of the folder of the rules; put the file there"),
        ("folder/a.yaml", "'folder/a.yaml' is no file"),
    ],
)
def test_a_file_that_cannot_be_taken_in_is_told(tmp_path: Path, listed: str, expected: str) -> None:
    """Nothing outside the folder of the rules, and never the rules themselves."""
    outside, folder = tmp_path / "outside", tmp_path / "rules"
    lay(outside, {"etc.yaml": "routes: []\n"})
    (folder / "folder" / "a.yaml").mkdir(parents=True)
    (folder / "out").symlink_to(outside)

    assert [f"routes.yaml:4:11: {expected}"] == complaints(folder, main=f"{HEAD}include: ['{listed}']\n")


def test_all_files_together_are_bounded(tmp_path: Path) -> None:
    """As one file is."""
    big = "routes: []\n#" + "x" * 4 * 2**20
    said = complaints(tmp_path, main=ALL, a=big, b=big, c=big)

    assert ["routes.yaml:4:11: all files together are larger than 10 MiB; no rules need that"] == said


def test_more_files_than_anybody_has_are_refused(tmp_path: Path) -> None:
    """Somebody named the wrong folder."""
    lay(tmp_path, {f"routes.d/{number}.yaml": "" for number in range(1_001)})

    assert ["routes.yaml:4:11: 'routes.d/*.yaml' fits more than 1000 files; say more of their names"] == complaints(
        tmp_path, main=ALL
    )


@given(order=st.permutations(["a*.yaml", "b.yaml", "c/*.yaml", "b.yaml", "*/d.yaml"]))
def test_the_order_in_which_files_are_listed_changes_nothing(order: list[str]) -> None:
    """Only their paths do."""
    names = {"a1.yaml": "a1", "a2.yaml": "a2", "b.yaml": "b", "c/d.yaml": "cd", "e/d.yaml": "ed"}
    files = {file: f"routes:\n  - {{name: {name}, match: {{host: {name}}}, to: ops}}\n" for file, name in names.items()}
    main = f"{HEAD}include: {json.dumps(order)}\n"
    rules = read_rules_text(together("routes.yaml", main, files), "routes.yaml", CATALOGUE)

    assert list(names.values()) == [route.name for route in rules.tree.routes]


@given(pattern=st.text(alphabet="*?[]ab/.\x00é", max_size=12), there=st.lists(st.sampled_from(["a", "a/b", "[a"])))
def test_any_pattern_finds_names_or_is_refused(pattern: str, there: list[str]) -> None:
    """Of those that are there, or the one that it is itself."""
    files = dict.fromkeys(there, "")
    text = f"{HEAD}include: {json.dumps([pattern])}\n"
    with suppress(RulesError):
        assert () == read_rules_text(together("routes.yaml", text, files), "routes.yaml", CATALOGUE).tree.routes


def test_names_that_fit_are_those_that_a_shell_would_find() -> None:
    """But none that is hidden."""
    folders = {".": ["a.yaml", ".b.yaml", "c"], "c": ["d.yaml", "e.txt"]}
    beside = Beside(lambda name: name, lambda folder: folders.get(folder, []))

    assert ["a.yaml"] == beside.names("*.yaml")
    assert ["c/d.yaml"] == beside.names("c/*.yaml")
    assert ["c/d.yaml"] == beside.names("?/[d].yaml")
    assert ["not/there.yaml"] == beside.names("not/there.yaml")
    assert {"*.yaml", "c/*.yaml", "?", "c/[d].yaml"} == beside.asked


def test_rules_are_let_go_without_the_cycle_collector(tmp_path: Path) -> None:
    """It does not look at those of large files."""
    windows = "time_windows: {office: {days: mon-fri, hours: '09:00-18:00', timezone: Europe/London}}\n"
    quiet = "inhibit: [{name: hosts, when: {kind: host}, quiets: {kind: service}, equal: [host]}]\n"
    nested = WEB.replace("to: web", "to: web, group_by: [host], routes: [{name: in, match: {service: {regex: 'a|b'}}}]")
    rules = read(tmp_path, main=ALL + windows + quiet, db=DB, web=nested)
    gone = weakref.ref(rules.tree)
    gc.disable()
    try:
        del rules
        assert gone() is None
    finally:
        gc.enable()
