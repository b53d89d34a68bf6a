"""`preview silence host=web* for 2h`: what a silence would hide, before it begins."""

from collections.abc import Sequence
from datetime import timedelta

from hub.commands import silence
from hub.commands.effects import list_effect
from hub.commands.phrases import canonical, say_match, say_seconds, say_silenced, say_time
from hub.commands.silence import Intent, Part
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.matching import compile_match

name = "preview silence"
aliases: Sequence[str] = ("preview", *(f"preview {alias}" for alias in silence.aliases))
usage = "preview silence [<source> | host=web301 …] [for 2h | until 14:30]"
summary = "what a silence would hide: what fires now, and what came in the last 7 days"
reads = True


async def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    return await silence.parse(words, heard, actions, name)


def calls(intent: Intent) -> Sequence[Call]:
    return [Call(name=name, words=canonical(part.match, part.alert)[0]) for part in intent.parts]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    return Reply(text="\n".join([await _foresee(part, intent, actions) for part in intent.parts]))


async def _foresee(part: Part, intent: Intent, actions: Actions) -> str:
    effect = await actions.preview(part.match)
    policy, match = actions.silence_policy(), compile_match(part.match)
    refused, second = policy.refusal(match, timedelta(seconds=intent.seconds)), policy.wants_second(effect.size)
    until, length = say_time(silence.end_of(intent, actions), actions.here()), say_seconds(intent.seconds)
    begins = f'"silence {say_match(part.match)} for {length.replace(" ", "")}" begins it.'
    return "\n".join(
        [
            f"{say_silenced(part.match, part.alert)}, quiet until {until} ({length}), would hide",
            *list_effect(effect),
            *([f"above {policy.second_person_above} alerts a second person must agree"] if second else []),
            *([begins] if part.alert is None and not refused else []),
            *([f"it would be refused: {refused}"] if refused else []),
        ]
    )
