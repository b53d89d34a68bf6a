"""Back into Sensu: silence, acknowledge, resolve. Sensu knows no acknowledgement; what comes nearest is a silence that
ends by itself when the check is well again (`expire_on_resolve`)."""

from collections.abc import Awaitable, Callable
from functools import partial

from hub.contracts import Ask, Control, Outcome, Result, Target, Tools, Verb
from hub.errors import PayloadError, UsageError
from hub.proof import Secret
from integrations.sensu.apis import Api, NoAnswer, Refusal, Silence, api_of
from integrations.sensu.targets import Thing, aim, target_of, thing_of

HOUR = 3600.0
"""Seconds of a silence where nobody said how many."""
LONGEST_REASON = 400

Step = Callable[[Api, Thing, Ask, Tools], Awaitable[Outcome]]


async def _do(step: Step, target: Target, ask: Ask, tools: Tools) -> Outcome:
    try:
        return await step(api_of(tools), thing_of(target), ask, tools)
    except (Refusal, UsageError, PayloadError) as error:
        return Outcome(result=Result.REFUSED, detail=str(error))
    except NoAnswer as error:
        # `confirm` goes and looks.
        return Outcome(result=Result.SENT, detail=str(error))


async def _ack(api: Api, thing: Thing, ask: Ask, _tools: Tools) -> Outcome:
    if await api.status(thing) == 0:
        raise Refusal(f"{thing} is well: there is nothing to acknowledge")
    silence = Silence(creator=ask.asker, reason=reason_of(ask), until_well=True)
    return await _silenced(api, thing, silence, "silenced there until it is well")


async def _silence(api: Api, thing: Thing, ask: Ask, _tools: Tools) -> Outcome:
    await api.status(thing)
    seconds = max(1, round(ask.duration or HOUR))
    silence = Silence(creator=ask.asker, reason=reason_of(ask), seconds=seconds)
    return await _silenced(api, thing, silence, "")


async def _silenced(api: Api, thing: Thing, silence: Silence, done: str) -> Outcome:
    found = await api.find(thing)
    if found is None and await api.silence(thing, silence):
        return Outcome(result=Result.DONE, detail=done)
    return Outcome(result=Result.ALREADY, detail=_say(found or await api.find(thing)))


def _say(found: Silence | None) -> str:
    if found is None:
        return "silenced there meanwhile"
    until = " until it is well" if found.until_well else ""
    by = f" by {found.creator}" if found.creator else ""
    return f"silenced there{until}{by}" + (f": {found.reason}" if found.reason else "")


async def _unack(api: Api, thing: Thing, _ask: Ask, _tools: Tools) -> Outcome:
    found = await api.find(thing)
    if found is not None and not found.until_well:
        raise Refusal(f"{thing} is {_say(found)}; that is no acknowledgement: unsilence ends it")
    return await _cleared(api, thing)


async def _unsilence(api: Api, thing: Thing, _ask: Ask, _tools: Tools) -> Outcome:
    return await _cleared(api, thing)


async def _cleared(api: Api, thing: Thing) -> Outcome:
    if await api.clear(thing):
        return Outcome(result=Result.DONE)
    return Outcome(result=Result.ALREADY, detail=f"there is no silence of just {thing}")


async def _resolve(api: Api, thing: Thing, ask: Ask, tools: Tools) -> Outcome:
    if not thing.check:
        raise Refusal(f"say which check of {thing.host}: {thing.host}/check_http")
    if await api.status(thing) == 0:
        return Outcome(result=Result.ALREADY, detail="it is well")
    return await api.resolve(thing, reason_of(ask), tools.now)


def reason_of(ask: Ask) -> str:
    """The ask's comment; what is too long loses words, never the id, by which `confirm` knows it. Sensu Go writes the
    owner of our key as the creator, so that the asker stands here, too."""
    said, end = ask.comment, f"… [{ask.id}]"
    return said if len(said) <= LONGEST_REASON else said[: LONGEST_REASON - len(end)] + end


# ---------------------------------------------------------------------------------------------------------- did it?


async def confirm(target: Target, ask: Ask, tools: Tools) -> Outcome | None:
    """Whether Sensu did it. None: not yet, or it cannot be asked just now."""
    try:
        done = await DONE[ask.verb](api_of(tools), thing_of(target), ask)
    except (Refusal, UsageError, PayloadError):
        return None
    return Outcome(result=Result.DONE) if done else None


async def _is_silenced(api: Api, thing: Thing, ask: Ask) -> bool:
    found = await api.find(thing)
    return found is not None and f"[{ask.id}]" in found.reason


async def _is_cleared(api: Api, thing: Thing, _ask: Ask) -> bool:
    return await api.find(thing) is None


async def _is_well(api: Api, thing: Thing, _ask: Ask) -> bool:
    return await api.status(thing) == 0


DONE: dict[str, Callable[[Api, Thing, Ask], Awaitable[bool]]] = {
    "ack": _is_silenced,
    "silence": _is_silenced,
    "unack": _is_cleared,
    "unsilence": _is_cleared,
    "resolve": _is_well,
}


async def examine(tools: Tools) -> str:
    try:
        await api_of(tools).examine()
    except (Refusal, PayloadError) as error:
        what, _, cure = str(error).partition("; ")
        return f"{what}; {cure or 'correct API_URL, API_KEY or the rights of its user'}"
    return ""


def ready(setting: Callable[[str], Secret | None]) -> bool:
    return setting("API_URL") is not None


CONTROL = Control(
    verbs={
        "ack": Verb(
            run=partial(_do, _ack),
            usage="<entity>/<check> [reason]",
            summary="acknowledge a problem in Sensu: silence it until it is well",
        ),
        "unack": Verb(
            run=partial(_do, _unack),
            usage="<entity>/<check>",
            summary="take an acknowledgement away in Sensu",
        ),
        "silence": Verb(
            run=partial(_do, _silence),
            usage="<entity>[/<check>] [for 2h] [reason]",
            summary="silence a check or a whole entity in Sensu, for an hour unless said",
            takes_duration=True,
        ),
        "unsilence": Verb(
            run=partial(_do, _unsilence),
            usage="<entity>[/<check>]",
            summary="end a silence in Sensu",
        ),
        "resolve": Verb(
            run=partial(_do, _resolve),
            usage="<entity>/<check> [reason]",
            summary="resolve a problem in Sensu by hand, until it is checked again",
        ),
    },
    ready=ready,
    missing="set TOCSIN_<SOURCE>_API_URL, and for Sensu Go TOCSIN_<SOURCE>_API_KEY",
    aim=aim,
    target_of=target_of,
    names=frozenset({"host", "service", "check", "namespace"}),
    confirm=confirm,
    examine=examine,
)
