"""Pull requests that change the rules, judged where they are reviewed; and what was merged, taken in.

Nothing of this is kept here. What is to be judged is what is open and bears no verdict of ours, so that a review that
was interrupted is done again, and a request that never reached us is found the next time somebody looks.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import msgspec

from hub import processes
from hub.contracts import FetchTools, Forge, Merged, Proposal, Reviewing, RulesPlace, Verdict, WebhookRequest
from hub.core.event import Link, Report, Severity, Status
from hub.core.past import Happened
from hub.core.rule_changes import changes, power
from hub.core.rules import OWN, Rules
from hub.current import Current
from hub.errors import Overloaded, PayloadError, RulesError, SettingsError, TocsinError, Unreachable, Unsupported
from hub.memory.draft import Draft
from hub.memory.writer import Writer
from hub.rehearsals.diffing import bodies_of
from hub.routes_file.beside import Texts, decoded, together
from hub.store import Store

log = logging.getLogger("tocsin.reviews")

EVERY, SOON = timedelta(minutes=5), timedelta(minutes=1)
"""How often is looked by itself, and when again where that failed."""
READ_WITHIN = 90.0
RECENT, MOST_HAPPENED, AT_ONCE = timedelta(days=7), 20_000, 1_000
"""What of the past is replayed through old and new rules: so long, from its beginning, and so much."""
KIND = "review"
FENCE = "~" * 12
UNTOUCHED = "no rules are changed"
"""A branch that requires a verdict waits for one on whatever is to be merged."""


class Reviews:
    def __init__(
        self,
        *,
        place: RulesPlace,
        reviewing: Reviewing,
        tools: Callable[[], FetchTools],
        pulls: bool,
        rights: bool,
        current: Current,
        store: Store,
        writer: Writer,
        report: Callable[[Draft, Report], None],
        now: Callable[[], datetime],
    ) -> None:
        """`pulls`: what is merged is taken in, but for what gives rights, unless `rights` says so."""
        self._place = place
        self._reviewing = reviewing
        self._tools = tools
        self._pulls = pulls
        self._rights = rights
        self._current = current
        self._store = store
        self._writer = writer
        self._report = report
        self._now = now
        self._more = asyncio.Event()
        self._done: set[tuple[str, str]] = set()
        """By head and base, what was judged since the start; with an empty base, whatever it was."""
        self._taken = ""
        """The commit that was looked at last."""
        self._replaced: Rules | None = None
        """What was in force before rules that are being taken in; it stays until everybody was told of those."""
        self._patient = False
        """Something fails, or it was asked to wait: no hint makes that end sooner."""
        self._failing: str | None = None
        """Why, if it does; None at a start, when an earlier hub may have told that it does."""

    def heed(self, request: WebhookRequest) -> None:
        """Something was posted: perhaps there is something new."""
        if request.source == self._place.source and self._reviewing.concerns(request, self._place):
            self._more.set()

    @property
    def hurried(self) -> bool:
        """Whether somebody said that there may be something new, since it was looked at last."""
        return self._more.is_set()

    async def serve(self) -> None:
        """Look at once, when there may be something new, and now and then, until cancelled."""
        while True:
            wait = await self.look()
            if self._patient:
                await asyncio.sleep(wait.total_seconds())
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(wait.total_seconds()):
                    await self._more.wait()

    async def look(self) -> timedelta:
        """Judge what is open, and take in what was merged; gives when to look again."""
        self._more.clear()
        self._patient = True
        try:
            forge = self._reviewing.open(self._place, self._tools())
            if self._pulls:
                await self._pull(forge)
            proposals = await forge.proposals()
            self._done &= {(one.head, one.base) for one in proposals} | {(one.head, "") for one in proposals}
            await self._judge_each(forge, proposals)
        except Unreachable as error:
            log.warning("rules of %s cannot be looked at: %s", self._place.repo, error)
            return timedelta(seconds=error.retry_after or SOON.total_seconds())
        except Overloaded as error:
            log.warning("what was merged at %s waits: %s", self._place.repo, error)
            return timedelta(seconds=error.retry_after)
        except (SettingsError, PayloadError) as error:
            await self._fails(str(error))
            return EVERY
        except Exception:
            log.exception("looking at the rules of %s failed", self._place.repo)
            return SOON
        await self._heals()
        self._patient = False
        return EVERY

    # ------------------------------------------------------------------------------------------------------ to judge

    async def _judge_each(self, forge: Forge, proposals: Sequence[Proposal]) -> None:
        """One that cannot be judged, since it is too large or its conversation is locked, keeps no other waiting."""
        failed: TocsinError | None = None
        for proposal in proposals:
            try:
                await self._judge(forge, proposal)
            except (Unreachable, SettingsError, PayloadError) as error:
                if isinstance(error, Unreachable) and error.retry_after is not None:
                    raise
                log.warning("pull request %s of %s cannot be judged: %s", proposal.id, self._place.repo, error)
                failed = failed or error
        if failed is not None:
            raise failed

    async def _judge(self, forge: Forge, proposal: Proposal) -> None:
        """Once for a commit and what it is to be merged into. What was judged before the start is left at that."""
        known, key = (proposal.head, ""), (proposal.head, proposal.base)
        if key in self._done:
            return
        if known in self._done or not await forge.judged(proposal):
            base, changed = await forge.changed(proposal)
            if changed is None or any(self._may_be_ours(path) for path in changed):
                await self._review(forge, proposal, base, changed)
            else:
                await forge.judge(proposal, Verdict.PASSED, UNTOUCHED)
        self._done |= {known, key}

    async def _review(self, forge: Forge, proposal: Proposal, base: str, changed: frozenset[str] | None) -> None:
        try:
            before, after = _texts(await forge.files(base)), _texts(await forge.files(proposal.head))
            found = await read_review(self._place.path, before, after, await self._past())
        except (NotRead, Unsupported) as error:
            await forge.comment(proposal, f"### Rules: they could not be looked at\n\n{_fenced(str(error))}\n")
            await forge.judge(proposal, Verdict.BROKEN, str(error))
            return
        if changed is not None and not self._touches(changed, found):
            await forge.judge(proposal, Verdict.PASSED, UNTOUCHED)
            return
        passed = not found["wrong"] and not found["failed"]
        await forge.comment(proposal, say_review(found, proposal))
        await forge.judge(proposal, Verdict.PASSED if passed else Verdict.FAILED, say_verdict(found))
        log.info("pull request %s of %s is judged: %s", proposal.id, self._place.repo, say_verdict(found))

    def _may_be_ours(self, path: str) -> bool:
        return PurePosixPath(path).is_relative_to(PurePosixPath(self._place.path).parent)

    def _touches(self, changed: frozenset[str], found: Mapping[str, Any]) -> bool:
        """Whether one of the files that were read is among those changed. Of rules that cannot be read nobody knows."""
        folder = PurePosixPath(self._place.path).parent
        ours = {self._place.path, *(str(folder / name) for name in found["read"])}
        return not ours.isdisjoint(changed) or bool(found["wrong"])

    async def _past(self) -> Sequence[Happened]:
        """What happened in the last days, with what the rules in force look at of what was posted."""
        found, mark, bodies = list[Happened](), None, bodies_of(self._current())
        while True:
            some, mark = await self._store.past(since=self._now() - RECENT, after=mark, limit=AT_ONCE, bodies=bodies)
            found += some
            if mark is None or len(found) > MOST_HAPPENED:
                return found

    # ------------------------------------------------------------------------------------------------------- to pull

    async def _pull(self, forge: Forge) -> None:
        merged = await forge.merged()
        if merged.commit == self._taken:
            return
        before, fault = self._replaced or self._current(), ""
        try:
            fresh = await self._read(_texts(await forge.files(merged.commit)))
        except (NotRead, Unsupported, RulesError) as error:
            fault = str(error)
        else:
            gained = power(before, fresh)
            if gained and not self._rights:
                fault = (
                    f"{', '.join(gained)}: would change who may do what; set TOCSIN_RULES_PULL=with-rights to allow it"
                )
        if fault:
            await self._current.refuse_pulled(self._writer, fault, self._now())
        elif fresh.hash != before.hash:
            self._replaced = before
            await self._current.take(fresh, self._writer)
            await self._writer.do(lambda draft: self._report(draft, _announcement(merged, before, fresh)))
            self._replaced = None
        elif self._current.refused is not None or self._replaced is not None or not self._taken:
            # What was refused before a start is over, too.
            await self._current.take(fresh, self._writer)
            self._replaced = None
        self._taken = merged.commit

    async def _read(self, files: Texts) -> Rules:
        """First in a process of its own, with limits; what passes there is read here. Raises NotRead, RulesError."""
        found = await read_review(self._place.path, files, files, [])
        if found["wrong"]:
            raise NotRead("\n".join(found["complaints"]))
        name = PurePosixPath(self._place.path).name
        texts = {other: text for other in (name, *found["read"]) if isinstance(text := files.get(other), str)}
        return await asyncio.to_thread(self._current.read, together(name, texts.pop(name), texts))

    # ---------------------------------------------------------------------------------------------------- to be told

    async def _fails(self, why: str) -> None:
        if self._failing != why:
            log.error("rules of %s cannot be reviewed: %s", self._place.repo, why)
        self._failing = why
        title = f"pull requests of {self._place.repo} are not judged"
        await self._tell(Report(status=Status.PROBLEM, severity=Severity.ERROR, title=title, body=why, **ABOUT))

    async def _heals(self) -> None:
        healed = Report(status=Status.RECOVERY, title="pull requests of rules are judged again", **ABOUT)
        if self._failing != "" and await self._tell(healed):
            self._failing = ""

    async def _tell(self, report: Report) -> bool:
        """Whether it could be put on record."""
        with suppress(Overloaded):
            await self._writer.do(lambda draft: self._report(draft, report), keys=[(OWN, report.key, False)])
            return True
        return False


ABOUT: Mapping[str, Any] = {"kind": KIND, "key": KIND}


def _announcement(merged: Merged, before: Rules, fresh: Rules) -> Report:
    """What was changed, by whom, and the way back."""
    proposal = merged.proposal
    what = f"#{proposal.id} {proposal.title}" if proposal else merged.title
    by = (proposal.by if proposal else merged.by) or "somebody"
    url = (proposal.url if proposal else "") or merged.url
    back = f"The way back: revert {f'pull request #{proposal.id}' if proposal else merged.commit[:10]} and merge that."
    told = sorted(changes(before, fresh))
    lines = [*told[:10], *([f"and {len(told) - 10} more"] if len(told) > 10 else [])]
    return Report(
        status=Status.NOTICE,
        kind="rules",
        key=f"rules:{merged.commit}",
        title=f"new rules by {by}: {what}",
        severity=Severity.INFO,
        body="\n".join([*lines, f"Rules {fresh.hash} are in force, instead of {before.hash}.", back]),
        links=(Link(title="Pull request" if proposal else "Commit", url=url),) if url.startswith("https://") else (),
        actor=by,
    )


# --------------------------------------------------------------------------------------------------------- in a process


class NotRead(TocsinError):
    """Proposed rules took too long, or could not be read at all."""


async def read_review(
    path: str,
    before: Texts,
    after: Texts,
    past: Sequence[Happened],
    *,
    within: float = READ_WITHIN,
) -> Mapping[str, Any]:
    """What `hub.rehearsals.review_reading` says, from a process of its own. Raises NotRead."""
    given = msgspec.json.encode({"path": path, "before": before, "after": after, "past": past})
    try:
        found = await processes.run("hub.rehearsals.review_reading", given=given, within=within)
    except TimeoutError:
        raise NotRead("they take too long to read and to test") from None
    except processes.Ended as error:
        raise NotRead(f"they cannot be read within limits{f' ({error})' if str(error) else ''}") from None
    answer: Mapping[str, Any] = json.loads(found)
    return answer


def _texts(files: Mapping[str, bytes]) -> Texts:
    return {name: decoded(data) for name, data in files.items()}


# ------------------------------------------------------------------------------------------------------------- in words


def say_verdict(found: Mapping[str, Any]) -> str:
    """One line."""
    if found["wrong"]:
        return _count(found["wrong"], "thing is wrong", "things are wrong")
    number = found["passed"] + found["failed"]
    tests = f"{found['passed']} of {_count(number, 'test passes', 'tests pass')}" if number else "no tests"
    return f"ok, {tests}" if not found["failed"] else tests


def say_review(found: Mapping[str, Any], proposal: Proposal) -> str:
    """The comment. What strangers wrote stands in fences, where it names nobody and is no Markdown."""
    parts = [f"### Rules: {say_verdict(found)}", f"Commit {proposal.head[:10]}."]
    if found["wrong"]:
        parts += ["**Check**", _fenced("\n".join(found["complaints"]))]
        return "\n\n".join(parts)
    if found["answer"]:
        parts += [f"**Who would have heard, of the last 7 days:** {found['answer']}", found["compared"]]
    parts += [
        "**What changes**",
        _fenced("\n".join(found["changes"]) or "no route and no channel comes, goes or moves"),
    ]
    if found["warnings"]:
        parts += ["**Warnings**", _fenced("\n".join(found["warnings"]))]
    if found["failures"]:  # last, since a trail is as long as there are routes, and a forge cuts what is too long
        parts += ["**Tests that fail**", *(_fenced(f"{one['name']}\n{one['text']}") for one in found["failures"])]
    return "\n\n".join(parts)


def _fenced(text: str) -> str:
    """As it is: no line of it can end the fence."""
    return f"{FENCE}text\n{text.replace('~~~', '~ ~ ~')}\n{FENCE}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
