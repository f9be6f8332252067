"""While nobody knows what time it is, nothing is deleted for its age and nothing is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backend.domain.errors import Expired, NotYet
from backend.pipeline.devices import ALL_SCOPES, DeviceRequest, DeviceService
from backend.pipeline.solve import open_challenge
from backend.pipeline.stages import run_duty
from backend.transactions.records import Duty, NewDevice, OneTimeCode, Purpose, Session
from tests.unit.pipeline.conftest import Fixture, letter, open_fixture


class Doubted:
    """Google has not confirmed the time yet."""

    settled = False
    skew = timedelta(0)


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[tuple[Fixture, str]]:
    """A pitch is held, and answered with a link of this token; then the clock jumps by a year."""
    async with open_fixture(tmp_path) as fixture:
        fixture.gmail.deliver(letter())
        await fixture.push()
        await fixture.settle()
        raw = fixture.gmail.sent[-1].raw.decode().replace("=\r\n", "")
        fixture.wait(days=365)
        yield fixture, raw.partition("https://gate.test/c/")[2].split()[0]


async def messages(fixture: Fixture) -> int:
    return sum(n for name, n in (await fixture.store.census()).items() if name.startswith("messages."))


async def forget(fixture: Fixture) -> None:
    job = await fixture.duty(Duty.RETAIN)
    await run_duty(fixture.context, fixture.authorizer, job)


async def test_nothing_is_forgotten_until_the_time_is_known(held: tuple[Fixture, str]) -> None:
    fixture, _ = held
    settled = fixture.context
    before = await messages(fixture)
    assert before
    fixture.context = replace(settled, time=Doubted())
    await forget(fixture)
    assert await messages(fixture) == before
    fixture.context = settled
    await forget(fixture)
    assert await messages(fixture) < before


async def test_a_link_that_seems_over_asks_to_come_back(held: tuple[Fixture, str]) -> None:
    fixture, token = held
    with pytest.raises(NotYet):
        await open_challenge(replace(fixture.context, time=Doubted()), token)
    with pytest.raises(Expired, match="link_expired"):
        await open_challenge(fixture.context, token)


async def test_who_is_signed_in_stays_so_through_a_start_with_a_wrong_clock(
    held: tuple[Fixture, str],
) -> None:
    """A clock a year ahead while Google was away: the first sign-in deleted every other session, and every code."""
    fixture, _ = held
    store, box, right = fixture.store, fixture.mailbox_id, fixture.now() - timedelta(days=365)
    await store.add_session(Session("s-before", box, right + timedelta(days=30)), right)
    code = OneTimeCode("c-before", box, Purpose.DEVICE, "challenge", right + timedelta(minutes=2), "pc")
    await store.add_code(code, right)
    doubted = DeviceService(replace(fixture.context, time=Doubted()))
    await doubted.sign_in(box)
    await doubted.consent(box, DeviceRequest("http://127.0.0.1:1/", "challenge", "state", "pc"))
    assert await store.session("s-before", right) is not None
    device = NewDevice("d1", "h1", ALL_SCOPES)
    assert (await store.exchange("c-before", "challenge", device, right))[0].name == "pc"

    await DeviceService(fixture.context).sign_in(box)
    assert await store.session("s-before", right) is None
