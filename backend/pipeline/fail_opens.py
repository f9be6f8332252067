"""How often this process let a message in because it could not be judged: counted by cause, and watched in a row."""

from __future__ import annotations

from collections import Counter, deque

from backend.domain.mailbox.verdict import FailOpen, Row, Verdict

WATCHED = 20


class FailOpens:
    """One a process, in memory: figures of rates. The store's census holds what became of each message."""

    def __init__(self) -> None:
        self._counts: Counter[FailOpen] = Counter(dict.fromkeys(FailOpen, 0))
        self._latest: deque[bool] = deque(maxlen=WATCHED)

    def note(self, verdict: Verdict) -> None:
        """A message has been judged, or could not be."""
        failed = verdict.row is Row.FAIL_OPEN
        self._latest.append(failed)
        if failed:
            self._counts[FailOpen(verdict.cause)] += 1

    @property
    def counts(self) -> dict[FailOpen, int]:
        """By cause, all of them, since the start."""
        return dict(self._counts)

    @property
    def nothing_is_judged(self) -> bool:
        """Whether none of the last 20 messages could be judged."""
        return len(self._latest) == WATCHED and all(self._latest)
