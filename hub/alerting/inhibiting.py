"""Which open alerts make others not worth telling, as memory and the jobs of a batch have them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hub.core.alert import Alert
from hub.core.inhibition import Inhibitions
from hub.core.rules import Rules
from hub.memory.draft import Draft
from hub.memory.state import State
from hub.store import Changes


@dataclass(slots=True)
class Overlay:
    """What one draft changed, as far as it was looked at."""

    index: Inhibitions
    seen: int = 0


class Inhibiting:
    """Answers by an index of what is committed, and by a small one for each draft on top of it."""

    def __init__(self, rules: Callable[[], Rules], state: State) -> None:
        self._rules = rules
        self._state = state
        self._index = Inhibitions(())
        self._of: Rules | None = None

    def note(self, changes: Changes) -> None:
        """Take in what was committed."""
        if self._rules().inhibit:
            for alert in changes.alerts.values():
                self._committed().put(alert)

    def over(self, draft: Draft, alert: Alert) -> tuple[tuple[str, str], ...]:
        """The rules that inhibit an alert, each with the alert by which it does."""
        if not self._rules().inhibit or not alert.open:
            return ()
        found: dict[str, str] = {}
        for index in self._layers(draft):
            for name, by in index.over(alert):
                if (other := draft.alert(by)) is None or not other.open:
                    return self._afresh(draft).over(alert)  # it ended in this batch; another may stand behind it
                found.setdefault(name, by)
        return tuple(found.items())

    def affected(self, draft: Draft, alert: Alert) -> set[str]:
        """The open alerts that an alert inhibits as it is given."""
        if not self._rules().inhibit or not alert.open:
            return set()
        ids = {id for index in self._layers(draft) for id in index.affected(alert)}
        return {id for id in ids if (other := draft.alert(id)) is not None and other.open}

    def _committed(self) -> Inhibitions:
        rules = self._rules()
        if self._of is not rules:
            self._of, self._index = rules, Inhibitions(rules.inhibit)
            for alert in self._state.alerts.values():
                self._index.put(alert)
        return self._index

    def _layers(self, draft: Draft) -> Iterator[Inhibitions]:
        for layer in draft.layers():
            if layer.alert_log:
                yield self._overlay(layer)
        yield self._committed()

    def _overlay(self, layer: Draft) -> Inhibitions:
        overlay = layer.overlay
        if not isinstance(overlay, Overlay) or overlay.index.rules != self._rules().inhibit:
            overlay = layer.overlay = Overlay(index=Inhibitions(self._rules().inhibit, beside=self._committed()))
        for alert in layer.alert_log[overlay.seen :]:
            overlay.index.put(alert)
        overlay.seen = len(layer.alert_log)
        return overlay.index

    def _afresh(self, draft: Draft) -> Inhibitions:
        index = Inhibitions(self._rules().inhibit)
        for alert in draft.open_alerts():
            index.put(alert)
        return index
