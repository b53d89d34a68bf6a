"""What must be so once the load has ended, looked at from outside: over the API, in the database, and in the chat."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from soak.databases import records
from soak.things import CROWDS, FAR, RANKS, Life
from soak.world import World

from tests.fakes.slack import BOT, Posted

PENDING = "state = 'owed'"
CATCHES_UP_WITHIN = 180.0
"""Seconds. Slack takes a message a second in a channel, and a broken chat is tried again after a while."""


async def check(world: World) -> list[str]:
    """What is wrong, a sentence each."""
    found = [*world.told.faults, *await _catch_up(world)]
    for look in (_events, _requests, _quarantine, _alerts, _posts, _room, _slack, _health):
        found += await asyncio.to_thread(lambda look=look: list(look(world)))
    return [*found, *await _memory_is_the_disk(world)]


async def _catch_up(world: World) -> list[str]:
    """Wait until nothing is owed any more."""
    end = time.monotonic() + CATCHES_UP_WITHIN
    while time.monotonic() < end:
        if not await asyncio.to_thread(_owed, world):
            return []
        await asyncio.sleep(0.5)
    return [f"still owed after {CATCHES_UP_WITHIN:.0f} s: {owed}" for owed in _owed(world)[:5]]


def _owed(world: World) -> list[str]:
    posts = [f"{one['channel']}: {one['occasion']}" for one in records(world.database, "post", PENDING)]
    lines = [f"{one['channel']}: {one['title']}" for one in records(world.database, "line", PENDING)]
    waiting = [one.key for thing in world.things for one in thing.lives if thing.kind.beacon and _open(world, one)]
    return [*posts, *lines, *(f"{key} has not expired" for key in waiting)]


def _open(world: World, life: Life) -> bool:
    return bool(world.database.rows(f"SELECT id FROM alert WHERE id = '{life.id}' AND open = true"))


# --------------------------------------------------------------------------------------------------------- what came in


def _events(world: World) -> Iterator[str]:
    """Every event that was answered is there and decided, and there is no other."""
    there = {one["event"]["id"]: one for one in records(world.database, "event")}
    ours = {id for id, one in there.items() if one["event"]["source"] != "tocsin"}
    yield from (f"event {id} was answered and is not there" for id in world.told.accepted.keys() - ours)
    yield from (f"event {id} is there and nobody was answered so" for id in ours - world.told.accepted.keys())
    yield from (
        f"event {id} is not decided: {one.get('failure')}" for id, one in there.items() if not one.get("decision")
    )
    for id in world.dice.sample(sorted(ours), min(50, len(ours))):
        told, delivery = world.hub.get(f"/api/v1/events/{id}")["event"], world.told.accepted[id]
        if (told["source"], told["delivery_id"]) != delivery:
            yield f"the API says of event {id} that it is {told['source']} {told['delivery_id']}, not {delivery}"


def _requests(world: World) -> Iterator[str]:
    """Each delivery was accepted once."""
    accepted = records(world.database, "request", "accepted = true")
    for (source, delivery), count in Counter((one["source"], one["delivery_id"]) for one in accepted).items():
        if count > 1:
            yield f"{source} {delivery} was accepted {count} times"


def _quarantine(world: World) -> Iterator[str]:
    there = {one["id"] for one in records(world.database, "request", "quarantined = true")}
    yield from (f"request {id} is not in quarantine" for id in world.told.quarantined - there)


# ---------------------------------------------------------------------------------------------------- what became of it


def lives(world: World) -> Mapping[str, Life]:
    return {life.id: life for thing in world.things for life in thing.lives}


def _alerts(world: World) -> Iterator[str]:
    """The state of each is what follows from what was accepted, and there is no other."""
    there = {one["id"]: one for one in records(world.database, "alert") if one["source"] != "tocsin"}
    expected = lives(world)
    yield from (f"alert {there[id]['key']} {id} should not be" for id in there.keys() - expected.keys())
    for id, life in expected.items():
        told = _as_we_say(there.get(id), notice=_is_notice(there.get(id)))
        wanted = (life.state, life.severity, life.count, life.acked_by, True)
        if told[:4] != wanted[:4] or f"{life.key} says #{life.serial}." not in told[4]:
            yield f"alert {life.key} {id} is {told}, and should be {wanted} #{life.serial}"


def _is_notice(alert: Mapping[str, Any] | None) -> bool:
    return alert is not None and alert["phase"] == "notice"


def _as_we_say(alert: Mapping[str, Any] | None, *, notice: bool) -> tuple[Any, ...]:
    if alert is None:
        return ("missing", "", 0, "", "")
    ack = alert.get("ack") or {}
    state = "resolved" if alert["phase"] == "resolved" or notice else "acked" if ack else "open"
    by = "the tool" if ack.get("origin") == "tool" else ack.get("by", "")
    return state, RANKS[alert["severity"] - 1], alert.get("count", 1), by, f"{alert['title']} {alert.get('body', '')}"


def _posts(world: World) -> Iterator[str]:
    """Everything is shown at its last version; nothing is dead, and unknown only where nobody can look."""
    for post in records(world.database, "post"):
        state = post["sending"]["state"]
        if state == "unknown" and post["channel"] == FAR:
            world.told.counts["posts of which nobody knows"] += 1
        elif _healed_while_it_gathered(post):
            world.told.counts["groups that healed while they gathered"] += 1
        elif (state, shown := post.get("shown", 0)) != ("sent", post["wanted"]):
            yield f"a post in {post['channel']} is {state}, version {shown} of {post['wanted']}"
    for line in records(world.database, "line", "state NOT IN ('sent', 'held', 'dropped')"):
        if line["sending"]["state"] == "unknown" and line["channel"] == FAR:
            world.told.counts["lines of which nobody knows"] += 1
        else:
            yield f"a line in {line['channel']} is {line['sending']}: {line['title']}"


def _healed_while_it_gathered(post: Mapping[str, Any]) -> bool:
    """Nobody was told of it; whether it healed is looked at where the rooms are."""
    return post["channel"] == CROWDS and post["sending"]["state"] == "dropped" and not post.get("shown", 0)


def _told(world: World) -> Mapping[str, Sequence[Any]]:
    """The posts of each life in its own channel."""
    posts = defaultdict(list)
    for post in records(world.database, "post"):
        posts[post["group"], post["channel"]].append(post)
    return {life.id: posts[life.id, life.channel] for life in lives(world).values() if life.channel != CROWDS}


def _room(world: World) -> Iterator[str]:
    """In the rooms each life is one message, as it stands at the end; and where several are told together, each is told
    in one that says how many fire."""
    heads = {one["id"]: one for one in records(world.database, "room_message") if one.get("thread") is None}
    expected = lives(world)
    for id, posts in _told(world).items():
        life = expected[id]
        shown = [heads.get(post.get("ref")) for post in posts]
        if life.channel.startswith("room:"):
            yield from _is_shown(life, [one["message"] for one in shown if one is not None])
    yield from _crowds(world, heads)


def _is_shown(life: Life, messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(messages) != 1:
        yield f"{life.key} {life.id} is told by {len(messages)} messages in {life.channel}"
        return
    said = f"{messages[0]['title']} {messages[0].get('text', '')}"
    state = "resolved" if messages[0]["state"] == "notice" else messages[0]["state"]
    if state != life.state or f"{life.key} says #{life.serial}." not in said:
        yield f"{life.key} should be shown as {life.state} #{life.serial}, and is: {state} {said}"


def _crowds(world: World, heads: Mapping[str, Any]) -> Iterator[str]:
    posts = {post["group"]: post for post in records(world.database, "post") if post["channel"] == CROWDS}
    firing: Counter[str] = Counter()
    for alert in records(world.database, "alert", "source = 'crowd'"):
        if not any(group in posts for group in alert.get("groups", ())):
            yield f"{alert['key']} is told in no group"
        firing.update({group: int(alert["phase"] == "open") for group in alert.get("groups", ())})
    for group, post in posts.items():
        message = heads[post["ref"]]["message"] if post.get("ref") in heads else None
        if _healed_while_it_gathered(post) and not firing[group]:
            continue
        if message is None or (message["state"] == "resolved") != (firing[group] == 0):
            yield f"of a group {firing[group]} fire, and its message says {message}"


def _slack(world: World) -> Iterator[str]:
    """In the chat each life is one message, too; but for repeats where the app cannot look whether one arrived."""
    yield from (f"Slack complained: {complaint}" for complaint in world.chat.complaints)
    by_key: defaultdict[str, list[Posted]] = defaultdict(list)
    for message in world.chat.messages:
        if message.user == BOT:
            by_key[message.metadata["event_payload"]["key"]].append(message)
    far = {message.ref for message in world.chat.posted(FAR.partition(":")[2])}
    for messages in by_key.values():
        repeats = messages[1:]
        if messages[0].ref in far:
            world.told.counts["repeats where nobody can look"] += len(repeats)
        elif repeats:
            yield f"{messages[0].channel} shows {len(messages)} times: {messages[0].seen.text}"
    expected = lives(world)
    for id, posts in _told(world).items():
        life = expected[id]
        if life.channel.startswith("slack:"):
            shown = [one for post in posts for one in by_key[post["id"]] if one.ref == post.get("ref")]
            yield from _is_in_slack(life, shown, unknown=[p for p in posts if p["sending"]["state"] == "unknown"])


def _is_in_slack(life: Life, shown: Sequence[Posted], unknown: Sequence[Any]) -> Iterator[str]:
    if unknown:
        return
    if len(shown) != 1:
        yield f"{life.key} {life.id} is told by {len(shown)} messages in {life.channel}"
    elif f"{life.key} says #{life.serial}." not in shown[0].seen.text or not _says(life, shown[0].seen.text):
        yield f"{life.key} should be shown as {life.state} #{life.serial}, and is: {shown[0].seen.text}"


def _says(life: Life, text: str) -> bool:
    by = "jane" if life.acked_by == "the tool" else life.acked_by
    return {"open": "RESOLVED" not in text, "resolved": "RESOLVED" in text, "acked": by in text}[life.state]


# ----------------------------------------------------------------------------------------------------------- how it is


def _health(world: World) -> Iterator[str]:
    for complaints in filter(None, (hub.complaints() for hub in world.hubs)):
        yield f"a hub complained:\n{complaints[:4000]}"
    if dead := world.hub.get("/api/v1/deliveries?state=dead")["deliveries"]:
        yield f"{len(dead)} dead letters: {dead[0]}"
    if failures := world.hub.get("/api/v1/failures")["events"]:
        yield f"{len(failures)} events were not routed: {failures[0]}"
    if "tocsin_unrouted 0.0" not in world.hub.metrics():
        yield "/metrics says that something is not routed"


async def _memory_is_the_disk(world: World) -> list[str]:
    """What is open is the same after a last restart, one after the other."""
    before = {alert["id"]: alert for alert in await asyncio.to_thread(world.hub.alerts)}
    for hub in world.hubs:
        await asyncio.to_thread(hub.restart)
    after = {alert["id"]: alert for alert in await asyncio.to_thread(world.hub.alerts)}
    return [] if before == after else ["what is open was another before a restart than after it"]
