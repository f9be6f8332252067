"""A mailbox that nobody tells us of: asked for often, less often when it is quiet, at once when its owner acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Condition, NoticeMode
from backend.domain.mailbox.message import Placement
from backend.pipeline import notices
from backend.pipeline.decide import carry_out
from backend.pipeline.memory import MOST, OwnChanges
from backend.transactions.records import PushFate
from tests.doubles import FixedClock
from tests.unit.pipeline.conftest import Fixture, letter, open_fixture
from tests.unit.pipeline.test_fetching import envelope


@pytest.fixture
async def polled(tmp_path: Path) -> AsyncIterator[Fixture]:
    """Ana's mailbox, which was told of by Pub/Sub; now the settings say that it is asked."""
    async with open_fixture(tmp_path) as fixture:
        settings = fixture.context.settings.model_copy(update={"notices": NoticeMode.POLL})
        fixture.context = replace(fixture.context, settings=settings)
        yield fixture


async def test_changing_over_stops_the_watch_and_loses_nothing(polled: Fixture) -> None:
    missed = polled.gmail.deliver(letter())
    await notices.change_over(polled.context)
    await polled.work_for(1)
    mailbox = await polled.mailbox()
    assert polled.gmail.calls["stop_watch"] == 1
    assert polled.gmail.calls["watch"] == 0
    assert (mailbox.notices, mailbox.watch_expires_at) == (NoticeMode.POLL, None)
    assert mailbox.condition(polled.now()) is Condition.ACTIVE
    assert missed in await polled.store.known(polled.mailbox_id, [missed])


async def test_a_second_start_changes_nothing(polled: Fixture) -> None:
    for _ in range(2):
        await notices.change_over(polled.context)
        await polled.work_for(1)
    assert polled.gmail.calls["stop_watch"] == 1


async def test_back_to_pushes_there_is_a_watch_again(polled: Fixture) -> None:
    await notices.change_over(polled.context)
    await polled.work_for(1)
    fields = polled.context.settings.model_copy(update={"notices": NoticeMode.PUSH})
    polled.context = replace(polled.context, settings=fields)
    await notices.change_over(polled.context)
    await polled.work_for(1)
    mailbox = await polled.mailbox()
    assert mailbox.notices is NoticeMode.PUSH
    assert mailbox.watch_expires_at is not None
    assert mailbox.condition(polled.now()) is Condition.ACTIVE


async def test_mail_is_found_without_a_word_from_google(polled: Fixture) -> None:
    await notices.change_over(polled.context)
    await polled.work_for(1)
    gmail_id = polled.gmail.deliver(letter())
    await polled.work_for(25)
    view = (await polled.store.known(polled.mailbox_id, [gmail_id]))[gmail_id]
    assert view.placement is Placement.HELD


async def test_a_quiet_day_costs_less_than_a_busy_one_and_both_little(polled: Fixture) -> None:
    await notices.change_over(polled.context)
    await polled.work_for(1)
    polled.gmail.calls.clear()
    await polled.work_for(86_400)
    quiet = 2 * polled.gmail.calls["history"]
    # Two hours at 20 s, two at 40, two at 80, the rest at 120; each wait is spread by a twentieth.
    assert 2 * 1_150 < quiet < 2 * 1_260


async def test_an_act_of_the_owner_ends_the_quiet_at_once(polled: Fixture) -> None:
    await notices.change_over(polled.context)
    gmail_id = polled.gmail.deliver(letter())
    await polled.work_for(86_400)
    polled.gmail.calls.clear()
    await carry_out(
        polled.context, polled.mailbox_id, Correction("k", gmail_id, Decision.RELEASE, Origin.PAGE).order
    )
    await polled.work_for(0.1)
    assert polled.gmail.calls["history"] >= 1
    await polled.work_for(60)
    assert polled.gmail.calls["history"] >= 3, "and often again"


async def test_a_start_finds_what_nobody_was_there_to_hear_of(fixture: Fixture) -> None:
    gmail_id = fixture.gmail.deliver(letter())
    fixture.context.looks.at_once(fixture.mailbox_id)
    await fixture.work_for(1)
    assert gmail_id in await fixture.store.known(fixture.mailbox_id, [gmail_id])


async def test_a_push_that_was_stored_is_looked_after_when_googles_window_has_closed_too(
    fixture: Fixture,
) -> None:
    """Google drops what it would report in the second after a push."""
    await fixture.settle()
    fixture.context.looks.forget(fixture.mailbox_id)
    fixture.gmail.calls.clear()
    at, window = fixture.now(), fixture.context.settings.push_settle
    body = envelope("ana@corp.test", str(fixture.gmail.position + 1), "p1")
    assert await notices.fetched(fixture.context, body) is PushFate.NEW
    await fixture.work_for(window / 2)
    assert fixture.gmail.calls["history"] == 1
    dropped = fixture.gmail.deliver(letter())
    await fixture.work_for(window / 2 + 0.1)
    assert fixture.now() - at < timedelta(seconds=2)
    assert dropped in await fixture.store.known(fixture.mailbox_id, [dropped])


async def test_where_google_tells_an_act_costs_no_look(fixture: Fixture) -> None:
    gmail_id = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.work_for(10)
    fixture.gmail.calls.clear()
    await carry_out(
        fixture.context, fixture.mailbox_id, Correction("k", gmail_id, Decision.RELEASE, Origin.PAGE).order
    )
    await fixture.work_for(0.5)
    assert fixture.gmail.calls["history"] == 0


async def test_without_an_address_a_challenge_is_held_in_silence(fixture: Fixture) -> None:
    at_home = fixture.context.settings.model_copy(
        update={"environment": "production", "public_url": "http://127.0.0.1:8400"}
    )
    fixture.context = replace(fixture.context, settings=at_home)
    gmail_id = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.work_for(10)
    view = (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id]
    assert (view.placement, view.outcome) == (Placement.HELD, "hold")
    assert not fixture.gmail.sent


# ---- Which pushes are taken for echoes of our own changes


SECOND = timedelta(seconds=1)


def test_a_push_soon_after_a_change_of_ours_is_taken_for_its_echo() -> None:
    known, now = OwnChanges(), FixedClock().now()
    known.expect("ana@corp.test", now)
    assert known.heard("ana@corp.test", now + SECOND)
    assert not known.heard("ana@corp.test", now + 2 * SECOND)
    assert not known.heard("bea@corp.test", now)


def test_the_latest_change_counts() -> None:
    known, now = OwnChanges(), FixedClock().now()
    known.expect("ana@corp.test", now)
    known.expect("ana@corp.test", now + SECOND)
    assert known.heard("ana@corp.test", now + 2 * SECOND)


def test_it_remembers_so_many_mailboxes_and_forgets_the_longest_unchanged() -> None:
    known, now = OwnChanges(), FixedClock().now()
    for number in range(MOST):
        known.expect(f"{number}@corp.test", now)
    known.expect("0@corp.test", now)
    known.expect("one@more.test", now)
    heard = [known.heard(name, now) for name in ("0@corp.test", "1@corp.test", "one@more.test")]
    assert heard == [True, False, True]
    assert len(known._changed) == MOST


async def test_the_push_of_our_own_label_change_is_looked_after_once(fixture: Fixture) -> None:
    """Mail that is nobody's echo is listed at once."""
    window = timedelta(seconds=fixture.context.settings.push_settle)
    fixture.gmail.deliver(letter())
    first = envelope("ana@corp.test", str(fixture.gmail.position), "p1")
    assert await notices.fetched(fixture.context, first) is PushFate.NEW
    assert await fixture.next() == fixture.now()
    await fixture.work_for(0.3)
    assert fixture.context.echoes.heard("ana@corp.test", fixture.now())
    echo = envelope("ana@corp.test", str(fixture.gmail.position), "p2")
    assert await notices.fetched(fixture.context, echo) is PushFate.NEW
    assert await fixture.next() == fixture.now() + window
