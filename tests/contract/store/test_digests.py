"""The digest's rows: told once, its links used once, by whoever comes first."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio

from backend.domain.errors import LaneLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome, Placement
from backend.domain.mailbox.owner_digest import DigestLink, DigestState
from backend.transactions.records import Duty
from tests.contract.store.stories import Story


@pytest_asyncio.fixture(loop_scope="session")
async def held(story: Story) -> Story:
    """Ana has two messages held."""
    await story.mailbox("ana")
    for name in ("m1", "m2"):
        await story.receive("ana", name, Outcome.HOLD)
    await story.work()
    return story


async def test_how_far_an_owner_was_told_is_kept(held: Story) -> None:
    store = held.store
    assert await store.digest_state("ana") is None
    job = await held.hold("ana", Duty.DIGEST)
    await store.digest_told(job, held.now, "")
    assert await store.digest_state("ana") == DigestState(held.now)

    job = await held.hold("ana", Duty.DIGEST)
    until = held.pass_time(hours=1)
    await store.tell_digest(job, "<d1@x>", until, (), held.now)
    state = await store.digest_state("ana")
    assert state is not None
    assert (state.leaving, state.message_id, state.gmail_id) == (until, "<d1@x>", "")
    await store.digest_told(job, until, "g1")
    assert await store.digest_state("ana") == DigestState(until, "<d1@x>", None, "g1")
    assert await store.sent_challenge_ids("ana", ["g1", "m1"]) == {"g1"}

    await store.forget("ana")
    with pytest.raises(LaneLost):
        await store.digest_told(job, until, "g2")
    with pytest.raises(LaneLost):
        await store.tell_digest(job, "<d2@x>", until, (), held.now)


async def test_the_links_of_a_digest_that_is_nowhere_go_and_those_of_earlier_ones_stay(held: Story) -> None:
    await held.digest("ana", "m1", token_hash="earlier")
    job = await held.hold("ana", Duty.DIGEST)
    for name in ("lost", "found"):
        link = DigestLink(name, "ana", Decision.BLOCK, ("m1",), held.now + timedelta(days=1))
        await held.store.tell_digest(job, f"<{name}@x>", held.now, (link,), held.now)
    assert await held.store.digest_link("lost") is None
    assert await held.store.digest_link("found") == link
    assert await held.store.digest_link("earlier") is not None


async def test_used_by_many_at_once_a_link_orders_once(held: Story) -> None:
    link = await held.digest("ana", "m1", "m2")
    seen = await asyncio.gather(*(held.store.use_digest_link(link.token_hash, held.now) for _ in range(6)))
    assert {one.used_at for one in seen if one} == {held.now}
    await held.work()
    assert [await held.place("ana", name) for name in ("m1", "m2")] == [Placement.INBOX] * 2

    undone = await asyncio.gather(*(held.store.undo_digest_link(link.token_hash, held.now) for _ in range(6)))
    assert {one.undone_at for one in undone if one} == {held.now}
    await held.work()
    await held.store.use_digest_link(link.token_hash, held.now)
    await held.work()
    assert [await held.place("ana", name) for name in ("m1", "m2")] == [Placement.HELD] * 2


async def test_an_expired_link_orders_nothing(held: Story) -> None:
    link = await held.digest("ana", "m1")
    held.now = link.expires_at
    late = await held.store.use_digest_link(link.token_hash, held.now)
    assert late is not None
    assert late.used_at is None
    assert await held.place("ana", "m1") is Placement.HELD
    assert await held.store.use_digest_link("unknown", held.now) is None


async def test_a_link_whose_mail_was_put_away_meanwhile_can_be_taken_back_like_any(held: Story) -> None:
    link = await held.digest("ana", "m1")
    await held.decide("ana", "m1", Decision.BIN)
    await held.store.use_digest_link(link.token_hash, held.now)
    undone = await held.store.undo_digest_link(link.token_hash, held.now)
    assert undone is not None
    assert undone.undone_at == held.now
    assert (await held.view("ana", "m1")).decided_by == Decision.BIN


async def test_wanting_a_digest_makes_it_due_and_wanting_none_forgets_it(held: Story) -> None:
    await held.digest("ana", "m1")
    for pace in ("daily", "off"):
        await held.store.change_preferences("ana", {"digest": pace}, held.now)
    assert await held.store.digest_state("ana") is None
    await held.store.change_preferences("ana", {"digest": "weekly"}, held.now)
    held.pass_time(seconds=1)
    job = await held.due_duty()
    assert job is not None
    assert job.duty is Duty.DIGEST
