"""A sender is judged by all they wrote; what they wrote before and nobody has opened goes with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Mode, Strictness
from backend.domain.mailbox.message import Placement, PolicyRow
from backend.pipeline import first_run
from backend.pipeline.decide import carry_out
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import FORGED, Fixture, letter

INBOX = frozenset({"INBOX", "UNREAD"})
READ = frozenset({"INBOX"})


async def _comes(
    fixture: Fixture, text: str, sender: str = "sam@seller.test", labels: frozenset[str] = INBOX
) -> str:
    gmail_id = fixture.gmail.deliver(letter(sender, text), labels=labels)
    await fixture.push()
    await fixture.settle()
    fixture.wait(hours=1)
    return gmail_id


async def _row(fixture: Fixture, gmail_id: str) -> tuple[str, str | None]:
    (view,) = [one for one in await fixture.store.messages(fixture.mailbox_id) if one.gmail_id == gmail_id]
    return view.row, view.placement


async def test_a_pitchs_empty_follow_up_is_held_with_it_and_asks_for_no_second_link(fixture: Fixture) -> None:
    await _comes(fixture, "pitchy")
    bump = await _comes(fixture, "floating this up")
    assert await _row(fixture, bump) == (PolicyRow.HELD_WITH_EARLIER, Placement.HELD)
    assert LABELS.held in fixture.gmail.labels_of(bump)
    assert fixture.gmail.calls["send"] == 1


async def test_an_unread_email_is_taken_out_with_a_later_pitch_and_comes_back_with_it(
    fixture: Fixture,
) -> None:
    first = await _comes(fixture, "maybe")
    assert await _row(fixture, first) == (PolicyRow.BELOW_HOLD, Placement.INBOX)
    pitch = await _comes(fixture, "pitchy")
    assert await _row(fixture, first) == (PolicyRow.HELD_WITH_LATER, Placement.HELD)
    assert LABELS.held in fixture.gmail.labels_of(first)
    assert "INBOX" not in fixture.gmail.labels_of(first)

    order = Correction("one", pitch, Decision.ALLOW, Origin.PAGE).order
    await carry_out(fixture.context, fixture.mailbox_id, order)
    await fixture.settle()
    for gmail_id in (first, pitch):
        assert fixture.gmail.labels_of(gmail_id) >= INBOX


@pytest.mark.parametrize("why", ["read", "old", "archived", "switched off", "another sender", "forged"])
async def test_it_stays_if_it_was_read_or_is_old_or_archived_or_nobody_wants_it_so(
    fixture: Fixture, why: str
) -> None:
    if why == "switched off":
        changes = {"rows_off": [PolicyRow.HELD_WITH_LATER]}
        await fixture.store.change_preferences(fixture.mailbox_id, changes, fixture.now())
    sender = "eve@other.test" if why == "another sender" else "sam@seller.test"
    first = await _comes(fixture, "maybe", sender, READ if why == "read" else INBOX)
    if why == "archived":
        fixture.gmail.move(first, remove={"INBOX"})
    if why == "old":
        fixture.gmail.now += timedelta(days=7)
    if why == "forged":
        fixture.gmail.deliver(letter("sam@seller.test", "pitchy", trust=FORGED), labels=INBOX)
        await fixture.push()
        await fixture.settle()
    else:
        await _comes(fixture, "pitchy")
    assert (await _row(fixture, first))[1] is Placement.INBOX
    assert LABELS.held not in fixture.gmail.labels_of(first)


async def test_an_ordinary_email_after_a_wrong_hold_passes_and_is_followed_by_more(fixture: Fixture) -> None:
    wrong = await _comes(fixture, "perhaps")
    assert (await _row(fixture, wrong))[1] is Placement.HELD
    later = [await _comes(fixture, "the drawings you asked for") for _ in range(3)]
    assert [(await _row(fixture, one))[0] for one in later] == [PolicyRow.BELOW_HOLD] * 3


@pytest.mark.parametrize(
    ("written_to", "row"),
    [("talk@lists.test", PolicyRow.MACHINE_MAIL), ("bo@lists.test", PolicyRow.QUARANTINE)],
)
async def test_a_list_is_believed_once_the_owner_has_written_to_it(
    fixture: Fixture, written_to: str, row: PolicyRow
) -> None:
    await fixture.store.learn(fixture.mailbox_id, frozenset({written_to}), "thread-1", fixture.now())
    signed = "mx.google.com; dkim=pass header.i=@lists.test; dmarc=fail header.from={0}"
    fields = {"List_Id": "<talk.lists.test>", "List_Post": "<mailto:talk@lists.test>"}
    post = fixture.gmail.deliver(letter(text="pitchy", trust=signed, **fields))
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    seen = await first_run.preview_result(
        fixture.context, await fixture.mailbox(), Mode.QUARANTINE, Strictness.NORMAL
    )
    assert [verdict.row for _, verdict in (*seen.caught, *seen.passed)] == [row]
    await fixture.push()
    await fixture.settle()
    assert (await _row(fixture, post))[0] == row


async def test_who_writes_into_the_owners_thread_is_read_like_anybody(fixture: Fixture) -> None:
    await fixture.store.learn(fixture.mailbox_id, frozenset({"bo@friend.test"}), "thread-1", fixture.now())
    intruder = fixture.gmail.deliver(letter(text="pitchy"), thread_id="thread-1")
    colleague = fixture.gmail.deliver(letter("cy@friend.test", "pitchy"), thread_id="thread-1")
    await fixture.push()
    await fixture.settle()
    assert (await _row(fixture, intruder))[0] == PolicyRow.CHALLENGE
    assert (await _row(fixture, colleague))[0] == PolicyRow.CORRESPONDENT
