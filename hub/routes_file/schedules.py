"""`schedules:`: who is on call when, by layers of people who take turns, or by a calendar."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from hub.core.calendar import PRIVATE, over_http, parse_calendar
from hub.core.oncall import Layer, Schedule, first_turn, parse_handover, parse_rotation
from hub.core.times import parse_date, parse_zone
from hub.errors import Complaint
from hub.routes_file.beside import Unreadable, stays_beside
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.language import KEYS
from hub.routes_file.people import People
from hub.routes_file.shapes import SIMPLE_NAME, entries, is_text, known_keys, mapping, sequence, texts, typed, unique
from hub.routes_file.windows import Windows
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown
from hub.settings import url_fault, variable


@dataclass
class Schedules:
    """Reads schedules."""

    tree: Tree
    catalogue: Catalogue
    people: People
    windows: Windows
    by_name: Mapping[str, Schedule] = field(default_factory=dict)
    faults: list[Complaint] = field(default_factory=list)
    _private: dict[str, str] = field(default_factory=dict)
    """Settings of calendars, and whose each is."""

    def read(self, value: Any) -> None:
        found: dict[str, Schedule] = {}
        for name, given, path in entries(self.tree, value, ("schedules",)):
            body = mapping(
                self.tree, given, path, "a schedule is {timezone: Europe/London, layers: [{people: [alice, bob]}]}"
            )
            if body is None:
                continue
            known_keys(self.tree, body, path, KEYS["schedule"], "schedule")
            if not SIMPLE_NAME.fullmatch(name):
                what = f"{shown(name)} is no name that people could say: take web for 2h; use letters, digits, - _ ."
                self.tree.wrong(path, what, key=True)
            zone = typed(self.tree, parse_zone, body.get("timezone", "UTC"), (*path, "timezone"))
            if "calendar" in body:
                if calendar := self._calendar(name, body, path):
                    found[name] = Schedule(name=name, zone=zone or ZoneInfo("UTC"), calendar=calendar)
                continue
            if not body.get("layers"):
                what = "'layers' is missing; write: layers: [{people: [alice, bob], rotate: weekly}], or a calendar:"
                self.tree.wrong(path, what)
            given_layers = enumerate(sequence(self.tree, body.get("layers", []), (*path, "layers")))
            names: dict[str, Path_] = {}
            layers = [self._layer(one, i, (*path, "layers", i), names) for i, one in given_layers]
            if zone is not None and layers and all(layers):
                found[name] = Schedule(name=name, zone=zone, layers=tuple(one for one in layers if one))
        self.by_name = found

    def _calendar(self, name: str, body: Mapping[str, Any], path: Path_) -> str | None:
        """Where the calendar of a schedule is. What the settings of this machine make of it does not make it wrong."""
        place: Path_ = (*path, "calendar")
        if "layers" in body:
            self.tree.wrong((*path, "layers"), "a schedule has layers or a calendar, not both; remove one", key=True)
        calendar: str | None = typed(self.tree, parse_calendar, body["calendar"], place)
        if calendar is not None and "://" not in calendar:
            try:
                stays_beside(calendar)
            except Unreadable as error:
                self.tree.wrong(place, f"{shown(calendar)} {error}")
        if calendar != PRIVATE:
            return calendar
        setting = variable("CALENDAR_URL", name)
        owner = self._private.setdefault(setting, name)
        if owner != name:
            self.tree.wrong(path, f"{shown(name)} and {shown(owner)} would share {setting}; rename one", key=True)
        if self.catalogue.setting is None:
            return calendar
        url = self.catalogue.setting("CALENDAR_URL", name)
        if url is None:
            self.tree.warn(place, f"nobody is on call for {name} until {setting} is set", "missing-setting")
        elif wrong := url_fault(over_http(url.reveal())):
            self.faults.append(self.tree.fault(place, f"{setting} {wrong}", "setting"))
        return calendar

    def _layer(self, given: Any, number: int, path: Path_, names: dict[str, Path_]) -> Layer | None:
        body = mapping(self.tree, given, path, "a layer is {people: [alice, bob], rotate: weekly, handover: mon 09:00}")
        if body is None:
            return None
        known_keys(self.tree, body, path, KEYS["layer"], "layer")
        known = self.people.accounts
        people = list(texts(self.tree, body.get("people", []), (*path, "people")))
        for place, person in people:
            if person not in known:
                self.tree.wrong(place, f"nobody is called {shown(person)} in people{nearest(person, known)}")
        if "name" in body and is_text(self.tree, body["name"], (*path, "name")):
            unique(self.tree, body["name"], path, names, "layer")
        during = self.windows.name(body["during"], (*path, "during")) if "during" in body else ""
        every = typed(self.tree, parse_rotation, body.get("rotate", "weekly"), (*path, "rotate"))
        start = typed(self.tree, parse_date, body["start"], (*path, "start")) if "start" in body else None
        handover = typed(self.tree, parse_handover, body.get("handover", "09:00"), (*path, "handover"))
        if every is None or handover is None or ("start" in body and start is None):
            return None
        try:
            return Layer(
                name=str(body.get("name", number + 1)),
                people=tuple(person for _, person in people),
                first=first_turn(every, handover, start),
                every=every,
                during=self.windows.by_name.get(during),
            )
        except ValueError as error:
            self.tree.wrong(path, str(error))
            return None
