"""`sources:`: the feeds of tools, by the names that people say."""

from collections.abc import Mapping
from typing import Any

from hub.contracts import Integration
from hub.core.rules import OWN, SourceRule
from hub.routes_file.heartbeats import beat_of
from hub.routes_file.language import KEYS
from hub.routes_file.options import option_names, options_of
from hub.routes_file.shapes import SIMPLE_NAME, duration, entries, is_text, known_keys, limit, mapping
from hub.routes_file.yaml_tree import Path_, Tree, listed, nearest, shown
from hub.settings import variable


def read_sources(tree: Tree, value: Any, installed: Mapping[str, Integration]) -> dict[str, SourceRule]:
    tools = {name: tool for name, tool in installed.items() if tool.source or name == OWN}
    found = {name: SourceRule(name=name, tool=name, options=tool.options()) for name, tool in tools.items()}
    owners = {variable(name, "SECRET"): name for name in tools}
    for name, tool in installed.items():  # TOCSIN_SLACK_SIGNING_SECRET would prove a source slack-signing, too
        if tool.chat and tool.chat.ear_secret:
            owners[variable(name, tool.chat.ear_secret)] = name
    for name, given, path in entries(tree, value, ("sources",)):
        source = _source(tree, name, given, path, tools)
        if source is not None:
            found[name] = source
        owner = owners.setdefault(variable(name, "SECRET"), name)
        if owner != name:
            what = f"{shown(name)} and {shown(owner)} would share {variable(name, 'SECRET')}; rename one"
            tree.wrong(path, what, key=True)
    return found


def _source(tree: Tree, name: str, given: Any, path: Path_, tools: Mapping[str, Integration]) -> SourceRule | None:
    body = mapping(tree, given, path, "a source is {tool: nagios}")
    if body is None:
        return None
    if not SIMPLE_NAME.fullmatch(name):
        what = f"{shown(name)} is no name for a source, which is part of an address; use letters, digits, - _ ."
        tree.wrong(path, what, key=True)
    tool = body.get("tool", name if name in tools else None)
    if tool is None:
        tree.wrong(path, f"'tool' is missing; there is {listed(tools.keys() - {OWN})}")
        return None
    if not is_text(tree, tool, (*path, "tool")):
        return None
    if tool not in tools:
        tree.wrong((*path, "tool"), f"no tool is called {shown(tool)}{nearest(tool, tools)}")
        return None
    if OWN in (name, tool):
        tree.wrong(path, f"{shown(OWN)} is the hub itself, which has nothing to set; choose another name")
        return None
    integration = tools[tool]
    known = (*KEYS["source"], *option_names(integration.options))
    known_keys(tree, body, path, known, "source")
    options = options_of(tree, {k: v for k, v in body.items() if k not in KEYS["source"]}, path, integration.options)
    expire = duration(tree, body.get("expire_after"), (*path, "expire_after"))
    beat = beat_of(tree, name, body["heartbeat"], (*path, "heartbeat")) if "heartbeat" in body else None
    rate = limit(tree, body["rate"], (*path, "rate"), 600, "requests") if "rate" in body else None
    return SourceRule(name=name, tool=tool, options=options, expire_after=expire, heartbeat=beat, rate=rate)
