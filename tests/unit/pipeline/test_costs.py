"""What a message costs in Google's quota units, echo included."""

from __future__ import annotations

from backend.domain.mailbox.message import Stage
from tests.unit.pipeline.conftest import Fixture, letter


async def _cost(fixture: Fixture) -> int:
    await fixture.push()
    await fixture.settle()
    if fixture.gmail.calls["relabel"] or fixture.gmail.calls["send"]:
        await fixture.push()  # what we did ourselves comes back as one more push
        await fixture.settle()
    return fixture.gmail.units


async def test_ordinary_mail_costs_22(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    assert await _cost(fixture) == 22


async def test_a_silent_hold_costs_29(fixture: Fixture) -> None:
    await fixture.save_preferences(mode="quarantine")
    fixture.gmail.deliver(letter())
    assert await _cost(fixture) == 29


async def test_hold_and_challenge_costs_at_most_131(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter())
    assert await _cost(fixture) <= 131


async def test_the_echo_of_a_challenge_that_is_not_recorded_yet_costs_no_fetch(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter())
    fixture.gmail.die_after.add("send")
    await fixture.push()
    while not fixture.deaths:
        assert await fixture._turn()
    await fixture.push()  # history tells of a sent mail, and nothing says yet that it is ours
    await fixture.settle()
    assert len(fixture.gmail.sent) == 1
    assert fixture.gmail.calls["fetch"] == 1, "only the pitch was read"


async def test_the_echo_of_a_challenge_whose_send_is_still_under_way_costs_no_fetch(fixture: Fixture) -> None:
    send = fixture.gmail.send

    async def told_of_before_it_is_answered(mailbox_id: str, raw: bytes, thread_id: str) -> str:
        sent = await send(mailbox_id, raw, thread_id)
        await fixture.push()
        look = fixture.context.looks.begin()
        assert look is not None
        await fixture._looked(look)
        views = await fixture.store.messages(mailbox_id)
        assert [view.stage for view in views if view.gmail_id == sent] == [Stage.LEARN], "it waits"
        return sent

    fixture.gmail.send = told_of_before_it_is_answered  # type: ignore[method-assign]
    fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.calls["send"] == 1
    assert fixture.gmail.calls["fetch"] == 1, "only the pitch was read"


async def test_who_writes_into_a_thread_of_the_owners_is_seen_for_22(fixture: Fixture) -> None:
    await fixture.store.learn(fixture.mailbox_id, frozenset({"sam@seller.test"}), "thread-1", fixture.now())
    fixture.gmail.deliver(letter(), thread_id="thread-1")
    assert await _cost(fixture) == 22


async def test_spam_costs_no_fetch(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(), labels=frozenset({"SPAM"}))
    assert await _cost(fixture) == 2
