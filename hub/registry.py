"""Finds what is installed: the folders under `integrations`, then packages that announce themselves by entry point."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

import integrations
from hub.contracts import Integration

GROUP = "tocsin.integrations"


@cache
def installed() -> Mapping[str, Integration]:
    """All integrations by name. A folder of ours goes before a package of the same name."""
    found = {entry.name: _record(entry.load(), entry.name) for entry in entry_points(group=GROUP)}
    for module in pkgutil.iter_modules(integrations.__path__):
        found[module.name] = _record(importlib.import_module(f"integrations.{module.name}"), module.name)
    return MappingProxyType(dict(sorted(found.items())))


def _record(module: object, name: str) -> Integration:
    record = getattr(module, "INTEGRATION", module)
    if not isinstance(record, Integration):
        raise TypeError(f"integrations.{name} has no INTEGRATION")
    return record
