"""A link that a full count of the day kept back leaves by itself when the count has room again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Mode
from backend.domain.mailbox.message import MessageView, Outcome
from backend.domain.policy.guards import POSTPONED_FOR
from tests.unit.pipeline.conftest import Fixture, letter

Change = Callable[[Fixture, str], Awaitable[None]]
SELLERS = ("sam@seller.test", "kim@seller.test", "lee@seller.test")


async def _all_write(fixture: Fixture, *senders: str) -> list[str]:
    ids = []
    for sender in senders:
        ids.append(fixture.gmail.deliver(letter(sender)))
        await fixture.push()
        await fixture.settle()
    return ids


async def _view(fixture: Fixture, gmail_id: str) -> MessageView:
    return (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id]


def _answered(fixture: Fixture) -> list[str]:
    return [sent.raw.decode().partition("To: ")[2].split("\r\n")[0] for sent in fixture.gmail.sent]


async def _next_day(fixture: Fixture) -> None:
    fixture.wait(hours=23)
    await fixture.settle()
    assert len(fixture.gmail.sent) == 2, "not before"
    fixture.wait(hours=1)
    await fixture.settle()


@pytest.mark.parametrize(
    ("count", "guard"), [("domain_challenges", "domain_limit"), ("daily_challenges", "mailbox_limit")]
)
async def test_it_leaves_when_the_day_is_over_and_once(fixture: Fixture, count: str, guard: str) -> None:
    await fixture.save_preferences(**{count: 2})
    last = (await _all_write(fixture, *SELLERS))[-1]
    view = await _view(fixture, last)
    assert (view.outcome, view.guards) == (Outcome.HOLD, (guard,))
    await _next_day(fixture)
    assert _answered(fixture) == [*SELLERS]
    view = await _view(fixture, last)
    assert (view.outcome, view.guards, view.stage) == (Outcome.CHALLENGE, (), None)
    for _ in range(9):
        fixture.wait(days=1)
        await fixture.settle()
    assert _answered(fixture) == [*SELLERS]


async def test_a_sender_who_is_owed_several_gets_one(fixture: Fixture) -> None:
    await fixture.save_preferences(domain_challenges=2)
    await _all_write(fixture, *SELLERS, SELLERS[-1], SELLERS[-1])
    await _next_day(fixture)
    fixture.wait(days=2)
    await fixture.settle()
    assert _answered(fixture) == [*SELLERS]


async def test_those_who_find_no_room_again_wait_for_the_day_after(fixture: Fixture) -> None:
    await fixture.save_preferences(domain_challenges=2)
    senders = [f"s{number}@seller.test" for number in range(7)]
    await _all_write(fixture, *senders)
    for day in (1, 2, 3):
        fixture.wait(days=1, minutes=1)
        await fixture.settle()
        assert _answered(fixture) == senders[: 2 + 2 * day]


async def _quarantine(fixture: Fixture, _: str) -> None:
    await fixture.save_preferences(mode=Mode.QUARANTINE)


async def _vacation(fixture: Fixture, _: str) -> None:
    fixture.gmail.vacation = True


async def _alias(fixture: Fixture, _: str) -> None:
    fixture.gmail.aliases |= {SELLERS[-1]}


async def _deleted(fixture: Fixture, gmail_id: str) -> None:
    fixture.gmail.delete(gmail_id)


async def _released(fixture: Fixture, gmail_id: str) -> None:
    wish = Correction("k", gmail_id, Decision.RELEASE, Origin.PAGE)
    await fixture.store.decide(fixture.mailbox_id, wish.order, fixture.now())


async def _allowed(fixture: Fixture, gmail_id: str) -> None:
    wish = Correction("k", gmail_id, Decision.ALLOW, Origin.PAGE)
    await fixture.store.decide(fixture.mailbox_id, wish.order, fixture.now())


@pytest.mark.parametrize("what", [_quarantine, _vacation, _alias, _deleted, _released, _allowed])
async def test_what_has_changed_since_counts(fixture: Fixture, what: Change) -> None:
    await fixture.save_preferences(domain_challenges=2)
    last = (await _all_write(fixture, *SELLERS))[-1]
    await what(fixture, last)
    await _next_day(fixture)
    fixture.wait(days=3)
    await fixture.settle()
    assert _answered(fixture) == [*SELLERS[:2]]
    assert await fixture.store.owed_links(fixture.mailbox_id, fixture.now()) == ()


@pytest.mark.parametrize("how", ["breaks", "gives no probability"])
async def test_our_own_broken_model_costs_nobody_their_link(fixture: Fixture, how: str) -> None:
    await fixture.save_preferences(domain_challenges=2)
    last = (await _all_write(fixture, *SELLERS))[-1]
    if how == "breaks":
        fixture.scorer.broken = True
    else:
        fixture.scorer.says["pitchy"] = float("nan")
    await _next_day(fixture)
    fixture.wait(hours=3)
    await fixture.settle()
    assert len(fixture.gmail.sent) == 2
    assert (await _view(fixture, last)).outcome == Outcome.HOLD
    fixture.scorer.broken, fixture.scorer.says["pitchy"] = False, 0.97
    fixture.wait(minutes=11)
    await fixture.settle()
    assert _answered(fixture) == [*SELLERS]


async def test_a_pause_is_waited_out(fixture: Fixture) -> None:
    await fixture.save_preferences(domain_challenges=2)
    await _all_write(fixture, *SELLERS)
    await fixture.save_preferences(paused_until=(fixture.now() + timedelta(hours=30)).isoformat())
    await _next_day(fixture)
    assert len(fixture.gmail.sent) == 2
    fixture.wait(hours=6)
    await fixture.settle()
    assert _answered(fixture) == [*SELLERS]


async def test_after_a_week_it_is_owed_no_more(fixture: Fixture) -> None:
    await fixture.save_preferences(domain_challenges=2)
    await _all_write(fixture, *SELLERS)
    fixture.wait(seconds=POSTPONED_FOR.total_seconds())
    await fixture.settle()
    assert len(fixture.gmail.sent) == 2


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["fetch", "identity", "vacation_on", "send"])
async def test_a_death_anywhere_leaves_one(fixture: Fixture, call: str, moment: str) -> None:
    await fixture.save_preferences(domain_challenges=2)
    await _all_write(fixture, *SELLERS)
    (fixture.gmail.die_before if moment == "before" else fixture.gmail.die_after).add(call)
    await _next_day(fixture)
    assert fixture.deaths == 1
    assert _answered(fixture) == [*SELLERS]


async def test_a_mail_provider_is_no_domain_that_is_counted(fixture: Fixture) -> None:
    await fixture.save_preferences(domain_challenges=2)
    senders = [f"seller{number}@gmail.com" for number in range(5)]
    await _all_write(fixture, *senders)
    assert _answered(fixture) == senders


async def test_names_that_cost_nothing_are_counted_together(fixture: Fixture) -> None:
    await fixture.save_preferences(domain_challenges=2)
    await _all_write(fixture, *[f"me@shop{number}.github.io" for number in range(5)])
    assert len(fixture.gmail.sent) == 2
