"""Finds what is installed: the folders under `integrations`, then packages that announce themselves by entry point; and
what people can say by it."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

import integrations
from hub.commands import built_in_commands
from hub.commands.tool import tool_commands
from hub.contracts import Control, Integration

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
        raise TypeError(f"'{name}' is no tool: its module must have INTEGRATION = Integration(…), as those here have")
    return record


def all_commands(tools: Mapping[str, Integration]) -> list:  # type: ignore[type-arg]
    own = [command for tool in tools.values() for command in tool.commands]
    return [*built_in_commands(), *tool_commands(controls_of(tools)), *own]


def controls_of(tools: Mapping[str, Integration]) -> Mapping[str, Control]:
    return {name: tool.control for name, tool in tools.items() if tool.control}
