"""Nothing fails in silence: what the mailbox says, and what is counted, while Google or our own key is in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.errors import NotFound, Refused, TryLater
from backend.domain.mailbox.condition import explain
from backend.domain.mailbox.mailbox import Condition, Mailbox
from backend.ports.store import Stage
from backend.transactions import rows
from tests.unit.pipeline.conftest import House, letter

AWAY = TryLater("Google has trouble of its own.", reason="http503")


async def test_history_at_503_for_150_seconds_is_told_to_the_owner_and_the_operator(house: House) -> None:
    """A postponed job is not due, so nothing was late: the mailbox said "at work" and every count was 0."""
    house.gmail.outages["history"] = AWAY
    house.gmail.deliver(letter())
    await house.push()
    await house.work_for(100)
    assert (await house.mailbox()).condition(house.now()) is Condition.ACTIVE, "most outages are over sooner"
    await house.work_for(50)

    told = explain(await house.mailbox(), house.now())
    assert told.condition is Condition.DELAYED
    assert "New mail has not been read since" in told.cause
    census = await house.store.census(house.now())
    assert 120 <= census["failing_seconds"] <= 150
    assert house.failed["sync", "google"] >= 5

    del house.gmail.outages["history"]
    await house.settle()
    assert (await house.mailbox()).failing == ()
    assert (await house.mailbox()).condition(house.now()) is Condition.ACTIVE
    assert (await house.store.census(house.now()))["failing_seconds"] == 0


async def test_a_limit_google_names_a_time_for_is_told_too(house: House) -> None:
    later = house.now() + timedelta(hours=1)
    house.gmail.outages["history"] = TryLater("Too many.", reason="statedTime", retry_at=later)
    await house.push()
    await house.work_for(150)
    assert "Gmail asks us to wait" in explain(await house.mailbox(), house.now()).cause
    assert house.failed["sync", "limits"] >= 1


async def test_mail_that_cannot_be_fetched_is_told_as_some_mail(house: House) -> None:
    house.gmail.outages["fetch"] = AWAY
    house.gmail.deliver(letter())
    await house.push()
    await house.work_for(150)
    assert "Some mail has waited since" in explain(await house.mailbox(), house.now()).cause
    assert house.failed["screen", "google"] >= 5


async def test_mail_that_waits_for_the_index_has_not_failed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's sent mail may take minutes to read; nothing is wrong then."""
    house.gmail.deliver(letter())
    await house.push()
    mailbox = replace(await house.mailbox(), indexed_at=None)

    async def unread(mailbox_id: str) -> Mailbox:
        return mailbox

    with monkeypatch.context() as patch:
        patch.setattr(house.store, "mailbox", unread)
        await house.work_for(150)
    assert not house.failed
    assert (await house.mailbox()).failing == ()


async def test_a_message_whose_facts_are_missing_is_set_aside_with_what_is_true(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said "disconnected", kept its lease, and was tried again for ever."""
    house.gmail.outages["send"] = AWAY
    gmail_id = house.gmail.deliver(letter())
    await house.push()
    await house.work_for(20)
    assert (await house.store.known(house.mailbox_id, [gmail_id]))[gmail_id].stage is Stage.CHALLENGE

    monkeypatch.setattr(rows, "screened", lambda row: None)
    await house.work_for(100)
    (aside,) = await house.store.aside()
    assert aside["gmail_id"] == gmail_id
    assert "disconnected" not in aside["error"]
    assert "is not stored" in aside["error"]
    assert isinstance(NotFound("x"), Refused), "which is not tried again"
