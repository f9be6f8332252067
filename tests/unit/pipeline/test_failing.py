"""Nothing fails in silence: what the mailbox says, and what is counted, while Google or our own key is in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.errors import Blame, NotFound, Refused, TryLater
from backend.domain.mailbox.mailbox import Condition, Mailbox, explain
from backend.domain.mailbox.message import Stage
from backend.transactions import rows
from tests.unit.pipeline.conftest import Fixture, letter

AWAY = TryLater("Google is having problems.", reason="http503")


async def test_history_at_503_for_150_seconds_is_told_to_the_owner_and_the_operator(fixture: Fixture) -> None:
    """A postponed job is not due, so nothing was late: the mailbox said "at work" and every count was 0."""
    fixture.gmail.outages["history"] = AWAY
    fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.work_for(100)
    assert (await fixture.mailbox()).condition(fixture.now()) is Condition.ACTIVE, (
        "most outages are over sooner"
    )
    await fixture.work_for(50)

    explanation = explain(await fixture.mailbox(), fixture.now())
    assert explanation.condition is Condition.DELAYED
    assert explanation.failing_job is not None
    assert explanation.failing_job.stops_reading
    census = await fixture.store.census(fixture.now())
    assert 120 <= census["failing_seconds"] <= 150
    assert fixture.failed["sync", "google"] >= 5

    del fixture.gmail.outages["history"]
    await fixture.settle()
    assert (await fixture.mailbox()).failing == ()
    assert (await fixture.mailbox()).condition(fixture.now()) is Condition.ACTIVE
    assert (await fixture.store.census(fixture.now()))["failing_seconds"] == 0


async def test_a_limit_google_names_a_time_for_is_told_too(fixture: Fixture) -> None:
    later = fixture.now() + timedelta(hours=1)
    fixture.gmail.outages["history"] = TryLater("Too many.", reason="statedTime", retry_at=later)
    await fixture.push()
    await fixture.work_for(150)
    late = explain(await fixture.mailbox(), fixture.now()).failing_job
    assert late is not None
    assert late.blame is Blame.LIMITS
    assert fixture.failed["sync", "limits"] >= 1


async def test_mail_that_cannot_be_fetched_is_told_as_some_mail(fixture: Fixture) -> None:
    fixture.gmail.outages["fetch"] = AWAY
    fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.work_for(150)
    late = explain(await fixture.mailbox(), fixture.now()).failing_job
    assert late is not None
    assert not late.stops_reading
    assert fixture.failed["screen", "google"] >= 5


async def test_mail_that_waits_for_the_index_has_not_failed(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's sent mail may take minutes to read; nothing is wrong then."""
    fixture.gmail.deliver(letter())
    await fixture.push()
    mailbox = replace(await fixture.mailbox(), indexed_at=None)

    async def unread(mailbox_id: str) -> Mailbox:
        return mailbox

    with monkeypatch.context() as patch:
        patch.setattr(fixture.store, "mailbox", unread)
        await fixture.work_for(150)
    assert not fixture.failed
    assert (await fixture.mailbox()).failing == ()


async def test_a_message_whose_facts_are_missing_becomes_a_dead_letter_with_what_is_true(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said "disconnected", and was tried again for ever."""
    fixture.gmail.outages["send"] = AWAY
    gmail_id = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.work_for(20)
    assert (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id].stage is Stage.CHALLENGE

    monkeypatch.setattr(rows, "screened", lambda row: None)
    await fixture.work_for(100)
    (dead,) = await fixture.store.dead_letters()
    assert dead["gmail_id"] == gmail_id
    assert dead["error"] == "refused facts_missing"
    assert isinstance(NotFound("x"), Refused), "which is not tried again"
