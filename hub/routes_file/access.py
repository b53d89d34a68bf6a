"""`access:`: who may say what, where."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from hub.core.access import GROUP as ACCESS_GROUP
from hub.core.access import AccessEntry, alike_by, check_bound, overrules
from hub.core.rules import SourceRule
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.hearers import Hearers
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.people import People
from hub.routes_file.shapes import entries, is_text, known_keys, mapping, sequence, texts
from hub.routes_file.yaml_tree import MOST_NEAR, Path_, Tree, listed, nearest, shown

SAID = ("for", "what", "source", "target")
"""What `when` of `access` may bound beside fields and labels."""


@dataclass
class Access:
    """Reads the entries of access."""

    tree: Tree
    catalogue: Catalogue
    sources: Mapping[str, SourceRule]
    matches: Matches
    people: People
    hearers: Hearers

    def read(self, value: Any) -> Iterator[AccessEntry]:
        before: dict[Hashable, list[tuple[Path_, AccessEntry]]] = {}
        for i, given in enumerate(sequence(self.tree, value, ("access",))):
            path: Path_ = ("access", i)
            body = mapping(self.tree, given, path, 'an entry is {allow: "silence *", who: everyone}')
            if body is not None and (entry := self._entry(body, path)) is not None:
                alike = before.setdefault(alike_by(entry), [])
                self._never_applies(entry, path, alike)
                if len(alike) < MOST_NEAR:
                    alike.append((path, entry))
                yield entry

    def _never_applies(self, entry: AccessEntry, path: Path_, alike: Sequence[tuple[Path_, AccessEntry]]) -> None:
        """Warn of an entry that another leaves nothing to say, that names nobody, or bounds what nobody says."""
        if self.tree.warned_enough:
            return
        for at, one in alike:
            for over, under, place in ((one, entry, path), (entry, one, at)):
                if overrules(over, under):
                    what = f"can never apply: the entry in line {over.line} decides all that it could; remove one"
                    self.tree.warn(place, what, "access-idle")
                    return
        somebody = [who for who in entry.who if self.people.groups.get(who.removeprefix(ACCESS_GROUP), (who,))]
        if entry.who and not somebody:
            self.tree.warn((*path, "who"), "is nobody: name people of that group under groups:", "access-idle")
        for name in entry.when:
            if name not in SAID and not self.matches.is_name(name):
                what = f"nothing that is said has {shown(name)}{nearest(name, {*SAID, *self.matches.names})}"
                self.tree.warn((*path, "when", name), what, "access-idle")

    def _entry(self, body: Mapping[str, Any], path: Path_) -> AccessEntry | None:
        known_keys(self.tree, body, path, KEYS["access"], "access")
        effects = [effect for effect in ("allow", "deny") if effect in body]
        if len(effects) != 1:
            self.tree.wrong(path, 'an entry has one of allow and deny: {allow: "silence *", who: everyone}')
            return None
        command = body[effects[0]]
        if not is_text(self.tree, command, (*path, effects[0])):
            return None
        self._is_command(command, (*path, effects[0]))
        if not body.get("who"):
            self.tree.wrong(path, "'who' is missing; write everyone, group:… or a name of people")
        who = tuple(
            name for place, name in texts(self.tree, body.get("who") or [], (*path, "who")) if self._is_who(name, place)
        )
        for narrowing, anything in (("in", []), ("when", {})):
            if body.get(narrowing) == anything:
                what = "is empty, so that it would narrow nothing; name something, or leave it out"
                self.tree.wrong((*path, narrowing), what)
        places = tuple(
            address
            for place, name in texts(self.tree, body.get("in", []), (*path, "in"))
            if (address := self.hearers.address(name, place))
        )
        return AccessEntry(
            effect=effects[0],
            command=command,
            who=who,
            places=places,
            when=self._when(body, path),
            line=self.tree.line(path),
        )

    def known_in_chats(self, access: Sequence[AccessEntry]) -> None:
        """Warn of people with rights who have no account in any chat of the channels in which they could use them."""
        used = {address.partition(":")[0] for address in self.hearers.channels.addresses.values()}
        hear = {chat for chat in used if (tool := self.catalogue.tools[chat]).chat and tool.chat.ear}
        named = [who for entry in access for who in entry.who]
        members = (self.people.groups.get(who.removeprefix(ACCESS_GROUP), (who,)) for who in named)
        for person in dict.fromkeys(one for some in members for one in some if one in self.people.accounts):
            if hear and hear.isdisjoint(self.people.accounts[person]):
                what = f"{shown(person)} has no account in {listed(hear)}, and cannot use the rights of access: there"
                cure = f"add it: {person}: {{{min(hear)}: …}}"
                self.tree.warn(("people", person), f"{what}; {cure}, or let them say: link", "no-account")

    def _is_command(self, command: str, path: Path_) -> None:
        """Whether such a command could be said: as far as both go, the words are those of a command or, for a tool's
        command, those with a source of that tool in its place."""
        words = command.split()
        if words[-1:] == ["*"]:
            words = words[:-1]
        if any(_agree(words, name.split()) for name in self._commands):
            return
        said = " ".join(words[:2])
        self.tree.wrong(path, f"no command is called {shown(said)}{nearest(said, self._commands)}")

    @cached_property
    def _commands(self) -> frozenset[str]:
        split = [name.partition(" ") for name in self.catalogue.commands]
        of_sources = {
            f"{source.name} {verb}"
            for source in self.sources.values()
            for tool, _, verb in split
            if tool == source.tool
        }
        return frozenset(self.catalogue.commands) | {name for name in of_sources if not name.endswith(" ")}

    def _is_who(self, name: str, path: Path_) -> bool:
        if name == "everyone":
            return True
        if name.startswith("group:"):
            known, wanted, what = self.people.groups, name[6:], "group"
            if wanted in known:
                return True
            self.tree.wrong(path, f"no {what} is called {shown(wanted)}{nearest(wanted, known)}")
            return False
        if name in self.people.accounts:
            return True
        hint = f"; did you mean group:{name}?" if name in self.people.groups else nearest(name, self.people.accounts)
        self.tree.wrong(path, f"nobody is called {shown(name)} in people{hint}")
        return False

    def _when(self, body: Mapping[str, Any], path: Path_) -> Mapping[str, str]:
        found = {}
        for name, bound, place in entries(self.tree, body.get("when", {}), (*path, "when")):
            if not is_text(self.tree, bound, place):
                continue
            try:
                check_bound(bound)
            except ValueError as error:
                self.tree.wrong(place, str(error))
            found[name] = bound
        return found


def _agree(said: Sequence[str], name: Sequence[str]) -> bool:
    return all(fnmatchcase(word, pattern.replace("[", "[[]")) for pattern, word in zip(said, name, strict=False))
