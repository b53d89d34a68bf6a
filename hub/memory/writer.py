"""The one writer. Everything that waits shares a transaction: group commit, no timer, one flush under way at a time.

A job is a function of a draft. It runs on the loop, in order, against memory and what came before it in the batch;
its result is handed out when the batch is on disk. What fails is dropped whole and fails alone: jobs share the draft of
their batch until one of them fails, and then each runs once more, on a draft of its own.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Generic, TypeVar

from hub.errors import Overloaded, Overtaken
from hub.memory.draft import Draft, Seen
from hub.memory.state import State
from hub.store import DUPLICATES_FOR, Changes, DeliveryKey, LifeKey, Store
from hub.store.known import Known

log = logging.getLogger("tocsin.writer")
T = TypeVar("T")
Listener = Callable[[Changes], None]
Run = Callable[[Draft], Any]
Result = tuple[Any, BaseException | None]
"""What a job gave, or why it failed."""

BOUND = 20_000
"""Jobs that may wait. Beyond, callers are told to come again."""
LARGEST_BATCH = 1_000
SLICE = 0.005
"""Seconds for which a batch keeps the loop to itself."""
TRY_AGAIN = 2.0
"""Seconds after which a database that failed is tried again, though nobody asks: who looks at `/readyz` may send us
nothing until it is well."""
SLOW = 10.0
"""Seconds that a transaction may take. Beyond, nothing more is taken until it has ended."""
LOOKS = 3
"""How often a batch is run, if other replicas keep taking in what it was about to write."""
PROBE = "probe"
"""The timer that is written to see whether anything can be. It ripens at once, and does nothing."""


@dataclass(slots=True)
class Job(Generic[T]):
    run: Callable[[Draft], T]
    keys: Sequence[LifeKey] = ()
    """The lives that it will ask for; they are in memory when it runs."""
    delivery: DeliveryKey | None = None
    """Source and delivery id, if it must know whether these came before."""
    done: "asyncio.Future[T]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Writer:
    def __init__(
        self,
        store: Store,
        state: State,
        known: Known,
        now: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._state = state
        self._known = known
        self._now = now
        self._waiting: list[Job[Any]] = []
        self._more = asyncio.Event()
        self._still = asyncio.Lock()
        self._listeners: list[Listener] = []
        self._followers: list[Callable[[Draft], Iterable[Run]]] = []
        self._failed = ""
        """Why the last transaction failed."""
        self._begun: float | None = None
        """When the one began that is under way."""

    @property
    def failing(self) -> str:
        """Why nothing can be written just now; empty while all is well."""
        return self._slow or self._failed

    @property
    def _slow(self) -> str:
        took = self._monotonic() - self._begun if self._begun is not None else 0.0
        return f"the database has not answered for {took:.0f} seconds" if took > SLOW else ""

    def listen(self, listener: Listener) -> None:
        """Be told of every commit, after memory has it."""
        self._listeners.append(listener)

    def follow(self, follower: Callable[[Draft], Iterable[Run]]) -> None:
        """Be asked, of every batch, what is still to be done about it in the same transaction. What fails of that fails
        alone."""
        self._followers.append(follower)

    async def do(
        self, run: Callable[[Draft], T], *, keys: Sequence[LifeKey] = (), delivery: DeliveryKey | None = None
    ) -> T:
        """Run a job and wait until what it changed is on disk. Raises what the job raised, or Overloaded."""
        if len(self._waiting) >= BOUND:
            raise Overloaded("the queue to the disk is full")
        if slow := self._slow:
            raise Overloaded(slow)
        job = Job(run=run, keys=keys, delivery=delivery)
        self._waiting.append(job)
        self._more.set()
        return await job.done

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def serve(self) -> None:
        """Write until cancelled; what waits then, and what is under way, is written before it returns."""
        try:
            while True:
                if await self._has_more():
                    await asyncio.shield(self._drain())
                else:
                    await asyncio.shield(self.probe())
        finally:
            await self._drain()
            await self.between(lambda: None)

    async def _has_more(self) -> bool:
        """Wait for work, or until it is time to look whether the database is back."""
        try:
            async with asyncio.timeout(TRY_AGAIN if self._failed else None):
                await self._more.wait()
        except TimeoutError:
            return False
        return True

    async def probe(self) -> None:
        """See whether anything can be written."""
        job = Job(run=lambda draft: draft.set_timer(PROBE, "", draft.now))
        await self._flush([job])
        with suppress(Overloaded):
            await job.done

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            await self._flush([job for job in batch if not job.done.cancelled()])
        self._more.clear()

    async def between(self, work: Callable[[], T]) -> T:
        """Do something to the memory while no batch looks at it."""
        async with self._still:
            return work()

    async def _flush(self, batch: Sequence[Job[Any]]) -> None:
        async with self._still:
            self._begun = self._monotonic()
            try:
                await self._write(batch)
            finally:
                self._begun = None

    async def _write(self, batch: Sequence[Job[Any]]) -> None:
        try:
            draft, results = await self._commit(batch)
        except Overloaded as error:
            self._fail(batch, error)
            return
        except Exception as error:
            log.exception("a transaction failed and nothing of it was kept")
            self._fail(batch, Overloaded(f"the database failed: {type(error).__name__}"))
            return
        if self._failed:
            log.warning("the database takes what is written again")
        self._failed = ""
        self._publish(draft.changes)
        for job, (result, failure) in zip(batch, results, strict=True):
            _settle(job, result, failure)

    async def _commit(self, batch: Sequence[Job[Any]], looks: int = LOOKS) -> tuple[Draft, Sequence[Result]]:
        draft, results = await self._run_all(batch, await self._prepare(batch, overtaken=looks < LOOKS))
        try:
            if draft.changes:
                await self._store.commit(draft.changes)
        except BaseException as error:
            draft.drop()
            if not isinstance(error, Overtaken) or looks == 1:
                raise
            return await self._commit(batch, looks - 1)
        return draft, results

    async def _prepare(self, batch: Sequence[Job[Any]], *, overtaken: bool) -> Draft:
        """Bring into memory what the jobs will look for, as far as the store may have it. Once another replica has
        overtaken us, that is anything."""
        now = self._now()
        keys = {key for job in batch for key in job.keys if key not in self._state.lives}
        ids = {job.delivery for job in batch if job.delivery}
        unknown, deliveries = ([*keys], [*ids]) if overtaken else (self._known.lives(keys), self._known.deliveries(ids))
        seen: Seen = {}
        if unknown or deliveries:
            lives, seen = await self._store.known(unknown, deliveries, since=now - DUPLICATES_FOR)
            groups = [alert.id for alert in lives.values()]
            self._state.remember(lives.values(), await self._store.posts_of(groups) if groups else ())
        return Draft(self._state, now, seen=seen)

    async def _run_all(self, batch: Sequence[Job[Any]], draft: Draft) -> tuple[Draft, Sequence[Result]]:
        """What they gave, and the draft with what they changed and what followed from it."""
        runs = [job.run for job in batch]
        try:
            results = await self._each(runs, lambda run: (run(draft), None))
            await self._each(self._following(draft), lambda run: (run(draft), None))
        except Exception:  # noqa: BLE001 - it comes again, and then whoever asked gets it
            draft.drop()
        else:
            return draft, results
        again = Draft(self._state, draft.now, seen=draft.seen)
        results = await self._each(runs, partial(_run_alone, again))
        for _, failure in await self._each(self._following(again), partial(_run_alone, again)):
            if failure is not None:
                log.error("what was to follow in the same transaction failed", exc_info=failure)
        return again, results

    def _following(self, draft: Draft) -> Iterable[Run]:
        return chain.from_iterable(follower(draft) for follower in self._followers)

    async def _each(self, runs: Iterable[Run], run_one: Callable[[Run], Result]) -> Sequence[Result]:
        """One after the other; in between, whoever waits for the loop has it."""
        results, begun = list[Result](), time.perf_counter()
        for run in runs:
            results.append(run_one(run))
            if time.perf_counter() - begun > SLICE:
                await asyncio.sleep(0)
                begun = time.perf_counter()
        return results

    def _publish(self, changes: Changes) -> None:
        self._state.apply(changes)
        self._known.note(changes)
        for listener in self._listeners:
            try:
                listener(changes)
            except Exception:  # it is written; whoever waits for that is told so, and others write on
                log.exception("what was written could not be passed on")

    def _fail(self, batch: Sequence[Job[Any]], error: Overloaded) -> None:
        if str(error) != self._failed:
            log.error("nothing can be written: %s", error)
        self._failed = str(error)
        for job in batch:
            _settle(job, None, type(error)(str(error), retry_after=error.retry_after, outside=error.outside))


def _run_alone(draft: Draft, run: Run) -> Result:
    try:
        with draft.tried() as branch:
            return run(branch), None
    except Exception as error:  # noqa: BLE001 - whoever asked gets it
        return None, error


def _settle(job: Job[Any], result: Any, failure: BaseException | None) -> None:
    if job.done.done():
        return
    if failure is not None:
        job.done.set_exception(failure)
    else:
        job.done.set_result(result)
