"""That the store fails is told once, then each minute, then that it is over."""

from __future__ import annotations

from structlog.testing import capture_logs

from backend.domain.errors import StoreAway
from backend.transactions.driver import QUIET, REMINDER, Outage

FULL = StoreAway("later.store.full", reason="SQLITE_FULL")


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_three_thousand_failures_are_a_few_lines() -> None:
    watch = Stopwatch()
    outage = Outage(watch)
    with capture_logs() as lines:
        for _ in range(3_200):
            watch.seconds += 0.1
            outage.met(FULL)
        watch.seconds += QUIET
        outage.written()
    names = [line["event"] for line in lines]
    assert names == ["store_fails", *["store_still_fails"] * int(320 / REMINDER), "store_back"]
    assert (lines[0]["trouble"], lines[0]["cause"]) == ("full", "SQLITE_FULL")
    assert lines[-1]["failures"] == 3_200
    assert outage.error is None


def test_a_small_write_that_passes_between_failures_ends_nothing() -> None:
    watch = Stopwatch()
    outage = Outage(watch)
    with capture_logs() as lines:
        for _ in range(20):
            outage.met(FULL)
            watch.seconds += 1
            outage.written()
    assert [line["event"] for line in lines] == ["store_fails"]
    assert outage.error is FULL


def test_another_trouble_is_told_as_such() -> None:
    outage = Outage(Stopwatch())
    with capture_logs() as lines:
        outage.met(FULL)
        outage.met(StoreAway("later.store.damaged", reason="SQLITE_CORRUPT"))
        outage.met(StoreAway("later.store", reason="SQLITE_BUSY"))
    assert [line["trouble"] for line in lines] == ["full", "damaged", "away"]
