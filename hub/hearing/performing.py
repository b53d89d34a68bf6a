"""What somebody asks of the hub, whichever way: text, button, page, HTTP and command line all end here.

It is understood, judged, put on record, and done, in this order.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from hub import ids
from hub.commands import drill as drill_command
from hub.commands.phrases import canonical
from hub.contracts import Actions, Asker, Call, Command, Drilled, Heard, Match, OpenToAll, Reply, Silenced, Via
from hub.core.access import Verdict, judge
from hub.core.past import Act
from hub.core.records import replace
from hub.core.rules import Rules
from hub.errors import Overloaded, TocsinError, UsageError
from hub.hearing.conversation import Conversation
from hub.memory.draft import Draft
from hub.memory.writer import Writer
from hub.store import Audit, StoredRequest

log = logging.getLogger("tocsin.performing")

ALLOWED = Verdict(allowed=True, why="")
MOST_NAMED = 100
"""Alerts that a record is about: of a storm nobody follows thousands of links."""

Delivery = tuple[str, str]
"""Where a chat's request came in, and the chat's own id of it."""


class Repeated(TocsinError):
    """A chat delivered the same thing again."""


class Performing:
    def __init__(
        self,
        *,
        actions: Actions,
        conversation: Conversation,
        rules: Callable[[], Rules],
        writer: Writer,
        redact: Callable[[str], str],
    ) -> None:
        self._actions = actions
        self._conversation = conversation
        self._rules = rules
        self._writer = writer
        self._redact = redact

    async def perform(self, heard: Heard) -> Reply:
        """Do what was said, if it is understood and allowed. It is on record before it is done."""
        try:
            return await self._perform(heard, None)
        except Repeated as repeated:  # cannot be, without a delivery to repeat
            return Reply(text=str(repeated), ok=False)

    async def perform_once(self, heard: Heard, delivery: Delivery) -> Reply | None:
        """The same, unless this delivery of the chat was performed before: then None, and nothing is done.

        What a crash stopped between record and deed is not done again: a person looks, and says it anew."""
        try:
            return await self._perform(heard, delivery)
        except Repeated:
            return None

    async def _perform(self, heard: Heard, delivery: Delivery | None) -> Reply:
        heard = replace(heard, text=self._redact(heard.text))
        understood = await self._conversation.understand(heard, self._actions)
        if isinstance(understood, Reply):
            verdict = Verdict(allowed=understood.ok, why="" if understood.ok else "not understood")
            await self._record(heard, "", verdict, understood.text, delivery=delivery)
            return understood
        command, intent = understood.command, understood.intent
        calls = list(command.calls(intent))
        parsed = "; ".join(f"{call.name} {call.words}".strip() for call in calls)
        verdict = self._judge(calls, heard, free=command.reads or isinstance(command, OpenToAll))
        if not verdict.allowed:
            await self._record(heard, parsed, verdict, "refused", delivery=delivery, calls=calls)
            return Reply(text=verdict.why, ok=False)
        record = None
        if not command.reads:
            record = await self._record(heard, parsed, verdict, "begun", delivery=delivery, calls=calls)
            delivery = None
        reply = await self._run(command, intent, heard)
        acts = tuple(call.act for call in calls if call.act is not None)
        try:
            await self._record(heard, parsed, verdict, reply.text, record, delivery=delivery, calls=calls, acts=acts)
        except Overloaded as error:  # what was done is done, and what was read was only read: both are answered
            log.warning("what came of '%s' is not on record: %s", command.name, error)
        return reply

    async def read(self, heard: Heard) -> Reply:
        """Answer what only reads, to somebody who is let in to see all there is: it needs no right, and no record."""
        understood = await self._conversation.understand(heard, self._actions)
        if isinstance(understood, Reply):
            return understood
        if not understood.command.reads:
            return Reply(text=f"{understood.command.name} does something, and here one only reads", ok=False)
        return await self._run(understood.command, understood.intent, heard)

    async def silence_by_match(self, matchers: Match, seconds: float, reason: str, heard: Heard) -> Silenced | Reply:
        """A silence asked for over HTTP, by the same rights as one in words; a Reply says why not."""
        words, arguments = canonical(matchers)
        call = Call(name="silence", words=words, arguments={**arguments, "for": seconds})
        verdict = self._judge([call], heard, free=False)
        await self._record(heard, f"silence {call.words}", verdict, "begun" if verdict.allowed else "refused")
        if not verdict.allowed:
            return Reply(text=verdict.why, ok=False)
        try:
            return await self._actions.silence(matchers, seconds, self._redact(reason), heard)
        except UsageError as error:
            return Reply(text=str(error))

    async def drill_in(self, words: str, heard: Heard) -> Sequence[Drilled] | Reply:
        """A drill asked for over HTTP, by the same rights as one in words; a Reply says why not. Raises UsageError."""
        channel = drill_command.parse(words, heard, self._actions)
        [call] = drill_command.calls(channel)
        verdict = self._judge([call], heard, free=False)
        await self._record(heard, f"drill {channel}".strip(), verdict, "begun" if verdict.allowed else "refused")
        return await self._actions.drill(channel, heard) if verdict.allowed else Reply(text=verdict.why, ok=False)

    async def note(self, what: str, asker: Asker, now: datetime) -> None:
        """Put on record what was done without a sentence, such as a replay."""
        heard = Heard(text=what, asker=asker, place="", via=Via.HTTP, heard_at=now)
        await self._record(heard, what, ALLOWED, "begun")

    async def _run(self, command: Command[Any], intent: Any, heard: Heard) -> Reply:
        try:
            return await command.run(intent, heard, self._actions)
        except UsageError as error:
            return Reply(text=str(error), ok=False, proposals=error.proposals)
        except Overloaded as error:
            return Reply(text=f"nothing was done: {error.outside}; try again in a moment", ok=False)
        except Exception:
            log.exception("command %s failed", command.name)
            return Reply(text=f"{command.name} failed inside the hub; the log of the hub says why", ok=False)

    def _judge(self, calls: Sequence[Call], heard: Heard, *, free: bool) -> Verdict:
        """Every call must be allowed: an `ack` of two alerts is two questions."""
        for call in calls:
            verdict = judge(
                self._rules().access,
                call_name=call.name,
                call_words=call.words,
                arguments=call.arguments,
                person=heard.asker.person,
                known=heard.asker.known,
                groups=heard.asker.groups,
                trusted=heard.asker.trusted,
                place=heard.place,
                free=free,
                in_chat=bool(heard.place),
            )
            if not verdict.allowed:
                return verdict
        return ALLOWED

    async def _record(
        self,
        heard: Heard,
        parsed: str,
        verdict: Verdict,
        outcome: str,
        id: str | None = None,
        *,
        delivery: Delivery | None = None,
        calls: Sequence[Call] = (),
        acts: Sequence[Act] = (),
    ) -> str:
        """Write it down, and with it that this delivery was performed. Raises Repeated if it was before."""
        record = Audit(
            id=id or ids.new_id(),
            at=heard.heard_at,
            person=heard.asker.person,
            known=heard.asker.known,
            token=heard.asker.token,
            via=heard.via.value,
            account=heard.asker.account,
            place=heard.place,
            raw=heard.text,
            parsed=parsed,
            allowed=verdict.allowed,
            why=verdict.why,
            outcome=outcome,
            acts=tuple(replace(act, by=heard.asker.person) for act in acts),
            alerts=tuple(dict.fromkeys(call.alert for call in calls if call.alert))[:MOST_NAMED],
        )

        def job(draft: Draft) -> str:
            if delivery is not None:
                _once(draft, delivery, heard.heard_at)
            draft.changes.audit.append(record)
            return record.id

        return await self._writer.do(job, delivery=delivery)


def _once(draft: Draft, delivery: Delivery, at: datetime) -> None:
    """Note that this delivery of a chat was performed. Its body is not kept: the audit has the words, and what else
    chats put in are tokens."""
    source, id = delivery
    if draft.delivered(source, id) is not None:
        raise Repeated("it was delivered, and performed, before")
    request = StoredRequest(
        id=ids.new_id(), source=source, tool=source, received_at=at, verdict="heard", delivery_id=id
    )
    draft.changes.requests.append(request)
    draft.note_delivery(request)
