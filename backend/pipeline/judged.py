"""Counts and timings of this process's verdicts and failures, in memory, for `/metrics`.

The store's census says what became of each message.
"""

from __future__ import annotations

from collections import deque

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from backend.domain.digest import Rereading
from backend.domain.mailbox.message import FailOpenCause, PolicyRow, ReadLimit, Verdict

LAGS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 21_600.0)
READINGS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 10.0)
WATCHED = 20


class VerdictMetrics:
    """One per process. `lag` is the seconds from Gmail's receipt of a message to its verdict, except for mail from
    before the connection or while no server ran; `reading` is the seconds from the request to read and score a message
    to its score, waiting included."""

    def __init__(self) -> None:
        here = self.registry = CollectorRegistry()
        words = "Messages decided; model is empty where none was asked"
        self.verdicts = Counter("pitchgate_verdicts", words, ("row", "outcome", "model"), registry=here)
        words = "From Gmail's receipt of a message to its verdict, of those that were fresh when found"
        self.lag = Histogram("pitchgate_verdict_lag_seconds", words, buckets=LAGS, registry=here)
        words = "To read and score a message, waiting for a free reading process included"
        self.reading = Histogram("pitchgate_reading_seconds", words, buckets=READINGS, registry=here)
        words = "Messages let in because they could not be judged"
        self.fail_opens = Counter("pitchgate_fail_open", words, ("cause",), registry=here)
        for cause in FailOpenCause:  # an alarm on its rise needs the counter at 0 first
            self.fail_opens.labels(cause)
        words = "Messages whose own making kept them from being read in full"
        self.unread = Counter("pitchgate_unread", words, ("limit",), registry=here)
        for limit in ReadLimit:
            self.unread.labels(limit)
        words = "Second readings by what became of them; late and lost: the first one stands"
        self.read_again = Counter("pitchgate_second_readings", words, ("outcome",), registry=here)
        for outcome in Rereading:
            self.read_again.labels(outcome)
        self._latest: deque[bool] = deque(maxlen=WATCHED)
        words = "1 when none of the last 20 messages could be judged"
        gauge = Gauge("pitchgate_nothing_is_judged", words, registry=here)
        gauge.set_function(lambda: self.nothing_is_judged)

    def note(self, verdict: Verdict, read: bool = True) -> None:
        """Count a committed verdict by row, outcome and model ("" without one). `read`: the message was to be read for
        it."""
        model, failed = (
            verdict.score.model if verdict.score is not None else "",
            verdict.row is PolicyRow.FAIL_OPEN,
        )
        self.verdicts.labels(verdict.row, verdict.outcome, model).inc()
        if read:
            self._latest.append(failed)
        if failed:
            self.fail_opens.labels(verdict.cause).inc()

    @property
    def nothing_is_judged(self) -> bool:
        """Whether none of the last 20 messages that needed reading could be judged."""
        return len(self._latest) == WATCHED and all(self._latest)
