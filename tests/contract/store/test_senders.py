"""A sender on the page of their link: their line to the owner, their tries at codes, their beginning; and bounces."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from backend.domain.challenge import CodeTries
from backend.domain.errors import Expired, NotFound
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome
from backend.transactions.records import EventKind, NewDevice, OneTimeCode, Purpose, Scope
from tests.contract.store.stories import Story

LINE = "I met you at the fair in Köln <b>"


async def times(address: str, challenge_id: str) -> tuple[Any, ...]:
    """When the challenge was begun and when it came back, in microseconds."""
    question = f"SELECT started_at, bounced_at FROM challenges WHERE id = '{challenge_id}'"
    if not address.startswith("postgresql:"):
        connection = sqlite3.connect(address)
        found = tuple(connection.execute(question).fetchone())
        connection.close()
        return found
    there = await asyncpg.connect(address)
    try:
        await there.execute("SET app.mailbox = '*'")
        row = await there.fetchrow(question)
        assert row is not None
        return tuple(row)
    finally:
        await there.close()


async def held(story: Story) -> str:
    """Ana with a held pitch and a challenge that left; returns the challenge's id."""
    await story.mailbox("ana")
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    return challenge.id


async def test_a_line_is_kept_with_the_message_corrected_and_taken_back(story: Story) -> None:
    challenge = await held(story)
    before = await story.view("ana", "m1")
    assert before.note == ""
    story.pass_time(hours=1)
    for line in (LINE, LINE, "No, at the one in Bonn.", ""):
        await story.store.write_note("ana", challenge, line, story.now)
        after = await story.view("ana", "m1")
        assert after.note == line
        assert (after.placement, after.changed_at) == (before.placement, before.changed_at)
    assert [view.note for view in await story.store.messages("ana")] == [""]


async def test_the_owners_computers_hear_of_every_new_line(story: Story) -> None:
    challenge = await held(story)
    code = OneTimeCode("c1", "ana", Purpose.DEVICE, "x", story.now + timedelta(seconds=120), "laptop")
    await story.store.add_code(code, story.now)
    await story.store.exchange("c1", "x", NewDevice("d1", "h1", frozenset(Scope)), story.now)
    start = (await story.store.news("ana", "d1", None, 0)).latest
    for line in (LINE, LINE, "Sorry, wrong fair."):
        await story.store.write_note("ana", challenge, line, story.now)
    events = (await story.store.news("ana", "d1", start, 10)).events
    assert [(event.kind, event.gmail_id) for event in events] == [(EventKind.NOTE, "m1")] * 2
    assert events[-1].message is not None
    assert events[-1].message.note == "Sorry, wrong fair."


async def test_a_line_is_taken_after_the_delivery_until_the_link_ends(story: Story) -> None:
    challenge = await held(story)
    await story.solve_id(challenge)
    await story.work()
    await story.store.write_note("ana", challenge, LINE, story.now)
    assert (await story.view("ana", "m1")).note == LINE
    story.pass_time(days=14)
    with pytest.raises(Expired) as expired:
        await story.store.write_note("ana", challenge, "too late", story.now)
    assert expired.value.code == "link_expired"
    assert (await story.view("ana", "m1")).note == LINE


async def test_no_line_is_taken_behind_a_used_link_once_the_owner_blocked(story: Story) -> None:
    challenge = await held(story)
    await story.solve_id(challenge)
    await story.work()
    await story.decide("ana", "m1", Decision.BLOCK)
    with pytest.raises(Expired) as used:
        await story.store.write_note("ana", challenge, LINE, story.now)
    assert used.value.code == "link_used"
    assert (await story.view("ana", "m1")).note == ""


async def test_no_line_is_taken_once_the_owner_decided_or_the_link_ran_out(story: Story) -> None:
    challenge = await held(story)
    other = await story.receive("ana", "m2", Outcome.CHALLENGE, "cy@pitch.test")
    assert other is not None
    await story.decide("ana", "m1", Decision.RELEASE)
    with pytest.raises(Expired) as voided:
        await story.store.write_note("ana", challenge, LINE, story.now)
    assert voided.value.code == "link_voided"
    story.pass_time(days=14)
    with pytest.raises(Expired) as expired:
        await story.store.write_note("ana", other.id, LINE, story.now)
    assert expired.value.code == "link_expired"


async def test_nul_and_every_script_can_be_stored(story: Story) -> None:
    challenge = await held(story)
    await story.store.write_note("ana", challenge, "a\0b 你好 🙂 مرحبا", story.now)
    assert (await story.view("ana", "m1")).note == "ab 你好 🙂 مرحبا"


async def test_only_the_first_beginning_counts(story: Story, address: str) -> None:
    challenge = await held(story)
    assert await times(address, challenge) == (None, None)
    begun = story.pass_time(minutes=5)
    await story.store.begin_challenge("ana", challenge, begun)
    story.pass_time(minutes=5)
    await story.store.begin_challenge("ana", challenge, story.now)
    await story.solve_id(challenge)
    assert await times(address, challenge) == (int(begun.timestamp() * 1_000_000), None)


async def test_a_line_or_a_solve_is_a_beginning_as_well(story: Story, address: str) -> None:
    challenge = await held(story)
    other = await story.receive("ana", "m2", Outcome.CHALLENGE, "cy@pitch.test")
    assert other is not None
    await story.store.write_note("ana", challenge, LINE, story.now)
    await story.solve_id(other.id)
    now = int(story.now.timestamp() * 1_000_000)
    assert (await times(address, challenge))[0] == (await times(address, other.id))[0] == now


async def test_tries_are_counted_by_code_and_by_challenge(story: Story) -> None:
    challenge = await held(story)
    assert await story.store.count_try("ana", challenge, "k1") == CodeTries(1, 1)
    assert await story.store.count_try("ana", challenge, "k1") == CodeTries(2, 2)
    assert await story.store.count_try("ana", challenge, "k2") == CodeTries(1, 3)
    with pytest.raises(NotFound):
        await story.store.count_try("ana", "c99", "k1")


async def test_of_many_tries_at_once_no_two_are_the_same(story: Story) -> None:
    challenge = await held(story)
    counted = await asyncio.gather(*(story.store.count_try("ana", challenge, "k1") for _ in range(20)))
    assert sorted(tries.of_code for tries in counted) == list(range(1, 21))


async def test_tries_go_with_their_challenge_and_a_line_with_its_message(story: Story) -> None:
    challenge = await held(story)
    await story.store.count_try("ana", challenge, "k1")
    await story.store.write_note("ana", challenge, LINE, story.now)
    later = story.pass_time(days=200)
    await story.store.retain("ana", story.now, later - timedelta(days=90), 1_000)
    assert await story.store.messages("ana") == ()
    assert (await story.store.forget("ana"))["code_tries"] == 0


async def test_a_bounce_is_noted_once_with_what_left_in_the_thread(story: Story, address: str) -> None:
    challenge = await held(story)
    assert await story.store.note_bounce("ana", "t-elsewhere", story.now) is False
    came_back = story.pass_time(minutes=1)
    assert await story.store.note_bounce("ana", "t-m1", came_back) is True
    story.pass_time(minutes=1)
    assert await story.store.note_bounce("ana", "t-m1", story.now) is False
    assert await times(address, challenge) == (None, int(came_back.timestamp() * 1_000_000))


async def test_what_never_left_cannot_come_back(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.CHALLENGE)
    assert await story.store.note_bounce("ana", "t-m1", story.now) is False
