"""A process may die before or after any call to Google; whoever takes over ends in the same place."""

from __future__ import annotations

from datetime import datetime

import pytest

from backend.domain.challenge import ChallengeState
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.message import Placement, Stage
from backend.pipeline.decide import carry_out
from backend.transactions.records import MessageJob
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import Fixture, letter

CALLS = ["history", "fetch", "relabel", "identity", "vacation_on", "send"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_one_death_at_any_call_leaves_one_held_mail_and_one_challenge(
    fixture: Fixture, call: str, moment: str
) -> None:
    pitch = fixture.gmail.deliver(letter())
    getattr(fixture.gmail, moment).add(call)
    await fixture.push()
    await fixture.settle()

    assert fixture.deaths == 1
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    assert "INBOX" not in fixture.gmail.labels_of(pitch)
    assert len(fixture.gmail.sent) == 1
    challenge = await fixture.store.challenge_of(fixture.mailbox_id, pitch)
    assert challenge is not None
    assert challenge.state is ChallengeState.SENT
    assert challenge.sent_gmail_id == fixture.gmail.sent[0].gmail_id
    assert challenge.sealed_token == b""


async def test_deaths_at_every_call_of_the_same_message_still_send_once(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter())
    fixture.gmail.die_before = set(CALLS)
    fixture.gmail.die_after = {*CALLS, "find_sent"}
    await fixture.push()
    await fixture.settle()

    assert fixture.deaths >= 2 * len(CALLS)
    assert len(fixture.gmail.sent) == 1
    assert LABELS.held in fixture.gmail.labels_of(pitch)


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_while_releasing_gives_the_mail_back_once(fixture: Fixture, moment: str) -> None:
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    challenge = await fixture.store.challenge_of(fixture.mailbox_id, pitch)
    assert challenge is not None
    solved = await fixture.store.solve(challenge.id, "signature", challenge.expires_at, 0, fixture.now())
    getattr(fixture.gmail, moment).add("relabel")
    await fixture.settle()

    assert solved.released == (pitch,)
    assert {"INBOX", "UNREAD"} <= fixture.gmail.labels_of(pitch)
    assert LABELS.held not in fixture.gmail.labels_of(pitch)
    assert await fixture.store.balance(fixture.mailbox_id, "sam@seller.test") == 1
    assert await fixture.store.ledger_differences() == ()


async def test_the_same_push_again_and_again_changes_nothing(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter())
    for _ in range(3):
        await fixture.push()
        await fixture.settle()

    assert fixture.gmail.calls["fetch"] == 1
    assert fixture.gmail.calls["relabel"] == 1
    assert len(fixture.gmail.sent) == 1
    views = await fixture.store.messages(fixture.mailbox_id, Placement.HELD)
    assert [view.gmail_id for view in views] == [pitch]


async def test_a_challenge_is_marked_as_being_sent_by_the_commit_that_moved_its_message(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: str) -> None:
        raise AssertionError("marked by a commit of its own")

    monkeypatch.setattr(fixture.store, "mark_sending", refuse)
    fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    assert len(fixture.gmail.sent) == 1


async def test_a_message_released_just_after_it_was_moved_is_not_answered(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = fixture.store.finish_stage

    async def then_the_owner_releases_it(job: MessageJob, now: datetime) -> MessageJob | None:
        following = await finish(job, now)
        if job.stage is Stage.ACT:
            wish = Correction("k", job.gmail_id, Decision.RELEASE, Origin.PAGE)
            await carry_out(fixture.context, job.mailbox_id, wish.order)
        return following

    monkeypatch.setattr(fixture.store, "finish_stage", then_the_owner_releases_it)
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()

    assert fixture.gmail.sent == []
    assert "INBOX" in fixture.gmail.labels_of(pitch)
    challenge = await fixture.store.challenge_of(fixture.mailbox_id, pitch)
    assert challenge is not None
    assert challenge.state is ChallengeState.VOIDED
