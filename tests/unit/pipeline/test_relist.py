"""Google's history no longer reaches back to the cursor: nothing is lost, doubled or asked for twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.errors import Rejected
from backend.domain.mail.message import Arrival
from backend.domain.mailbox.condition import explain
from backend.domain.mailbox.correction import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Gap
from backend.pipeline import relist
from backend.pipeline.relist import Progress
from backend.pipeline.stages import run_duty
from backend.ports.store import Duty, Placement, Stage
from tests.fakes.gmail import LABELS, Died
from tests.unit.pipeline.conftest import House, letter


async def _held(house: House, sender: str = "sam@seller.test") -> str:
    pitch = house.gmail.deliver(letter(sender))
    await house.push()
    await house.settle()
    assert LABELS.held in house.gmail.labels_of(pitch)
    return pitch


async def _after_the_gap(house: House, minutes: float = 30) -> None:
    """History is gone; the next push leads to a re-list."""
    house.wait(minutes=minutes)
    house.gmail.forget_history()
    house.gmail.calls.clear()
    await house.push()
    await house.settle()


async def _placement(house: House, gmail_id: str) -> Placement | None:
    return (await house.store.known(house.mailbox_id, [gmail_id]))[gmail_id].placement


async def test_what_came_in_the_gap_is_found_and_what_is_known_is_not_read_again(house: House) -> None:
    await _held(house)
    house.wait(minutes=20)
    missed = house.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    await _after_the_gap(house, minutes=1)

    assert (await house.store.known(house.mailbox_id, [missed]))[missed].outcome == "inbox"
    assert house.gmail.calls["fetch"] == 1
    mailbox = await house.mailbox()
    assert mailbox.cursor == str(house.gmail.position)
    assert mailbox.gap is not None
    assert (mailbox.gap.found, mailbox.gap.cut) == (1, "")


async def test_a_short_gaps_pitch_is_answered_like_any_other(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    await _after_the_gap(house)
    assert LABELS.held in house.gmail.labels_of(pitch)
    assert len(house.gmail.sent) == 1


async def test_a_long_gaps_pitch_is_held_and_nobody_is_answered(house: House) -> None:
    house.wait(hours=2)
    pitch = house.gmail.deliver(letter())
    await _after_the_gap(house, minutes=12 * 60)
    assert LABELS.held in house.gmail.labels_of(pitch)
    assert house.gmail.sent == []


@pytest.mark.parametrize("way", ["label off", "into the inbox", "moved"])
async def test_the_owners_release_in_the_gap_wins(house: House, way: str) -> None:
    pitch = await _held(house)
    other = await _held(house, "pat@other.test")
    added = set[str]() if way == "label off" else {"INBOX"}
    house.gmail.move(pitch, add=added, remove=set() if way == "into the inbox" else {LABELS.held})
    await _after_the_gap(house)

    assert "INBOX" in house.gmail.labels_of(pitch)
    assert await _placement(house, pitch) is Placement.INBOX
    assert await _placement(house, other) is Placement.HELD
    assert house.gmail.calls["fetch"] == 1  # only the one that does not lie where we put it


async def test_our_own_order_that_is_not_carried_out_yet_stands(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    await house.push()
    while LABELS.held not in house.gmail.labels_of(pitch):
        view = (await house.store.known(house.mailbox_id, [pitch])).get(pitch)
        if view is not None and view.stage is Stage.ACT:
            break  # judged, and not moved yet
        assert await house._turn()
    house.gmail.forget_history()
    await house.store.want(house.mailbox_id, Duty.SYNC, house.now())
    job = await house.store.claim_duty("w", house.now(), house.now() + timedelta(minutes=1))
    assert job is not None
    await run_duty(house.kit, house.authorizer, job)

    view = (await house.store.known(house.mailbox_id, [pitch]))[pitch]
    assert (view.placement, view.stage, view.decided_by) == (Placement.HELD, Stage.ACT, "")
    assert (await house.mailbox()).gap is not None
    await house.settle()
    assert LABELS.held in house.gmail.labels_of(pitch)


async def test_what_the_owner_deleted_or_threw_away_in_the_gap_is_left_alone(house: House) -> None:
    deleted = await _held(house)
    trashed = await _held(house, "pat@other.test")
    house.gmail.delete(deleted)
    house.gmail.move(trashed, add={"TRASH"}, remove={LABELS.held})
    await _after_the_gap(house)
    assert "INBOX" not in house.gmail.labels_of(trashed)
    assert house.gmail.calls["relabel"] == 0


async def test_held_mail_gmail_does_not_give_out_keeps_no_new_mail_from_being_seen(house: House) -> None:
    kept, released = await _held(house), await _held(house, "pat@other.test")
    for pitch in (kept, released):
        house.gmail.move(pitch, add={"INBOX"}, remove={LABELS.held})
    look = house.gmail.fetch_headers

    async def some(mailbox_id: str, gmail_id: str, names: Sequence[str]) -> Arrival:
        if gmail_id == kept:
            raise Rejected("Google forbids this request.", reason="forbidden")
        return await look(mailbox_id, gmail_id, names)

    house.gmail.fetch_headers = some  # type: ignore[method-assign]
    await _after_the_gap(house)
    new = house.gmail.deliver(letter("new@third.test"))
    await house.push()
    await house.settle()
    assert await _placement(house, new) is Placement.HELD
    assert await _placement(house, released) is Placement.INBOX
    assert await _placement(house, kept) is Placement.HELD, "nobody knows what its owner did with it"


async def test_an_allow_label_put_on_in_the_gap_is_taken_once(house: House) -> None:
    pitch = await _held(house)
    house.gmail.move(pitch, add={LABELS.allow})
    await _after_the_gap(house)
    assert "INBOX" in house.gmail.labels_of(pitch)
    again = house.gmail.deliver(letter(subject="Again"))
    await house.push()
    await house.settle()
    assert "INBOX" in house.gmail.labels_of(again)

    # She changes her mind elsewhere; the label still lies on the mail, and the next gap must not bring it back.
    decision = Correction("page:1", again, Decision.BLOCK, Origin.PAGE)
    await house.store.correct(house.mailbox_id, decision, house.now())
    await house.settle()
    await _after_the_gap(house)
    last = house.gmail.deliver(letter(subject="Once more"))
    await house.push()
    await house.settle()
    assert LABELS.held in house.gmail.labels_of(last)


async def test_mail_from_before_the_owner_connected_stays_untouched(house: House) -> None:
    old = house.gmail.deliver(letter())
    mail = house.gmail.mails[old]
    house.gmail.mails[old] = type(mail)(
        old,
        mail.thread_id,
        mail.labels,
        (await house.mailbox()).created_at - timedelta(minutes=5),
        mail.message,
    )
    await _after_the_gap(house, minutes=1)
    assert await house.store.known(house.mailbox_id, [old]) == {}


async def test_mail_that_a_slow_clock_of_googles_dates_before_the_connection_is_found(house: House) -> None:
    missed = house.gmail.deliver(letter())
    connected = (await house.mailbox()).created_at
    house.gmail.mails[missed] = replace(
        house.gmail.mails[missed],
        received_at=connected - timedelta(seconds=house.kit.settings.clock_skew - 1),
    )
    await _after_the_gap(house, minutes=1)
    assert (await house.store.known(house.mailbox_id, [missed]))[missed].placement is Placement.HELD


async def _many_held(house: House, count: int) -> list[str]:
    """Pitches of as many senders, held."""
    await house.prefer(mode="quarantine")
    pitches = [house.gmail.deliver(letter(f"sam@seller{number}.test")) for number in range(count)]
    await house.push()
    await house.settle(turns=10 * count)
    return pitches


async def test_more_moved_mail_than_fits_one_page_is_all_noticed(house: House) -> None:
    pitches = await _many_held(house, 47)
    for pitch in pitches:
        house.gmail.move(pitch, add={"INBOX"}, remove={LABELS.held})
    await _after_the_gap(house)
    placements = {(await _placement(house, pitch)) for pitch in pitches}
    assert placements == {Placement.INBOX}
    assert house.gmail.calls["fetch"] == 47, "each was looked at once"
    gap = (await house.mailbox()).gap
    assert gap is not None
    assert gap.unchecked == 0


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_between_two_pages_of_moved_mail_goes_on_where_it_was(
    house: House, moment: str
) -> None:
    pitches = await _many_held(house, 47)
    for pitch in pitches:
        house.gmail.delete(
            pitch
        )  # gone, not released: nothing but the noted place keeps it from being asked again
    house.gmail.forget_history()
    await house.store.want(house.mailbox_id, Duty.SYNC, house.now())
    job = await house.store.claim_duty("w", house.now(), house.now() + timedelta(minutes=1))
    assert job is not None
    house.gmail.calls.clear()
    await relist.begin(house.kit, job, await house.mailbox())
    await relist.go_on(house.kit, job, await house.mailbox())
    for _ in range(2):
        await relist.go_on(house.kit, job, await house.mailbox())
    assert house.gmail.calls["fetch"] == 40
    getattr(house.gmail, moment).add("list_messages")
    with pytest.raises(Died):
        await relist.go_on(house.kit, job, await house.mailbox())
    assert await relist.go_on(house.kit, job, await house.mailbox())
    assert house.gmail.calls["fetch"] == 47


async def test_moved_mail_beyond_the_limit_is_reported(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.pipeline.relist.MOVED_LIMIT", 30)
    pitches = await _many_held(house, 47)
    for pitch in pitches:
        house.gmail.move(pitch, remove={LABELS.held})
    await _after_the_gap(house)
    noticed = [pitch for pitch in pitches if await _placement(house, pitch) is Placement.INBOX]
    assert noticed == pitches[-30:], "the newest were looked at"
    mailbox = await house.mailbox()
    assert mailbox.gap is not None
    assert mailbox.gap.unchecked == 17
    assert Gap.from_json(mailbox.gap.to_json()) == mailbox.gap
    assert any("17 held mails" in warning for warning in explain(mailbox, house.now()).warnings)


async def test_held_mail_beyond_what_is_compared_is_reported(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.pipeline.relist.COMPARED", 5)
    await _many_held(house, 8)
    await _after_the_gap(house)
    gap = (await house.mailbox()).gap
    assert gap is not None
    assert gap.unchecked == 3


def test_a_re_list_begun_by_an_earlier_release_is_gone_on_with() -> None:
    read = Progress.read("relist:884250:1796130000:12:count:listed")
    assert read == Progress("884250", datetime.fromtimestamp(1796130000, UTC), 12, "count", listed=True)
    assert Progress.read(read.packed()) == read


async def test_a_gap_with_too_much_mail_is_cut_and_reported(house: House) -> None:
    for number in range(130):
        house.gmail.deliver(letter(f"a{number}@mia.test", "the minutes of Tuesday"))
    object.__setattr__(house.kit, "settings", house.kit.settings.model_copy(update={"relist_limit": 100}))
    house.wait(minutes=30)
    house.gmail.forget_history()
    await house.push()
    await house.settle(turns=400)

    gap = (await house.mailbox()).gap
    assert gap is not None
    assert (gap.found, gap.cut) == (100, "count")
    newest, oldest = list(house.gmail.mails)[-1], next(iter(house.gmail.mails))
    known = await house.store.known(house.mailbox_id, [newest, oldest])
    assert newest in known  # the newest count most
    assert oldest not in known


async def test_a_gap_longer_than_is_listed_is_reported(house: House) -> None:
    await _after_the_gap(house, minutes=60 * 24 * 45)
    gap = (await house.mailbox()).gap
    assert gap is not None
    assert gap.cut == "time"
    assert gap.until - gap.since < timedelta(days=30, minutes=5)


async def test_what_comes_while_the_re_list_is_under_way_is_found_too(house: House) -> None:
    """The position it ends at is noted before anything is listed."""
    house.wait(minutes=30)
    house.gmail.forget_history()
    await house.store.want(house.mailbox_id, Duty.SYNC, house.now())
    job = await house.store.claim_duty("w", house.now(), house.now() + timedelta(minutes=1))
    assert job is not None
    await relist.begin(house.kit, job, await house.mailbox())
    assert not await relist.go_on(house.kit, job, await house.mailbox())
    late = house.gmail.deliver(
        letter("mia@mia.test", "the minutes of Tuesday")
    )  # the page before was the last
    assert await relist.go_on(house.kit, job, await house.mailbox())
    assert await house.store.known(house.mailbox_id, [late]) == {}
    await house.store.finish_duty(job, house.now(), house.now())
    await house.settle()
    assert (await house.store.known(house.mailbox_id, [late]))[late].outcome == "inbox"


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
@pytest.mark.parametrize("call", ["profile", "list_messages", "fetch"])
async def test_a_death_in_the_middle_of_a_re_list_changes_nothing(
    house: House, call: str, moment: str
) -> None:
    pitch = await _held(house)
    house.gmail.move(pitch, remove={LABELS.held})
    missed = house.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    getattr(house.gmail, moment).add(call)
    await _after_the_gap(house)
    assert house.deaths == 1
    assert await _placement(house, pitch) is Placement.INBOX
    assert (await house.store.known(house.mailbox_id, [missed]))[missed].outcome == "inbox"


async def test_a_page_token_that_died_starts_the_listing_again(house: House) -> None:
    for number in range(600):
        house.gmail.deliver(letter(f"a{number}@mia.test", "x"), labels=frozenset({"INBOX"}))
    house.wait(minutes=30)
    house.gmail.forget_history()
    await house.store.want(house.mailbox_id, Duty.SYNC, house.now())
    job = await house.store.claim_duty("w", house.now(), house.now() + timedelta(minutes=1))
    assert job is not None
    await relist.begin(house.kit, job, await house.mailbox())
    await relist.go_on(house.kit, job, await house.mailbox())
    assert (await house.mailbox()).page_token
    house.gmail.pages.clear()  # Google forgets its tokens
    await relist.go_on(house.kit, job, await house.mailbox())
    assert (await house.mailbox()).page_token == ""
    for _ in range(3):
        await relist.go_on(house.kit, job, await house.mailbox())
    mailbox = await house.mailbox()
    assert mailbox.page_start == ""
    assert mailbox.cursor == str(house.gmail.position)
    assert len(await house.store.known(house.mailbox_id, list(house.gmail.mails))) == 600
