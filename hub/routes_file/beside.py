"""What lies beside a rules file and is named in it: on disk, or as it was stored. Together they are one text."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath

import msgspec

LARGEST = 32 * 1024 * 1024
MOST_FILES = 1_000
"""So many may fit one pattern."""
GLOB = frozenset("*?[")
NO_TEXT = "is not UTF-8 text; save it as UTF-8"


Texts = Mapping[str, str | int]
"""Of files that were read elsewhere, by name; of one that is no UTF-8 the line from which on."""


class Unreadable(Exception):
    """A file is not to be had. `line` is set where it is the file's own."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.line = line


class Beside:
    """Each file is read once, when it is asked for: what is stored is what was read."""

    def __init__(self, read: Callable[[str], str], entries: Callable[[str], Iterable[str]]) -> None:
        """`entries` lists the names in a folder; there are none in what is no folder. Both raise Unreadable."""
        self._read = read
        self._entries = entries
        self.texts: dict[str, str] = {}
        self.asked: set[str] = set()
        """Names and patterns, be there such a file or not: whoever mends a missing one wants it to be noticed."""

    def text(self, name: str) -> str:
        """Raises Unreadable."""
        stays_beside(name)
        self.asked.add(name)
        if name not in self.texts:
            self.texts[name] = self._read(name)
        return self.texts[name]

    def names(self, pattern: str) -> list[str]:
        """Of the files that fit: `routes.d/*.yaml`. Each part is a pattern of its own, and what begins with a dot fits
        none, as in a shell. A name without a pattern is itself. Raises Unreadable."""
        stays_beside(pattern)
        found = [PurePosixPath()]
        patterned = False
        for part in PurePosixPath(pattern).parts:
            patterned = patterned or not GLOB.isdisjoint(part)
            self.asked |= {str(folder / part) for folder in found} if patterned else set()
            found = [inner for folder in found for inner in self._fitting(folder, part, listed=patterned)]
            if len(found) > MOST_FILES:
                raise Unreadable(f"fits more than {MOST_FILES} files; say more of their names")
        return [str(path) for path in found]

    def _fitting(self, folder: PurePosixPath, part: str, *, listed: bool) -> Iterable[PurePosixPath]:
        if not listed:
            return [folder / part]
        names = self._entries(str(folder))
        return [folder / name for name in names if fnmatchcase(name, part) and (name[0] != "." or part[0] == ".")]


def of_texts(files: Texts) -> Beside:
    """What lies beside rules that are not on this disk."""
    return Beside(partial(_given, files), partial(_stored_in, files))


def _given(files: Texts, name: str) -> str:
    if name not in files:
        raise Unreadable("is not there; it is looked for beside the rules")
    return _readable(files[name])


def stays_beside(name: str) -> None:
    """Raises Unreadable for a name that leads elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not name.isprintable():
        raise Unreadable("does not lie beside the rules; write its name, or folder/name")


def beside(path: Path) -> Beside:
    """What lies in the folder of a rules file."""
    return Beside(partial(_read, path.parent), partial(_entries, path.parent))


def _entries(folder: Path, name: str) -> list[str]:
    try:
        return [path.name for path in (folder / name).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it cannot be opened"
        raise Unreadable(f"cannot be looked for: {why} ({name})") from None


def _read(folder: Path, name: str) -> str:
    path = folder / name
    try:
        # A configuration that is mounted is a folder of links, which lead to where the folder has its own.
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Unreadable("is a link that leads out of the folder of the rules; put the file there")
        if path.exists() and not path.is_file():
            raise Unreadable("is no file")
        with path.open("rb") as file:
            return _text(file.read(LARGEST + 1))
    except (OSError, ValueError, RuntimeError) as error:
        raise Unreadable(why_unread(error, "it is looked for beside the rules")) from None


def why_unread(error: Exception, cure: str) -> str:
    """What came of opening a file, with this cure unless it is there and closed to us."""
    why = getattr(error, "strerror", None) or "it cannot be opened"
    closed = isinstance(error, PermissionError)
    return f"cannot be read: {why}; {'let the user of this process read it' if closed else cure}"


def _text(data: bytes) -> str:
    if len(data) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST // 2**20} MiB; leave out what no rule needs", line=1)
    return _readable(decoded(data))


def _readable(text: str | int) -> str:
    if isinstance(text, int):
        raise Unreadable(NO_TEXT, line=text)
    return text


def decoded(data: bytes) -> str | int:
    """The text; of what is no UTF-8 the line from which on."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1


# --------------------------------------------------------------------------------------------------------- as one text


class _Bundle(msgspec.Struct):
    """Texts by name, that of the rules themselves first. No rules begin so, which have a version."""

    files: dict[str, str]


def together(name: str, text: str, others: Mapping[str, str]) -> str:
    """All files as one text; where there is but one, that is it."""
    return msgspec.json.encode(_Bundle({name: text, **others})).decode() if others else text


def names_of(text: str) -> frozenset[str]:
    """The files that a text of several has; empty where it is that of one."""
    return frozenset(_files(text))


def apart(text: str) -> tuple[str, Beside]:
    """The text of the rules themselves, and what lay beside them."""
    files = _files(text)
    main = next(iter(files), "")
    return files.pop(main, text), Beside(partial(_stored, files), partial(_stored_in, files))


def _files(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=_Bundle).files if text.startswith('{"files":') else {}
    except (msgspec.DecodeError, ValueError):
        return {}


def _stored(files: Mapping[str, str], name: str) -> str:
    if name not in files:
        raise Unreadable("was not stored with these rules")
    return files[name]


def _stored_in(files: Iterable[str], folder: str) -> set[str]:
    """The first part of each name under a folder; `.` is that of the rules."""
    paths = [PurePosixPath(name) for name in files]
    depth = len(PurePosixPath(folder).parts)
    return {path.parts[depth] for path in paths if path.is_relative_to(folder) and len(path.parts) > depth}
