"""`time_windows:`: times that have a name, and who names one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hub.core.event import EPOCH
from hub.core.times import parse_zone
from hub.core.windows import TimeWindow, parse_dates, parse_days, parse_hours, parse_months
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.language import KEYS
from hub.routes_file.shapes import entries, is_text, known_keys, mapping, texts, typed
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown

MOST_LOOKS = 50
"""Windows and silences of which it is said whether they are over."""
WINDOW: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "timezone": ("zone", parse_zone),
    "days": ("days", parse_days),
    "hours": ("hours", parse_hours),
    "months": ("months", parse_months),
    "dates": ("dates", parse_dates),
    "except": ("excepted", parse_dates),
}


@dataclass
class Windows:
    """Reads windows, and finds them by name."""

    tree: Tree
    catalogue: Catalogue
    by_name: Mapping[str, TimeWindow] = field(default_factory=dict)
    _looks: int = 0
    """How often it was looked whether something is over."""

    def read(self, value: Any) -> None:
        found: dict[str, TimeWindow] = {}
        for name, given, path in entries(self.tree, value, ("time_windows",)):
            example = 'a window is {days: mon-fri, hours: "09:00-18:00", timezone: Europe/London}'
            body = mapping(self.tree, given, path, example)
            if body is None:
                continue
            known_keys(self.tree, body, path, KEYS["window"], "window")
            read: dict[str, Any] = {"zone": ZoneInfo("UTC")}
            for key, (name_of_field, parse) in WINDOW.items():
                if key == "timezone" and key in body:
                    read[name_of_field] = typed(self.tree, parse, body[key], (*path, key)) or read[name_of_field]
                elif key in body:
                    if body[key] == []:
                        self.tree.wrong((*path, key), f"is empty; leave it out, or write a text: {example}")
                    written = texts(self.tree, body[key], (*path, key))
                    several = [typed(self.tree, parse, text, place) for place, text in written]
                    if several and all(one is not None for one in several):
                        read[name_of_field] = _together(several)
            found[name] = TimeWindow(**read)
            self._ever_and_not_ever(found[name], path)
        self.by_name = found

    def name(self, name: Any, path: Path_) -> str:
        """The name of a window, if there is one of that name."""
        if is_text(self.tree, name, path) and name not in self.by_name:
            what = f"no window is called {shown(name)}{nearest(name, self.by_name)}"
            self.tree.wrong(path, f"{what} (they are listed under time_windows:)")
        return str(name)

    def ending(self, name: Any, path: Path_) -> TimeWindow | None:
        """The window of that name, if it ends ever."""
        window = self.by_name.get(name) if isinstance(name, str) else None
        if window is None:
            what = f"no window is called {shown(name)}{nearest(str(name), self.by_name)}"
            self.tree.wrong(path, f"{what} (they are listed under time_windows:)")
        elif window.active(EPOCH) and window.closes(EPOCH) is None:
            what = f"{shown(name)} is always open, so that it would hold for ever; give the window days or hours"
            self.tree.wrong(path, what)
            return None
        return window

    def now(self) -> datetime | None:
        """None where nothing is to be said of what is over: to look for the next time may take a tenth of a second."""
        self._looks += 1
        return self.catalogue.now() if self.catalogue.now is not None and self._looks <= MOST_LOOKS else None

    def _ever_and_not_ever(self, window: TimeWindow, path: Path_) -> None:
        """Warn of a window that does not tell one time from another."""
        now = self.now()
        if now is None or window.opens(now) is not None:
            return
        if window.closes(now) is None:
            what = "is always open" if window.active(now) else "opens never again"
            self.tree.warn(path, f"{what}; give it other days, hours or dates, or remove it", "window-idle")


def _together(parsed: Sequence[Any]) -> Any:
    """Several texts of one key, read as one: sets and tuples join."""
    first, *others = parsed
    return first.union(*others) if isinstance(first, frozenset) else sum(others, first)
