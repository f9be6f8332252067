"""What a message costs in Google's quota units, echo included."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.domain.errors import TryLater
from backend.pipeline.stages import run_duty, run_stage
from backend.ports.store import Stage
from backend.worker.endings import Endings
from tests.unit.pipeline.conftest import House, letter


async def _cost(house: House) -> int:
    await house.push()
    await house.settle()
    if house.gmail.calls["relabel"] or house.gmail.calls["send"]:
        await house.push()  # what we did ourselves comes back as one more push
        await house.settle()
    return house.gmail.units


async def test_ordinary_mail_costs_22(house: House) -> None:
    house.gmail.deliver(letter(text="the minutes of Tuesday"))
    assert await _cost(house) == 22


async def test_a_silent_hold_costs_29(house: House) -> None:
    await house.prefer(mode="quarantine")
    house.gmail.deliver(letter())
    assert await _cost(house) == 29


async def test_hold_and_challenge_costs_at_most_131(house: House) -> None:
    house.gmail.deliver(letter())
    assert await _cost(house) <= 131


async def test_the_echo_of_a_challenge_that_is_not_recorded_yet_costs_no_fetch(house: House) -> None:
    house.gmail.deliver(letter())
    house.gmail.die_after.add("send")
    await house.push()
    while not house.deaths:
        assert await house._turn()
    await house.push()  # history tells of a sent mail, and nothing says yet that it is ours
    await house.settle()
    assert len(house.gmail.sent) == 1
    assert house.gmail.calls["fetch"] == 1, "only the pitch was read"


async def test_the_echo_of_a_challenge_whose_send_is_still_under_way_costs_no_fetch(house: House) -> None:
    send = house.gmail.send

    async def told_of_before_it_is_answered(mailbox_id: str, raw: bytes, thread_id: str) -> str:
        sent = await send(mailbox_id, raw, thread_id)
        await house.push()
        until = house.now() + timedelta(minutes=1)
        sync = await house.store.claim_duty("another", house.now(), until)
        assert sync is not None
        await run_duty(house.kit, house.authorizer, sync)
        [echo] = await house.store.claim_messages("another", house.now(), until, 1)
        assert echo.stage is Stage.LEARN
        with pytest.raises(TryLater) as waits:
            await run_stage(house.kit, echo)
        await Endings(house.kit, house.failed).after(echo, waits.value)
        return sent

    house.gmail.send = told_of_before_it_is_answered  # type: ignore[method-assign]
    house.gmail.deliver(letter())
    await house.push()
    await house.settle()
    assert house.gmail.calls["send"] == 1
    assert house.gmail.calls["fetch"] == 1, "only the pitch was read"


async def test_a_reply_in_a_thread_the_owner_took_part_in_costs_2(house: House) -> None:
    await house.store.learn(house.mailbox_id, frozenset({"sam@seller.test"}), "thread-1", house.now())
    house.gmail.deliver(letter(), thread_id="thread-1")
    assert await _cost(house) == 2


async def test_spam_costs_no_fetch(house: House) -> None:
    house.gmail.deliver(letter(), labels=frozenset({"SPAM"}))
    assert await _cost(house) == 2
