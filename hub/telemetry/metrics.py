"""What the hub counts, under the names that dashboards know. The one home of prometheus-client."""

from collections import Counter as CounterOf
from collections.abc import Callable, Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

STAGES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
MOST_KEPT = 4_096
"""Counters that are at hand without a look for their labels."""
DELIVERIES = {
    "shown": "sent",
    "refused": "dead",
    "uncertain": "unknown",
    "lost": "owed",
    "unreachable": "owed",
    "shadow": "shadow",
}
"""What an attempt came to, as the state that a dashboard knows."""


class Metrics:
    """Labels are names of the rules or of a closed choice, so that no stranger makes a series. `place` gives the name
    under which a channel is counted."""

    def __init__(self, place: Callable[[str], str]) -> None:
        self._place = place
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "tocsin_requests", "Requests of sources.", ["source", "verdict"], registry=self._registry
        )
        self.events = Counter("tocsin_events", "Events accepted.", ["source", "status"], registry=self._registry)
        self.deliveries = Counter(
            "tocsin_deliveries",
            "Attempts to deliver, by what came of them.",
            ["channel", "state"],
            registry=self._registry,
        )
        self.stages = Histogram(
            "tocsin_stage_seconds", "Time a stage took.", ["stage"], buckets=STAGES, registry=self._registry
        )
        self.oldest = Gauge(
            "tocsin_outbox_oldest_seconds",
            "How long the oldest owed message has waited.",
            ["channel"],
            registry=self._registry,
        )
        self.unrouted = Gauge("tocsin_unrouted", "Events that a rule failed to route.", registry=self._registry)
        self.failures = Counter(
            "tocsin_template_failures",
            "Templates that failed, so that plain words were used.",
            ["template"],
            registry=self._registry,
        )
        self.leader = Gauge("tocsin_leader", "Whether this replica leads; a hub alone does.", registry=self._registry)
        self._counted = CounterOf[tuple[str, str]]()
        """Requests since somebody last asked: a counter of the library takes a lock for each."""
        self._heard = CounterOf[tuple[str, str]]()
        self._tried = CounterOf[tuple[str, str]]()
        self._timed = lru_cache(maxsize=MOST_KEPT)(self.stages.labels)
        self._config = Info("tocsin_config", "The rules in force.", registry=self._registry)

    def observe(self, stage: str, seconds: float) -> None:
        self._timed(stage).observe(seconds)

    def count_request(self, source: str, verdict: str) -> None:
        self._counted[source, verdict] += 1

    def count_event(self, source: str, status: str) -> None:
        self._heard[source, status] += 1

    def count_delivery(self, channel: str, came: str) -> None:
        self._tried[self._place(channel), DELIVERIES[came]] += 1

    def render(self, *, config: str, oldest: Mapping[str, float], leads: bool) -> bytes:
        counted = ((self.requests, self._counted), (self.events, self._heard), (self.deliveries, self._tried))
        for counter, since in counted:
            for labels, number in since.items():
                counter.labels(*labels).inc(number)
            since.clear()
        self._config.info({"hash": config})
        self.leader.set(leads)
        self.oldest.clear()
        ages: dict[str, float] = {}
        for channel, age in oldest.items():
            place = self._place(channel)
            ages[place] = max(age, ages.get(place, 0.0))
        for place, age in ages.items():
            self.oldest.labels(place).set(age)
        return generate_latest(self._registry)


CONTENT_TYPE = CONTENT_TYPE_LATEST
