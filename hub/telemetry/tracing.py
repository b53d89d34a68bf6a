"""The way of an event as spans of OpenTelemetry: accepted, routed, delivered. The one home of opentelemetry, which is
there only where `tocsin[otel]` is installed, and loaded only where somebody set where to send them.

Nothing is measured on the way: spans are made of what is written, after it was. So a hub without them does nothing for
them. Those of a request that named a trace in `traceparent` belong to it. They hold ids and names of the rules, and no
stranger's text.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from hub.core.notification import Post
from hub.core.rules import OWN
from hub.delivering.settling import Tried
from hub.errors import SettingsError
from hub.store import Changes, StoredEvent

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer, TracerProvider

REMEMBERED = 10_000
"""Events and alerts whose spans those of deliveries hang under."""
SECOND = 1_000_000_000
"""In nanoseconds, as spans have their times."""


@contextmanager
def begun() -> Iterator["Traces"]:
    """Spans go where OTEL_EXPORTER_OTLP_ENDPOINT says. Raises SettingsError where nothing is there to send them."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set; for traces install the hub with its extra: pip install '.[otel]'"
        ) from error
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "tocsin"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield Traces(provider)
    finally:
        provider.shutdown()


class Traces:
    def __init__(self, provider: "TracerProvider") -> None:
        self._tracer: Tracer = provider.get_tracer("tocsin")
        self._known: OrderedDict[str, Context] = OrderedDict()
        """By event, and by the alert that it is about."""

    def written(self, changes: Changes, now: datetime) -> None:
        """Told of every commit."""
        accepted: dict[str, Context] = {}
        for request in changes.requests:
            about = {
                "tocsin.source": request.source,
                "tocsin.request_id": request.id,
                "tocsin.verdict": request.verdict,
            }
            given = _named(request.headers)
            accepted[request.id] = self._span("tocsin accept", request.received_at, now, about, given, server=True)
        for stored in (*changes.events, *changes.decided.values()):
            self._routed(stored, accepted.get(stored.event.request_id), now)

    def _routed(self, stored: StoredEvent, under: "Context | None", now: datetime) -> None:
        event, decision = stored.event, stored.decision
        about = {"tocsin.source": event.source, "tocsin.event_id": event.id, "tocsin.status": event.status.value}
        if decision is not None:
            routes = ",".join(route for route, _ in decision.routes)
            about |= {"tocsin.alert_id": decision.alert, "tocsin.change": decision.change, "tocsin.routes": routes}
        context = self._span("tocsin route", event.received_at, now, about, under, failed=decision is None)
        if event.source != OWN:
            self._remember(event.id, context)
            if decision is not None and decision.alert:
                self._remember(decision.alert, context)

    def tried(self, tried: Tried, seconds: float, now: datetime) -> None:
        """Told of every attempt to deliver."""
        item = tried.item
        subject = item.group if isinstance(item, Post) else item.event
        about = {
            "tocsin.channel": item.channel,
            "tocsin.delivery_id": item.id,
            "tocsin.event_id": subject,
            "tocsin.result": tried.came.value,
        }
        end = _nanoseconds(now)
        span = self._tracer.start_span(
            "tocsin deliver", self._known.get(subject), attributes=about, start_time=end - int(seconds * SECOND)
        )
        span.end(end)

    def _remember(self, id: str, context: "Context") -> None:
        self._known[id] = context
        self._known.move_to_end(id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _span(
        self,
        name: str,
        began: datetime,
        ended: datetime,
        about: Mapping[str, str],
        under: "Context | None",
        *,
        server: bool = False,
        failed: bool = False,
    ) -> "Context":
        from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

        kind = SpanKind.SERVER if server else SpanKind.INTERNAL
        span = self._tracer.start_span(name, under, kind, about, start_time=_nanoseconds(began))
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(_nanoseconds(ended))
        return set_span_in_context(span)


def _named(headers: Mapping[str, str]) -> "Context | None":
    """The trace that a request belongs to, if it says so."""
    if "traceparent" not in headers:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(headers)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * SECOND)
