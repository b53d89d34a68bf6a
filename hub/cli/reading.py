"""What several verbs read."""

import os
from pathlib import Path
from typing import Any


def rules_path(file: str | None) -> Path:
    from hub.settings import Environment, routes_file

    return routes_file(file or Environment(os.environ).get("TOCSIN_ROUTES"))


def rules_at(file: str | None) -> Any:
    from hub.settings import Environment

    return _read(rules_path(file), Environment(os.environ))


def read_ahead(file: Path, environment: Any) -> Any:
    """The rules, before what goes by them is loaded: what reading 10,000 routes needs for a moment is 10 MiB, which
    then holds modules, and otherwise nothing. None if they are broken: the hub will see that, and may have others."""
    from hub.errors import TocsinError
    from hub.routes_file.beside import beside
    from hub.routes_file.reading import Ahead

    others = beside(file)
    try:
        return Ahead(_read(file, environment, others), others)
    except TocsinError:
        return None


def _read(file: Path, environment: Any, others: Any = None) -> Any:
    """With what lies beside it, which `others` hands on."""
    from hub.now import utc_now
    from hub.registry import installed
    from hub.routes_file.catalogue import catalogue_of
    from hub.routes_file.reading import read_rules

    return read_rules(file, catalogue_of(installed(), environment, utc_now), others)


def file_of(event: str) -> Path | None:
    """The file that somebody named where an id could stand."""
    path = Path(event)
    return path if path.suffix in (".http", ".json") or path.is_file() else None


def wording_at(routes: str | None) -> Any:
    from hub.registry import installed
    from hub.saying.templates import Templates
    from hub.saying.wording import Wording
    from hub.settings import read_settings

    settings = read_settings(routes=routes)
    templates = Templates(settings.template_folders)
    titles = {name: tool.title for name, tool in installed().items()}
    return Wording(templates, zone=settings.zone, titles=titles)
