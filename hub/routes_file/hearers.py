"""Who hears: a channel, or who is on call; and who is named there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.contracts import Integration
from hub.core.mentions import GROUP, HERE, ON_CALL
from hub.routes_file.channels import Channels
from hub.routes_file.people import People
from hub.routes_file.schedules import Schedules
from hub.routes_file.shapes import texts
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown

NO_SCHEDULES = "; there are none yet: schedules: {web: {layers: [{people: [alice]}]}}"


@dataclass
class Hearers:
    """Reads `to` and `mention`."""

    tree: Tree
    tools: Mapping[str, Integration]
    channels: Channels
    people: People
    schedules: Schedules

    def to(self, body: Mapping[str, Any], path: Path_) -> str | None:
        if "to" not in body:
            return None
        return self.address(body["to"], (*path, "to"))

    def address(self, value: Any, path: Path_) -> str | None:
        """The address of a channel, or `oncall:` and the name of a schedule."""
        if isinstance(value, str) and value.startswith(ON_CALL) and value not in self.channels.addresses:
            return self._on_call(value, path)
        return self.channels.address(value, path)

    def places(self, name: str, path: Path_) -> frozenset[str]:
        """Where that hears which a test names: a channel, whoever is on call, or somebody alone."""
        channels, schedules = self.channels.addresses, self.schedules.by_name
        if name in channels or name in channels.values():
            return frozenset({channels.get(name, name)})
        desks = self.people.desks()
        if (schedule := schedules.get(name.removeprefix(ON_CALL))) and name.startswith(ON_CALL):
            return frozenset(desks[person] for layer in schedule.layers for person in layer.people if person in desks)
        if name in desks:
            return frozenset({desks[name]})
        known = {*channels, *desks, *(ON_CALL + one for one in schedules)}
        self.tree.wrong(path, f"no channel is called {shown(name)}{nearest(name, known)}", key=True)
        return frozenset()

    @property
    def example(self) -> str:
        """A channel that there is, for whoever named none."""
        return next(iter(self.channels.addresses), "…")

    def _on_call(self, value: str, path: Path_) -> str | None:
        name = value.removeprefix(ON_CALL)
        if name not in self.schedules.by_name:
            self.tree.wrong(
                path, f"no schedule is called {shown(name)}{nearest(name, self.schedules.by_name) or NO_SCHEDULES}"
            )
            return None
        desks = self.people.desks()
        for person in dict.fromkeys(p for layer in self.schedules.by_name[name].layers for p in layer.people):
            if person not in desks:
                what = f"{shown(person)} has no account in a chat that one person can be told in"
                self.tree.warn(path, f"{what}; when on call, everything_else hears", "no-account")
        return value

    def mention(self, value: Any, path: Path_) -> tuple[str, ...]:
        """Who is named: `[alice, group:ops, oncall:web, here]`; `[]` names nobody, whatever the route above says."""
        known = {
            HERE,
            *self.people.accounts,
            *(GROUP + name for name in self.people.groups),
            *(ON_CALL + name for name in self.schedules.by_name),
        }
        found = list(texts(self.tree, value, path))
        for place, name in found:
            if name not in known:
                where = "" if self.people.accounts else " (people stand under people:)"
                self.tree.wrong(place, f"nobody is called {shown(name)}{nearest(name, known)}{where}")
        return tuple(dict.fromkeys(name for _, name in found if name in known))

    def can_be_named(self, body: Mapping[str, Any], path: Path_, names: Sequence[str], to: str | None) -> None:
        """Warn of those whom the chat of a route's channel cannot ping: there they are only written."""
        chat = (to or "").partition(":")[0]
        tool = self.tools.get(chat)
        if not {"mention", "to"} & body.keys() or tool is None or tool.chat is None or tool.chat.pings is None:
            return
        people = dict.fromkeys(person for name in names for person in self._all_of(name))
        for person in [person for person in people if person not in self.people.named.get(chat, {})]:
            if person == HERE:
                what = f"{tool.title} cannot wake all who are there; 'here' is only written"
            else:
                what = f"{shown(person)} has no account of {chat} in people: and is written there, not pinged"
            self.tree.warn((*path, "mention"), what, "no-account")

    def _all_of(self, name: str) -> Iterator[str]:
        """Whoever a name of `mention` may ever stand for."""
        kind, _, which = name.partition(":")
        if f"{kind}:" == GROUP:
            yield from self.people.groups[which]
        elif f"{kind}:" == ON_CALL:
            yield from (person for layer in self.schedules.by_name[which].layers for person in layer.people)
        else:
            yield name
