"""The watch: renewed without touching the cursor, missed when it lapses, asked for again when nobody tells us."""

from __future__ import annotations

from datetime import timedelta

from backend.domain.errors import NO_TOPIC, Cause, TryLater
from backend.domain.mailbox.mailbox import Condition
from backend.pipeline.duties import renewed_after, watch
from backend.pipeline.notices import sweep_after
from backend.transactions.records import Duty
from tests.unit.pipeline.conftest import Fixture, letter


async def test_a_renewal_never_touches_the_cursor(fixture: Fixture) -> None:
    before = (await fixture.mailbox()).cursor
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    job = await fixture.store.claim_duty("w", fixture.now(), fixture.now() + timedelta(minutes=1))
    assert job is not None
    due = await watch(fixture.context, job)
    assert (await fixture.mailbox()).cursor == before
    day = timedelta(days=1)
    assert day * 0.9 <= due - fixture.now() <= day


async def test_it_is_an_alarm_below_48_hours_and_lapsed_at_none(fixture: Fixture) -> None:
    mailbox = await fixture.mailbox()
    until = mailbox.watch_expires_at
    assert until is not None
    assert not mailbox.watch_alarm(until - timedelta(hours=47)), "nothing has failed"
    fixture.gmail.outages["watch"] = TryLater("Google is away.")
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    await fixture.work_for(1)
    mailbox = await fixture.mailbox()
    assert not mailbox.watch_alarm(until - timedelta(hours=48, seconds=1))
    assert mailbox.watch_alarm(until - timedelta(hours=47))
    assert mailbox.condition(until - timedelta(hours=47)) is not Condition.WATCH_LAPSED
    assert mailbox.condition(until) is Condition.WATCH_LAPSED


async def test_after_a_lapse_the_watch_comes_back_and_what_came_meanwhile_is_found(fixture: Fixture) -> None:
    fixture.wait(days=8)
    missed = fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    assert (await fixture.mailbox()).condition(fixture.now()) is Condition.WATCH_LAPSED
    await fixture.settle()
    mailbox = await fixture.mailbox()
    assert mailbox.condition(fixture.now()) is Condition.ACTIVE
    assert missed in await fixture.store.known(fixture.mailbox_id, [missed])


async def test_after_a_lapse_nobody_waits_for_the_sweep(fixture: Fixture) -> None:
    position, until = (await fixture.mailbox()).cursor, fixture.now() + timedelta(minutes=1)
    await fixture.store.save_watch(fixture.mailbox_id, fixture.now() - timedelta(seconds=1), position)
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    job = await fixture.store.claim_duty("w", fixture.now(), until)
    assert job is not None
    await watch(fixture.context, job)
    wanted = await fixture.store.claim_duty("w", fixture.now(), until)
    assert wanted is not None
    assert wanted.duty is Duty.SYNC, "it is due at once"


async def test_mailboxes_that_connected_together_do_not_all_come_back_together(fixture: Fixture) -> None:
    days = {renewed_after(timedelta(days=7), timedelta(days=1), f"box{n}") for n in range(50)}
    assert len(days) > 40
    assert all(timedelta(days=0.9) <= day <= timedelta(days=1) for day in days)
    sweeps = {sweep_after(fixture.context, f"box{n}") for n in range(50)}
    assert len(sweeps) > 40
    interval = timedelta(seconds=fixture.context.settings.sweep_interval)
    assert all(interval <= sweep <= interval * 1.1 for sweep in sweeps)


async def test_a_watch_that_google_grants_for_hours_only_is_renewed_at_half_its_life(
    fixture: Fixture,
) -> None:
    fixture.gmail.watch_days = 0.25
    fixture.gmail.calls.clear()
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    for _ in range(4):
        await fixture.settle()
        fixture.wait(hours=3)
    assert fixture.gmail.calls["watch"] >= 4
    assert (await fixture.mailbox()).condition(fixture.now()) is not Condition.WATCH_LAPSED


async def test_mail_of_which_no_push_told_renews_the_watch_once_an_hour_at_most(fixture: Fixture) -> None:
    fixture.wait(hours=2)
    fixture.gmail.calls.clear()
    for _ in range(3):
        fixture.gmail.deliver(letter(text="the minutes of Tuesday"))  # the watch is gone: no push
        fixture.wait(minutes=14)
        await fixture.settle()
    assert fixture.gmail.calls["watch"] == 1


async def test_mail_that_a_push_told_of_renews_nothing(fixture: Fixture) -> None:
    fixture.wait(hours=2)
    await fixture.settle()
    fixture.gmail.calls.clear()
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.calls["watch"] == 0


async def test_a_topic_that_is_missing_is_told_and_forgotten_when_it_is_there(fixture: Fixture) -> None:
    fixture.gmail.outages["watch"] = TryLater("later.topic", reason=NO_TOPIC)
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    await fixture.work_for(1)
    assert (await fixture.mailbox()).topic_missing
    assert fixture.failed["watch", Cause.TOPIC] == 1
    del fixture.gmail.outages["watch"]
    await fixture.work_for(70)
    assert not (await fixture.mailbox()).topic_missing
