"""Which open alerts make others not worth telling: of a host that is down, its services.

An alert never inhibits itself. Of two alerts that both match `when` and `quiets` of a rule, neither inhibits the
other by it, as in Alertmanager: each would quiet the other, and nobody would hear of either. One that matches both
sides still inhibits, and is inhibited by, those that match one. Rules do not look at each other: two that are written
against each other quiet both sides. Who is inhibited inhibits all the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from hub.core.alert import Alert, AlertId
from hub.core.matching import Match, alert_look


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitRule:
    """An open alert that matches `when` quiets those that match `quiets` and have the same values of `equal`.

    Where one of these fields is absent or empty the rule does not apply: two alerts without a host share none.
    """

    name: str
    when: Match
    quiets: Match
    equal: tuple[str, ...] = ()


class _Side(Enum):
    """What of a rule an alert matches: `when`, `quiets`, or both."""

    SOURCE = auto()
    TARGET = auto()
    BOTH = auto()


_INHIBITS: Mapping[_Side, tuple[_Side, ...]] = {
    _Side.SOURCE: (_Side.TARGET, _Side.BOTH),
    _Side.TARGET: (),
    _Side.BOTH: (_Side.TARGET,),
}
_INHIBITED_BY = {side: tuple(by for by in _Side if side in _INHIBITS[by]) for side in _Side}
_SIDES = {(True, False): _Side.SOURCE, (False, True): _Side.TARGET, (True, True): _Side.BOTH}

LOOKED = 16
"""Alerts of which it is kept where they stand."""
_Stand = tuple[int, tuple[str | None, ...], _Side]
"""Where alerts meet: the position of a rule, values of its `equal`, and the side on which they stand."""

_Looked = dict[int, tuple[Alert, tuple[_Stand, ...]]]


class Inhibitions:
    """The open alerts, by the rules and values that make them inhibit or be inhibited.

    Each question matches one alert with every rule and then looks up the others: its cost does not grow with the
    number of alerts that are open.
    """

    __slots__ = ("_alerts", "_looked", "_stands", "rules")

    def __init__(self, rules: Iterable[InhibitRule], beside: "Inhibitions | None" = None) -> None:
        """`beside`: another of the same rules, which are asked about the same alerts."""
        self.rules = tuple(rules)
        self._looked: _Looked = beside._looked if beside is not None else {}
        # A dict without values is a set that keeps the order, so that the same history gives the same answers.
        self._alerts: dict[_Stand, dict[AlertId, None]] = {}
        self._stands: dict[AlertId, frozenset[_Stand]] = {}

    def put(self, alert: Alert) -> None:
        """Take in an alert as it now is. One that is not open is dropped."""
        stands = frozenset(self._stands_of(alert)) if alert.open else frozenset[_Stand]()
        before = self._stands.get(alert.id, frozenset())
        for stand in before - stands:
            self._leave(stand, alert.id)
        for stand in stands - before:
            self._alerts.setdefault(stand, {})[alert.id] = None
        if stands:
            self._stands[alert.id] = stands
        else:
            self._stands.pop(alert.id, None)

    def drop(self, id: AlertId) -> None:
        for stand in self._stands.pop(id, ()):
            self._leave(stand, id)

    def over(self, alert: Alert) -> tuple[tuple[str, AlertId], ...]:
        """The rules that inhibit the alert as it is given, each with one of the open alerts by which it does."""
        found = (
            (self.rules[rule].name, self._first((rule, values, side), alert.id))
            for rule, values, side in self._stands_of(alert)
        )
        return tuple((name, by) for name, by in found if by is not None)

    def affected(self, alert: Alert) -> tuple[AlertId, ...]:
        """The alerts taken in that the alert inhibits as it is given, or did before it ended; each once.

        Of an alert that has changed, ask before and after: it may have stopped to inhibit some and begun with others.
        """
        ids = (
            id
            for rule, values, side in self._stands_of(alert)
            for other in _INHIBITS[side]
            for id in self._alerts.get((rule, values, other), ())
        )
        return tuple(id for id in dict.fromkeys(ids) if id != alert.id)

    def _stands_of(self, alert: Alert) -> tuple[_Stand, ...]:
        """It is asked several times in a row about one alert, as it was and as it is."""
        known = self._looked.get(id(alert))
        if known is not None:  # it holds the alert, too, so that nobody else is given its id meanwhile
            return known[1]
        if len(self._looked) >= LOOKED:
            self._looked.clear()
        stands = tuple(self._look(alert))
        self._looked[id(alert)] = (alert, stands)
        return stands

    def _look(self, alert: Alert) -> Iterator[_Stand]:
        look = alert_look(alert)
        for position, rule in enumerate(self.rules):
            values = tuple(look(name) for name in rule.equal)
            side = _SIDES.get((rule.when.matches(look), rule.quiets.matches(look))) if all(values) else None
            if side is not None:
                yield position, values, side

    def _first(self, stand: _Stand, itself: AlertId) -> AlertId | None:
        """The alert that inhibits whoever stands here."""
        rule, values, side = stand
        ids = (id for by in _INHIBITED_BY[side] for id in self._alerts.get((rule, values, by), ()))
        return next((id for id in ids if id != itself), None)

    def _leave(self, stand: _Stand, id: AlertId) -> None:
        there = self._alerts[stand]
        del there[id]
        if not there:
            del self._alerts[stand]
