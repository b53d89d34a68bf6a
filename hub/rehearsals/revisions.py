"""Rules as they are, or were: a file, a folder that holds one, or what git has of either: `main:routes.yaml`."""

import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from hub.core.rules import Rules
from hub.errors import TocsinError
from hub.routes_file.beside import Beside, Unreadable
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.reading import read_rules, read_rules_of

ROUTES = "routes.yaml"
PATIENCE = 30.0
"""Seconds that git may take."""


def rules_of(where: str, catalogue: Catalogue) -> Rules:
    """Raises TocsinError where there are none, RulesError where they are wrong."""
    path = Path(where)
    if path.is_dir():
        path = path / ROUTES
    if path.exists():
        return read_rules(path, catalogue)
    revision, colon, name = where.partition(":")
    if not colon or not revision:
        raise TocsinError(f"there is no {where}; name a file, a folder, or a revision of git such as main:{ROUTES}")
    return _of_git(revision, name or ROUTES, catalogue)


def _of_git(revision: str, name: str, catalogue: Catalogue) -> Rules:
    """`name` is as git takes it: from the top of the repository, or `./routes.yaml` from here."""
    if revision.startswith("-"):
        raise TocsinError(f"'{revision}' is no revision of git")
    if _listed(revision, name.rstrip("/"), "."):
        name = f"{name.rstrip('/')}/{ROUTES}"
    folder = name.rpartition("/")[0]
    others = Beside(partial(_shown, revision, folder), partial(_listed, revision, folder))
    try:
        text = _shown(revision, folder, PurePosixPath(name).name)
    except Unreadable as error:
        raise TocsinError(f"{revision}:{name} {error}") from None
    return read_rules_of(text, others, name.removeprefix("./"), catalogue)


def _shown(revision: str, folder: str, name: str) -> str:
    return _git(["show", f"{revision}:{_spec(folder, name)}"])


def _listed(revision: str, folder: str, name: str) -> Sequence[str]:
    """The names in a folder; none, where there is no such."""
    try:
        said = _git(["ls-tree", "--full-tree", "--name-only", "-z", f"{revision}:{_spec(folder, name)}"])
    except Unreadable:
        return []
    return [one for one in said.split("\0") if one]


def _spec(folder: str, name: str) -> str:
    """As git takes it: `./x` is from here, `x` from the top; and it knows no `.` but from here."""
    if name == ".":
        return "./" if folder == "." else folder
    return f"{folder}/{name}" if folder else name


def _git(words: Sequence[str]) -> str:
    try:
        done = subprocess.run(["git", *words], capture_output=True, timeout=PATIENCE, check=True)  # noqa: S603,S607
    except FileNotFoundError:
        raise Unreadable("cannot be read: there is no git on this machine") from None
    except subprocess.TimeoutExpired:
        raise Unreadable("cannot be read: git does not answer") from None
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip().splitlines()
        raise Unreadable(f"cannot be read: git says: {why[-1] if why else error.returncode}") from None
    try:
        return done.stdout.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8 text; save it as UTF-8") from None
