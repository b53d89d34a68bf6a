"""Files that are broken in every way we know of, and what `tocsin check` says of each: a line for each fault, with
file, line, column and cure, and never a traceback.

`broken/NAME.yaml`, or `broken/NAME/routes.yaml` with what lies beside it, and what is said in `NAME.txt`; there
`{tools}` and `{chats}` stand for those that are installed. To look at what a change would say: `tocsin check NAME.yaml`
in that folder.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cli import main
from hub.registry import installed

BROKEN = Path(__file__).parent / "broken"
CASES = sorted([*BROKEN.glob("*.yaml"), *BROKEN.glob("*/routes.yaml")])
TOOLS = ", ".join(name for name, tool in installed().items() if tool.source)
CHATS = ", ".join(name for name, tool in installed().items() if tool.chat)
COMPLAINT = re.compile(r"[\w./-]+:\d+:\d+: \S.*")
H = "version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"


@pytest.fixture(autouse=True)
def _beside_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)


def check(capsys: pytest.CaptureFixture[str], file: Path | str) -> tuple[object, list[str]]:
    """The exit code, and what is said."""
    with pytest.raises(SystemExit) as caught:
        main(["check", str(file)])
    said = capsys.readouterr()
    assert "" == said.out
    return caught.value.code, said.err.splitlines()


def name_of(case: Path) -> str:
    return str(case.relative_to(BROKEN)).removesuffix("/routes.yaml").removesuffix(".yaml")


def expected_of(case: Path) -> list[str]:
    said = (BROKEN / f"{name_of(case)}.txt").read_text()
    return said.replace("{tools}", TOOLS).replace("{chats}", CHATS).splitlines()


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_what_is_wrong_with_a_file_is_said_as_expected(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Word by word: people act on it."""
    assert (1, expected_of(case)) == check(capsys, case.relative_to(BROKEN))


def test_there_are_enough_of_them_and_each_line_has_a_place_and_a_cure() -> None:
    """And no answer without its file, nor a file twice."""
    lines = [line for case in CASES for line in expected_of(case)]

    assert 60 <= len(CASES)
    assert {f"{name_of(case)}.txt" for case in CASES} == {path.name for path in BROKEN.glob("*.txt")}
    assert [] == [line for line in lines if not COMPLAINT.fullmatch(line)]


@pytest.mark.parametrize("name", ["tab-indents", "alias-bomb", "include-in-a-circle", "nul-byte"])
def test_the_command_says_so_too(name: str) -> None:
    """As somebody runs it: to standard error, with 1."""
    (case,) = (case for case in CASES if name_of(case) == name)
    command = [sys.executable, "-c", "from hub.cli import main; main()", "check", str(case.relative_to(BROKEN))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (1, "", expected_of(case)) == (ran.returncode, ran.stdout, ran.stderr.splitlines())


def made() -> Iterator[tuple[str, bytes, str]]:
    """What is too large, or no text, to lie here: name, content, and what is said."""
    yield "10-mb-of-routes", H.encode() + b"#" * 10 * 2**20, "1:1: is larger than 10 MiB; no rules need that"
    yield "latin-1", H.encode() + b"labels: [\xe9quipe]\n", "4:10: is not UTF-8 text from here on; save it as UTF-8"
    yield "utf-16", H.encode("utf-16"), "1:1: is not UTF-8 text from here on; save it as UTF-8"
    yield "gzip", b"\x1f\x8b\x08\x00", "1:2: is not UTF-8 text from here on; save it as UTF-8"
    brackets = b"a: " + b"[" * 100_000
    yield "a-file-of-brackets", brackets, "1:44: is nested too deeply; write it flatter"
    braces = b"{a: " * 100_000
    yield "a-file-of-braces", braces, "1:165: is nested too deeply; write it flatter"
    dashes = b"- " * 100_000
    yield "a-file-of-dashes", dashes, "1:83: is nested too deeply; write it flatter"
    values = b"a: [" + b"x," * 2_100_000 + b"]"
    yield (
        "more-values-than-anybody-needs",
        values,
        ("1:4000001: there are more than 2000000 values up to here; no rules need that"),
    )
    name = H.encode() + b"routes: [{name: " + b"n" * 100_000 + b", match: {host: a}, to: opps}]\n"
    yield "a-name-without-end", name, "4:100041: no channel is called 'opps'; did you mean \"ops\"?"


@pytest.mark.parametrize(("name", "content", "expected"), [pytest.param(*one, id=one[0]) for one in made()])
def test_what_is_too_much_is_said_in_a_line(
    name: str, content: bytes, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And soon: nothing is walked that no rules need."""
    file = tmp_path / f"{name}.yaml"
    file.write_bytes(content)

    assert (1, [f"{file}:{expected}"]) == check(capsys, file)


def test_a_thousand_faults_are_told_and_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody reads them, and for each it is looked what was meant."""
    names = ", ".join(f"c{number}: room:c{number}" for number in range(3_000))
    routes = "".join(f"  - {{name: r{n}, match: {{host: h{n}}}, to: c{n}x}}\n" for n in range(3_000))
    file = tmp_path / "many.yaml"
    file.write_text(f"version: 1\nchannels: {{{names}}}\neverything_else: {{to: c1}}\nroutes:\n{routes}")
    code, said = check(capsys, file)

    assert (1, 1_001) == (code, len(said))
    assert said[-1] == f"{file}:1005:45: there is more that is wrong; mend the 1000 before this first"


def test_what_is_no_file_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, nothing at all, a link to itself."""
    (tmp_path / "circle.yaml").symlink_to(tmp_path / "circle.yaml")
    cure = "name another file, or set TOCSIN_ROUTES"
    for file, why in (
        (tmp_path, "Is a directory"),
        (tmp_path / "none.yaml", "No such file or directory"),
        (tmp_path / "circle.yaml", "Too many levels of symbolic links"),
    ):
        assert (1, [f"{file}:1:1: cannot be read: {why}; {cure}"]) == check(capsys, file)
