"""Where the files are that come with the hub: beside the package when installed, in the repository when not."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def shipped(name: str) -> Path:
    """The folder or file called `name` (`templates`, `routes.yaml`) that came with this installation.

    A wheel has it under `hub/shipped`; an editable install cannot map folders, so there it is the repository's own.
    """
    packed = PACKAGE / "shipped" / name
    return packed if packed.exists() else PACKAGE.parent / name
