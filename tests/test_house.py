"""The repository about itself: what it promises in words is there, and what is there is promised in words."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from peers.hub import HubProcess
from peers.servers import wait_until

from hub.cli.grammar import parser
from hub.contracts import Integration
from hub.registry import installed
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text
from hub.settings import OWN, TRACES

ROOT = Path(__file__).parents[1]
TOOLS = sorted(folder for folder in (ROOT / "integrations").iterdir() if (folder / "__init__.py").is_file())
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
BINARY = {".png", ".ico", ".woff2", ".gz"}


def tracked() -> list[Path]:
    """Everything that a clone would have; in an unpacked archive, everything that does not begin with a dot."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not re.search(r"/\.|/__pycache__/", str(path))]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        if path.suffix not in BINARY:
            # A recording is as its tool sent it, and that may be no UTF-8.
            errors = "replace" if path.suffix == ".http" else "strict"
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors=errors)


def code(*folders: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in (path for folder in folders for path in sorted(folder.rglob("*.py"))):
        yield path, ast.parse(path.read_text())


# ------------------------------------------------------------------------------------------------------ what is tracked


def test_no_file_names_a_machine_or_an_index() -> None:
    """A path of somebody's machine, or where somebody gets packages, is of no use to anybody else."""
    # Written in pieces, so that this file does not name what it forbids.
    folders = "|".join(rf"(?<![\w.-])/{name}/[a-z.]" for name in ("ro" + "ot", "wo" + "rk", "ho" + "me"))
    indexes = "|".join(("pypi" + r"\.org", "index" + "-url", "find" + "-links", "/simp" + "le/"))
    foreign = re.compile(f"{folders}|{indexes}")
    allowed = "--no-emit-index" + "-url"

    found = [f"{name}: {hit[0]}" for name, text in texts() for hit in foreign.finditer(text.replace(allowed, ""))]

    assert [] == found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_package_by_hash(lock: Path) -> None:
    """And names no index: who installs says where from."""
    text = lock.read_text()
    packages = re.findall(r"^([a-z0-9][\w.-]*)==[^\\\n]*(\\?)$", text, re.MULTILINE)

    assert packages
    assert [] == [name for name, more in packages if not more]
    assert len(packages) <= text.count("--hash=sha256:")
    assert "://" not in text


def test_tests_are_no_packages() -> None:
    """An `__init__.py` under tests would shadow the real packages, and their tests would vanish silently."""
    assert [] == [str(path) for path in (ROOT / "tests").rglob("__init__.py")]


# --------------------------------------------------------------------------------------------------------------- tools


@pytest.mark.parametrize("folder", TOOLS, ids=lambda folder: folder.name)
def test_a_tool_has_its_record_and_its_words(folder: Path) -> None:
    """The registry finds it, and a README says what to click."""
    record = installed()[folder.name]

    assert isinstance(record, Integration)
    assert record.title in (folder / "README.md").read_text().splitlines()[0]


@pytest.mark.parametrize("folder", TOOLS, ids=lambda folder: folder.name)
def test_a_tool_is_found_from_the_readme(folder: Path) -> None:
    """Who does not know that it is there would not look into its folder."""
    row = f"(integrations/{folder.name}/README.md)"
    assert row in (ROOT / "README.md").read_text(), f"add a line with {row} to the tables of README.md"


@pytest.mark.parametrize("folder", TOOLS, ids=lambda folder: folder.name)
def test_a_tool_explains_its_labels_and_kinds(folder: Path) -> None:
    """Whoever writes routes reads there what they may use."""
    record, words = installed()[folder.name], (folder / "README.md").read_text()

    assert [] == [name for name in (*record.labels, *record.kinds) if f"`{name}`" not in words]


def test_nothing_lies_beside_the_tools() -> None:
    """A folder without a record would never be found; a module is no tool."""
    found = {path.name for path in (ROOT / "integrations").iterdir() if not path.name.startswith(("__", "."))}

    assert {folder.name for folder in TOOLS} == found - {"README.md"}


# ------------------------------------------------------------------------------------------------------------ settings


def constants(tree: ast.AST) -> Iterator[str]:
    """The texts of a module but its docstrings."""
    words = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in words:
            yield node.value


def asked_for(tree: ast.AST, method: str) -> Iterator[str]:
    """The literal arguments of every call of that name: `setting("CGI_URL")`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0] if node.args else None
        if name == method and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def test_every_setting_of_the_hub_has_a_sentence() -> None:
    """A setting that only the code knows of does not exist."""
    words = (ROOT / "README.md").read_text()
    read = {
        name
        for _, tree in code(ROOT / "hub")
        for name in (
            *(hit for text in constants(tree) for hit in re.findall(r"\bTOCSIN_[A-Z_]*[A-Z]\b(?![<_])", text)),
            *(f"TOCSIN_{part}" for part in asked_for(tree, "secret")),
        )
    }

    assert read
    assert [] == sorted(name for name in read if name not in words)


def test_the_doctor_knows_every_setting_of_the_hub() -> None:
    """Of others it says that nothing reads them."""
    _, tree = next(found for found in code(ROOT / "hub") if found[0].name == "settings.py")
    read = {*asked_for(tree, "get"), *(f"TOCSIN_{part}" for part in asked_for(tree, "secret"))}

    assert [] == sorted(name for name in read if name.removeprefix("TOCSIN_") not in OWN and name not in TRACES)


@pytest.mark.parametrize("folder", TOOLS, ids=lambda folder: folder.name)
def test_every_setting_of_a_tool_has_a_sentence(folder: Path) -> None:
    """In the tool's own README, where it is looked for."""
    words = (folder / "README.md").read_text()
    read = {name for _, tree in code(folder) for name in asked_for(tree, "setting")}

    assert [] == sorted(name for name in read if f"_{name}" not in words)


@pytest.mark.parametrize("folder", TOOLS, ids=lambda folder: folder.name)
def test_the_doctor_knows_every_setting_of_a_tool(folder: Path) -> None:
    """Of others it says that nothing reads them; and what it takes for one is described."""
    record, words = installed()[folder.name], (folder / "README.md").read_text()
    read = {name for _, tree in code(folder) for name in asked_for(tree, "setting")}
    proofs = {record.chat.ear_secret} if record.chat else set()

    assert record.settings is not None
    assert [] == sorted(read - {*record.settings} - proofs)
    assert [] == [name for name in record.settings if f"_{name}" not in words]


# --------------------------------------------------------------------------------------------------------- what is said


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def shell(text: str) -> Iterator[str]:
    """The lines of a document's shell examples."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()


def test_every_link_leads_somewhere() -> None:
    """Links between our own documents."""
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents()
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text())
        if "://" not in target
        and not target.startswith(("#", "mailto:"))
        and not (path.parent / target.partition("#")[0]).exists()
    ]

    assert [] == broken


def test_every_module_has_its_place_in_the_house() -> None:
    """Who looks for something looks there first. Commands are named after their words."""
    house = (ROOT / "ARCHITECTURE.md").read_text().partition("## The house")[2].partition("```\nImports")[0]
    words = set(re.findall(r"\w+", house))
    modules = {path for path, _ in code(ROOT / "hub") if not {"commands", "migrations"} & set(path.parts)}

    assert [] == sorted(path.stem for path in modules if path.stem not in words and not path.stem.startswith("__"))


def test_every_module_has_its_floor() -> None:
    """What stands on none could import whatever it likes."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["type"] == "layers")
    stand = {path.stem for path in (ROOT / "hub").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert sorted(f"hub.{name}" for name in stand - {"__init__"}) == sorted(re.findall(r"hub\.\w+", " ".join(layers)))


def test_every_make_command_exists() -> None:
    """Those of the documents, and of the tests' own advice."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = {
        word for path in documents() for word in re.findall(r"(?:`|^|\$ )make ([a-z]+)", path.read_text(), re.MULTILINE)
    }

    assert {"serve", "test", "servers"} <= said
    assert set() == said - targets


def test_every_tocsin_command_exists() -> None:
    """An example that the program refuses is worse than none."""
    # The parser offers no public way to ask for its verbs.
    verbs = {verb for action in parser()._actions if isinstance(action.choices, dict) for verb in action.choices}
    said = {
        verb
        for path in documents()
        for line in shell(path.read_text())
        for verb in re.findall(r"(?:^|/)tocsin ([a-z]+)", line)
    }

    assert "serve" in verbs
    assert set() == said - verbs


EXAMPLES = re.findall(r"```yaml\n(version: 1\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_rules_of_the_readme_are_read(example: str) -> None:
    read_rules_text(example, "README.md", catalogue_of(installed()))


def test_every_file_of_an_example_exists() -> None:
    """`tocsin explain integrations/nagios/fixtures/…` is to be pasted."""
    lost = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in documents()
        for line in shell(path.read_text())
        for name in re.findall(r"(?<![\w./-])(?:integrations|templates|tests|hub)/[\w./-]+", line)
        if not (ROOT / name).exists()
    ]

    assert [] == lost


# ----------------------------------------------------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it would be installed, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def _names(folder: Path, files: Iterable[Path]) -> set[str]:
    return {str(path.relative_to(folder)) for path in files if path.is_file() and "__pycache__" not in path.parts}


def test_the_wheel_has_all_that_the_repository_has(wheel: Path) -> None:
    """Templates, the shipped rules, and what a tool's folder holds beside its code."""
    ours = set(map(str, (path.relative_to(ROOT) for path in tracked())))
    templates = _names(wheel / "hub/shipped/templates", (wheel / "hub/shipped/templates").rglob("*"))
    packages = _names(wheel, [*(wheel / "hub").rglob("*"), *(wheel / "integrations").rglob("*")])

    assert {name.removeprefix("templates/") for name in ours if name.startswith("templates/")} <= templates
    assert {name for name in ours if name.startswith(("hub/", "integrations/"))} <= packages
    assert (wheel / "hub/shipped/routes.yaml").is_file()
    assert (wheel / "hub/shipped/routes.schema.json").is_file()
    assert not (wheel / "tests").exists()


def test_the_wheel_is_what_runs_where_it_lies_first(wheel: Path, tmp_path: Path) -> None:
    """What the next test relies on."""
    where = [sys.executable, "-c", "import hub, integrations; print(hub.__file__, *integrations.__path__)"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(wheel)}

    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)

    assert 2 == found.stdout.count(str(wheel))


def test_the_wheel_runs_by_itself(wheel: Path, hub_process: Callable[..., HubProcess]) -> None:
    """Its rules, templates and pages are its own: nothing is read from the repository."""
    hub = hub_process(routes=(wheel / "hub/shipped/routes.yaml").read_text(), env={"PYTHONPATH": str(wheel)})
    hub.post("/in/nagios", {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTSTATE": "DOWN"})
    wait_until("it is in the room", hub.messages)

    with urlopen(f"{hub.url}/room/ops") as page:
        assert "web301 is DOWN" in page.read().decode()
