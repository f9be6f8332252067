"""The watch: renewed without touching the cursor, missed when it lapses, asked for anew when nobody tells us."""

from __future__ import annotations

from datetime import timedelta

from backend.domain.errors import TryLater
from backend.domain.mailbox.mailbox import Condition
from backend.pipeline.sync import sweep_after
from backend.pipeline.watch import renewed_after, watch
from backend.ports.store import Duty
from tests.unit.pipeline.conftest import House, letter


async def test_a_renewal_never_touches_the_cursor(house: House) -> None:
    before = (await house.mailbox()).cursor
    house.gmail.deliver(letter(text="the minutes of Tuesday"))
    await house.store.want(house.mailbox_id, Duty.WATCH, house.now())
    job = await house.store.claim_duty("w", house.now(), house.now() + timedelta(minutes=1))
    assert job is not None
    due = await watch(house.kit, job)
    assert (await house.mailbox()).cursor == before
    day = timedelta(days=1)
    assert day * 0.9 <= due - house.now() <= day


async def test_it_is_an_alarm_below_48_hours_and_lapsed_at_none(house: House) -> None:
    mailbox = await house.mailbox()
    until = mailbox.watch_expires_at
    assert until is not None
    assert not mailbox.watch_alarm(until - timedelta(hours=47)), "nothing has failed"
    house.gmail.outages["watch"] = TryLater("Google is away.")
    await house.store.want(house.mailbox_id, Duty.WATCH, house.now())
    await house.work_for(1)
    mailbox = await house.mailbox()
    assert not mailbox.watch_alarm(until - timedelta(hours=48, seconds=1))
    assert mailbox.watch_alarm(until - timedelta(hours=47))
    assert mailbox.condition(until - timedelta(hours=47)) is not Condition.WATCH_LAPSED
    assert mailbox.condition(until) is Condition.WATCH_LAPSED


async def test_after_a_lapse_the_watch_comes_back_and_what_came_meanwhile_is_found(house: House) -> None:
    house.wait(days=8)
    missed = house.gmail.deliver(letter(text="the minutes of Tuesday"))
    assert (await house.mailbox()).condition(house.now()) is Condition.WATCH_LAPSED
    await house.settle()
    mailbox = await house.mailbox()
    assert mailbox.condition(house.now()) is Condition.ACTIVE
    assert missed in await house.store.known(house.mailbox_id, [missed])


async def test_after_a_lapse_nobody_waits_for_the_sweep(house: House) -> None:
    position, until = (await house.mailbox()).cursor, house.now() + timedelta(minutes=1)
    await house.store.save_watch(house.mailbox_id, house.now() - timedelta(seconds=1), position)
    await house.store.want(house.mailbox_id, Duty.WATCH, house.now())
    job = await house.store.claim_duty("w", house.now(), until)
    assert job is not None
    await watch(house.kit, job)
    wanted = await house.store.claim_duty("w", house.now(), until)
    assert wanted is not None
    assert wanted.duty is Duty.SYNC, "it is due at once"


async def test_mailboxes_that_connected_together_do_not_all_come_back_together(house: House) -> None:
    days = {renewed_after(timedelta(days=7), timedelta(days=1), f"box{n}") for n in range(50)}
    assert len(days) > 40
    assert all(timedelta(days=0.9) <= day <= timedelta(days=1) for day in days)
    sweeps = {sweep_after(house.kit, f"box{n}") for n in range(50)}
    assert len(sweeps) > 40
    interval = timedelta(seconds=house.kit.settings.sweep_interval)
    assert all(interval <= sweep <= interval * 1.1 for sweep in sweeps)


async def test_a_watch_that_google_grants_for_hours_only_is_renewed_at_half_its_life(house: House) -> None:
    house.gmail.watch_days = 0.25
    house.gmail.calls.clear()
    await house.store.want(house.mailbox_id, Duty.WATCH, house.now())
    for _ in range(4):
        await house.settle()
        house.wait(hours=3)
    assert house.gmail.calls["watch"] >= 4
    assert (await house.mailbox()).condition(house.now()) is not Condition.WATCH_LAPSED


async def test_mail_of_which_no_push_told_renews_the_watch_once_an_hour_at_most(house: House) -> None:
    house.wait(hours=2)
    house.gmail.calls.clear()
    for _ in range(3):
        house.gmail.deliver(letter(text="the minutes of Tuesday"))  # the watch is gone: no push
        house.wait(minutes=14)
        await house.settle()
    assert house.gmail.calls["watch"] == 1


async def test_mail_that_a_push_told_of_renews_nothing(house: House) -> None:
    house.wait(hours=2)
    await house.settle()
    house.gmail.calls.clear()
    house.gmail.deliver(letter(text="the minutes of Tuesday"))
    await house.push()
    await house.settle()
    assert house.gmail.calls["watch"] == 0
