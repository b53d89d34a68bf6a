"""What the templates would say of an event, without a hub: to look at words before anybody hears them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hub.core.alert import Ack, Alert, Origin, Phase, notice_of
from hub.core.event import Event, Status
from hub.core.grouping import Group, GroupId, crowd
from hub.core.notification import DeliveryState, Line, LineId, Occasion, Post, PostId, Sending
from hub.core.records import replace
from hub.core.silence import Silence, SilenceId
from hub.errors import TocsinError
from hub.saying.templates import (
    DEFAULT,
    FOLDERS,
    GROUP,
    PARTS,
    PLAIN,
    BrokenTemplate,
    Fault,
    Template,
    Templates,
    parse_name,
)
from hub.saying.wording import MOST_MEMBERS, Wording, words_of_line

LASTED = timedelta(minutes=7)
SOMEBODY = "alice"
MESSAGE = PARTS[:-1]
"""The parts of the message itself; the last is a line below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What one template said for one dialect."""

    dialect: str
    part: str
    template: str
    words: str


def render(wording: Wording, what: str, events: Sequence[Event], dialect: str | None) -> Iterator[Rendered]:
    """What the templates of an occasion, of a part of one, or in a file say. Raises TocsinError."""
    if Path(what).suffix == ".j2" and Path(what).exists():
        yield _one(wording, wording.templates.one(Path(what)), events)
        return
    try:
        occasion, part = parse_name(what)
    except BrokenTemplate:
        if Path(what).suffix == ".j2":  # a file was meant
            raise TocsinError(f"there is no file {what}") from None
        raise
    told = _told(wording, occasion, events)
    for spoken in [dialect] if dialect else wording.templates.dialects(occasion):
        for named in [part] if part else MESSAGE if occasion == GROUP else PARTS:
            first = next(iter(wording.templates.choose(occasion, named, spoken)), None)
            if first is not None:
                yield _rendered(wording.templates, first, spoken, named, told[named])


def _one(wording: Wording, template: Template, events: Sequence[Event]) -> Rendered:
    """A file speaks as if it lay where its name says; one of no such name may use the words of all."""
    folder, _, file = template.name.rpartition("/")
    part, *rest = file.removesuffix(".j2").split(".")
    told = _told(wording, folder if folder in FOLDERS else Occasion.OPENED.value, events)
    words = told[part] if part in PARTS else told["line"] | told["title"]
    return _rendered(wording.templates, template, rest[0] if rest else PLAIN, part, words)


def _rendered(
    templates: Templates, template: Template | Fault, dialect: str, part: str, words: Mapping[str, Any]
) -> Rendered:
    return Rendered(dialect=dialect, part=part, template=template.file, words=templates.render(template, words))


def _told(wording: Wording, name: str, events: Sequence[Event]) -> Mapping[str, dict[str, Any]]:
    """By part, the words that its template may use: the last of the events, or all as a group."""
    occasion = Occasion.OPENED if name in (DEFAULT, GROUP) else Occasion(name)
    event, now = events[-1], events[-1].received_at + LASTED
    alert, post = _alert(event, occasion, now), _post(event, occasion)
    silences = [_silence(now)] if occasion is Occasion.SILENCED else []
    if name == GROUP:
        members = [_alert(one, occasion, now) for one in events]
        group = Group(id=GroupId(event.id), route=DEFAULT, labels=(("source", event.source),), opened_at=event.at)
        told = crowd(members, MOST_MEMBERS)
        message = wording.words_of_crowd(post, group, members, told, lambda _: (), now=now)
    else:
        message = wording.words(post, alert, silences, now=now)
    return dict.fromkeys(MESSAGE, message) | {"line": words_of_line(_line(event, occasion))}


def _alert(event: Event, occasion: Occasion, now: datetime) -> Alert:
    """The event's alert, as it stands on that occasion."""
    alert = notice_of(event)
    if event.status is Status.NOTICE or occasion is Occasion.NOTICED:
        return alert
    if occasion is Occasion.RESOLVED:
        return replace(alert, phase=Phase.RESOLVED, resolved_at=now, healed_at=now)
    ack = Ack(by=SOMEBODY, at=now, origin=Origin.PERSON, reason="looking")
    return replace(alert, phase=Phase.OPEN, ack=ack if occasion is Occasion.ACKED else None)


def _silence(now: datetime) -> Silence:
    ends = now + timedelta(hours=1)
    return Silence(id=SilenceId("s1"), author=SOMEBODY, because="looking", starts_at=now, ends_at=ends)


def _post(event: Event, occasion: Occasion) -> Post:
    return Post(
        id=PostId(event.id),
        group=event.id,
        channel="room:ops",
        route=DEFAULT,
        order=1,
        occasion=occasion,
        wanted=1,
        sending=Sending(state=DeliveryState.OWED),
        created_at=event.received_at,
    )


def _line(event: Event, occasion: Occasion) -> Line:
    return Line(
        id=LineId(event.id),
        post=PostId(event.id),
        channel="room:ops",
        order=1,
        occasion=occasion,
        loud=True,
        title=event.title,
        text=event.body,
        severity=event.severity,
        by=event.actor,
        event=event.id,
        sending=Sending(state=DeliveryState.OWED),
        created_at=event.received_at,
    )
