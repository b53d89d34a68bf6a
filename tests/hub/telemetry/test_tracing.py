"""The way of an event as spans."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from scenario import Scenario

from hub.core.records import replace
from hub.settings import read_settings
from hub.telemetry.tracing import Traces

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


async def traced(folder: Path, spans: InMemorySpanExporter) -> Scenario:
    scenario, provider = Scenario(folder), TracerProvider()
    await scenario.start()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    traces = Traces(provider)
    scenario.hub.writer.listen(lambda changes: traces.written(changes, scenario.clock))
    scenario.hub.outbox.listen(lambda tried, seconds: traces.tried(tried, seconds, scenario.clock))
    return scenario


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


async def test_an_event_is_followed_from_its_sender_to_the_chat(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    """One trace: that of the request, which its sender began."""
    hub = await traced(tmp_path, spans)
    request = hub.request("nagios", {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTSTATE": "DOWN"})
    headers = {**request.headers, "traceparent": f"00-{TRACE}-{PARENT}-01"}
    accepted = await hub.hub.ingest.accept(replace(request, headers=headers))
    await hub.settle()
    await hub.stop()
    found = by_name(spans)
    accept, route, deliver = (found[f"tocsin {stage}"] for stage in ("accept", "route", "deliver"))

    assert {TRACE} == {f"{span.context.trace_id:032x}" for span in found.values()}
    assert (PARENT, accept.context, route.context) == (f"{accept.parent.span_id:016x}", route.parent, deliver.parent)
    assert accepted.events[0] == route.attributes["tocsin.event_id"]
    assert ("room:ops", "shown") == (deliver.attributes["tocsin.channel"], deliver.attributes["tocsin.result"])


async def test_a_recovery_is_delivered_under_its_own_request(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    hub = await traced(tmp_path, spans)
    await hub.nagios()
    spans.clear()
    await hub.nagios(state="UP", kind="RECOVERY")
    await hub.stop()
    found = by_name(spans)

    assert found["tocsin accept"].parent is None
    assert found["tocsin route"].context == found["tocsin deliver"].parent


def test_nothing_is_loaded_where_nobody_wants_it() -> None:
    assert not read_settings(variables={}).traces
    assert read_settings(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}).traces
