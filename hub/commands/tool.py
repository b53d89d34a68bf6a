"""The commands of tools, made from what their controls can do: `nagios ack web301`, `nagios downtime db1 2h`.

The name of a source may stand for its tool, and then means only that source: `nagios-eu ack web301`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.commands.phrases import REASONS, UNTIL, Phrase, read_tail, split_length
from hub.commands.subjects import (
    LASTING,
    Request,
    aimed_at,
    in_thread,
    of_source,
    open_subjects,
    some_of,
    target_of,
    together,
)
from hub.contracts import Actions, Call, Control, Heard, Reply, Target, Verb
from hub.core.records import replace
from hub.errors import UsageError

Intent = Sequence[Request]


# Not frozen: the protocol of a command has plain attributes, as a module has.
@dataclass(slots=True, kw_only=True)
class ToolCommand:
    """One verb of one tool; of one source of it, where `source` is set."""

    name: str
    usage: str
    summary: str
    tool: str
    verb: str
    control: Control
    source: str = ""
    aliases: Sequence[str] = field(default=())
    reads: bool = False

    def of_source(self, source: str) -> "ToolCommand":
        return replace(self, source=source)

    async def parse(self, words: str, heard: Heard, actions: Actions) -> Intent:
        ways = self._ways(actions)
        if in_thread(heard) and _unaimed(words):
            return self._of_thread(words, ways, heard, actions)
        if words:
            return [await self._aimed(words, ways, actions)]
        raise UsageError(f"say what {self.name} is to be done to")

    def calls(self, intent: Intent) -> Sequence[Call]:
        return [request.call() for request in intent]

    async def run(self, intent: Intent, heard: Heard, actions: Actions) -> Reply:
        came = await together(lambda request: request.send(heard, actions), intent)
        return Reply(text="\n".join(some_of([str(one) for one in came])), ok=all(isinstance(one, str) for one in came))

    # ------------------------------------------------------------------------------------------------- which source

    def _ways(self, actions: Actions) -> Sequence[str]:
        """The sources meant that have a way to the tool; raises UsageError, naming what to set."""
        meant = [name for name, tool in actions.sources().items() if tool == self.tool and self.source in ("", name)]
        ways = [name for name in meant if actions.control(name) is not None]
        if ways:
            return ways
        if not meant:
            raise UsageError(f"no source of {self.tool} is configured")
        raise UsageError(f"there is no way to {self.source or self.tool} yet: {self._missing(meant)}")

    def _missing(self, meant: Sequence[str]) -> str:
        """What to set, by its whole name where just one source is meant."""
        said = f"set {self.control.missing.removeprefix('set ')}"
        return said.replace("<SOURCE>", _variable(meant[0])) if len(meant) == 1 else said

    async def _aimed(self, words: str, ways: Sequence[str], actions: Actions) -> Request:
        aims = await self._aims(words, ways, actions)
        source = await self._which(aims, words, actions)
        target, rest = aims[source]
        return self._request(source, target, self._tail(rest, actions))

    async def _aims(self, words: str, ways: Sequence[str], actions: Actions) -> Mapping[str, tuple[Target, str]]:
        """What the words aim at in each source that can read them; raises UsageError if none can."""
        aims, errors = dict[str, tuple[Target, str]](), list[UsageError]()
        for source in ways:
            own = await actions.find(of_source(source))
            try:
                aims[source] = self.control.aim(words, [alert.labels for alert in own])
            except UsageError as error:
                errors.append(error)
        if not aims:
            raise errors[0]
        return aims

    async def _which(self, aims: Mapping[str, tuple[Target, str]], words: str, actions: Actions) -> str:
        """The one source that is meant; raises UsageError where it may be several."""
        about = {source: aimed_at(source, target, self.control) for source, (target, _) in aims.items()}
        firing = [source for source, is_it in about.items() if await actions.find(is_it)]
        fits = firing or list(aims)
        if len(fits) == 1:
            return fits[0]
        # A source called like its tool has no other name by which it could be meant.
        if not firing and self.tool in fits:
            return self.tool
        ways = [f"{source} {self.verb} {words}" for source in sorted(fits) if source != self.tool]
        either = " or ".join(f'"{way}"' for way in ways)
        raise UsageError(f"{' and '.join(sorted(fits))} fit; say {either}", proposals=ways)

    def _of_thread(self, words: str, ways: Sequence[str], heard: Heard, actions: Actions) -> Intent:
        tail = self._tail(re.sub("^this ?", "", words, flags=re.IGNORECASE), actions)
        alerts = [alert for alert in open_subjects(heard, actions) if alert.source in ways]
        aims = [(alert.source, target_of(alert, self.control)) for alert in alerts]
        requests = [self._request(source, target, tail) for source, target in aims if target is not None]
        if not requests:
            raise UsageError(
                f"nothing of this thread is of {self.source or self.tool}; say what {self.name} is to be done to"
            )
        return requests

    # ----------------------------------------------------------------------------------------------- what stands behind

    def _tail(self, rest: str, actions: Actions) -> Phrase:
        if self._verb.takes_duration:
            return read_tail(rest, actions.here())
        if self.verb in LASTING:
            said, seconds = split_length(rest, actions.here())
            return Phrase(subject="", seconds=seconds, reason=read_reason(said))
        return Phrase(subject="", reason=read_reason(rest))

    @property
    def _verb(self) -> Verb:
        return self.control.verbs[self.verb]

    def _request(self, source: str, target: Target, tail: Phrase) -> Request:
        return Request(
            source=source, tool=self.tool, verb=self.verb, target=target, reason=tail.reason, seconds=tail.seconds
        )


def _unaimed(words: str) -> bool:
    """Whether the words begin behind the target, which the thread names."""
    first = words.partition(" ")[0].casefold()
    return first in REASONS | {"", "this", "for", *UNTIL}


def read_reason(rest: str) -> str:
    """The rest, without a `because` before it."""
    first, _, more = rest.strip().partition(" ")
    return more.strip() if first.casefold() in REASONS else rest.strip()


def tool_commands(tools: Mapping[str, Control]) -> Sequence[ToolCommand]:
    """The commands of each tool, one for each verb of its control."""
    return [_command(tool, verb, control) for tool, control in tools.items() for verb in control.verbs]


def _command(tool: str, verb: str, control: Control) -> ToolCommand:
    said = control.verbs[verb]
    return ToolCommand(
        name=f"{tool} {verb}",
        usage=_usage(tool, verb, said.usage),
        summary=said.summary,
        tool=tool,
        verb=verb,
        control=control,
    )


def _usage(tool: str, verb: str, usage: str) -> str:
    """The whole sentence, whether the control wrote all of it, the verb and its arguments, or the arguments alone."""
    words = usage.split()
    if words[:2] == [tool, verb]:
        return usage
    return f"{tool} {usage}" if words[:1] == [verb] else f"{tool} {verb} {usage}".strip()


def _variable(source: str) -> str:
    """As it stands in the names of settings."""
    return re.sub(r"[^A-Z0-9]", "_", source.upper())
