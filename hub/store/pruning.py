"""What has grown old, and that nobody needs any more, goes."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, select, true

from hub.store.writing import ALERT, EVENT, GROUP, LINE, POST, REQUEST, ROOM


def _owed(alert: ColumnElement[str]) -> ColumnElement[bool]:
    """A post about this alert, or a line under one, is still to be told."""
    line = select(1).where(LINE.c.pending.is_(true()), POST.c.id == LINE.c.post, POST.c.group == alert)
    return or_(exists().where(POST.c.group == alert, POST.c.pending.is_(true())), line.exists())


def _old_events(before: datetime) -> ColumnElement[bool]:
    alive = exists().where(ALERT.c.id == EVENT.c.alert, ALERT.c.open.is_(true()))
    named = exists().where(LINE.c.event == EVENT.c.id, LINE.c.pending.is_(true()))
    # An event that was not routed yet stays, however old: each accepted event ends in a decision.
    old = and_(EVENT.c.received_at < before, EVENT.c.waiting.is_(False))
    return and_(old, ~alive, ~_owed(EVENT.c.alert), ~named)


def _old_requests(before: datetime) -> ColumnElement[bool]:
    return and_(REQUEST.c.received_at < before, ~exists().where(EVENT.c.request_id == REQUEST.c.id))


def _old_alerts(before: datetime) -> ColumnElement[bool]:
    fresh_post = exists().where(POST.c.group == ALERT.c.id, POST.c.created_at >= before)
    fresh_line = exists().where(POST.c.group == ALERT.c.id, LINE.c.post == POST.c.id, LINE.c.created_at >= before)
    return and_(ALERT.c.updated_at < before, ALERT.c.open.is_(False), ~_owed(ALERT.c.id), ~fresh_post, ~fresh_line)


def _old_lines(before: datetime) -> ColumnElement[bool]:
    """Those that stand alone; the others go with the alert of their post."""
    alone = or_(LINE.c.post.is_(None), ~exists().where(POST.c.id == LINE.c.post))
    return and_(LINE.c.created_at < before, LINE.c.pending.is_(False), alone)


def _old_posts(before: datetime) -> ColumnElement[bool]:
    """Those whose alert is gone."""
    owes = exists().where(LINE.c.post == POST.c.id, LINE.c.pending.is_(true()))
    return and_(
        POST.c.created_at < before,
        POST.c.pending.is_(False),
        ~exists().where(ALERT.c.id == POST.c.group),
        ~exists().where(GROUP.c.id == POST.c.group),
        ~owes,
    )


def _old_threads(before: datetime) -> ColumnElement[bool]:
    """Heads of threads in which nothing is new, and which show no alert that we still have."""
    entry = ROOM.alias("entry")
    fresh = select(1).select_from(entry).where(entry.c.thread == ROOM.c.id, entry.c.posted_at >= before)
    shown = exists().where(POST.c.ref == ROOM.c.id)
    return and_(ROOM.c.head.is_(true()), ROOM.c.posted_at < before, ~fresh.exists(), ~shown)


def prune(connection: Connection, before: datetime, step: int) -> int:
    """Events first, then what only they needed. Each kind takes what the one before has left of the step."""
    gone = 0
    kinds = (
        _prune_events,
        _prune_requests,
        _prune_alerts,
        _prune_groups,
        _prune_lines,
        _prune_posts,
        _prune_threads,
    )
    for remove in kinds:
        if gone >= step:
            break
        gone += remove(connection, before, step - gone)
    return gone


def _ids(connection: Connection, of: Table, old: ColumnElement[bool], by: Any, limit: int) -> list[str]:
    return list(connection.execute(select(of.c.id).where(old).order_by(by).limit(limit)).scalars())


def _remove(connection: Connection, of: Table, which: ColumnElement[bool]) -> int:
    return connection.execute(delete(of).where(which)).rowcount


def _prune_events(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, EVENT, _old_events(before), EVENT.c.received_at, limit)
    return _remove(connection, EVENT, EVENT.c.id.in_(ids)) if ids else 0


def _prune_requests(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, REQUEST, _old_requests(before), REQUEST.c.received_at, limit)
    return _remove(connection, REQUEST, REQUEST.c.id.in_(ids)) if ids else 0


def _prune_alerts(connection: Connection, before: datetime, limit: int) -> int:
    """With their posts and the lines of these: one alert has few."""
    ids = _ids(connection, ALERT, _old_alerts(before), ALERT.c.updated_at, limit)
    if not ids:
        return 0
    posts = select(POST.c.id).where(POST.c.group.in_(ids))
    lines = _remove(connection, LINE, LINE.c.post.in_(posts))
    return lines + _remove(connection, POST, POST.c.group.in_(ids)) + _remove(connection, ALERT, ALERT.c.id.in_(ids))


def _prune_groups(connection: Connection, before: datetime, limit: int) -> int:
    """Of their posts and lines, see there."""
    old = and_(GROUP.c.healed_at < before, ~_owed(GROUP.c.id))
    ids = _ids(connection, GROUP, old, GROUP.c.healed_at, limit)
    return _remove(connection, GROUP, GROUP.c.id.in_(ids)) if ids else 0


def _prune_lines(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, LINE, _old_lines(before), LINE.c.created_at, limit)
    return _remove(connection, LINE, LINE.c.id.in_(ids)) if ids else 0


def _prune_posts(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, POST, _old_posts(before), POST.c.created_at, limit)
    return _remove(connection, POST, POST.c.id.in_(ids)) if ids else 0


def _prune_threads(connection: Connection, before: datetime, limit: int) -> int:
    ids = _ids(connection, ROOM, _old_threads(before), ROOM.c.posted_at, limit)
    if not ids:
        return 0
    return _remove(connection, ROOM, ROOM.c.thread.in_(ids)) + _remove(connection, ROOM, ROOM.c.id.in_(ids))
