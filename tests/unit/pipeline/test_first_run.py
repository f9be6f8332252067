"""The preview's duty: within its quota, over deaths and troubles, and out of the way of ordinary screening."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backend.domain.errors import NeedsReconnect, Rejected, TryLater
from backend.domain.mailbox.mailbox import Mode, Strictness
from backend.domain.mailbox.verdict import Outcome, Row
from backend.domain.policy.rehearsal import Word
from backend.pipeline import first_run
from backend.pipeline.first_run import BATCH
from backend.ports.owner import RunState
from backend.ports.store import Placement
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import House, letter


async def old_mail(house: House, count: int) -> list[str]:
    """Mail that was there before us: in the inbox, and never told of."""
    found = [house.gmail.deliver(letter(f"p{number}@seller.test")) for number in range(count)]
    house.gmail.records.clear()
    return found


async def caught(house: House, mode: Mode = Mode.QUARANTINE) -> Sequence[str]:
    seen = await first_run.rehearsal(house.kit, await house.mailbox(), mode, Strictness.NORMAL)
    assert seen.ready
    return [mail.gmail_id for mail, _ in seen.caught]


async def test_a_preview_costs_a_list_and_a_fetch_a_mail_and_moves_nothing(house: House) -> None:
    mails = await old_mail(house, 2 * BATCH + 3)
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    assert await caught(house) == mails[::-1]
    assert {name: n for name, n in house.gmail.calls.items() if n} == {
        "list_messages": 1,
        "fetch": len(mails),
    }
    assert house.gmail.units == 5 + 20 * len(mails)
    assert await house.store.messages(house.mailbox_id) == ()
    house.gmail.calls.clear()
    await caught(house, Mode.CHALLENGE)
    assert house.gmail.units == 0  # another choice asks nobody


@pytest.mark.parametrize("call", ["list_messages", "fetch"])
@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_costs_a_batch_at_most(house: House, call: str, moment: str) -> None:
    mails = await old_mail(house, 2 * BATCH)
    await first_run.order(house.kit, house.mailbox_id)
    getattr(house.gmail, moment).add(call)
    await house.settle()
    assert house.deaths == 1
    assert await caught(house) == mails[::-1]
    assert house.gmail.calls["fetch"] <= len(mails) + BATCH
    assert house.gmail.calls["relabel"] == house.gmail.calls["send"] == 0


async def test_new_mail_is_screened_whether_or_not_a_preview_saw_it(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    assert await caught(house) == [pitch]
    assert "INBOX" in house.gmail.labels_of(pitch)
    await house.push()
    await house.settle()
    assert LABELS.held in house.gmail.labels_of(pitch)
    assert len(house.gmail.sent) == 1
    (view,) = await house.store.messages(house.mailbox_id, Placement.HELD)
    assert view.gmail_id == pitch


async def test_a_mail_that_is_known_keeps_its_row(house: House) -> None:
    held = house.gmail.deliver(letter())
    await house.push()
    await house.settle()
    await old_mail(house, 1)
    before = await house.store.messages(house.mailbox_id)
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    assert held not in await caught(house)  # it is no longer in the inbox
    assert await house.store.messages(house.mailbox_id) == before


async def test_trouble_waits_and_goes_on_where_it_was(house: House) -> None:
    mails = await old_mail(house, 3)
    house.gmail.trouble["fetch"] = TryLater("The quota is used up.", reason="quota")
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    assert await caught(house) == mails[::-1]


async def test_asking_twice_costs_no_second_preview_and_one_that_hangs_begins_anew(house: House) -> None:
    mails = await old_mail(house, 3)
    for _ in range(3):
        await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    assert house.gmail.calls["fetch"] == len(mails)
    await first_run.order(house.kit, house.mailbox_id)  # it is done: looked through again
    house.wait(minutes=11)
    await first_run.order(house.kit, house.mailbox_id)
    run = await house.store.preview_run(house.mailbox_id)
    assert run is not None
    assert run.run == 3


async def test_a_mail_gmail_keeps_back_is_left_out(house: House) -> None:
    mails = await old_mail(house, 3)
    house.gmail.trouble["fetch"] = Rejected("No.", reason="failedPrecondition")
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    assert len(await caught(house)) == len(mails) - 1
    run = await house.store.preview_run(house.mailbox_id)
    assert run is not None
    assert (run.done, run.total) == (3, 3)


async def test_a_lost_grant_stops_it_and_it_goes_on_when_it_is_back(house: House) -> None:
    mails = await old_mail(house, 3)
    house.gmail.trouble["list_messages"] = NeedsReconnect("Consent was withdrawn.")
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    run = await house.store.preview_run(house.mailbox_id)
    assert run is not None
    assert run.state is RunState.LISTING
    mailbox = await house.mailbox()
    await house.store.set_link(mailbox.id, type(mailbox.link).CONNECTED, "", house.now())
    await house.settle()
    assert await caught(house) == mails[::-1]


async def test_what_cannot_be_scored_stays_in_the_inbox(house: House) -> None:
    await old_mail(house, 2)
    house.scorer.broken = True
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    assert await caught(house) == []
    seen = await first_run.rehearsal(house.kit, await house.mailbox(), Mode.CHALLENGE, Strictness.STRICT)
    assert {verdict.row for _, verdict in seen.passed} == {Row.FAIL_OPEN}


async def test_guards_speak_as_if_the_mail_came_now(house: House) -> None:
    house.gmail.deliver(letter("no-reply@seller.test"))
    house.gmail.deliver(letter("sam@seller.test"))
    house.gmail.records.clear()
    house.wait(days=20)
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    seen = await first_run.rehearsal(house.kit, await house.mailbox(), Mode.CHALLENGE, Strictness.NORMAL)
    outcomes = {mail.sender: verdict.outcome for mail, verdict in seen.caught}
    assert outcomes == {"no-reply@seller.test": Outcome.HOLD, "sam@seller.test": Outcome.CHALLENGE}


async def test_the_owners_word_counts_for_mail_that_really_comes(house: House) -> None:
    (old,) = await old_mail(house, 1)
    await first_run.order(house.kit, house.mailbox_id)
    await house.settle()
    await first_run.say(house.kit, house.mailbox_id, old, Word.NOT_SALES)
    assert await caught(house) == []
    new = house.gmail.deliver(letter("p0@seller.test"))
    await house.push()
    await house.settle()
    assert "INBOX" in house.gmail.labels_of(new)
