"""The preview's duty: within its quota, over deaths and troubles, and out of the way of ordinary screening."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backend.domain.errors import REFUSALS_BEFORE_SKIP, NeedsReconnect, Rejected, TryLater, Unexplained
from backend.domain.mailbox.mailbox import Mode, Strictness
from backend.domain.mailbox.message import Outcome, Placement, PolicyRow
from backend.domain.policy.preview import PreviewAnswer, RunState
from backend.pipeline import first_run
from backend.pipeline.first_run import BATCH
from backend.ports.gmail import Fetched
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import Fixture, letter


async def old_mail(fixture: Fixture, count: int) -> list[str]:
    """Mail that was there before us: in the inbox, and never told of."""
    found = [fixture.gmail.deliver(letter(f"p{number}@seller.test")) for number in range(count)]
    fixture.gmail.records.clear()
    return found


async def caught(fixture: Fixture, mode: Mode = Mode.QUARANTINE) -> Sequence[str]:
    seen = await first_run.preview_result(fixture.context, await fixture.mailbox(), mode, Strictness.NORMAL)
    assert seen.ready
    return [mail.gmail_id for mail, _ in seen.caught]


async def test_a_preview_costs_a_list_and_a_fetch_a_mail_and_moves_nothing(fixture: Fixture) -> None:
    messages = await old_mail(fixture, 2 * BATCH + 3)
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    assert await caught(fixture) == messages[::-1]
    assert {name: n for name, n in fixture.gmail.calls.items() if n} == {
        "list_messages": 1,
        "fetch": len(messages),
    }
    assert fixture.gmail.units == 5 + 20 * len(messages)
    assert await fixture.store.messages(fixture.mailbox_id) == ()
    fixture.gmail.calls.clear()
    await caught(fixture, Mode.CHALLENGE)
    assert fixture.gmail.units == 0  # another choice asks nobody


@pytest.mark.parametrize("call", ["list_messages", "fetch"])
@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_costs_a_batch_at_most(fixture: Fixture, call: str, moment: str) -> None:
    messages = await old_mail(fixture, 2 * BATCH)
    await first_run.order(fixture.context, fixture.mailbox_id)
    getattr(fixture.gmail, moment).add(call)
    await fixture.settle()
    assert fixture.deaths == 1
    assert await caught(fixture) == messages[::-1]
    assert fixture.gmail.calls["fetch"] <= len(messages) + BATCH
    assert fixture.gmail.calls["relabel"] == fixture.gmail.calls["send"] == 0


async def test_new_mail_is_screened_whether_or_not_a_preview_saw_it(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter())
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    assert await caught(fixture) == [pitch]
    assert "INBOX" in fixture.gmail.labels_of(pitch)
    await fixture.push()
    await fixture.settle()
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    assert len(fixture.gmail.sent) == 1
    (view,) = await fixture.store.messages(fixture.mailbox_id, Placement.HELD)
    assert view.gmail_id == pitch


async def test_a_mail_that_is_known_keeps_its_row(fixture: Fixture) -> None:
    held = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    await old_mail(fixture, 1)
    before = await fixture.store.messages(fixture.mailbox_id)
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    assert held not in await caught(fixture)  # it is no longer in the inbox
    assert await fixture.store.messages(fixture.mailbox_id) == before


async def test_trouble_waits_and_goes_on_where_it_was(fixture: Fixture) -> None:
    messages = await old_mail(fixture, 3)
    fixture.gmail.trouble["fetch"] = TryLater("The quota is used up.", reason="quota")
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    assert await caught(fixture) == messages[::-1]


async def test_asking_twice_costs_no_second_preview_and_one_that_hangs_begins_anew(fixture: Fixture) -> None:
    messages = await old_mail(fixture, 3)
    for _ in range(3):
        await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    assert fixture.gmail.calls["fetch"] == len(messages)
    await first_run.order(fixture.context, fixture.mailbox_id)  # it is done: looked through again
    fixture.wait(minutes=11)
    await first_run.order(fixture.context, fixture.mailbox_id)
    run = await fixture.store.preview_run(fixture.mailbox_id)
    assert run is not None
    assert run.run == 3


async def test_a_mail_gmail_keeps_back_is_left_out(fixture: Fixture) -> None:
    messages = await old_mail(fixture, 3)
    fixture.gmail.trouble["fetch"] = Rejected("No.", reason="badRequest")
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    assert len(await caught(fixture)) == len(messages) - 1
    run = await fixture.store.preview_run(fixture.mailbox_id)
    assert run is not None
    assert (run.done, run.total) == (3, 3)


@pytest.mark.parametrize("times", [1, 3, 100])
async def test_a_no_that_passes_is_waited_out_and_one_that_stays_leaves_out_one(
    fixture: Fixture, times: int
) -> None:
    messages = await old_mail(fixture, 3)
    left, fetch = [times], fixture.gmail.fetch

    async def refused(mailbox_id: str, gmail_id: str) -> Fetched:
        if gmail_id == messages[1] and left[0]:
            left[0] -= 1
            raise Unexplained("later.unexplained", reason="failedPrecondition")
        return await fetch(mailbox_id, gmail_id)

    fixture.gmail.fetch = refused  # type: ignore[method-assign]
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle(turns=200)
    assert len(await caught(fixture)) == len(messages) - (times > REFUSALS_BEFORE_SKIP)
    run = await fixture.store.preview_run(fixture.mailbox_id)
    assert run is not None
    assert (run.done, run.total) == (3, 3)


async def test_a_lost_grant_stops_it_and_it_goes_on_when_it_is_back(fixture: Fixture) -> None:
    messages = await old_mail(fixture, 3)
    fixture.gmail.trouble["list_messages"] = NeedsReconnect("Consent was withdrawn.")
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    run = await fixture.store.preview_run(fixture.mailbox_id)
    assert run is not None
    assert run.state is RunState.LISTING
    mailbox = await fixture.mailbox()
    await fixture.store.set_link(mailbox.id, type(mailbox.link).CONNECTED, fixture.now())
    await fixture.settle()
    assert await caught(fixture) == messages[::-1]


async def test_what_cannot_be_scored_stays_in_the_inbox(fixture: Fixture) -> None:
    await old_mail(fixture, 2)
    fixture.scorer.broken = True
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    assert await caught(fixture) == []
    seen = await first_run.preview_result(
        fixture.context, await fixture.mailbox(), Mode.CHALLENGE, Strictness.STRICT
    )
    assert {verdict.row for _, verdict in seen.passed} == {PolicyRow.FAIL_OPEN}


async def test_guards_speak_as_if_the_mail_came_now(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter("no-reply@seller.test"))
    fixture.gmail.deliver(letter("sam@seller.test"))
    fixture.gmail.records.clear()
    fixture.wait(days=20)
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    seen = await first_run.preview_result(
        fixture.context, await fixture.mailbox(), Mode.CHALLENGE, Strictness.NORMAL
    )
    outcomes = {mail.sender: verdict.outcome for mail, verdict in seen.caught}
    assert outcomes == {"no-reply@seller.test": Outcome.HOLD, "sam@seller.test": Outcome.CHALLENGE}


async def test_the_owners_word_counts_for_mail_that_really_comes(fixture: Fixture) -> None:
    (old,) = await old_mail(fixture, 1)
    await first_run.order(fixture.context, fixture.mailbox_id)
    await fixture.settle()
    await first_run.label_preview(fixture.context, fixture.mailbox_id, old, PreviewAnswer.NOT_SALES)
    assert await caught(fixture) == []
    new = fixture.gmail.deliver(letter("p0@seller.test"))
    await fixture.push()
    await fixture.settle()
    assert "INBOX" in fixture.gmail.labels_of(new)
