"""`channels:`: where people hear, what their chats let one set, and who hears instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hub.contracts import Room
from hub.core.mentions import ON_CALL
from hub.core.storms import Limit
from hub.errors import Complaint
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.language import KEYS
from hub.routes_file.options import option_names, options_of
from hub.routes_file.shapes import entries, flag, is_text, known_keys, limit
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown


@dataclass
class Channels:
    """Reads channels, and remembers which are used. All but `addresses` is by address."""

    tree: Tree
    catalogue: Catalogue
    addresses: dict[str, str] = field(default_factory=dict)
    """Of each name."""
    options: dict[str, Any] = field(default_factory=dict)
    shadows: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    storms: dict[str, Limit | None] = field(default_factory=dict)
    fallbacks: dict[str, str] = field(default_factory=dict)
    faults: list[Complaint] = field(default_factory=list)
    _asked: list[tuple[str, Any, Path_]] = field(default_factory=list)
    """Of which address another hears, what is written, and where."""
    _places: dict[tuple[str, str], str] = field(default_factory=dict)
    """The first address at each."""
    _used: set[str] = field(default_factory=set)

    def read(self, value: Any) -> None:
        if value is None:
            self.tree.wrong((), "'channels' is missing; write: channels: {ops: room:ops}")
            return
        if value == {}:
            self.tree.wrong(("channels",), "is empty; write channels: {ops: room:ops}")
        for name, given, path in entries(self.tree, value, ("channels",)):
            body, address, place = {}, given, path
            if isinstance(given, dict):
                if "to" not in given:
                    self.tree.wrong(path, "'to' is missing; write: {to: room:ops}")
                    continue
                body, address, place = given, given["to"], (*path, "to")
            if self._is_address(address, place):
                self.addresses[name] = address
                self._options(body, address, path)
                if flag(self.tree, body.get("shadow"), (*path, "shadow")):
                    self.shadows.add(address)
                if flag(self.tree, body.get("pages"), (*path, "pages")):
                    self.pages.add(address)
                if "storm" in body:
                    self.storms[address] = limit(self.tree, body["storm"], (*path, "storm"))
                if "fallback" in body:
                    self._asked.append((address, body["fallback"], (*path, "fallback")))
                self._fault(address, place)
                self._meet(address, place)
        self._lead_to_fallbacks()

    def _meet(self, address: str, path: Path_) -> None:
        """Two addresses that are spelled differently may be one place."""
        chat, _, name = address.partition(":")
        driver = self.catalogue.tools[chat].chat
        if driver is not None:
            place = driver.place(Room(chat=chat, name=name))
            other = self._places.setdefault((chat, place), address)
            if other != address:
                self.tree.warn(path, f"{address} and {other} are one place, {place}; use one of them", "one-place")

    def _lead_to_fallbacks(self) -> None:
        """Which address hears what another does not show. None may lead back to itself."""
        for address, written, path in self._asked:
            if isinstance(written, str) and written.startswith(ON_CALL):
                self.tree.wrong(path, "who is on call changes; name a channel, such as fallback: ops")
                continue
            place = self.address(written, path)
            if place is None:
                continue
            if self.fallbacks.setdefault(address, place) != place:
                self.tree.wrong(path, "another channel of this address has another fallback; give them the same")
            elif address in (way := self._way_from(place)):
                by = f" by {', '.join(way[: way.index(address)])}" if place != address else ""
                self.tree.wrong(path, f"the fallback of {address} leads back to itself{by}; end it at another channel")

    def _way_from(self, place: str) -> list[str]:
        """The addresses that hear one after the other, from this on."""
        way = [place]
        while (place := self.fallbacks.get(place, "")) and place not in way:
            way.append(place)
        return way

    def _options(self, body: Mapping[str, Any], address: str, path: Path_) -> None:
        """What a channel sets beside `to`, as its chat's own record. Two names of one address must agree."""
        driver = self.catalogue.tools[address.partition(":")[0]].chat
        assert driver is not None
        known_keys(self.tree, body, path, (*KEYS["channel"], *option_names(driver.options)), "channel")
        given = {key: value for key, value in body.items() if key not in KEYS["channel"]}
        options = options_of(self.tree, given, path, driver.options)
        if self.options.setdefault(address, options) != options:
            self.tree.wrong(path, "another channel sets other options for this address; give them the same")

    def _fault(self, address: str, path: Path_) -> None:
        """What the settings of this machine make of the address. It does not make the rules wrong."""
        chat, _, name = address.partition(":")
        driver = self.catalogue.tools[chat].chat
        if driver is None or self.catalogue.setting is None:
            return
        setting = partial(self.catalogue.setting, chat)
        room = Room(chat=chat, name=name, options=self.options.get(address))
        if fault := driver.fault(room, setting):
            # Without the address: what is wrong with it may be that it is a secret.
            self.faults.append(self.tree.fault(path, fault, "setting"))
        elif not driver.ready(setting):
            self.tree.warn(path, f"{address} will hear nothing until {driver.missing} is set", "missing-setting")
        elif lacking := driver.lacks(room, setting):
            self.tree.warn(path, f"{address} will hear nothing until {lacking} is set", "missing-setting")

    def _is_address(self, address: Any, path: Path_) -> bool:
        if not isinstance(address, str) or ":" not in address or not address.partition(":")[2].strip():
            self.tree.wrong(path, f"{shown(address)} is not an address; write chat:name, such as room:ops")
            return False
        chat = address.partition(":")[0]
        if chat in self.catalogue.chats:
            return True
        self.tree.wrong(path, f"no chat is called {shown(chat)}{nearest(chat, self.catalogue.chats)}")
        return False

    def address(self, value: Any, path: Path_) -> str | None:
        """The address of a channel that is called so, or is at that address."""
        if isinstance(value, list) and value:
            what = "is a list, and one channel hears; write a route for each, all but the last with continue: true"
            self.tree.wrong(path, what)
            return None
        if not is_text(self.tree, value, path):
            return None
        if value in self.addresses:
            self._used.add(value)
            return self.addresses[value]
        if value in self.addresses.values():
            self._used |= {name for name, address in self.addresses.items() if address == value}
            return str(value)
        written = self.tree.value.get("channels") if isinstance(self.tree.value, dict) else None
        if value.partition(":")[0] in self.catalogue.chats and ":" in value:  # perhaps with a secret behind it
            what = (
                "is an address; list it under channels: with a name, such as {web: room:web}, and write the name here"
            )
            self.tree.wrong(path, what)
        elif self.addresses and not (isinstance(written, dict) and value in written):
            self.tree.wrong(path, f"no channel is called {shown(value)}{nearest(value, self.addresses)}")
        return None

    def warn_of_unused(self) -> None:
        for name in self.addresses:
            if name not in self._used:
                self.tree.warn(("channels", name), f"nothing is sent to channel {shown(name)}", "unused-channel")
