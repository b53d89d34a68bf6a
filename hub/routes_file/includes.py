"""`include:`: what teams keep in files of their own joins the rules. The file itself comes first, then these in the
order of their paths, however they are listed."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from hub.errors import Complaint
from hub.routes_file.beside import Beside, Unreadable
from hub.routes_file.yaml_tree import LARGEST, Path_, Tree, nearest, shown

INCLUDED = ("routes", "inhibit", "silences", "tests")
"""What such a file may hold. Who may do what, and what a name stands for, is said in one place."""
ENDINGS = (".yaml", ".yml")
EXAMPLE = "include: [routes.d/*.yaml]"


def include(tree: Tree, text: str, patterns: Iterable[tuple[Path_, str]], others: Beside) -> None:
    """Append what the files hold to what the tree of the rules holds. `text` is that of the rules."""
    asked: dict[str, Path_] = {}
    for path, pattern in patterns:
        for name in _names(tree, path, pattern, others):
            asked.setdefault(name, path)
    size = len(text)
    for name in sorted(asked, key=PurePosixPath):
        found = text_beside(tree, asked[name], name, others)
        size += len(found or "")
        if size > LARGEST:
            tree.wrong(asked[name], f"all files together are larger than {LARGEST // 2**20} MiB; no rules need that")
            return
        if found is not None:
            _append(tree, name, found)


def text_beside(tree: Tree, path: Path_, name: str, others: Beside) -> str | None:
    """The text of a file that the rules name at a path; None, and a complaint, where it is not to be had."""
    try:
        return others.text(name)
    except Unreadable as error:
        if error.line:
            file = str(Path(tree.name).parent / name)
            tree.complaints.append(Complaint(file=file, line=error.line, column=1, what=str(error)))
        else:
            tree.wrong(path, f"{shown(name)} {error}")
        return None


def _names(tree: Tree, path: Path_, pattern: str, others: Beside) -> Iterator[str]:
    """Of the files that a pattern names."""
    if fault := _fault(pattern):
        tree.wrong(path, f"{shown(pattern)} {fault}")
        return
    try:
        names = others.names(pattern)
    except Unreadable as error:
        tree.wrong(path, f"{shown(pattern)} {error}")
        return
    if not names:
        tree.warn(path, f"no file fits {shown(pattern)} yet", "no-file-yet")
    for name in names:
        if name == Path(tree.name).name:
            tree.wrong(path, f"{shown(pattern)} takes in the rules themselves; put the others into a folder: {EXAMPLE}")
        else:
            yield name


def _fault(pattern: str) -> str:
    if "**" in pattern:
        return "goes through any number of folders; write a * for each: teams/*/*.yaml"
    if not pattern.endswith(ENDINGS):
        return f"is not the name of rules, which ends in .yaml; write: {EXAMPLE}"
    return ""


def _append(tree: Tree, name: str, text: str) -> None:
    other = Tree(str(Path(tree.name).parent / name), least="routes: []")
    other.load(text)
    if not other.complaints and not isinstance(other.value, dict):
        other.wrong((), f"{shown(other.value)} is not a mapping; an included file begins with: routes:")
    main = Path(tree.name).name
    for key, value in other.value.items() if isinstance(other.value, dict) else ():
        if key not in INCLUDED:
            other.wrong((key,), _foreign(key, main), key=True)
        elif not isinstance(value, list):
            what = f"{shown(value)} is not a list" if value else "is empty"
            other.wrong((key,), f"{what}; write [ … ] or lines that begin with -")
        else:
            tree.append(key, other)
    tree.complaints += other.complaints


def _foreign(key: str, main: str) -> str:
    if key == "include":
        return f"an included file includes none; list all files in {main}: {EXAMPLE}"
    allowed = ", ".join(INCLUDED)
    return f"{shown(key)} cannot stand in an included file, which has {allowed}; move it to {main}{_meant(key)}"


def _meant(key: str) -> str:
    hint = nearest(key, INCLUDED)
    return hint if "did you mean" in hint else ""
