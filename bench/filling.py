"""A database of some size. A day of events is written through the store, from what one hub kept of each kind of life,
told again and again of other hosts; the database then copies that day, as often as there are days."""

import itertools
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, create_engine, func, insert, select, type_coerce

from hub.app import build
from hub.contracts import WebhookRequest
from hub.settings import read_settings
from hub.store import Changes, Store, mapping
from hub.store.opening import open_store
from hub.store.queries import ARRIVAL
from hub.store.tables import EPOCH, Utc, micros
from hub.store.writing import ALERT, EVENT, LINE, POST, REQUEST

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=10)
HOST = "h0st"
RULES = "version: 1\nstorm: never\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"
LIVES = {
    "short": ("PROBLEM", "RECOVERY"),
    "long": ("PROBLEM", *("PROBLEM",) * 6, "RECOVERY"),
    "acked": ("PROBLEM", "ACKNOWLEDGEMENT", "PROBLEM", "RECOVERY"),
    "open": ("PROBLEM", "PROBLEM"),
}
MIX = ("short", "short", "short", "long", "short", "acked")
OPEN = 3_000
DAYS = 120
"""So far back the oldest goes: a quarter is older than what is kept."""
DAY = timedelta(days=1)
ORDERS = 20
"""More than one life has messages."""
TOGETHER = 500
"""Lives in one transaction."""
ORDER = re.compile(r'(?<=[{,])"order":(\d+)')
INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql > ''"
FIRST = "-7000-"
"""In the ids of the first day."""
IDS = frozenset({"id", "request_id", "alert", "group", "ref", "post", "event", "thread"})
COPIED = (REQUEST, EVENT, ALERT, POST, LINE)
"""Of the room's messages there is one day, as if the others were in a chat elsewhere."""
READERS: Mapping[str, Callable[[str], Any]] = {
    "events": mapping.event_of,
    "alerts": mapping.alert_of,
    "posts": mapping.post_of,
    "lines": mapping.line_of,
    "room": mapping.room_of,
}
LISTED = ("requests", "events")


@dataclass
class Life:
    """All that is kept of one, as texts in which `@L` stands for what its ids begin with and `@0` … for times."""

    events: int
    records: dict[str, list[str]] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    def told(self, into: Changes, number: int, at: datetime, order: int) -> None:
        times = [f"{at + STEP * step:%Y-%m-%dT%H:%M:%S}Z" for step in range(self.events)]
        prefix = _prefix(number, at)

        def text(record: str) -> str:
            record = ORDER.sub(lambda found: f'"order":{order + int(found[1])}', record)
            record = record.replace("@L", prefix).replace(HOST, f"web{number}")
            for step, time in enumerate(times):
                record = record.replace(f"@{step}", time)
            return record

        for kind, read in READERS.items():
            made = [read(text(record)) for record in self.records.get(kind, ())]
            if kind in LISTED:
                getattr(into, kind).extend(made)
            else:
                getattr(into, kind).update({one.id: one for one in made})
        for record, body in zip(self.records["requests"], self.bodies, strict=True):
            into.requests.append(mapping.request_of(text(record), body.replace(HOST.encode(), b"web%d" % number)))


def _prefix(number: int, at: datetime) -> str:
    """Of ids that sort by time, as ours do; one character is missing."""
    stamp = int(at.timestamp() * 1000)
    return f"{stamp >> 16:08x}-{stamp & 0xFFFF:04x}-7000-8000-{number:011x}"


async def fill(file: Path, events: int, now: datetime) -> None:
    """About so many events, all but the open ones before the day of now."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as folder:
        lives = {name: await _lived(Path(folder) / name, kinds) for name, kinds in LIVES.items()}
    still = OPEN * lives["open"].events
    async with open_store(f"sqlite:///{file}") as store:
        orders = await _tell(store, list(_a_day(lives, (events - still) // DAYS)), today - DAYS * DAY, DAY - STEP * 10)
    _copy_day(file, today - DAYS * DAY, orders)
    async with open_store(f"sqlite:///{file}") as store:
        await _tell(store, [lives["open"]] * OPEN, today - DAY, DAY - STEP * 10, first=DAYS * orders)


def _a_day(lives: Mapping[str, Life], events: int) -> Iterator[Life]:
    made = 0
    for name in itertools.cycle(MIX):
        if made >= events:
            return
        made += lives[name].events
        yield lives[name]


async def _tell(store: Store, lives: Sequence[Life], begins: datetime, within: timedelta, first: int = 0) -> int:
    """Write these lives, spread over that time. The first number that no message has yet."""
    for start in range(0, len(lives), TOGETHER):
        changes = Changes()
        for number, life in enumerate(lives[start : start + TOGETHER], start=start):
            life.told(changes, number, begins + number * within / len(lives), first + ORDERS * number)
        await store.commit(changes)
    return ORDERS * len(lives)


def _copy_day(file: Path, day: datetime, orders: int) -> None:
    """For each further day a copy of all that lies in the first, with ids, times and numbers of its own."""
    engine = create_engine(f"sqlite:///{file}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for quick in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -400000"):
            connection.exec_driver_sql(f"PRAGMA {quick}")
        indexes = connection.exec_driver_sql(INDEXES).all()
        for name, _ in indexes:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
        connection.exec_driver_sql("BEGIN")
        for table in COPIED:
            names = [column.name for column in table.columns]
            last = connection.execute(select(func.max(ARRIVAL)).select_from(table)).scalar_one()
            for number in range(1, DAYS):
                copied = [_copied(table.c[name], day, number, orders) for name in names]
                connection.execute(insert(table).from_select(names, select(*copied).where(last >= ARRIVAL)))
        connection.exec_driver_sql("COMMIT")
        for _, sql in indexes:
            connection.exec_driver_sql(sql)
    engine.dispose()


def _copied(column: Column[Any], day: datetime, days: int, orders: int) -> ColumnElement[Any]:
    if isinstance(column.type, Utc):
        return type_coerce(column, BigInteger) + days * micros(EPOCH + DAY)
    if column.name == "order":
        return column + days * orders
    if column.name in IDS:
        return func.replace(column, FIRST, f"-7{days:03x}-")
    if column.name == "record":
        text = func.replace(column, FIRST, f"-7{days:03x}-")
        for one in (day + DAY, day):  # the later one first: the other may become what it was
            text = func.replace(text, f"{one:%Y-%m-%d}T", f"{one + days * DAY:%Y-%m-%d}T")
        return text
    return column


async def _lived(folder: Path, kinds: Sequence[str]) -> Life:
    """What a hub keeps of one life."""
    folder.mkdir(parents=True)
    (folder / "routes.yaml").write_text(RULES)
    settings = read_settings(routes=str(folder / "routes.yaml"), database="sqlite://", variables={})
    at, kept = BEGINS, Changes()
    async with build(settings, now=lambda: at, background=False) as hub:
        hub.writer.listen(lambda changes: _keep(kept, changes))
        for number, kind in enumerate(kinds):
            at = BEGINS + STEP * number
            await hub.ingest.accept(_request(kind, number, at))
            await hub.outbox.deliver_due()
        return _as_texts(kept, len(kinds))


def _keep(kept: Changes, changes: Changes) -> None:
    kept.requests += changes.requests
    kept.events += changes.events
    for kind in ("alerts", "posts", "lines", "room"):
        getattr(kept, kind).update(getattr(changes, kind))


def _request(kind: str, number: int, at: datetime) -> WebhookRequest:
    state = "OK" if kind == "RECOVERY" else "CRITICAL"
    body = {
        "NOTIFICATIONTYPE": kind,
        "HOSTNAME": HOST,
        "HOSTADDRESS": "192.0.2.1",
        "HOSTGROUPNAMES": "web,frankfurt",
        "SERVICEDESC": "HTTP",
        "SERVICESTATE": state,
        "SERVICEOUTPUT": f"HTTP {state} - 0.004 seconds response time, {number} of 8 tries were not answered",
        "SERVICENOTIFICATIONID": str(number + 1),
        "CONTACTNAME": "ops",
        "TIMET": str(int(at.timestamp())),
    }
    headers = {"content-type": "application/json", "user-agent": "curl/8.5.0", "host": "hub.example.com"}
    return WebhookRequest(source="nagios", headers=headers, body=json.dumps(body).encode(), received_at=at)


def _as_texts(kept: Changes, events: int) -> Life:
    ids = [one.id for kind in ("requests", "alerts", "posts", "lines", "room") for one in _all(kept, kind)]
    ids += [stored.event.id for stored in kept.events]
    names = {id: f"@L{number:x}" for number, id in enumerate(dict.fromkeys(ids))}
    times = {f"{BEGINS + STEP * step:%Y-%m-%dT%H:%M:%S}Z": f"@{step}" for step in range(events)}
    life = Life(events=events, bodies=[request.body for request in kept.requests])
    for kind in ("requests", *READERS):
        life.records[kind] = [_template(one, {**names, **times}) for one in _all(kept, kind)]
    return life


def _all(kept: Changes, kind: str) -> Sequence[Any]:
    held = getattr(kept, kind)
    return held if isinstance(held, list) else list(held.values())


def _template(record: Any, names: Mapping[str, str]) -> str:
    plain = mapping._without_body(record) if hasattr(record, "body") and hasattr(record, "verdict") else record
    text = mapping.written(plain)
    for found, name in names.items():
        text = text.replace(found, name)
    return text
