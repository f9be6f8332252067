"""A label change that Gmail refuses: some noes in a row are believed, and trouble that passes is none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backend.domain.errors import Rejected, TryLater
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import House, letter

NO = Rejected("Google will not accept this request.", reason="invalidArgument")
OUTAGE = TryLater("Google has trouble of its own.", reason="backendError")
BUSY = TryLater("Google was changing the same thing.", reason="aborted")


def _meets(house: House, troubles: Sequence[Exception]) -> list[Exception]:
    """The next label changes end so; what is left of it tells how many were tried."""
    left, relabel = list(troubles), house.gmail.relabel

    async def troubled(
        mailbox_id: str, gmail_id: str, add: frozenset[str], remove: frozenset[str]
    ) -> frozenset[str]:
        if left:
            raise left.pop(0)
        return await relabel(mailbox_id, gmail_id, add, remove)

    house.gmail.relabel = troubled  # type: ignore[method-assign]
    return left


async def _pitch(house: House) -> str:
    pitch = house.gmail.deliver(letter())
    await house.push()
    await house.settle(turns=200)
    return pitch


@pytest.mark.parametrize(
    "troubles",
    [[OUTAGE] * 6 + [NO, NO], [BUSY] * 5 + [NO, NO] + [BUSY] * 3 + [NO, NO], [NO] * 6],
    ids=["one no after an outage", "noes with other trouble in between", "three noes in a row"],
)
async def test_what_may_pass_is_waited_out_and_the_mail_is_held(
    house: House, troubles: list[Exception]
) -> None:
    left = _meets(house, troubles)  # a refused change is asked for twice in one try
    pitch = await _pitch(house)
    assert left == []
    assert LABELS.held in house.gmail.labels_of(pitch)
    assert (await house.store.census()).get("set_aside", 0) == 0


async def test_a_no_that_stays_is_left_to_a_person_and_the_mail_where_it_is(house: House) -> None:
    left = _meets(house, [NO] * 100)
    pitch = await _pitch(house)
    assert "INBOX" in house.gmail.labels_of(pitch)
    assert len(left) == 100 - 2 * 4
    assert (await house.store.census())["set_aside"] == 1
