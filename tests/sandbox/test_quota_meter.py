"""The meter: what calls cost, and the most that any sixty seconds held."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sandbox.faults import WINDOW, Meter, price

ANA = "ana@corp.test"


@pytest.mark.parametrize(
    ("method", "new", "old"),
    [
        ("gmail.users.messages.get", 20, 5),
        ("gmail.users.threads.get", 40, 10),
        ("gmail.users.messages.modify", 5, 5),
        ("gmail.users.messages.send", 100, 100),
        ("gmail.users.history.list", 2, 2),
        ("gmail.users.messages.insert", 25, 25),
        ("gmail.users.getProfile", 1, 1),
    ],
)
def test_both_price_lists(method: str, new: int, old: int) -> None:
    assert (price(method, "new"), price(method, "old")) == (new, old)


def test_a_call_beyond_the_limit_is_refused_and_costs_nothing() -> None:
    meter = Meter()
    assert all(meter.charge(ANA, "m", 20, 0.0, limit=6000) for _ in range(300))
    assert not meter.charge(ANA, "m", 1, 59.9, limit=6000)
    assert meter.charge(ANA, "m", 20, 60.0, limit=6000)
    report = meter.report()["mailboxes"][ANA]
    assert (report["units"], report["high_water"], report["refused"]) == (6020, 6000, 1)


def test_mailboxes_are_counted_apart() -> None:
    meter = Meter()
    meter.charge(ANA, "m", 5, 0.0)
    meter.charge("bo@ext.test", "n", 7, 0.0)
    report = meter.report()
    assert report["units"] == 12
    assert report["mailboxes"][ANA]["methods"] == {"m": {"calls": 1, "units": 5}}


def test_the_cap_on_calls_under_way() -> None:
    meter = Meter()
    assert meter.enter(ANA, 2)
    assert meter.enter(ANA, 2)
    assert not meter.enter(ANA, 2)
    meter.reset()
    assert not meter.enter(ANA, 2), "calls under way survive a reset of the counts"
    meter.leave(ANA)
    assert meter.enter(ANA, 2)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 100)), max_size=40))
def test_the_high_water_mark_is_the_fullest_window(steps: list[tuple[float, int]]) -> None:
    meter, now, calls = Meter(), 0.0, []
    for pause, units in steps:
        now += pause
        calls.append((now, units))
        meter.charge(ANA, "m", units, now)
    fullest = max(
        (sum(units for at, units in calls if end - WINDOW < at <= end) for end, _ in calls), default=0
    )
    assert meter.report()["mailboxes"].get(ANA, {"high_water": 0})["high_water"] == fullest
