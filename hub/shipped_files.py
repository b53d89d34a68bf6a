"""Where the files that ship with the hub are: in an installed package, or in the repository."""

from pathlib import Path

_PACKAGE = Path(__file__).parent / "shipped"
_REPOSITORY = Path(__file__).parent.parent


def shipped(name: str) -> Path:
    """The shipped file or folder of that name, such as `templates` or `routes.yaml`."""
    packed = _PACKAGE / name
    return packed if packed.exists() else _REPOSITORY / name
