"""`people:` and `groups:`: who there is, by which account each is known, and where one person hears alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hub.contracts import Integration
from hub.core.calendar import KNOWN_BY
from hub.core.mentions import HERE
from hub.routes_file.shapes import entries, is_text, texts
from hub.routes_file.yaml_tree import Tree, nearest, shown


@dataclass
class People:
    """Reads people and their groups."""

    tree: Tree
    tools: Mapping[str, Integration]
    accounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of each person, by chat or tool."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, value: Any) -> None:
        found: dict[str, Mapping[str, str]] = {}
        known = {*self.tools, *KNOWN_BY}
        owners: dict[tuple[str, str], str] = {}
        for name, given, path in entries(self.tree, value, ("people",)):
            ids = {}
            for platform, id, place in entries(self.tree, given, path):
                if not is_text(self.tree, id, place):
                    continue
                if platform not in known and not self.tree.warned_enough:
                    what = f"no chat or tool is called {shown(platform)}{nearest(platform, known)}"
                    self.tree.warn(place, f"{what}; nobody is known by this account", "unknown-account")
                elif not self._is_account(platform, id) and not self.tree.warned_enough:
                    what = f"{shown(id)} is no id of an account, by which {platform} knows people"
                    self.tree.warn(place, f"{what}; its README says where to find theirs", "unknown-account")
                ids[platform] = id
                if (owner := owners.setdefault((platform, id), name)) != name:
                    what = f"{shown(owner)} has this account of {platform} already; an account is one person's"
                    self.tree.wrong(place, what)
            found[name] = ids
        self.accounts = found

    def _is_account(self, platform: str, id: str) -> bool:
        """As far as the chat can tell: `@alice` is what people see, and may change."""
        chat = self.tools[platform].chat if platform in self.tools else None
        return chat is None or chat.pings is None or (id != HERE and chat.pings(id))

    def read_groups(self, value: Any) -> None:
        found: dict[str, tuple[str, ...]] = {}
        for name, given, path in entries(self.tree, value, ("groups",)):
            members = list(texts(self.tree, given, path))
            for place, member in members:
                if member not in self.accounts:
                    self.tree.wrong(
                        place, f"nobody is called {shown(member)} in people{nearest(member, self.accounts)}"
                    )
            found[name] = tuple(member for _, member in members)
        self.groups = found

    def desks(self) -> Mapping[str, str]:
        """Where each person hears alone: in the first chat of theirs in which that can be."""
        found: dict[str, str] = {}
        for person, ids in self.accounts.items():
            for chat, id in ids.items():
                tool = self.tools.get(chat)
                if tool is not None and tool.chat is not None and tool.chat.person is not None:
                    found.setdefault(person, f"{chat}:{tool.chat.person(id)}")
        return found

    @cached_property
    def named(self) -> Mapping[str, Mapping[str, str]]:
        """By chat and person, the ids by which it can ping them."""
        found: dict[str, dict[str, str]] = {}
        for chat, tool in self.tools.items():
            if tool.chat is None or tool.chat.pings is None:
                continue
            ids = {person: ids[chat] for person, ids in self.accounts.items() if chat in ids} | {HERE: HERE}
            found[chat] = {person: id for person, id in ids.items() if tool.chat.pings(id)}
        return found
