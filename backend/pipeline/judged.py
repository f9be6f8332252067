"""What this process decided and how long it took, counted in memory: figures of rates, for `/metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from backend.domain.mailbox.verdict import Verdict

LAGS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 21_600.0)
READINGS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 10.0)


class Judged:
    """One a process. `lag`, in seconds, is from Gmail's receipt of a message to its verdict, mail that came before us
    or while nobody ran left out; `reading` from asking for a message to be read and scored to its score, waiting
    included."""

    def __init__(self) -> None:
        here = self.registry = CollectorRegistry()
        labels = ("row", "outcome", "model")
        self.verdicts = Counter(
            "pitchgate_verdicts",
            "Messages decided; model is empty where none was asked",
            labels,
            registry=here,
        )
        words = "From Gmail's receipt of a message to its verdict, of those that were fresh when found"
        self.lag = Histogram("pitchgate_verdict_lag_seconds", words, buckets=LAGS, registry=here)
        words = "To read and score a message, waiting for a free reading process included"
        self.reading = Histogram("pitchgate_reading_seconds", words, buckets=READINGS, registry=here)

    def note(self, verdict: Verdict) -> None:
        """A verdict was committed: counted by row, outcome and model ("" where none was asked)."""
        model = verdict.score.model if verdict.score is not None else ""
        self.verdicts.labels(verdict.row, verdict.outcome, model).inc()
