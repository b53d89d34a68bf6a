"""Silences as they begin, hold and end, and who is told of it: the part of the router that is about them.

It is told where they matter: in the channels that heard of what a silence covers, or would hear of it, a line in each,
and where it was asked for. A silence of one alert is seen on that alert, and announced nowhere else.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.commands.phrases import say_match, say_time
from hub.core import telling
from hub.core.alert import Alert
from hub.core.durations import say_duration
from hub.core.matching import alert_look, compile_match, matched
from hub.core.notification import Button, DeliveryState, Occasion
from hub.core.planned import AUTHOR, plan
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.silence import APPROVED_WITHIN, REMEMBERED, Often, Silence, SilenceId, approved, counted, extended
from hub.core.telling import Said
from hub.ids import short_id
from hub.memory.draft import Draft
from hub.prose import say_count

MOST_PLACES = 30
"""Channels in which one silence is announced."""
NAMED = 5
MOST_TOGETHER = 10
LINE = "\n"
ID_LENGTH = 5
DISMISSED = "silence-dismissed"
"""The timer of a silence of the rules file that somebody ended: until when it does not begin again."""
EXTEND, AGREE = ("1h more", "extend"), ("Agree", "approve")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What is to be said of a silence, and where."""

    places: Collection[str]
    said: Said
    buttons: tuple[Button, ...] = ()


class Silencing:
    """`speak` tells of an alert what was held back, unless something else holds it still; `quieten` holds some from
    now on; `address` is where a channel of the rules is now."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        speak: Callable[[Draft, Alert], None],
        quieten: Callable[[Draft, Sequence[Alert]], None],
        address: Callable[[str, Draft], str],
        zone: ZoneInfo,
    ) -> None:
        self._zone = zone
        self._rules = rules
        self._speak = speak
        self._quieten = quieten
        self._address = address

    def ask(self, draft: Draft, silence: Silence, heard_of: Sequence[str]) -> Silence:
        """Put a silence on record that waits for a second person, and say so where it would be announced."""
        places = self._places(draft, silence, _covered(draft, silence), heard_of)
        asked = replace(silence, told=tuple(places))
        draft.changes.silences[silence.id] = asked
        draft.set_timer("silence-lapses", silence.id, silence.approve_by)
        for place in places:
            announce(draft, place, Occasion.SILENCED, _what_waits(asked), buttons=(_button(asked, *AGREE),))
        return asked

    def approve(self, draft: Draft, silence: Silence, by: str, *, but: str = "") -> Silence:
        draft.set_timer("silence-lapses", silence.id, None)
        return self.begin(draft, approved(silence, by, draft.now), silence.told, but=but)

    def lapse(self, draft: Draft, id: str) -> None:
        """Nobody agreed in time."""
        silence = draft.silence(id)
        if silence is not None and silence.waiting:
            self._drop(draft, silence, f"nobody agreed within {say_duration(APPROVED_WITHIN)}")

    def _drop(self, draft: Draft, silence: Silence, why: str) -> Silence:
        dropped = replace(silence, ended_at=draft.now)
        draft.changes.silences[silence.id] = dropped
        draft.set_timer("silence-lapses", silence.id, None)
        for place in silence.told:
            said = Said(title=f"{say_match(silence.match)} is not silenced: {why}")
            announce(draft, place, Occasion.UNSILENCED, said)
        return dropped

    def begin(self, draft: Draft, silence: Silence, heard_of: Sequence[str] = (), *, but: str = "") -> Silence:
        """Begin a silence. `heard_of` are addresses that lately heard of what it covers; `but` not there, where the
        reply to whoever asked says it."""
        begun, said = self._begin(draft, silence, heard_of)
        elsewhere = [place for place in said.places if place != but]
        _say_together(draft, Occasion.SILENCED, "begin", [replace(said, places=elsewhere)])
        return begun

    def _begin(self, draft: Draft, silence: Silence, heard_of: Sequence[str]) -> tuple[Silence, "_Word"]:
        covered = _covered(draft, silence)
        begun = replace(silence, told=tuple(self._places(draft, silence, covered, heard_of)))
        draft.changes.silences[silence.id] = begun
        self._set_timers(draft, begun)
        self._quieten(draft, covered)
        places = () if silence.alert else begun.told
        return begun, _Word(places=places, said=_what_begins(begun, covered, draft.now.astimezone(self._zone)))

    def keep(self, draft: Draft) -> None:
        """Let the silences of the rules file begin and end as it has them now."""
        standing = [silence for silence in draft.silences() if silence.name]
        dismissed = {timer.subject for timer in draft.timers_of(DISMISSED)}
        todo = plan(self._rules().silences, standing, dismissed, draft.now)
        self.end(draft, [silence.id for silence in todo.end], AUTHOR)
        for silence in todo.change:
            draft.changes.silences[silence.id] = silence
            self._set_timers(draft, silence)
        begun = [one.silence(short_id(ID_LENGTH), draft.now, until) for one, until in todo.begin]
        words = [self._begin(draft, silence, ())[1] for silence in begun]
        _say_together(draft, Occasion.SILENCED, "begin", words)
        draft.set_timer("silence-plan", "next", todo.wake)

    def extend(self, draft: Draft, silence: Silence, ends_at: datetime, by: str, *, but: str = "") -> Silence:
        """Move its end, and say so where it was announced; `but` not there, where the reply says it."""
        longer = extended(silence, ends_at)
        draft.changes.silences[silence.id] = longer
        self._set_timers(draft, longer)
        for alert in _covered(draft, silence):
            edit_posts(draft, alert, Occasion.SILENCED)
        until = say_time(ends_at, draft.now.astimezone(self._zone))
        said = Said(title=f"{_about(silence)} stays quiet until {until}, says {by}", by=by)
        for place in longer.told if not silence.alert else ():
            if place != but:
                announce(draft, place, Occasion.SILENCED, said)
        return longer

    def end(self, draft: Draft, ids: Iterable[str], by: str = "") -> list[Silence]:
        """End silences, tell what they held back and say so where it matters. Gives those that were there."""
        standing = [silence for silence in map(draft.silence, ids) if silence is not None and silence.ended_at is None]
        for silence in standing:
            if silence.waiting:
                self._drop(draft, silence, f"{by or silence.author} thought better of it")
        begun = [silence for silence in standing if not silence.waiting]
        ending = {silence.id for silence in begun}
        words = [self._end(draft, silence, by, ending) for silence in begun]
        _say_together(draft, Occasion.UNSILENCED, "have ended", words)
        return [ended for silence in standing if (ended := draft.silence(silence.id)) is not None]

    def _end(self, draft: Draft, silence: Silence, by: str, ending: Collection[SilenceId]) -> "_Word":
        covered = _covered(draft, silence)
        held = [alert for alert in map(draft.alert, silence.held_alerts) if alert is not None]
        known = {alert.id for alert in covered}
        covered += [alert for alert in held if alert.id not in known]
        draft.changes.silences[silence.id] = replace(silence, ended_at=draft.now)
        draft.set_timer("silence", silence.id, None)
        draft.set_timer("silence-warns", silence.id, None)
        if silence.name and by not in ("", AUTHOR):
            draft.set_timer(DISMISSED, silence.name, silence.ends_at)
        places = () if silence.alert else _once((*silence.told, *_channels(draft, held)))
        for alert in covered:
            self._speak(draft, alert)
        firing = [alert for alert in covered if alert.open]
        quiet = [alert for alert in firing if any(one.id not in ending for one in silences_over(draft, alert))]
        return _Word(places=places, said=_what_it_held(silence, firing, len(quiet), by))

    def warn(self, draft: Draft, ids: Iterable[str]) -> None:
        """Say that they will end, while there is still time to extend them, if something under them fires that no
        other silence keeps quiet for longer."""
        words = []
        for silence in map(draft.silence, ids):
            if silence is None or not silence.active(draft.now):
                continue
            covered = _covered(draft, silence)
            firing = [alert for alert in covered if not _outlasted(draft, silence, alert)]
            if not firing:
                continue
            said, button = _what_ends(silence, firing, draft.now), _button(silence, *EXTEND)
            if silence.alert:
                _say_in_threads(draft, firing[0], said, button)
            else:
                words.append(_Word(places=silence.told, said=said, buttons=(button,)))
        _say_together(draft, Occasion.SILENCED, "end soon", words)

    def _set_timers(self, draft: Draft, silence: Silence) -> None:
        draft.set_timer("silence", silence.id, silence.ends_at)
        draft.set_timer("silence-warns", silence.id, silence.warns_at if silence.warns_at > draft.now else None)

    def _places(
        self, draft: Draft, silence: Silence, covered: Sequence[Alert], heard_of: Sequence[str]
    ) -> Sequence[str]:
        """The channels that were told of what it covers, or lately heard of such; else those that would."""
        if silence.alert:
            return _once([silence.place])
        heard = [*_channels(draft, covered), *heard_of] or self._would_hear(draft, silence)
        return _once([silence.place, *heard])

    def _would_hear(self, draft: Draft, silence: Silence) -> Sequence[str]:
        """Who would hear of an event that says just what the silence does."""
        rules = self._rules()
        said = {name: _first(value) for name, value in silence.match.items()}
        source = rules.source(said.get("source") or "")
        said |= {"status": "problem"} | ({"tool": source.tool} if source else {})
        return [self._address(taken.channel, draft) for taken in rules.tree.decide(said.get)]


def follow(draft: Draft, after: Alert) -> None:
    """A silence of one alert goes on when it heals and its like begins later: to people it is the same. `after` is not
    put into the draft yet."""
    active = draft.active_silences()
    before = draft.life(after.source, after.key, notice=False) if active else None
    for silence, _ in active:
        if before is not None and dict(silence.match) == {"id": before.id}:
            draft.changes.silences[silence.id] = replace(silence, match={"id": after.id})


def silences_over(draft: Draft, alert: Alert) -> list[Silence]:
    """Those in force that cover an alert."""
    active = draft.active_silences()
    if not active:
        return []
    look = alert_look(alert)
    return [silence for silence, match in active if match.matches(look)]


def _outlasted(draft: Draft, silence: Silence, alert: Alert) -> bool:
    return any(other.ends_at > silence.ends_at for other in silences_over(draft, alert))


def count_held(draft: Draft, silences: Sequence[Silence], alert: Alert) -> None:
    """Note that they kept an event of this alert from being told."""
    for silence in silences:
        draft.changes.silences[silence.id] = counted(silence, alert.id, alert.source, alert.title)


def edit_posts(draft: Draft, alert: Alert, occasion: Occasion) -> None:
    """Bring what was told of an alert to how it stands now."""
    told = [post for post in draft.posts_about(alert) if not telling.never_told(post)]
    draft.put(posts=[telling.edited(post, occasion, draft.pen) for post in told])


def announce(draft: Draft, place: str, occasion: Occasion, said: Said, buttons: tuple[Button, ...] = ()) -> None:
    line = telling.announcement(place, occasion, said, pen=draft.pen)
    draft.put(lines=[replace(line, loud=occasion is not Occasion.SILENCED, buttons=buttons)])


def _say_together(draft: Draft, occasion: Occasion, what: str, words: Sequence[_Word]) -> None:
    """A line in each place, however many silences begin or end at once."""
    for place in dict.fromkeys(place for word in words for place in word.places):
        here = [word for word in words if place in word.places]
        if len(here) == 1:
            announce(draft, place, occasion, here[0].said, here[0].buttons)
        else:
            announce(draft, place, occasion, _together(what, [word.said for word in here]))


def _say_in_threads(draft: Draft, alert: Alert, said: Said, button: Button) -> None:
    owed = DeliveryState.OWED
    for post in draft.posts_about(alert):
        if not telling.never_told(post):
            line = telling.thread_line(
                post, Occasion.SILENCED, said, alert=alert, loud=False, state=owed, pen=draft.pen
            )
            draft.put(lines=[replace(line, buttons=(button,))])


def _covered(draft: Draft, silence: Silence) -> list[Alert]:
    return matched(compile_match(silence.match), draft.open_alerts())


def _channels(draft: Draft, alerts: Iterable[Alert]) -> Sequence[str]:
    """Where they were told, or would have been."""
    return list(dict.fromkeys(post.channel for alert in alerts for post in draft.posts_about(alert)))


def _once(places: Iterable[str]) -> Sequence[str]:
    return [place for place in dict.fromkeys(places) if place][:MOST_PLACES]


def _first(value: object) -> str | None:
    """A text of which the value speaks, as far as a route can be asked about it."""
    if isinstance(value, list | tuple) and value:
        return _first(value[0])
    return value if isinstance(value, str) else None


def _button(silence: Silence, label: str, verb: str) -> Button:
    return Button(label=label, value=f"silence/{silence.id}:{silence.version}:{verb}", primary=True)


# --------------------------------------------------------------------------------------------------------------- words


def _together(what: str, said: Sequence[Said]) -> Said:
    lines = [f"• {one.title}; {one.text.partition(LINE)[0]}" for one in said[:MOST_TOGETHER]]
    more = [f"… and {len(said) - MOST_TOGETHER} more"] if len(said) > MOST_TOGETHER else []
    return Said(title=f"{len(said)} silences {what}", text=LINE.join([*lines, *more]))


def _about(silence: Silence) -> str:
    """What it is about, with its name if it is one of the rules file."""
    said = say_match(silence.match)
    return f"{silence.name} ({said})" if silence.name else said


def _what_waits(silence: Silence) -> Said:
    length, within = say_duration(silence.length), say_duration(APPROVED_WITHIN)
    because = [f"because {silence.because}"] if silence.because else []
    agrees = f'"approve {silence.id}", said by somebody else within {within}, lets it begin'
    return Said(
        title=f"{silence.author} asks to silence {say_match(silence.match)} for {length}: a second person must agree",
        text="\n".join([*because, agrees]),
        by=silence.author,
    )


def _what_begins(silence: Silence, covered: Sequence[Alert], now: datetime) -> Said:
    because = [f"because {silence.because}"] if silence.because else []
    agreed = f", and {silence.approved_by} agrees" if silence.approved_by else ""
    fires = [f"{say_count(len(covered), 'alert')} under it fire{'s' * (len(covered) == 1)} now"] if covered else []
    until = say_time(silence.ends_at, now)
    return Said(
        title=f"{_about(silence)} is quiet until {until}, says {silence.author}{agreed}",
        text="\n".join([*because, *fires, f'"unsilence {silence.id}" ends it']),
        by=silence.author,
    )


def _what_ends(silence: Silence, firing: Sequence[Alert], now: datetime) -> Said:
    about = firing[0].title if silence.alert else _about(silence)
    count = say_count(len(firing), "alert")
    fires = "it still fires" if silence.alert else f"{count} under it still fire{'s' * (len(firing) == 1)}"
    return Said(
        title=f"{about} speaks again in {say_duration(silence.ends_at - now)}: {fires}",
        text="\n".join([*([] if silence.alert else _named(firing)), f'"extend {silence.id} 1h" keeps it quiet']),
    )


def _what_it_held(silence: Silence, firing: Sequence[Alert], quiet: int, by: str) -> Said:
    """`quiet` of what is firing stays so, under other silences."""
    alerts, full = len(silence.held_alerts), len(silence.held_alerts) == REMEMBERED
    held = f"{say_count(silence.held, 'event')} held back, of {say_count(alerts, 'alert')}{' or more' * full}"
    stays = f", {quiet} of it quiet under another silence" if quiet else ""
    says = f", says {by}" if by else ""
    again = f"may speak again{says}: what fires stays quiet under another silence"
    return Said(
        title=f"{_about(silence)} {again if firing and quiet == len(firing) else f'speaks again{says}'}",
        text="\n".join(
            [
                held if silence.held else "nothing was held back",
                *_most_often(silence),
                *([f"still firing: {len(firing)}{stays}", *_named(firing)] if firing else []),
            ]
        ),
        by=by,
    )


def _most_often(silence: Silence) -> Sequence[str]:
    """What it held most often, and how much else."""
    most: Sequence[Often] = sorted(silence.often, key=lambda one: -one.events)[:NAMED]
    rest = silence.held - sum(one.events for one in most)
    more = [f"… and {say_count(rest, 'other event')}"] if rest else []
    return [*(f"• {one.events} × {one.title} ({one.source})" for one in most), *more]


def _named(alerts: Sequence[Alert]) -> Sequence[str]:
    """Their titles, of one source and words together, with a bound."""
    kinds = Counter((alert.title, alert.source) for alert in alerts).most_common()
    lines = [f"• {f'{count} × ' * (count > 1)}{title} ({source})" for (title, source), count in kinds[:NAMED]]
    return [*lines, *([f"… and {len(kinds) - NAMED} more"] if len(kinds) > NAMED else [])]
