"""Accept: verify, parse, hand to the writer. A 2xx is given when it is on disk, and not before."""

import asyncio
import difflib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, islice
from math import ceil
from typing import Any, Protocol

from hub import ids
from hub.contracts import Integration, NamesDeliveries, Quiet, Several, WebhookRequest
from hub.core.alert import NOTHING_NEW
from hub.core.bounds import bounded
from hub.core.buckets import Buckets
from hub.core.event import Event, Report, event_of
from hub.core.records import Record, field, replace
from hub.core.rules import Heartbeat, Rules, SourceRule
from hub.errors import Overloaded, PayloadError, TocsinError, Unauthenticated, Unsupported
from hub.memory.draft import Draft
from hub.memory.writer import Writer
from hub.proof import Secret, relayed
from hub.store import LifeKey, Store, StoredEvent, StoredRequest

log = logging.getLogger("tocsin.ingest")

LONGEST_DELIVERY_ID = 200
LONGEST_COMPLAINT = 300
MOST_COMPLAINTS = 20
"""Of one body. Of more entries that are not understood only the places are kept."""
MISSING_AGAIN = timedelta(minutes=15)
"""How long a body is not kept again that brings nothing but the same entries that are not understood."""
CAME_AGAIN = "came once more meanwhile, and was understood then"
"""Of a request in quarantine, which its tool has delivered again."""
Route = Callable[[Draft, Event, Any], StoredEvent]


class NotNamed(TocsinError):
    """The rules name no such source or heartbeat; `nearest` are those that they name and that are most like it."""

    def __init__(self, what: str, complaint: str, name: str, named: Sequence[str]) -> None:
        self.what = what
        self.nearest = difflib.get_close_matches(name, named, n=3)
        hint = f"; did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"{complaint} '{name[:100]}'{hint}")


class Malformed(TocsinError):
    """The body could not be understood; it is kept in quarantine under `quarantined`."""

    def __init__(self, why: str, path: str, quarantined: str) -> None:
        super().__init__(why)
        self.path = path
        self.quarantined = quarantined


class Accepted(Record, frozen=True, kw_only=True):
    """What a source is told. `events` are ids, in the order of the reports. `missing` has, by its place, what is wrong
    with each entry of the body that was not understood."""

    events: tuple[str, ...] = ()
    ignored: str = ""
    duplicate: bool = False
    quarantined: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)


class Understood(Record, frozen=True, kw_only=True, gc=True):
    """The verdict on a request, before it is written."""

    verdict: str = "events"
    """`events`, `quiet`, `quarantined`, or `partly`: events, and entries that lie in quarantine."""
    why: str = ""
    reports: Sequence[Report] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    broken: PayloadError | None = None
    body: Any = None


class Fold(Protocol):
    """What becomes of what was accepted: the router's work, or, where another replica leads, nothing yet."""

    def route(self, draft: Draft, event: Event, body: Any = None) -> StoredEvent: ...
    def fold(self, draft: Draft, event: Event, body: Any = None) -> StoredEvent:
        """The same, where a rule that raises may fail the job as a whole."""

    def keys(self, event: Event) -> Sequence[LifeKey]:
        """The lives that it may look for."""

    def hear(self, draft: Draft, source: str, beat: Heartbeat | None = None) -> None:
        """The source, or a heartbeat posted for it, was heard."""


class Ingest:
    def __init__(
        self,
        *,
        rules: Callable[[], Rules],
        tools: Mapping[str, Integration],
        secrets: Callable[[str], Sequence[Secret]],
        open_without_secret: bool,
        router: Fold,
        writer: Writer,
        store: Store,
        now: Callable[[], datetime],
        count: Callable[[str, str], None],
        redact: Callable[[WebhookRequest], WebhookRequest],
    ) -> None:
        self._rules = rules
        self._tools = tools
        self._namers = _namers(tools)
        self._secrets = secrets
        self._open = open_without_secret
        self._router = router
        self._writer = writer
        self._store = store
        self._now = now
        self._count = count
        self._redact = redact
        self._buckets = Buckets()
        self._missing: dict[str, tuple[Mapping[str, str], datetime]] = {}
        """By source what was kept last of entries that were not understood, and when."""
        self._others: Callable[[], Awaitable[None]] | None = None
        self._listeners: list[Callable[[Sequence[Event], WebhookRequest], None]] = []
        self._heeding: list[Callable[[WebhookRequest], None]] = []

    def wait_for(self, others: Callable[[], Awaitable[None]]) -> None:
        """Before anything is routed that comes, this is done: others may have taken in what came before it."""
        self._others = others

    def listen(self, listener: Callable[[Sequence[Event], WebhookRequest], None]) -> None:
        """Be told of what was accepted, after it is on disk."""
        self._listeners.append(listener)

    def heed(self, listener: Callable[[WebhookRequest], None]) -> None:
        """Be told of every request that was taken in, also of one that says nothing."""
        self._heeding.append(listener)

    def knows(self, source: str) -> bool:
        return source in self._rules().sources

    def paths(self, source: str) -> Sequence[str]:
        """To which the tool of a source posts, too, behind its address."""
        return self._source(source)[1].paths

    async def accept(self, request: WebhookRequest) -> Accepted:
        """Take a request in. Raises NotNamed, Unauthenticated, Malformed or Overloaded."""
        source, integration = self._source(request.source)
        self._verify(request, integration)
        self._hold_to_rate(request, source)
        return await self._take(request, source, integration)

    async def take(self, request: WebhookRequest) -> Accepted:
        """Take a request in that needs no proof: one that the hub itself fetched."""
        return await self._take(request, *self._source(request.source))

    async def _take(self, request: WebhookRequest, source: SourceRule, integration: Integration) -> Accepted:
        request, tool = self._redact(request), source.tool
        understood = understand(integration, request, source.options)
        accepted = await self._keep(request, tool, understood)
        self._count(request.source, _counted(understood.verdict, accepted))
        for listener in self._heeding:
            listener(request)
        if understood.broken is not None and integration.refusal == 400:
            raise Malformed(understood.why, understood.broken.path, accepted.quarantined)
        return accepted

    async def beat(self, request: WebhookRequest, name: str) -> None:
        """A heartbeat was posted. Raises NotNamed, Unauthenticated or Overloaded."""
        self._verify(request, self._source(request.source)[1])
        beat = self._rules().heartbeat(name)
        await self._writer.do(lambda draft: self._router.hear(draft, request.source, beat))
        if beat is None:
            names = [one.name for one in self._rules().heartbeats]
            raise NotNamed("heartbeat", "heartbeats: of the rules names no", name, names)

    def _hold_to_rate(self, request: WebhookRequest, source: SourceRule) -> None:
        """After the proof: nobody else can use up what a source may send."""
        if source.rate is None:
            return
        wait = self._buckets.take(request.source, source.rate, request.received_at)
        if wait is not None:
            self._count(request.source, "limited")
            raise Overloaded(f"source {source.name} sends {source.rate}", retry_after=ceil(wait.total_seconds()))

    def _source(self, name: str) -> tuple[SourceRule, Integration]:
        source = self._rules().source(name)
        if source is None or self._tools[source.tool].source is None:
            posted = [known for known, rule in self._rules().sources.items() if self._tools[rule.tool].source]
            raise NotNamed("source", "no source is called", name, posted)
        return source, self._tools[source.tool]

    def _verify(self, request: WebhookRequest, integration: Integration) -> None:
        assert integration.source is not None
        secrets = self._secrets(request.source)
        if not secrets and self._open and not relayed(request.headers):
            return
        if not secrets:
            self._count(request.source, "refused")
            raise Unauthenticated(f"source {request.source} has no secret; the operator must set one")
        try:
            integration.source.verify(request, secrets)
        except Unauthenticated:
            self._count(request.source, "refused")
            raise

    async def _keep(self, request: WebhookRequest, tool: str, understood: Understood) -> Accepted:
        events, stored = self._make(request, tool, understood)
        if self._others is not None and events:
            await self._others()
        delivery = stored.delivery_id if stored.verdict != "quarantined" or request.fetched else ""
        keys = [key for event in events for key in self._router.keys(event)]
        named = (request.source, delivery) if delivery else None
        again = bool(stored.missing) and self._is_missing_again(stored)
        write = partial(self._write, stored=stored, events=events, body=understood.body, again=again)
        try:
            accepted = await self._writer.do(partial(write, route=self._router.fold), keys=keys, delivery=named)
        except Overloaded:
            raise
        except Exception:  # noqa: BLE001 - with a net under each event, which costs as much as its way, only where one fell
            accepted = await self._writer.do(partial(write, route=self._router.route), keys=keys, delivery=named)
        if accepted.quarantined and stored.missing:
            self._missing[stored.source] = stored.missing, stored.received_at
        if log.isEnabledFor(logging.DEBUG):
            _note(stored, accepted)
        kept = events if len(accepted.events) == len(events) else [one for one in events if one.id in accepted.events]
        if kept and not accepted.duplicate:
            for listener in self._listeners:
                listener(kept, request)
        return accepted

    def _make(
        self, request: WebhookRequest, tool: str, understood: Understood
    ) -> tuple[Sequence[Event], StoredRequest]:
        request_id, delivery = ids.new_id(), delivery_id(self._namers.get(tool), request, understood)
        events = [
            event_of(
                bounded(report),
                id=ids.new_event_id(),
                source=request.source,
                tool=tool,
                received_at=request.received_at,
                delivery_id=delivery,
                request_id=request_id,
            )
            for report in understood.reports
        ]
        stored = StoredRequest(
            id=request_id,
            source=request.source,
            tool=tool,
            received_at=request.received_at,
            headers=request.headers,
            query=request.query,
            body=request.body,
            verdict=understood.verdict,
            why=understood.why,
            path=understood.broken.path if understood.broken else "",
            fetched=request.fetched,
            delivery_id=delivery,
            events=tuple(event.id for event in events),
            missing=understood.missing,
        )
        return events, stored

    def _is_missing_again(self, stored: StoredRequest) -> bool:
        """A Prometheus says each minute the same of the alert that is not understood as of all others."""
        missing, at = self._missing.get(stored.source, ({}, stored.received_at))
        return missing == stored.missing and stored.received_at - at < MISSING_AGAIN

    def _write(
        self, draft: Draft, *, stored: StoredRequest, events: Sequence[Event], body: Any, again: bool, route: Route
    ) -> Accepted:
        """`again`: the entries that are missing lie in quarantine already."""
        if not stored.fetched:  # what we asked for ourselves does not prove that the source still posts
            self._router.hear(draft, stored.source)
        if stored.verdict == "quarantined":
            draft.changes.requests.append(stored)
            return Accepted(quarantined=stored.id)
        if stored.delivery_id and (first := draft.delivered(stored.source, stored.delivery_id)) is not None:
            return Accepted(events=first, duplicate=True)
        routed = [one for one in [route(draft, event, body) for event in events] if not _is_known(one)]
        if events and not routed and (again or not stored.missing):
            return Accepted(ignored=NOTHING_NEW, missing=stored.missing)
        if len(routed) < len(events):
            stored = replace(stored, events=tuple(one.event.id for one in routed))
        draft.changes.requests.append(stored)
        draft.note_delivery(stored)
        draft.changes.events.extend(routed)
        _warn_of_failures(routed)
        if stored.missing:
            return Accepted(events=stored.events, quarantined=stored.id, missing=stored.missing)
        return Accepted(events=stored.events, ignored=stored.why)

    async def replay(self, id: str) -> Accepted | None:
        """Read a quarantined request again with the parser and the rules of now, and of one that was understood in part
        take in what was missing. None if it is not in quarantine. Raises Malformed or Unsupported where it is still not
        understood."""
        stored = await self._store.request(id)
        if stored is None or not stored.waits:
            return None
        source, integration = self._source(stored.source)
        again = _webhook(stored)
        understood = _of_these(stored.missing, understand(integration, again, source.options))
        if understood.broken is not None:
            raise Malformed(understood.why, understood.broken.path, id)
        if understood.verdict == "quarantined":
            raise Unsupported(understood.why)
        events, fresh = self._make(again, source.tool, understood)
        released = replace(
            stored,
            verdict=fresh.verdict,
            why=fresh.why,
            missing=fresh.missing,
            delivery_id=fresh.delivery_id,
            events=(*stored.events, *fresh.events),
            replayed_at=None if fresh.missing else self._now(),
        )
        events = [replace(event, request_id=id) for event in events]
        release = partial(self._release, stored=released, events=events, body=understood.body)
        accepted = await self._writer.do(
            partial(release, repeats=not stored.missing),
            keys=[key for event in events for key in self._router.keys(event)],
            delivery=(released.source, released.delivery_id) if released.delivery_id else None,
        )
        if events and not accepted.duplicate:
            for listener in self._listeners:
                listener(events, again)
        return accepted

    def _release(
        self, draft: Draft, *, stored: StoredRequest, events: Sequence[Event], body: Any, repeats: bool
    ) -> Accepted:
        """`repeats`: the delivery that is known by its id may be another request; else it is this one."""
        # Of a delivery that lies in quarantine itself, or was quiet, no events are known: that is no repeat.
        delivery = stored.delivery_id if repeats else ""
        if delivery and (first := draft.delivered(stored.source, delivery)):
            known = replace(stored, verdict="quiet", why=CAME_AGAIN, missing={}, delivery_id="", events=())
            draft.changes.released[known.id] = known
            return Accepted(events=first, ignored=known.why, duplicate=True)
        draft.changes.released[stored.id] = stored
        draft.note_delivery(stored)
        draft.changes.events.extend(self._router.route(draft, event, body) for event in events)
        ids = tuple(event.id for event in events)
        if stored.missing:
            return Accepted(events=ids, quarantined=stored.id, missing=stored.missing)
        return Accepted(events=ids, ignored=stored.why)

    async def route_again(self, stored: StoredEvent) -> StoredEvent:
        """Route an event that a failing rule left unrouted."""
        event = stored.event
        request = await self._store.request(event.request_id)
        return await self._route_late(event, _decoded(_webhook(request)) if request else None)

    async def heard(self, sources: Sequence[str]) -> None:
        """These were heard by another replica."""

        def job(draft: Draft) -> None:
            for source in sources:
                self._router.hear(draft, source)

        await self._writer.do(job)

    async def route_all(self, unrouted: Sequence[StoredEvent]) -> None:
        """Route, in order, what another replica took in, or what a crash left unrouted."""
        ids = dict.fromkeys(stored.event.request_id for stored in unrouted)
        requests = {request.id: _webhook(request) for request in await self._store.requests([*ids])}
        bodies = {id: _decoded(request) for id, request in requests.items()}
        events = [stored.event for stored in unrouted]
        await asyncio.gather(*(self._route_late(event, bodies.get(event.request_id)) for event in events))
        for id, own in groupby(events, key=lambda event: event.request_id):
            together = [*own]
            for listener in self._listeners if id in requests else ():
                listener(together, requests[id])

    async def _route_late(self, event: Event, body: Any) -> StoredEvent:
        def job(draft: Draft) -> StoredEvent:
            routed = self._router.route(draft, event, body)
            draft.changes.decided[event.id] = routed
            return routed

        return await self._writer.do(job, keys=self._router.keys(event))


def understand(integration: Integration, request: WebhookRequest, options: Any) -> Understood:
    """Parse, and sort the answers into reports, nothing to say, broken, and never heard of."""
    assert integration.source is not None
    try:
        parsed = integration.source.parse(request, options)
    except PayloadError as error:
        return Understood(verdict="quarantined", why=str(error), broken=error)
    except Unsupported as error:
        return Understood(verdict="quarantined", why=str(error))
    except Exception as error:
        about = {"source": request.source}
        log.exception("the parser of source %s failed; the request is in quarantine", request.source, extra=about)
        return Understood(verdict="quarantined", why=f"the parser failed: {type(error).__name__}: {error}")
    if isinstance(parsed, Quiet):
        return Understood(verdict="quiet", why=parsed.why)
    if isinstance(parsed, Several):
        missing = _complaints(request.source, parsed.broken)
        return _in_part(Understood(reports=parsed.reports, body=_decoded(request)), missing)
    return Understood(reports=parsed, body=_decoded(request))


def _complaints(source: str, broken: Mapping[str, Exception]) -> Mapping[str, str]:
    """What is wrong with each, in words that name its place."""
    said = dict.fromkeys(broken, "")
    for place, error in islice(broken.items(), MOST_COMPLAINTS):
        if isinstance(error, PayloadError | Unsupported):
            why = str(error)
        else:
            log.error("the parser of source %s failed at %s", source, place, exc_info=error, extra={"source": source})
            why = f"the parser failed: {type(error).__name__}: {error}"
        said[place] = (why if why.startswith(place) else f"{place}: {why}")[:LONGEST_COMPLAINT]
    return said


def _in_part(understood: Understood, missing: Mapping[str, str]) -> Understood:
    """With these entries missing, if there are such."""
    if not missing:
        return understood
    several = f" (and {len(missing) - 1} more of its entries)" if len(missing) > 1 else ""
    return replace(understood, verdict="partly", why=f"{next(iter(missing.values()))}{several}", missing=missing)


def _of_these(places: Mapping[str, str], understood: Understood) -> Understood:
    """Of a body that was understood but for the entries at these places, what is understood of them now. Without
    places, all of it."""
    if not places or understood.verdict not in ("events", "partly"):
        return understood
    reports = [report for report in understood.reports if report.place in places]
    missing = {place: why for place, why in understood.missing.items() if place in places}
    if missing and not reports:
        place, why = next(iter(missing.items()))
        return Understood(verdict="quarantined", why=why, broken=PayloadError(place, why))
    return _in_part(Understood(reports=reports, body=understood.body), missing)


def _decoded(request: WebhookRequest) -> Any:
    """The body that rules may look into as `body.x.y`; tools that post forms have none."""
    try:
        return request.json().value
    except PayloadError:
        return None


def _webhook(request: StoredRequest) -> WebhookRequest:
    return WebhookRequest(
        source=request.source,
        headers=request.headers,
        query=request.query,
        body=request.body,
        received_at=request.received_at,
        fetched=request.fetched,
    )


def delivery_id(namer: NamesDeliveries | None, request: WebhookRequest, understood: Understood) -> str:
    """The tool's own id of this delivery, or that of our script. Without one nothing is ever taken for a duplicate."""
    own = ""
    if namer is not None and (understood.verdict != "quarantined" or request.fetched):
        with suppress(PayloadError):
            own = namer.delivery(request)
    return (own or request.header("idempotency-key"))[:LONGEST_DELIVERY_ID]


def _namers(tools: Mapping[str, Integration]) -> Mapping[str, NamesDeliveries]:
    """Asked once: to ask a protocol of a module takes longer than to verify a request."""
    found: dict[str, NamesDeliveries] = {}
    for name, tool in tools.items():
        if isinstance(tool.source, NamesDeliveries):
            found[name] = tool.source
    return found


def _note(stored: StoredRequest, accepted: Accepted) -> None:
    about = {"source": stored.source, "request_id": stored.id, "event_ids": accepted.events}
    verdict, why = _counted(stored.verdict, accepted), accepted.ignored or stored.why
    log.debug("a request was taken: %s", f"{verdict}, {why}" if why else verdict, extra=about)


def _counted(verdict: str, accepted: Accepted) -> str:
    return "duplicate" if accepted.duplicate else "quiet" if accepted.ignored else verdict


def _is_known(routed: StoredEvent) -> bool:
    """What its tool says again each minute is not kept."""
    return routed.decision is not None and routed.decision.note == NOTHING_NEW


def _warn_of_failures(routed: Sequence[StoredEvent]) -> None:
    for stored in routed:
        if stored.failure:
            event = stored.event
            about = {"source": event.source, "event_id": event.id, "request_id": event.request_id}
            log.error(
                "event %s could not be routed and waits to be replayed:\n%s", event.id, stored.failure, extra=about
            )
