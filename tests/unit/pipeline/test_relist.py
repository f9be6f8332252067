"""Google's history no longer reaches back to the cursor: nothing is lost, doubled or asked for twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.errors import Rejected
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Gap, explain
from backend.domain.mailbox.message import Placement, Stage
from backend.pipeline import relist
from backend.pipeline.relist import Progress
from backend.pipeline.stages import run_duty
from backend.transactions.records import Duty
from tests.fakes.gmail import LABELS, Died
from tests.unit.pipeline.conftest import Fixture, letter


async def _held(fixture: Fixture, sender: str = "sam@seller.test") -> str:
    pitch = fixture.gmail.deliver(letter(sender))
    await fixture.push()
    await fixture.settle()
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    return pitch


async def _after_the_gap(fixture: Fixture, minutes: float = 30) -> None:
    """History is gone; the next push leads to a re-list."""
    fixture.wait(minutes=minutes)
    fixture.gmail.forget_history()
    fixture.gmail.calls.clear()
    await fixture.push()
    await fixture.settle()


async def _placement(fixture: Fixture, gmail_id: str) -> Placement | None:
    return (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id].placement


async def test_what_came_in_the_gap_is_found_and_what_is_known_is_not_read_again(fixture: Fixture) -> None:
    await _held(fixture)
    fixture.wait(minutes=20)
    missed = fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    await _after_the_gap(fixture, minutes=1)

    assert (await fixture.store.known(fixture.mailbox_id, [missed]))[missed].outcome == "inbox"
    assert fixture.gmail.calls["fetch"] == 1
    mailbox = await fixture.mailbox()
    assert mailbox.cursor == str(fixture.gmail.position)
    assert mailbox.gap is not None
    assert (mailbox.gap.found, mailbox.gap.cut) == (1, "")


async def test_a_short_gaps_pitch_is_answered_like_any_other(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter())
    await _after_the_gap(fixture)
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    assert len(fixture.gmail.sent) == 1


async def test_a_long_gaps_pitch_is_held_and_nobody_is_answered(fixture: Fixture) -> None:
    fixture.wait(hours=2)
    pitch = fixture.gmail.deliver(letter())
    await _after_the_gap(fixture, minutes=12 * 60)
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    assert fixture.gmail.sent == []


@pytest.mark.parametrize("way", ["label off", "into the inbox", "moved"])
async def test_the_owners_release_in_the_gap_wins(fixture: Fixture, way: str) -> None:
    pitch = await _held(fixture)
    other = await _held(fixture, "pat@other.test")
    added = set[str]() if way == "label off" else {"INBOX"}
    fixture.gmail.move(pitch, add=added, remove=set() if way == "into the inbox" else {LABELS.held})
    await _after_the_gap(fixture)

    assert "INBOX" in fixture.gmail.labels_of(pitch)
    assert await _placement(fixture, pitch) is Placement.INBOX
    assert await _placement(fixture, other) is Placement.HELD
    assert fixture.gmail.calls["labels_on"] == 1  # only the one that does not lie where we put it


async def test_our_own_order_that_is_not_carried_out_yet_stands(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    while LABELS.held not in fixture.gmail.labels_of(pitch):
        view = (await fixture.store.known(fixture.mailbox_id, [pitch])).get(pitch)
        if view is not None and view.stage is Stage.ACT:
            break  # judged, and not moved yet
        assert await fixture._turn()
    fixture.gmail.forget_history()
    job = await fixture.duty(Duty.SYNC)
    await run_duty(fixture.context, fixture.authorizer, job)

    view = (await fixture.store.known(fixture.mailbox_id, [pitch]))[pitch]
    assert (view.placement, view.stage, view.decided_by) == (Placement.HELD, Stage.ACT, "")
    assert (await fixture.mailbox()).gap is not None
    await fixture.settle()
    assert LABELS.held in fixture.gmail.labels_of(pitch)


async def test_what_the_owner_deleted_or_threw_away_in_the_gap_is_left_alone(fixture: Fixture) -> None:
    deleted = await _held(fixture)
    trashed = await _held(fixture, "pat@other.test")
    fixture.gmail.delete(deleted)
    fixture.gmail.move(trashed, add={"TRASH"}, remove={LABELS.held})
    await _after_the_gap(fixture)
    assert "INBOX" not in fixture.gmail.labels_of(trashed)
    assert fixture.gmail.calls["relabel"] == 0


async def test_spam_and_bin_are_heard_across_the_gap_both_ways(fixture: Fixture) -> None:
    reported, binned = await _held(fixture), await _held(fixture, "pat@other.test")
    delivered = fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    await fixture.push()
    await fixture.settle()
    fixture.gmail.move(reported, add={"SPAM"})
    fixture.gmail.move(delivered, add={"SPAM"}, remove={"INBOX"})
    fixture.gmail.move(binned, add={"TRASH"})
    await _after_the_gap(fixture)

    async def decided() -> list[str]:
        views = await fixture.store.known(fixture.mailbox_id, [reported, binned, delivered])
        return [views[one].decided_by for one in (reported, binned, delivered)]

    assert await decided() == ["spam", "bin", "spam"]
    assert fixture.gmail.calls["labels_on"] == 3
    await _after_the_gap(fixture)
    assert fixture.gmail.calls["labels_on"] == 0  # they lie where they are said to
    fixture.gmail.move(reported, add={"INBOX"}, remove={"SPAM"})
    fixture.gmail.move(binned, remove={"TRASH"})
    await _after_the_gap(fixture)
    assert await decided() == ["owner", "", "spam"]
    assert await _placement(fixture, reported) is Placement.INBOX
    assert LABELS.held in fixture.gmail.labels_of(binned)


async def test_held_mail_gmail_does_not_give_out_keeps_no_new_mail_from_being_seen(fixture: Fixture) -> None:
    kept, released = await _held(fixture), await _held(fixture, "pat@other.test")
    for pitch in (kept, released):
        fixture.gmail.move(pitch, add={"INBOX"}, remove={LABELS.held})
    look = fixture.gmail.labels_on

    async def some(mailbox_id: str, gmail_id: str) -> frozenset[str]:
        if gmail_id == kept:
            raise Rejected("Google forbids this request.", reason="forbidden")
        return await look(mailbox_id, gmail_id)

    fixture.gmail.labels_on = some  # type: ignore[method-assign]
    await _after_the_gap(fixture)
    new = fixture.gmail.deliver(letter("new@third.test"))
    await fixture.push()
    await fixture.settle()
    assert await _placement(fixture, new) is Placement.HELD
    assert await _placement(fixture, released) is Placement.INBOX
    assert await _placement(fixture, kept) is Placement.HELD, "nobody knows what its owner did with it"


async def test_an_allow_label_put_on_in_the_gap_is_taken_once(fixture: Fixture) -> None:
    pitch = await _held(fixture)
    fixture.gmail.move(pitch, add={LABELS.allow})
    await _after_the_gap(fixture)
    assert "INBOX" in fixture.gmail.labels_of(pitch)
    again = fixture.gmail.deliver(letter(subject="Again"))
    await fixture.push()
    await fixture.settle()
    assert "INBOX" in fixture.gmail.labels_of(again)

    # She changes her mind elsewhere; the label still lies on the mail, and the next gap must not bring it back.
    decision = Correction("page:1", again, Decision.BLOCK, Origin.PAGE)
    await fixture.store.decide(fixture.mailbox_id, decision.order, fixture.now())
    await fixture.settle()
    await _after_the_gap(fixture)
    last = fixture.gmail.deliver(letter(subject="Once more"))
    await fixture.push()
    await fixture.settle()
    assert LABELS.held in fixture.gmail.labels_of(last)


async def test_mail_from_before_the_owner_connected_stays_untouched(fixture: Fixture) -> None:
    old = fixture.gmail.deliver(letter())
    mail = fixture.gmail.messages[old]
    fixture.gmail.messages[old] = type(mail)(
        old,
        mail.thread_id,
        mail.labels,
        (await fixture.mailbox()).created_at - timedelta(minutes=5),
        mail.message,
    )
    await _after_the_gap(fixture, minutes=1)
    assert await fixture.store.known(fixture.mailbox_id, [old]) == {}


async def test_mail_that_a_slow_clock_of_googles_dates_before_the_connection_is_found(
    fixture: Fixture,
) -> None:
    missed = fixture.gmail.deliver(letter())
    connected = (await fixture.mailbox()).created_at
    fixture.gmail.messages[missed] = replace(
        fixture.gmail.messages[missed],
        received_at=connected - timedelta(seconds=fixture.context.settings.clock_skew - 1),
    )
    await _after_the_gap(fixture, minutes=1)
    assert (await fixture.store.known(fixture.mailbox_id, [missed]))[missed].placement is Placement.HELD


async def _many_held(fixture: Fixture, count: int) -> list[str]:
    """Pitches of as many senders, held."""
    await fixture.save_preferences(mode="quarantine")
    pitches = [fixture.gmail.deliver(letter(f"sam@seller{number}.test")) for number in range(count)]
    await fixture.push()
    await fixture.settle(turns=10 * count)
    return pitches


async def test_more_moved_mail_than_fits_one_page_is_all_noticed(fixture: Fixture) -> None:
    pitches = await _many_held(fixture, 47)
    for pitch in pitches:
        fixture.gmail.move(pitch, add={"INBOX"}, remove={LABELS.held})
    await _after_the_gap(fixture)
    placements = {(await _placement(fixture, pitch)) for pitch in pitches}
    assert placements == {Placement.INBOX}
    assert fixture.gmail.calls["labels_on"] == 47, "each was looked at once"
    gap = (await fixture.mailbox()).gap
    assert gap is not None
    assert gap.unchecked == 0


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_between_two_pages_of_moved_mail_goes_on_where_it_was(
    fixture: Fixture, moment: str
) -> None:
    pitches = await _many_held(fixture, 47)
    for pitch in pitches:
        fixture.gmail.delete(
            pitch
        )  # gone, not released: nothing but the noted place keeps it from being asked again
    fixture.gmail.forget_history()
    job = await fixture.duty(Duty.SYNC)
    fixture.gmail.calls.clear()
    await relist.begin(fixture.context, job, await fixture.mailbox())
    await relist.go_on(fixture.context, job, await fixture.mailbox())
    for _ in range(2):
        await relist.go_on(fixture.context, job, await fixture.mailbox())
    assert fixture.gmail.calls["labels_on"] == 40
    getattr(fixture.gmail, moment).add("list_messages")
    with pytest.raises(Died):
        await relist.go_on(fixture.context, job, await fixture.mailbox())
    assert await relist.go_on(fixture.context, job, await fixture.mailbox())
    assert fixture.gmail.calls["labels_on"] == 47


async def test_moved_mail_beyond_the_limit_is_reported(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.pipeline.relist.MOVED_LIMIT", 30)
    pitches = await _many_held(fixture, 47)
    for pitch in pitches:
        fixture.gmail.move(pitch, remove={LABELS.held})
    await _after_the_gap(fixture)
    noticed = [pitch for pitch in pitches if await _placement(fixture, pitch) is Placement.INBOX]
    assert noticed == pitches[-30:], "the newest were looked at"
    mailbox = await fixture.mailbox()
    assert mailbox.gap is not None
    assert mailbox.gap.unchecked == 17
    assert Gap.from_json(mailbox.gap.to_json()) == mailbox.gap
    assert explain(mailbox, fixture.now()).gap == mailbox.gap


async def test_held_mail_beyond_what_is_compared_is_reported(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.pipeline.relist.COMPARED", 5)
    await _many_held(fixture, 8)
    await _after_the_gap(fixture)
    gap = (await fixture.mailbox()).gap
    assert gap is not None
    assert gap.unchecked == 3


def test_a_re_list_begun_by_an_earlier_release_is_gone_on_with() -> None:
    read = Progress.read("relist:884250:1796130000:12:count:listed")
    assert read == Progress("884250", datetime.fromtimestamp(1796130000, UTC), 12, "count", listed=True)
    assert Progress.read(read.packed()) == read


async def test_a_gap_with_too_much_mail_is_cut_and_reported(fixture: Fixture) -> None:
    for number in range(130):
        fixture.gmail.deliver(letter(f"a{number}@mia.test", "the minutes of Tuesday"))
    object.__setattr__(
        fixture.context, "settings", fixture.context.settings.model_copy(update={"relist_limit": 100})
    )
    fixture.wait(minutes=30)
    fixture.gmail.forget_history()
    await fixture.push()
    await fixture.settle(turns=400)

    gap = (await fixture.mailbox()).gap
    assert gap is not None
    assert (gap.found, gap.cut) == (100, "count")
    newest, oldest = list(fixture.gmail.messages)[-1], next(iter(fixture.gmail.messages))
    known = await fixture.store.known(fixture.mailbox_id, [newest, oldest])
    assert newest in known  # the newest count most
    assert oldest not in known


async def test_a_gap_longer_than_is_listed_is_reported(fixture: Fixture) -> None:
    await _after_the_gap(fixture, minutes=60 * 24 * 45)
    gap = (await fixture.mailbox()).gap
    assert gap is not None
    assert gap.cut == "time"
    assert gap.until - gap.since < timedelta(days=30, minutes=5)


async def test_what_comes_while_the_re_list_is_under_way_is_found_too(fixture: Fixture) -> None:
    """The position it ends at is noted before anything is listed."""
    fixture.wait(minutes=30)
    fixture.gmail.forget_history()
    job = await fixture.duty(Duty.SYNC)
    await relist.begin(fixture.context, job, await fixture.mailbox())
    assert not await relist.go_on(fixture.context, job, await fixture.mailbox())
    late = fixture.gmail.deliver(
        letter("mia@mia.test", "the minutes of Tuesday")
    )  # the page before was the last
    assert await relist.go_on(fixture.context, job, await fixture.mailbox())
    assert await fixture.store.known(fixture.mailbox_id, [late]) == {}
    await fixture.store.finish_duty(job, fixture.now())
    await fixture.settle()
    assert (await fixture.store.known(fixture.mailbox_id, [late]))[late].outcome == "inbox"


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
@pytest.mark.parametrize("call", ["profile", "list_messages", "fetch"])
async def test_a_death_in_the_middle_of_a_re_list_changes_nothing(
    fixture: Fixture, call: str, moment: str
) -> None:
    pitch = await _held(fixture)
    fixture.gmail.move(pitch, remove={LABELS.held})
    missed = fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    getattr(fixture.gmail, moment).add(call)
    await _after_the_gap(fixture)
    assert fixture.deaths == 1
    assert await _placement(fixture, pitch) is Placement.INBOX
    assert (await fixture.store.known(fixture.mailbox_id, [missed]))[missed].outcome == "inbox"


async def test_a_page_token_that_died_starts_the_listing_again(fixture: Fixture) -> None:
    for number in range(600):
        fixture.gmail.deliver(letter(f"a{number}@mia.test", "x"), labels=frozenset({"INBOX"}))
    fixture.wait(minutes=30)
    fixture.gmail.forget_history()
    job = await fixture.duty(Duty.SYNC)
    await relist.begin(fixture.context, job, await fixture.mailbox())
    await relist.go_on(fixture.context, job, await fixture.mailbox())
    assert (await fixture.mailbox()).page_token
    fixture.gmail.pages.clear()  # Google forgets its tokens
    await relist.go_on(fixture.context, job, await fixture.mailbox())
    assert (await fixture.mailbox()).page_token == ""
    for _ in range(3):
        await relist.go_on(fixture.context, job, await fixture.mailbox())
    mailbox = await fixture.mailbox()
    assert mailbox.page_start == ""
    assert mailbox.cursor == str(fixture.gmail.position)
    assert len(await fixture.store.known(fixture.mailbox_id, list(fixture.gmail.messages))) == 600
