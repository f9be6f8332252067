"""A label change that Gmail refuses: some noes in a row are believed, and trouble that passes is none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backend.domain.errors import Rejected, TryLater
from backend.domain.mailbox.message import ReadLimit
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import Fixture, letter

NO = Rejected("Google will not accept this request.", reason="invalidArgument")
OUTAGE = TryLater("Google is having problems.", reason="backendError")
BUSY = TryLater("Google was changing the same thing.", reason="aborted")


def _meets(fixture: Fixture, troubles: Sequence[Exception]) -> list[Exception]:
    """The next label changes end so; what is left of it tells how many were tried."""
    left, relabel = list(troubles), fixture.gmail.relabel

    async def troubled(
        mailbox_id: str, gmail_id: str, add: frozenset[str], remove: frozenset[str]
    ) -> frozenset[str]:
        if left:
            raise left.pop(0)
        return await relabel(mailbox_id, gmail_id, add, remove)

    fixture.gmail.relabel = troubled  # type: ignore[method-assign]
    return left


async def _pitch(fixture: Fixture) -> str:
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle(turns=200)
    return pitch


@pytest.mark.parametrize(
    "troubles",
    [[OUTAGE] * 6 + [NO, NO], [BUSY] * 5 + [NO, NO] + [BUSY] * 3 + [NO, NO], [NO] * 6],
    ids=["one no after an outage", "noes with other trouble in between", "three noes in a row"],
)
async def test_what_may_pass_is_waited_out_and_the_mail_is_held(
    fixture: Fixture, troubles: list[Exception]
) -> None:
    left = _meets(fixture, troubles)  # a refused change is asked for twice in one try
    pitch = await _pitch(fixture)
    assert left == []
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    assert (await fixture.store.census()).get("dead_letters", 0) == 0


async def test_a_no_that_stays_is_left_to_a_person_and_the_mail_where_it_is(fixture: Fixture) -> None:
    left = _meets(fixture, [NO] * 100)
    pitch = await _pitch(fixture)
    assert "INBOX" in fixture.gmail.labels_of(pitch)
    assert len(left) == 100 - 2 * 4
    assert (await fixture.store.census())["dead_letters"] == 1


async def test_mail_not_read_in_full_stays_in_the_inbox_with_a_label(fixture: Fixture) -> None:
    fixture.reader.read_limit = ReadLimit.SIZE
    enquiry = fixture.gmail.deliver(letter(text="a long enquiry"))
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.labels_of(enquiry) == {"INBOX", "UNREAD", LABELS.partly_read}
    assert fixture.gmail.sent == []
