"""What both databases' drivers share: what is kept beside them, waking, and a database that is away."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from backend.domain.errors import StoreAway
from backend.transactions.script import (
    HEADS,
    LEFT,
    QUIET,
    REMINDER,
    Departures,
    Heads,
    Notifier,
    Notifiers,
    Outage,
)


def test_they_are_known_after_a_restart_and_nobody_else_is(tmp_path: Path) -> None:
    Departures(tmp_path).note("box1")
    Departures(tmp_path).note("box1")
    Departures(tmp_path).note("box2")
    known = Departures(tmp_path)
    assert [known.has(name) for name in ("box1", "box2", "box", "box3")] == [True, True, False, False]
    content = (tmp_path / LEFT).read_text()
    assert len(content.splitlines()) == 2
    assert "box" not in content
    assert (tmp_path / LEFT).stat().st_mode & 0o077 == 0


def test_without_a_folder_nobody_is_noted() -> None:
    nowhere = Departures(None)
    nowhere.note("box1")
    assert not nowhere.has("box1")


def test_heads_are_told_as_they_were_noted_and_half_a_line_is_none(tmp_path: Path) -> None:
    heads = Heads(tmp_path)
    assert list(heads.read()) == []
    heads.note("box1", 7, "ab")
    heads.note("box2", 1, "cd")
    with (tmp_path / HEADS).open("a") as file:
        file.write("box1 8")
    assert list(Heads(tmp_path).read()) == [("box1", 7, "ab"), ("box2", 1, "cd")]
    assert (tmp_path / HEADS).stat().st_mode & 0o077 == 0


def test_what_cannot_be_noted_is_the_stores_trouble(tmp_path: Path) -> None:
    with pytest.raises(StoreAway):
        Departures(tmp_path / "none").note("box1")


# ---- The notifiers: one a mailbox, and none that nobody holds


async def test_a_ring_wakes_all_who_wait() -> None:
    notifier = Notifier()
    waits = [asyncio.create_task(notifier.rung(20, notifier.rings)) for _ in range(3)]
    notifier.ring()
    assert await asyncio.gather(*waits) == [True] * 3


async def test_a_ring_since_it_was_heard_ends_the_wait_at_once() -> None:
    notifier = Notifier()
    heard = notifier.rings
    notifier.ring()
    assert await notifier.rung(0, heard)
    assert not await notifier.rung(0, notifier.rings)


def test_a_mailbox_has_one_notifier() -> None:
    notifiers = Notifiers()
    ana, eve = notifiers.of("ana"), notifiers.of("eve")
    assert notifiers.of("ana") is ana
    notifiers.ring("ana")
    notifiers.ring("nobody listens")
    assert (ana.rings, eve.rings) == (1, 0)
    notifiers.ring_all()
    assert (ana.rings, eve.rings) == (2, 1)


def test_a_notifier_nobody_holds_is_forgotten() -> None:
    notifiers = Notifiers()
    notifiers.of("ana").ring()
    gc.collect()
    assert notifiers.of("ana").rings == 0


# ---- That the store fails is told once, then each minute, then that it is over


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
