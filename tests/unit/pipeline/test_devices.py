"""Telling browsers of new senders: once for each sender, seldom, whoever dies over it, and never in the way of mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.message import Placement
from backend.domain.mailbox.owner_digest import NOTIFICATION_GAP
from backend.pipeline.devices import WebPushService, web_push, worded
from backend.ports.system import PushAnswer, Pushed
from backend.transactions.records import Duty, Session
from tests.doubles import GlassVault
from tests.fakes.gmail import Died
from tests.fakes.push_service import POINT, SECRET, FakePushService
from tests.unit.pipeline.conftest import Fixture, letter, open_fixture

PHONE = "https://push.maker.test/phone"
LAPTOP = "https://push.other.test/laptop"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Fixture]:
    """Ana's mailbox; her phone is told of new senders."""
    async with open_fixture(tmp_path) as opened:
        await switch_on(opened)
        yield opened


async def switch_on(fixture: Fixture, endpoint: str = PHONE, language: str = "en") -> Session:
    session = Session(
        f"s-{endpoint}", fixture.mailbox_id, fixture.now() + timedelta(days=30), browser="Firefox"
    )
    await fixture.store.add_session(session, fixture.now())
    service = WebPushService(fixture.context)
    await service.switch_on(session, endpoint, POINT, SECRET, service.offer()[1], language)
    return session


def service(fixture: Fixture) -> FakePushService:
    return cast(FakePushService, fixture.context.web_push)


async def comes(fixture: Fixture, *senders: str, subject: str = "Hello") -> list[str]:
    ids = [fixture.gmail.deliver(letter(sender, subject=subject)) for sender in senders]
    await fixture.push()
    await fixture.settle()
    return ids


async def test_a_new_sender_is_told_by_name_and_subject_and_nothing_else(here: Fixture) -> None:
    await comes(here, "sam@seller.test", subject="Grow your\x00 pipeline")
    ((endpoint, told),) = service(here).sent
    assert endpoint == PHONE
    assert told.keys() == {"id", "title", "body"}
    assert (told["title"], told["body"]) == ("New sender held: Sam", "Grow your pipeline")


async def test_several_are_told_at_once(here: Fixture) -> None:
    await comes(here, *(f"sam@seller{number}.test" for number in range(5)))
    ((_, told),) = service(here).sent
    assert (told["title"], told["body"]) == ("5 new senders are held", "Sam, Sam, Sam and 2 more")


async def test_one_who_waits_already_is_not_told_again(here: Fixture) -> None:
    await comes(here, "sam@seller.test")
    here.wait(seconds=NOTIFICATION_GAP.total_seconds())
    await comes(here, "sam@seller.test", subject="Again")
    assert len(service(here).sent) == 1


async def test_what_was_held_before_it_was_switched_on_is_not_told(tmp_path: Path) -> None:
    async with open_fixture(tmp_path) as here:
        await comes(here, "sam@seller.test")
        here.wait(seconds=1)
        await switch_on(here)
        here.wait(seconds=1)
        await comes(here, "bo@other.test")
        assert service(here).titles() == ["New sender held: Sam"]
        assert len(service(here).sent) == 1


async def test_what_comes_soon_after_is_collected(here: Fixture) -> None:
    await comes(here, "sam@seller.test")
    first = here.now()
    for number in range(4):
        here.gmail.deliver(letter(f"bo@other{number}.test"))
        await here.push()
        await here.work_for(20)
    assert len(service(here).sent) == 1
    for _ in range(2):
        await here.work_for(150)
    assert service(here).titles() == ["New sender held: Sam", "4 new senders are held"]
    assert here.now() - first >= NOTIFICATION_GAP
    await here.settle()
    assert len(service(here).sent) == 2


async def test_what_stays_in_the_inbox_or_is_decided_by_then_is_not_told(here: Fixture) -> None:
    here.gmail.deliver(letter("friend@corp.test", "lunch?"))
    await comes(here, "sam@seller.test")
    service(here).sent.clear()
    (gmail_id,) = [here.gmail.deliver(letter("bo@other.test"))]
    await here.push()
    await here.work_for(2)
    view = (await here.store.known(here.mailbox_id, [gmail_id]))[gmail_id]
    assert view.placement is Placement.HELD
    word = Correction("k" * 20, gmail_id, Decision.RELEASE, Origin.PAGE)
    await here.store.decide(here.mailbox_id, word.order, here.now())
    for _ in range(2):
        await here.work_for(200)
    assert service(here).sent == []


async def test_each_browser_is_told_in_its_own_language_and_one_that_is_gone_is_forgotten(
    here: Fixture,
) -> None:
    await switch_on(here, LAPTOP, "de")
    service(here).answers[PHONE] = PushAnswer(Pushed.GONE)
    await comes(here, "sam@seller.test")
    assert sorted(service(here).titles()) == ["Neuer Absender zurückgehalten: Sam", "New sender held: Sam"]
    left = await here.store.web_pushes(here.mailbox_id, here.now())
    assert [one.language for one in left] == ["de"]
    assert here.context.web_pushed == {Pushed.SENT: 1, Pushed.GONE: 1, Pushed.LATER: 0, Pushed.REFUSED: 0}


async def test_a_service_that_is_down_is_tried_again_alone_and_keeps_no_mail_waiting(here: Fixture) -> None:
    await switch_on(here, LAPTOP)
    service(here).answers[PHONE] = PushAnswer(Pushed.LATER)
    (gmail_id,) = await comes(here, "sam@seller.test")
    assert (await here.store.known(here.mailbox_id, [gmail_id]))[gmail_id].placement is Placement.HELD
    assert [endpoint for endpoint, _ in service(here).sent].count(LAPTOP) == 1
    assert [endpoint for endpoint, _ in service(here).sent].count(PHONE) > 1
    assert not (await here.mailbox()).failing

    service(here).answers.clear()
    service(here).sent.clear()
    for _ in range(4):
        await here.work_for(250)
    assert [endpoint for endpoint, _ in service(here).sent] == [PHONE]


async def test_a_death_before_the_record_tells_the_same_under_the_same_name(here: Fixture) -> None:
    here.gmail.deliver(letter("sam@seller.test"))
    await here.push()
    await here.work_for(2)

    async def dies(*_: object) -> None:
        raise Died("before web_pushed")

    for _ in range(2):
        job = await here.duty(Duty.WEB_PUSH)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(here.store, "web_pushed", dies)
            with pytest.raises(Died):
                await web_push(here.context, job)
        here.wait(seconds=61)
    first, second = service(here).sent
    assert first == second


async def test_one_that_no_key_opens_is_forgotten(here: Fixture) -> None:
    here.context = replace(here.context, vault=GlassVault())
    await comes(here, "sam@seller.test")
    assert await here.store.web_pushes(here.mailbox_id, here.now()) == ()


async def test_a_browser_with_a_new_address_is_reached_there(here: Fixture) -> None:
    ours = WebPushService(here.context)
    session = Session(f"s-{PHONE}", here.mailbox_id, here.now())
    assert await ours.on(session)
    await ours.moved(session, LAPTOP, POINT, SECRET)
    await comes(here, "sam@seller.test")
    assert [endpoint for endpoint, _ in service(here).sent] == [LAPTOP]
    await ours.switch_off(session)
    assert not await ours.on(session)
    await ours.moved(session, PHONE, POINT, SECRET)
    assert not await ours.on(session)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt"])
async def test_the_longest_names_fit_into_what_services_take(here: Fixture, language: str) -> None:
    (gmail_id,) = await comes(here, "sam@seller.test", subject="é" * 4_000)
    view = (await here.store.known(here.mailbox_id, [gmail_id]))[gmail_id]
    for news in ([view], [view] * 30):
        title, body = worded(language, news)
        assert title
        assert len((title + body).encode()) < 2_000
