"""Timers that are due: each has its turn, and one that fails keeps no other from it. The part of the router for it."""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from hub import failures
from hub.core.event import Report
from hub.memory.draft import Draft

log = logging.getLogger("tocsin.router")

LOOK_AGAIN = timedelta(minutes=1)
"""While something cannot be done, or said, that its timer was set for."""


class Ripening:
    """`turns` says what is done of each kind, subject by subject; `together`, of kinds whose subjects that are due at
    once are told of in one line a channel."""

    def __init__(
        self,
        turns: Mapping[str, Callable[[Draft, str], object]],
        together: Mapping[str, Callable[[Draft, Sequence[str]], object]],
        *,
        report: Callable[[Draft, Report], None],
    ) -> None:
        self._turns = turns
        self._together = together
        self._report = report

    def ripen(self, draft: Draft, due: Sequence[tuple[str, str]]) -> None:
        """Do what the timers were set for. One that fails is looked at again; one that was set anew meanwhile, or taken
        away, is left to that."""
        due = [(kind, subject) for kind, subject in due if _is_due(draft, kind, subject)]
        for kind, subject in due:
            draft.set_timer(kind, subject, None)
        together: dict[str, list[str]] = {kind: [] for kind in self._together}
        for kind, subject in due:
            if kind in together:
                together[kind].append(subject)
            else:
                self._turn(draft, kind, [subject])
        for kind, subjects in together.items():
            if subjects:
                self._turn(draft, kind, subjects)

    def _turn(self, draft: Draft, kind: str, subjects: Sequence[str]) -> None:
        timer = f"{kind} {subjects[0]}"
        try:
            with draft.tried() as branch:
                self._take_turn(branch, kind, subjects)
        except Exception:
            if len(subjects) > 1:  # one of them is to blame, and the others do not wait for it
                for subject in subjects:
                    self._turn(draft, kind, [subject])
                return
            log.exception("timer %s failed; it is tried again", timer, extra={"timer": timer})
            draft.set_timer(kind, subjects[0], draft.now + LOOK_AGAIN)
            self._report(draft, failures.not_done(timer, traceback.format_exc(limit=-5)))
            return
        for subject in subjects:
            self._report(draft, failures.done(f"{kind} {subject}"))

    def _take_turn(self, draft: Draft, kind: str, subjects: Sequence[str]) -> None:
        if kind in self._together:
            self._together[kind](draft, subjects)
        else:
            self._turns[kind](draft, subjects[0])


def _is_due(draft: Draft, kind: str, subject: str) -> bool:
    at = draft.timer(kind, subject)
    return at is not None and at <= draft.now
