"""What the add-on's cards read and write, told to both stores."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.domain.errors import NotFound
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import Mode
from backend.domain.mailbox.message import Outcome, Placement, PolicyRow, Verdict
from backend.domain.policy.evidence import EarlierEvidence
from backend.transactions.records import SenderRecord, Sighting
from backend.transactions.store import Store
from tests.contract.store.stories import BO, Story

OLD = Sighting("old", "t-old", None)
LOOKS_LIKE_ONE = Verdict(Outcome.INBOX, PolicyRow.OBSERVE)


async def test_an_account_is_found_by_its_sub_and_by_nothing_else(story: Story, store: Store) -> None:
    await story.mailbox("ana")
    found = await store.tenant("sub-ana")
    assert found is not None
    assert found.mailbox.id == "ana"
    for other in ("ana", "ana@corp.test", "SUB-ANA", ""):
        assert await store.tenant(other) is None


async def test_a_card_reads_message_sender_and_history_at_once(story: Story, store: Store) -> None:
    await story.mailbox("ana")
    first = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert first is not None
    await story.receive("ana", "m2", Outcome.HOLD)
    await store.set_rule("ana", "pitch.test", RuleKind.BLOCK, story.now)
    read = await store.card_data("ana", "m1", story.now)
    assert read is not None
    assert (read.view.gmail_id, read.view.placement, read.view.row) == (
        "m1",
        Placement.HELD,
        PolicyRow.CHALLENGE,
    )
    assert read.record == SenderRecord(held=2, challenged=1, solved=0)
    assert read.standing.rules.domain is RuleKind.BLOCK
    await story.solve(first)
    after = await store.card_data("ana", "m1", story.now)
    assert after is not None
    assert after.record.solved == 1
    assert after.version > read.version
    assert await store.card_data("ana", "nothing", story.now) is None


async def test_a_message_no_sync_brings_is_noted_once_and_nothing_follows(story: Story, store: Store) -> None:
    await story.mailbox("ana")
    assert await store.insert_unseen("ana", OLD, LOOKS_LIKE_ONE, story.screened(), story.now) is True
    assert (
        await store.insert_unseen("ana", OLD, Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD), None, story.now)
        is False
    )
    assert await story.due() == ()
    read = await store.card_data("ana", "old", story.now)
    assert read is not None
    assert (read.view.row, read.view.sender, read.view.placement) == (PolicyRow.OBSERVE, BO, Placement.INBOX)
    assert await story.arrive("ana", "old") == 0  # a sync that meets it later leaves it alone
    with pytest.raises(NotFound):
        await store.insert_unseen("nobody", OLD, LOOKS_LIKE_ONE, None, story.now)


async def test_known_mail_is_never_adopted(story: Story, store: Store) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "old", Outcome.HOLD)
    assert await store.insert_unseen("ana", OLD, LOOKS_LIKE_ONE, None, story.now) is False
    read = await store.card_data("ana", "old", story.now)
    assert read is not None
    assert read.view.placement is Placement.HELD


async def test_settings_are_changed_only_by_who_saw_them_as_they_are(story: Story, store: Store) -> None:
    await story.mailbox("ana")
    seen = await store.tenant("sub-ana")
    assert seen is not None
    wanted = seen.mailbox.preferences.changed(mode=Mode.QUARANTINE)
    assert await store.save_preferences_unless_changed("ana", seen.version, wanted, story.now) is True
    # Nobody moved the clock, and yet the version is another one.
    assert (
        await store.save_preferences_unless_changed("ana", seen.version, seen.mailbox.preferences, story.now)
        is False
    )
    now = await store.tenant("sub-ana")
    assert now is not None
    assert now.mailbox.preferences.mode is Mode.QUARANTINE
    assert (
        await store.save_preferences_unless_changed("ana", now.version, seen.mailbox.preferences, story.now)
        is True
    )
    assert (
        await store.save_preferences_unless_changed(
            "ana", seen.version, wanted, story.now + timedelta(days=1)
        )
        is False
    )


async def test_one_owner_reads_and_changes_nothing_of_another(story: Story, store: Store) -> None:
    await story.mailbox("ana")
    await story.mailbox("eve")
    await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert await store.card_data("eve", "m1", story.now) is None
    standing, record = await store.sender("eve", BO, "pitch.test", "t-m1", story.now)
    assert record == SenderRecord()
    assert standing.earlier == EarlierEvidence()
    await store.insert_unseen(
        "eve", Sighting("m1", "t-m1", None), LOOKS_LIKE_ONE, story.screened(), story.now
    )
    read = await store.card_data("ana", "m1", story.now)
    assert read is not None
    assert read.view.row == PolicyRow.CHALLENGE
