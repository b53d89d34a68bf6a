"""What the documentation shows is so: each recipe passes its own tests, and the walk of the first rule is walked."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from peers.hub import HubProcess

from hub.cli import main

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "docs/recipes").glob("*/routes.yaml"))
BLOCK = re.compile(r"^```(yaml|json|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE = 10.0


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_a_recipe_passes_its_own_tests_and_has_nothing_odd(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever copies it begins with rules that hold."""
    for verb in ("check", "test"):
        with pytest.raises(SystemExit) as caught:
            main([verb, str(path)])
        said = capsys.readouterr()
        assert (0, "") == (caught.value.code, said.err), said.out

    assert int(said.out.splitlines()[-1].partition(" passed")[0]) >= 2
    assert path.read_text().startswith("# yaml-language-server: $schema=../../../routes.schema.json\n# ")


def test_every_recipe_is_listed() -> None:
    """And there are ten, at least."""
    listed = re.findall(r"\]\(([\w-]+)/routes\.yaml\)", (ROOT / "docs/recipes/README.md").read_text())

    assert 10 <= len(RECIPES)
    assert sorted(listed) == [path.parent.name for path in RECIPES]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    """Within the repository."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text())

    assert [] == [link for link in links if not (page.parent / link).exists()]


def walk(page: Path) -> Iterator[tuple[str, str, str]]:
    """What a reader does: a file to write, or a command and what it says."""
    for found in BLOCK.finditer(page.read_text()):
        kind, text = found[1], found[2]
        if kind != "console":
            yield "routes.yaml" if kind == "yaml" else "down.json", text, ""
            continue
        for part in text.split("$ ")[1:]:
            command, _, said = part.partition("\n")
            yield "", command, said


def test_the_first_rule_is_made_as_it_is_told(hub_process: Callable[..., HubProcess]) -> None:
    """Every file and command of the page, one after the other, with a hub that runs. `…` stands for anything."""
    hub = hub_process()
    steps = [*walk(ROOT / "docs/first-rule.md")]
    for file, text, said in steps:
        if file:
            (hub.folder / file).write_text(text)
        else:
            assert _like(said, lambda command=text: _said(command, hub)), text

    assert 6 <= sum(not file for file, _, _ in steps)


def _like(expected: str, ask: Callable[[], str]) -> bool:
    """Whether it is said, soon: what was posted is told a moment later."""
    pattern = _escaped(" ".join(expected.split()))
    end = time.monotonic() + PATIENCE
    while not fnmatchcase(" ".join((said := ask()).split()), pattern):
        if time.monotonic() > end:
            print(said)
            return False
        time.sleep(0.1)
    return True


def _escaped(text: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", text).replace("…", "*")


def _said(command: str, hub: HubProcess) -> str:
    program, *words = shlex.split(command)
    assert program == "tocsin"
    ran = subprocess.run(
        [sys.executable, "-m", "hub", *words],
        cwd=hub.folder,
        env={**os.environ, "TOCSIN_URL": hub.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ran.stdout + ran.stderr
