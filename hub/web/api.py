"""`/api/v1`: what scripts and dashboards read, and the few things that they may do."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from hub.commands import drill
from hub.contracts import Asker, Drilled, RoomMessage, Via
from hub.core.alert import Alert
from hub.core.durations import parse_duration, say_duration
from hub.core.effect import Effect
from hub.core.notification import DeliveryState, Line, Post
from hub.core.records import plain
from hub.core.silence import Silence
from hub.errors import Unsupported, UsageError
from hub.explain import Explained, in_full
from hub.ingest import Malformed
from hub.operations import Done, NotThere, Operations
from hub.store import Mark, StoredEvent, StoredRequest
from hub.web.answers import answer, error, page_of
from hub.web.failing import BadRequest
from hub.web.gate import Caller, caller

log = logging.getLogger("tocsin.web")

STATES = ("open", "acked", "resolved")
DELIVERY_STATES = ("owed", "sent", "unknown", "dead", "shadow")
AT_ONCE = 1_000
"""Events of the past in one answer."""
LISTED = 500
"""Alerts, deliveries and the like in one answer."""
LONGEST_PLACE = 18
"""Digits of a place in the order of arrival, which databases can count."""
MOST_NAMED = 20
MOST_FIRING = 100
"""Alerts that a preview lists; it counts all."""


def _length(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as wrong:
        raise BadRequest(f"since: {wrong}") from None


def _mark(text: str) -> Mark | None:
    """Where the answer before ended."""
    if not text:
        return None
    at, _, arrival = text.partition("/")
    try:
        mark = datetime.fromisoformat(at).astimezone(UTC), int(arrival)
    except (ValueError, OverflowError):
        mark = None
    if mark is None or len(arrival) > LONGEST_PLACE:
        raise BadRequest("after is what the answer before had as next")
    return mark


class Api:
    def __init__(self, operations: Operations) -> None:
        self._hub = operations

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/events/{id}", self.event),
            web.get("/api/v1/past", self.past),
            web.get("/api/v1/alerts", self.alerts),
            web.get("/api/v1/rooms/{name}/messages", self.messages),
            web.post("/api/v1/say", self.say),
            web.get("/api/v1/silences", self.silences),
            web.post("/api/v1/silences", self.add_silence),
            web.post("/api/v1/silences/preview", self.preview_silence),
            web.delete("/api/v1/silences/{id}", self.end_silence),
            web.post("/api/v1/silences/{id}/approve", self.approve_silence),
            web.post("/api/v1/silences/{id}/extend", self.extend_silence),
            web.post("/api/v1/drill", self.drill),
            web.get("/api/v1/deliveries", self.deliveries),
            web.post("/api/v1/deliveries/{id}/replay", self.replay_delivery),
            web.get("/api/v1/quarantine", self.quarantine),
            web.get("/api/v1/quarantine/{id}", self.quarantined),
            web.post("/api/v1/quarantine/{id}/replay", self.replay_quarantined),
            web.get("/api/v1/failures", self.failures),
            web.post("/api/v1/events/{id}/replay", self.replay_event),
            web.get("/api/v1/audit", self.audit),
        ]

    async def event(self, request: web.Request) -> web.Response:
        try:
            explained = await self._hub.explainer.explain(request.match_info["id"], request.query.get("why_not", ""))
        except UsageError as error:
            raise BadRequest(f"why_not: {error}") from None
        if explained is None:
            return _missing("event", request)
        stored = explained.stored
        return answer(
            {
                "event": in_full(stored.event, stored.routed_at),
                "decision": _decision(explained),
                "why_not": asdict(explained.why_not) if explained.why_not else None,
                "explained": explained.text,
                "failure": stored.failure or None,
                "deliveries": [_delivery(d) for d in await self._deliveries_of(stored)],
            }
        )

    async def _deliveries_of(self, stored: StoredEvent) -> Sequence[Post | Line]:
        if stored.decision is None or not stored.decision.alert:
            return ()
        alert = await self._hub.store.alert(stored.decision.alert)
        groups = (stored.decision.alert, *(alert.groups if alert else ()))
        told = [await self._hub.store.deliveries(state=None, group=group) for group in groups]
        return [delivery for some in told for delivery in some]

    async def past(self, request: web.Request) -> web.Response:
        """What happened, oldest first, as `tocsin export` writes it; `next` goes on from there."""
        since = self._hub.now() - _length(request.query.get("since", "7d"))
        bodies = [name for name in request.query.get("bodies", "").split(",") if name.startswith("body.")]
        found, mark = await self._hub.store.past(
            since=since, after=_mark(request.query.get("after", "")), limit=AT_ONCE, bodies=bodies
        )
        return answer(
            {"past": msgspec.to_builtins(found), "next": f"{mark[0].isoformat()}/{mark[1]}" if mark else None}
        )

    async def alerts(self, request: web.Request) -> web.Response:
        state = request.query.get("state")
        if state is not None and state not in STATES:
            raise BadRequest(f"state is one of {', '.join(STATES)}, not '{state[:40]}'")
        found = await self._hub.store.alerts(state=state, before=request.query.get("after"), limit=LISTED + 1)
        listed, next = page_of(found, LISTED)
        return answer({"alerts": [self._alert(alert) for alert in listed if alert.lived], "next": next})

    def _alert(self, alert: Alert) -> dict[str, Any]:
        return {
            "id": alert.id,
            "source": alert.source,
            "tool": alert.tool,
            "kind": alert.kind,
            "key": alert.key,
            "title": alert.title,
            "body": alert.body,
            "severity": alert.severity.word if alert.severity else None,
            "state": "resolved" if not alert.open else "acked" if alert.ack else "open",
            "silenced_until": _latest(self._hub.silences_over(alert)),
            "acked_by": alert.ack.by if alert.ack else None,
            "acked_until": alert.ack.until if alert.ack else None,
            "answer": plain(alert.answer) if alert.answer else None,
            "count": alert.count,
            "opened_at": alert.opened_at,
            "resolved_at": alert.resolved_at,
            "labels": alert.labels,
        }

    async def messages(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = await self._hub.room_log.read(name)
        if not found and name not in self._hub.rooms():
            return _missing("room", request, name)
        return answer({"messages": [_message(message) for message in found]})

    async def say(self, request: web.Request) -> web.Response:
        body = await _object(request)
        text, person, place = (_text(body, name) for name in ("text", "as", "in"))
        if not text or not person:
            raise BadRequest('send {"text": "status", "as": "alice", "in": "ops"}')
        address = self._hub.rules().address(place) if place else ""
        if address is None:
            known = ", ".join(sorted(self._hub.channels())[:MOST_NAMED])
            raise BadRequest(f"no channel is called '{place[:80]}'; there is {known}")
        asker = _asker(self._hub, person, caller(request))
        reply = await self._hub.say(
            text, asker=asker, place=address or "", thread=_text(body, "thread") or None, via=Via.HTTP
        )
        return answer({"reply": reply.text, "ok": reply.ok})

    async def silences(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the shape of a handler
        return answer({"silences": [_silence(silence, self._hub.now()) for silence in self._hub.every_silence()]})

    async def preview_silence(self, request: web.Request) -> web.Response:
        foreseen = await self._hub.preview(_match(await _object(request)))
        if foreseen.effect is None:
            return error(foreseen.status, "silence", foreseen.text)
        return answer(_effect(foreseen.effect))

    async def add_silence(self, request: web.Request) -> web.Response:
        if request.query.get("preview", "").lower() in ("true", "1", "yes"):
            return await self.preview_silence(request)
        body = await _object(request)
        match = _match(body)
        asker = _asker(self._hub, _text(body, "as") or "api", caller(request))
        made = await self._hub.silence(match, _text(body, "for") or "15m", _text(body, "because"), asker)
        if not made.ok or made.silence is None:
            return error(made.status, "silence", made.text)
        return answer(_silence(made.silence, self._hub.now()), status=made.status)

    async def approve_silence(self, request: web.Request) -> web.Response:
        return await self._about_silence(request, await _object(request), "approve {}")

    async def extend_silence(self, request: web.Request) -> web.Response:
        body = await _object(request)
        try:
            length = say_duration(parse_duration(_text(body, "for") or _text(body, "by")))
        except ValueError as bad:
            raise BadRequest(f"for: {bad}") from None
        return await self._about_silence(request, body, f"extend {{}} {length.replace(' ', '')}")

    async def _about_silence(self, request: web.Request, body: Mapping[str, Any], sentence: str) -> web.Response:
        asker = _asker(self._hub, _text(body, "as") or "api", caller(request))
        done = await self._hub.about_silence(request.match_info["id"], sentence, asker)
        if not done.ok or done.silence is None:
            return error(done.status, "silence", done.text)
        return answer(_silence(done.silence, self._hub.now()))

    async def end_silence(self, request: web.Request) -> web.Response:
        asker = _asker(self._hub, request.query.get("as", "api"), caller(request))
        ended = await self._hub.unsilence(request.match_info["id"], asker)
        if not ended.ok:
            return error(ended.status, "silence", ended.text)
        return web.Response(status=204)

    async def drill(self, request: web.Request) -> web.Response:
        body = await _object(request)
        tried = await self._hub.drill(_text(body, "in"), _asker(self._hub, _text(body, "as") or "api", caller(request)))
        if isinstance(tried, Done):
            return error(tried.status, "drill", tried.text)
        return answer({"ok": all(one.ok for one in tried), "drill": [_drilled(one) for one in tried]})

    async def deliveries(self, request: web.Request) -> web.Response:
        state = request.query.get("state")
        if state is not None and state not in DELIVERY_STATES:
            raise BadRequest(f"state is one of {', '.join(DELIVERY_STATES)}, not '{state[:40]}'")
        found = await self._hub.store.deliveries(state=state, before=request.query.get("after"), limit=LISTED + 1)
        listed, next = page_of(found, LISTED)
        return answer({"deliveries": [_delivery(one) for one in listed], "next": next})

    async def replay_delivery(self, request: web.Request) -> web.Response:
        return await self._replay(request, self._hub.replay_delivery)

    async def _replay(self, request: web.Request, replay: Callable[[str, Asker], Awaitable[str]]) -> web.Response:
        """A replay of something by its id, for whoever is let in."""
        id = request.match_info["id"]
        try:
            text = await replay(id, _asker(self._hub, request.query.get("as", "api"), caller(request)))
        except NotThere as missing:
            return error(404, "not found", str(missing))
        except Malformed as broken:
            return error(400, "payload", str(broken), path=broken.path, quarantined=broken.quarantined)
        except Unsupported as unknown:
            return error(400, "unsupported", str(unknown), quarantined=id)
        return answer({"replayed": id, "outcome": text}, status=202)

    async def quarantine(self, request: web.Request) -> web.Response:
        found = await self._hub.store.quarantine(before=request.query.get("after"), limit=LISTED + 1)
        listed, next = page_of(found, LISTED)
        return answer({"quarantine": [_quarantined(kept) for kept in listed], "next": next})

    async def quarantined(self, request: web.Request) -> web.Response:
        kept = await self._hub.store.request(request.match_info["id"])
        if kept is None or not kept.waits:
            return _missing("quarantined request", request)
        whole = {"headers": kept.headers, "query": kept.query, "body": kept.body.decode(errors="replace")}
        return answer(_quarantined(kept) | whole)

    async def replay_quarantined(self, request: web.Request) -> web.Response:
        return await self._replay(request, self._hub.replay_quarantined)

    async def failures(self, request: web.Request) -> web.Response:
        """Events that a rule failed to route, oldest first: so they are replayed."""
        found = await self._hub.store.failed_events(after=request.query.get("after"), limit=LISTED + 1)
        listed, next = page_of(found, LISTED)
        return answer(
            {
                "events": [in_full(stored.event, stored.routed_at) | {"failure": stored.failure} for stored in listed],
                "next": next,
            }
        )

    async def replay_event(self, request: web.Request) -> web.Response:
        return await self._replay(request, self._hub.replay_event)

    async def audit(self, request: web.Request) -> web.Response:
        """What people said, newest first."""
        listed, next = page_of(await self._hub.audit(request.query.get("after"), LISTED + 1), LISTED)
        return answer({"audit": msgspec.to_builtins(listed), "next": next})


def _asker(hub: Operations, person: str, who: Caller) -> Asker:
    return hub.asker(person, trusted=who.trusted, token=who.token)


async def _object(request: web.Request) -> Mapping[str, Any]:
    try:
        body = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        raise BadRequest(f"the body is not JSON: {bad}") from None
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    return body


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{name}: is not a text")
    return value.strip()


def _missing(what: str, request: web.Request, id: str = "") -> web.Response:
    return error(404, "not found", f"there is no {what} '{(id or request.match_info['id'])[:80]}'")


def _latest(silences: Sequence[Silence]) -> datetime | None:
    return max((silence.ends_at for silence in silences), default=None)


def _decision(explained: Explained) -> dict[str, Any] | None:
    """`rules` is the hash by which the trail was made: `config`, unless those are not kept any more."""
    decision = explained.stored.decision
    if decision is None:
        return None
    return {
        "config": decision.config,
        "rules": explained.rules,
        "change": decision.change,
        "note": decision.note,
        "alert": decision.alert or None,
        "routes": [route for route, _ in explained.took],
        "channels": [channel for _, channel in explained.took],
        "suppressed": [{"by": by, "id": id} for by, id in decision.suppressed],
        "trail": [asdict(step) for step in explained.trail],
    }


def _match(body: Mapping[str, Any]) -> Mapping[str, Any]:
    match = body.get("match")
    if not isinstance(match, dict) or not match:
        raise BadRequest('send {"match": {"source": "twitter"}, "for": "15m", "because": "…"}')
    return match


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "firing": [
            {
                "id": alert.id,
                "source": alert.source,
                "title": alert.title,
                "severity": alert.severity.word if alert.severity else None,
                "opened_at": alert.opened_at,
            }
            for alert in effect.firing[:MOST_FIRING]
        ],
        "firing_count": len(effect.firing),
        "hidden": {
            "since": effect.since,
            "events": effect.events,
            "alerts": effect.alerts,
            "at_least": not effect.whole,
            "sources": effect.sources,
            "often": [msgspec.to_builtins(one) for one in effect.often],
        },
    }


def _silence(silence: Silence, now: datetime) -> dict[str, Any]:
    return {
        "id": silence.id,
        "name": silence.name or None,
        "match": silence.match,
        "author": silence.author,
        "because": silence.because,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "held": silence.held,
        "often": [msgspec.to_builtins(one) for one in silence.often],
        "state": "waiting" if silence.waiting else "scheduled" if silence.starts_at > now else "active",
        "approve_by": silence.approve_by,
        "approved_by": silence.approved_by or None,
    }


def _drilled(drilled: Drilled) -> dict[str, Any]:
    return {
        "channel": drilled.channel,
        "address": drilled.address,
        "result": drilled.result.value,
        "ms": drilled.milliseconds,
        "detail": drilled.detail,
        "text": drill.say(drilled),
    }


def _delivery(item: Post | Line) -> dict[str, Any]:
    state = DeliveryState.OWED if item.sending.state is DeliveryState.HELD else item.sending.state
    return {
        "id": item.id,
        "channel": item.channel,
        "occasion": item.occasion,
        "state": state,
        "attempts": item.sending.attempts,
        "error": item.sending.error or None,
        "ref": item.ref,
        "kind": "post" if isinstance(item, Post) else "line",
        "at": item.created_at,
    }


def _message(message: RoomMessage) -> dict[str, Any]:
    said = message.message
    return {
        "id": message.id,
        "thread": message.thread,
        "kind": said.kind,
        "author": said.author,
        "state": said.state,
        "title": said.title,
        "text": said.text,
        "standing": said.standing,
        "severity": said.severity.word if said.severity else None,
        "occasion": said.occasion,
        "mentions": [mention.name for mention in said.mentions],
        "loud": message.loud,
        "buttons": [{"label": button.label, "value": button.value} for button in said.buttons],
        "proposals": said.proposals,
        "posted_at": message.posted_at,
        "edited_at": message.edited_at,
    }


def _quarantined(kept: StoredRequest) -> dict[str, Any]:
    return {
        "id": kept.id,
        "source": kept.source,
        "tool": kept.tool,
        "received_at": kept.received_at,
        "why": kept.why,
        "path": kept.path or None,
        "missing": [{"path": place, "why": why} for place, why in kept.missing.items()],
        "events": kept.events,
        "size": len(kept.body),
    }
