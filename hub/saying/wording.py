"""Words for messages: what templates may use, and built-in words for when none of them can speak."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from hub.core.alert import Alert, Answer, Phase
from hub.core.durations import say_duration
from hub.core.event import Link
from hub.core.grouping import Crowd, Group, crowd
from hub.core.namesakes import named, told_apart
from hub.core.notification import Button, Line, Message, MessageKind, MessageState, Occasion, Post, shape
from hub.core.silence import Silence
from hub.core.telling import UNDER_WAY, wanted
from hub.prose import web_host
from hub.saying.templates import GROUP, Templates

UNACK = ("Unack", "unack")
BUTTONS: Mapping[MessageState, tuple[tuple[str, str], ...]] = {
    MessageState.OPEN: (("Ack", "ack"), ("Silence 1h", "silence"), ("Resolve", "resolve"), ("Why", "why")),
    MessageState.ACKED: (UNACK, ("Silence 1h", "silence"), ("Resolve", "resolve"), ("Why", "why")),
    MessageState.SILENCED: (("Speak up", "unsilence"), ("Ack", "ack"), ("Resolve", "resolve"), ("Why", "why")),
    MessageState.RESOLVED: (("Why", "why"),),
    MessageState.NOTICE: (("Why", "why"),),
}
SENTENCES = {
    "ack": "ack",
    "unack": "unack",
    "silence": "silence for 1h",
    "unsilence": "unsilence",
    "resolve": "resolve",
    "why": "why",
}
"""What pressing a button says."""
ABOUT_SILENCES = {"approve": "approve {}", "extend": "extend {} for 1h", "end": "unsilence {}"}
"""What pressing a button of a silence says, with its id."""

SHOWN_LABELS = 12
RUNBOOK, RUNBOOKS = "Runbook", ("runbook", "runbook_url")
"""The link's name, and the labels that may hold its address."""
Over = Callable[[Alert], Sequence[Silence]]
"""The silences that cover an alert."""
MOST_MEMBERS = 10
"""Members of a group that its message names; of the others it says how many they are."""


class Wording:
    """`opens` gives for a window and a time when it is open from then on: that time, if it is open then."""

    def __init__(
        self,
        templates: Templates,
        *,
        zone: ZoneInfo,
        titles: Mapping[str, str],
        opens: Callable[[str, datetime], datetime] = lambda _, at: at,
    ) -> None:
        self.templates = templates
        self._opens = opens
        self._zone = zone
        self._titles = titles

    def post(
        self,
        post: Post,
        alert: Alert,
        silences: Sequence[Silence],
        explained: Sequence[str] = (),
        *,
        dialect: str,
        now: datetime,
    ) -> Message:
        """What a post should say now. `explained` are the titles of the alerts that inhibit it."""
        words, occasion = self.words(post, alert, silences, explained, now=now), post.occasion.value
        state = message_state(alert, silences)
        return Message(
            kind=MessageKind.NOTICE if state is MessageState.NOTICE else MessageKind.ALERT,
            title=self._part(occasion, "title", dialect, words) or alert.title,
            text=self._part(occasion, "text", dialect, words),
            standing=self._part(occasion, "standing", dialect, words),
            state=state,
            severity=alert.severity if alert.severity is not None else alert.worst,
            occasion=post.occasion,
            facts=_facts({"source": alert.source, **alert.labels}),
            links=links_of(alert),
            buttons=_buttons(post, state, taken=alert.ack is not None),
            at=alert.began_at,
            local=self._written(alert.began_at),
        )

    def crowd(
        self,
        post: Post,
        group: Group,
        members: Sequence[Alert],
        over: Over,
        *,
        dialect: str,
        now: datetime,
    ) -> Message:
        """What the post of a group of several should say now: how many fire, and who, the worst first, with a bound."""
        if max(len(members), group.joined) == 1 and not group.storm:
            return self.post(post, members[0], over(members[0]), dialect=dialect, now=now)
        told = crowd(members, MOST_MEMBERS, group)
        words = self.words_of_crowd(post, group, members, told, over, now=now)
        state = MessageState(words["state"])
        return Message(
            kind=MessageKind.ALERT,
            title=self._part(GROUP, "title", dialect, words),
            text=self._part(GROUP, "text", dialect, words),
            standing=self._part(GROUP, "standing", dialect, words),
            state=state,
            severity=told.severity,
            occasion=post.occasion,
            facts=_facts({**words["group"], **told.labels}),
            links=links_of(told.shown[0]) if len({links_of(alert) for alert in told.shown}) == 1 else (),
            buttons=_buttons(post, state, taken=0 < told.firing <= told.acked),
            at=group.opened_at,
            local=self._written(group.opened_at),
        )

    def line(self, line: Line, *, dialect: str) -> Message:
        """What an entry in a thread, or a line of its own, says."""
        return Message(
            kind=MessageKind.LINE,
            title=self._part(line.occasion.value, "line", dialect, words_of_line(line)) or line.title,
            text=line.text,
            severity=line.severity if line.loud else None,
            occasion=line.occasion,
            facts=line.facts,
            buttons=line.buttons,
            at=line.created_at,
        )

    # ----------------------------------------------------------------------------------- what templates may use

    def words(
        self,
        post: Post,
        alert: Alert,
        silences: Sequence[Silence],
        explained: Sequence[str] = (),
        *,
        now: datetime,
    ) -> dict[str, Any]:
        """Of a message about an alert."""
        state = message_state(alert, silences)
        return (
            self._words(alert, silences, state, now)
            | self._next(post, state, now)
            | {"occasion": post.occasion.value, "explained": ", ".join(explained)}
        )

    def words_of_crowd(
        self,
        post: Post,
        group: Group,
        members: Sequence[Alert],
        told: Crowd,
        over: Over,
        *,
        now: datetime,
    ) -> dict[str, Any]:
        """Of the message of a group of several."""
        states = {alert.id: message_state(alert, over(alert)) for alert in told.shown}
        apart = told_apart(told.shown)
        state = _crowd_state(members, told, over)
        return self._next(post, state, now) | {
            "firing": told.firing,
            "noticed": told.noticed,
            "storm": group.storm,
            "total": told.total,
            "acked": told.acked,
            "hidden": told.hidden,
            "state": state.value,
            "shape": shape(state, told.severity),
            "occasion": post.occasion.value,
            "group": {} if group.storm else dict(group.labels),
            "route": group.route,
            "lasted": _span(told.began_at or group.opened_at, group.healed_at or now),
            "members": [
                {
                    "title": named(alert, apart),
                    "state": states[alert.id].value,
                    "severity": alert.severity.word if alert.severity else "",
                    "shape": shape(states[alert.id], alert.severity),
                    "acked_by": alert.ack.by if alert.ack else "",
                    "lasted": _lasted(alert, now),
                }
                for alert in told.shown
            ],
        }

    def _words(self, alert: Alert, silences: Sequence[Silence], state: MessageState, now: datetime) -> dict[str, Any]:
        longest = max(silences, key=lambda s: s.ends_at, default=None)
        ack = alert.ack
        return {
            "title": alert.title,
            "body": alert.body,
            "state": state.value,
            "severity": alert.severity.word if alert.severity else "",
            "shape": shape(state, alert.severity),
            "source": alert.source,
            "tool": self._tool(alert),
            "kind": alert.kind,
            "key": alert.key,
            "count": alert.count,
            "lasted": _lasted(alert, now),
            "acked_by": ack.by if ack else "",
            "ack_reason": ack.reason if ack else "",
            "flapping": alert.flaps if alert.flapping(now) else 0,
            "acked_until": self._until(ack.until, now) if ack and ack.until else "",
            "note": alert.note if alert.open and not alert.ack else "",
            "answer": self._answer(alert),
            "quieted": self._quieted(alert),
            "silenced_until": self._until(longest.ends_at, now) if longest else "",
            "silenced_by": longest.author if longest else "",
            "silenced_because": longest.because if longest else "",
            "resolution": alert.resolution,
            "labels": dict(alert.labels),
        }

    def _next(self, post: Post, state: MessageState, now: datetime) -> dict[str, Any]:
        """Who hears next if nobody takes it on, and when; and how long until it is said again here."""
        unowned = state is MessageState.OPEN
        step = post.next_step if unowned else None
        again = post.pace.repeats_after(post.reminders) if unowned and wanted(post.tell, Occasion.REMINDED) else None
        return {
            "next_to": step[0].name if step else "",
            "next_at": self._until(self._opens(step[0].during, step[1]), now) if step else "",
            "again_after": say_duration(again) if again else "",
        }

    def _until(self, at: datetime, now: datetime) -> str:
        local, today = at.astimezone(self._zone), now.astimezone(self._zone).date()
        return local.strftime("%H:%M %Z" if local.date() == today else "%Y-%m-%d %H:%M %Z")

    def _written(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M %Z")

    def _answer(self, alert: Alert) -> str:
        return say_answer(alert.answer, self._tool(alert)) if alert.answer else ""

    def _tool(self, alert: Alert) -> str:
        """As people call it: by its title, or by the source's own name where it has one."""
        return self._titles.get(alert.tool, alert.tool) if alert.source == alert.tool else alert.source

    def _quieted(self, alert: Alert) -> str:
        mark = alert.quieted
        if mark is None or not alert.open:
            return ""
        by = f" by {mark.by}" if mark.by else ""
        why = f": {mark.text}" if mark.text else ""
        return f"quiet in {self._tool(alert)}{by}{why}"

    def _part(self, occasion: str, part: str, dialect: str, words: Mapping[str, Any]) -> str:
        said = self.templates.say(occasion, part, dialect, words)
        return _plain_words(part, words) if said is None else said


def links_of(alert: Alert) -> tuple[Link, ...]:
    """The runbook first, whether the tool sent it as a link or as a label: it is what one looks for at night."""
    labels = (alert.labels.get(name) for name in RUNBOOKS)
    found = [Link(title=RUNBOOK, url=url) for url in labels if url and web_host(url)]
    named = [link for link in alert.links if link.title.casefold() == RUNBOOK.casefold()]
    rest = [link for link in alert.links if link not in named]
    once: dict[str, Link] = {}
    for link in (*found, *named, *rest):
        once.setdefault(link.url, link)
    return tuple(once.values())


def _buttons(post: Post, state: MessageState, *, taken: bool) -> tuple[Button, ...]:
    """What can be done about it. What somebody has taken on is not offered again, also while it is silent."""
    offered = (UNACK if taken and verb == "ack" else (label, verb) for label, verb in BUTTONS[state])
    return tuple(
        Button(label=label, value=f"{post.id}:{post.wanted}:{verb}", primary=verb == "ack") for label, verb in offered
    )


def _facts(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Labels as they are listed, without what is a link already."""
    shown = ((n, v) for n, v in labels.items() if v and not (n in RUNBOOKS and web_host(v)))
    return tuple(islice(shown, SHOWN_LABELS))


def _crowd_state(members: Sequence[Alert], told: Crowd, over: Over) -> MessageState:
    """Of a group: open while one of its members is; resolved when none fires."""
    if not told.firing:
        return MessageState.NOTICE if told.noticed == told.total else MessageState.RESOLVED
    spoken = (alert for alert in members if alert.open and not over(alert))
    taken = [alert.ack is not None for alert in islice(spoken, 1)]
    if not taken:
        return MessageState.SILENCED
    if told.acked == 0 or not taken[0]:
        return MessageState.OPEN
    return MessageState.OPEN if any(alert.ack is None for alert in spoken) else MessageState.ACKED


def message_state(alert: Alert, silences: Sequence[Silence]) -> MessageState:
    """The first that holds of resolved, silenced, acked, open."""
    if alert.phase is Phase.NOTICE:
        return MessageState.NOTICE
    if not alert.open:
        return MessageState.RESOLVED
    if silences:
        return MessageState.SILENCED
    return MessageState.ACKED if alert.ack else MessageState.OPEN


ANSWERS: Mapping[tuple[str, str], str] = {
    ("ack", "done"): "acknowledged in {tool}",
    ("ack", "already"): "already acknowledged in {tool}",
    ("unack", "done"): "acknowledgement removed in {tool}",
    ("downtime", "done"): "downtime set in {tool}",
    ("recheck", "done"): "{tool} has checked again",
}
ANSWERS_OTHERWISE: Mapping[str, str] = {
    "queued": "asking {tool} to {verb}…",
    "asking": "asking {tool} to {verb}…",
    "sent": "asked {tool} to {verb}, waiting for its answer…",
    "done": "{verb}: done in {tool}",
    "already": "{verb}: {tool} had it already",
    "refused": "{tool} refused to {verb}",
    "unknown": "{tool} has not confirmed the {verb}",
    "here only": "here only: {tool} was not told",
}


def say_answer(answer: Answer, tool: str) -> str:
    """What the tool said to what we asked, in a few words."""
    words = ANSWERS.get((answer.verb, answer.result)) or ANSWERS_OTHERWISE.get(
        answer.result, "{verb}: " + answer.result
    )
    said = words.format(tool=tool, verb=answer.verb)
    return f"{said} ({answer.detail})" if answer.detail and answer.result not in UNDER_WAY else said


def words_of_line(line: Line) -> dict[str, Any]:
    return {
        "title": line.title,
        "body": line.text,
        "text": line.text,
        "by": line.by,
        "severity": line.severity.word if line.severity else "",
        "occasion": line.occasion.value,
    }


def _lasted(alert: Alert, now: datetime) -> str:
    return _span(alert.began_at, (alert.healed_at or alert.resolved_at or now) if not alert.open else now)


def _span(began: datetime, until: datetime) -> str:
    return say_duration(timedelta(seconds=max(1, int((until - began).total_seconds()))))


PLAIN = {"title": "title", "text": "body", "line": "title", "standing": "state"}
"""Of a group there is neither; then it is how many fire."""


def _plain_words(part: str, words: Mapping[str, Any]) -> str:
    """The built-in words, for when no template can say it."""
    return str(words.get(PLAIN[part]) or (f"{words['firing']} firing" if "firing" in words else ""))
