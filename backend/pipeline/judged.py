"""What this process decided and how long it took, counted in memory: figures of rates, for `/metrics`."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from backend.domain.mailbox.verdict import Verdict

LAGS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 21_600.0)
READINGS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 10.0)


class Spans:
    """A histogram of seconds. `bounds` are the upper ends of its classes; one more is open."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, seconds: float) -> None:
        """One more. A span below 0, of two clocks that disagree, counts as 0."""
        seconds = max(seconds, 0.0)
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """How many took at most each bound, as Prometheus wants it."""
        found, so_far = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            so_far += count
            found.append((bound, float(so_far)))
        return found


class Judged:
    """One a process. `lag` is from Gmail's receipt of a message to its verdict, mail that came before us or while
    nobody ran left out; `reading` from asking for a message to be read and scored to its score, waiting included."""

    def __init__(self) -> None:
        self.verdicts: Counter[tuple[str, str, str]] = Counter()
        self.lag = Spans(LAGS)
        self.reading = Spans(READINGS)

    def note(self, verdict: Verdict) -> None:
        """A verdict was committed: counted by row, outcome and model ("" where none was asked)."""
        model = verdict.score.model if verdict.score is not None else ""
        self.verdicts[verdict.row, verdict.outcome, model] += 1
