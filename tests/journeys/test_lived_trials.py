"""Trials of a made-up mailbox, lived week by week through store, duty and API until they are decided."""

from __future__ import annotations

from backend.domain.watching.trial import Finding
from tests.simulations.trial import OWNERS, Model, Pair, lives

MAIL = {True: [2.0], False: [-2.0]}
HONEST = OWNERS["honest"]
SURE, UNSURE = Model(0.5, 0.0), Model(2.5, 0.0)


async def test_the_duty_stops_a_challenger_that_lost_and_one_that_won_waits_for_a_person() -> None:
    (lost,) = await lives(MAIL, "worse", HONEST, Pair(SURE, UNSURE, 0.5), [1])
    assert (lost.finding, lost.stopped) == (Finding.WORSE, True)
    (won,) = await lives(MAIL, "better", HONEST, Pair(UNSURE, SURE, 0.5), [1])
    assert (won.finding, won.stopped) == (Finding.BETTER, False)
