"""A process may die before or after any call to Google; whoever takes over ends in the same place."""

from __future__ import annotations

import pytest

from backend.domain.entry.challenge import ChallengeState
from backend.ports.store import Placement
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import House, letter

CALLS = ["history", "fetch", "relabel", "identity", "vacation_on", "send"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_one_death_at_any_call_leaves_one_held_mail_and_one_challenge(
    house: House, call: str, moment: str
) -> None:
    pitch = house.gmail.deliver(letter())
    getattr(house.gmail, moment).add(call)
    await house.push()
    await house.settle()

    assert house.deaths == 1
    assert LABELS.held in house.gmail.labels_of(pitch)
    assert "INBOX" not in house.gmail.labels_of(pitch)
    assert len(house.gmail.sent) == 1
    challenge = await house.store.challenge_of(house.mailbox_id, pitch)
    assert challenge is not None
    assert challenge.state is ChallengeState.SENT
    assert challenge.sent_gmail_id == house.gmail.sent[0].gmail_id
    assert challenge.sealed_token == b""


async def test_deaths_at_every_call_of_the_same_message_still_send_once(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    house.gmail.die_before = set(CALLS)
    house.gmail.die_after = {*CALLS, "find_sent"}
    await house.push()
    await house.settle()

    assert house.deaths >= 2 * len(CALLS)
    assert len(house.gmail.sent) == 1
    assert LABELS.held in house.gmail.labels_of(pitch)


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_while_releasing_gives_the_mail_back_once(house: House, moment: str) -> None:
    pitch = house.gmail.deliver(letter())
    await house.push()
    await house.settle()
    challenge = await house.store.challenge_of(house.mailbox_id, pitch)
    assert challenge is not None
    solved = await house.store.solve(challenge.id, "signature", challenge.expires_at, 0, house.now())
    getattr(house.gmail, moment).add("relabel")
    await house.settle()

    assert solved.released == (pitch,)
    assert {"INBOX", "UNREAD"} <= house.gmail.labels_of(pitch)
    assert LABELS.held not in house.gmail.labels_of(pitch)
    assert await house.store.balance(house.mailbox_id, "sam@seller.test") == 1
    assert await house.store.ledger_differences() == ()


async def test_the_same_push_again_and_again_changes_nothing(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    for _ in range(3):
        await house.push()
        await house.settle()

    assert house.gmail.calls["fetch"] == 1
    assert house.gmail.calls["relabel"] == 1
    assert len(house.gmail.sent) == 1
    views = await house.store.messages(house.mailbox_id, Placement.HELD)
    assert [view.gmail_id for view in views] == [pitch]
