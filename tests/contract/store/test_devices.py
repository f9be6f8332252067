"""Computers are let in by a code that works once, are listed, and are dead the moment they are removed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.errors import Expired, NotFound, Refused
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import Outcome
from backend.transactions.records import NewDevice, OneTimeCode, Purpose, Scope, Session
from tests.contract.store.dump import dump
from tests.contract.store.stories import Story

ALL = frozenset(Scope)


def code(story: Story, hashed: str = "code-1", **changes: Any) -> OneTimeCode:
    plain: dict[str, Any] = {
        "code_hash": hashed,
        "mailbox_id": "ana",
        "purpose": Purpose.DEVICE,
        "detail": "challenge",
        "expires_at": story.now + timedelta(seconds=120),
        "name": "Ana's laptop",
    }
    return OneTimeCode(**{**plain, **changes})


async def let_in(story: Story, mailbox_id: str = "ana", name: str = "d1") -> str:
    """A connected computer; its id."""
    await story.store.add_code(code(story, f"c-{name}", mailbox_id=mailbox_id, name=name), story.now)
    device = NewDevice(name, f"hash-{name}", ALL)
    await story.store.exchange(f"c-{name}", "challenge", device, story.now)
    return name


async def test_a_code_lets_one_computer_in_once(story: Story) -> None:
    await story.mailbox()
    await story.store.add_code(code(story), story.now)

    device, email = await story.store.exchange("code-1", "challenge", NewDevice("d1", "h1", ALL), story.now)

    assert (device.name, email, device.scopes) == ("Ana's laptop", "ana@corp.test", ALL)
    assert await story.store.device_by_token("h1") == device
    with pytest.raises(Expired) as used:
        await story.store.exchange("code-1", "challenge", NewDevice("d2", "h2", ALL), story.now)
    assert used.value.code == "code_expired"
    assert await story.store.devices("ana") == (device,)


async def test_of_two_at_once_one_gets_in(story: Story) -> None:
    await story.mailbox()
    await story.store.add_code(code(story), story.now)
    tries = [
        story.store.exchange("code-1", "challenge", NewDevice(f"d{n}", f"h{n}", ALL), story.now)
        for n in range(8)
    ]
    got = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, tuple) for one in got) == 1
    assert len(await story.store.devices("ana")) == 1


async def test_a_wrong_verifier_uses_the_code_up(story: Story) -> None:
    await story.mailbox()
    await story.store.add_code(code(story), story.now)
    with pytest.raises(Refused) as wrong:
        await story.store.exchange("code-1", "guess", NewDevice("d1", "h1", ALL), story.now)
    assert wrong.value.code == "code_wrong"
    with pytest.raises(Expired):
        await story.store.exchange("code-1", "challenge", NewDevice("d1", "h1", ALL), story.now)
    assert await story.store.devices("ana") == ()


async def test_a_code_lives_120_seconds(story: Story) -> None:
    await story.mailbox()
    await story.store.add_code(code(story), story.now)
    story.pass_time(seconds=120)
    with pytest.raises(Expired):
        await story.store.exchange("code-1", "challenge", NewDevice("d1", "h1", ALL), story.now)


async def test_an_unknown_code_and_a_ticket_let_no_computer_in(story: Story) -> None:
    await story.mailbox()
    await story.store.add_code(code(story, "t1", purpose=Purpose.TICKET), story.now)
    for wrong in ("nothing", "t1"):
        with pytest.raises(Refused) as refused:
            await story.store.exchange(wrong, "challenge", NewDevice("d1", "h1", ALL), story.now)
        assert refused.value.code == "code_wrong"


async def test_removing_a_computer_ends_its_tickets_and_sessions(story: Story) -> None:
    await story.mailbox()
    await let_in(story)
    ticket = code(story, "t1", purpose=Purpose.TICKET, detail="review", device_id="d1")
    await story.store.add_code(ticket, story.now)
    await story.store.add_code(
        code(story, "t2", purpose=Purpose.TICKET, detail="review", device_id="d1"), story.now
    )
    until = story.now + timedelta(hours=12)
    redeemed = await story.store.redeem_ticket("t1", "s1", until, story.now)
    assert (redeemed.mailbox_id, redeemed.detail) == ("ana", "review")
    assert await story.store.session("s1", story.now) == Session("s1", "ana", until, "d1")

    assert await story.store.remove_device("ana", "d1")

    assert await story.store.device_by_token("hash-d1") is None
    assert await story.store.session("s1", story.now) is None
    with pytest.raises(Expired):
        await story.store.redeem_ticket("t2", "s2", until, story.now)
    assert not await story.store.remove_device("ana", "d1")


async def test_a_ticket_works_once_and_a_session_ends(story: Story) -> None:
    await story.mailbox()
    await story.store.add_code(code(story, "t1", purpose=Purpose.TICKET, detail="settings"), story.now)
    until = story.now + timedelta(hours=12)
    await story.store.redeem_ticket("t1", "s1", until, story.now)
    with pytest.raises(Expired):
        await story.store.redeem_ticket("t1", "s2", until, story.now)
    assert await story.store.session("s2", story.now) is None
    assert await story.store.session("s1", until) is None
    await story.store.remove_session("ana", "s1")
    assert await story.store.session("s1", story.now) is None


async def test_one_owners_computers_are_nothing_to_another(story: Story, address: str) -> None:
    await story.mailbox("ana")
    await story.mailbox("eve")
    await story.receive("ana", "m1", Outcome.HOLD)
    await let_in(story, "ana", "d1")
    await let_in(story, "eve", "d2")
    await story.store.add_session(Session("s1", "ana", story.now + timedelta(hours=1)), story.now)
    before = await dump(address, "ana")

    assert not await story.store.remove_device("eve", "d1")
    await story.store.remove_session("eve", "s1")
    await story.store.device_seen("eve", "d1", story.now + timedelta(hours=1))
    assert [device.id for device in await story.store.devices("eve")] == ["d2"]
    assert (await story.store.held("eve", "", None, 10)).senders == ()
    assert (await story.store.held("eve", "bo", None, 10)).senders == ()
    assert not (await story.store.news("eve", "d1", 0, 10)).alive
    assert (await story.store.news("eve", "d2", 0, 10)).events == ()
    with pytest.raises(NotFound):
        await story.store.decide(
            "eve", Correction("key-eve", "m1", Decision.ALLOW, Origin.TRAY).order, story.now
        )
    assert await dump(address, "ana") == before


async def test_leaving_forgets_computers_sessions_and_changes(story: Story, address: str) -> None:
    await story.mailbox()
    await story.receive("ana", "m1", Outcome.HOLD)
    await let_in(story)
    await story.store.add_session(Session("s1", "ana", story.now + timedelta(hours=1)), story.now)
    deleted = await story.store.forget("ana")
    assert deleted["devices"] == deleted["sessions"] == deleted["one_time_codes"] == 1
    assert deleted["events"] > 0
    assert not any((await dump(address, "ana")).values())


async def test_held_mail_comes_by_sender_newest_first_in_pages(story: Story) -> None:
    await story.mailbox()
    for number in range(1, 6):
        story.pass_time(seconds=1)
        await story.receive("ana", f"m{number}", Outcome.HOLD, f"s{number}@x.test")
    story.pass_time(seconds=1)
    await story.receive("ana", "m9", Outcome.HOLD, "s2@x.test")
    await story.receive("ana", "m10", Outcome.INBOX, "s7@x.test")
    await story.decide("ana", "m3", Decision.BLOCK)

    seen, cursor = [], None
    while True:
        page = await story.store.held("ana", "", cursor, 2)
        assert page.total == 4
        seen += [(s.sender, s.count, [m.gmail_id for m in s.messages]) for s in page.senders]
        cursor = page.cursor
        if cursor is None:
            break

    assert seen == [
        ("s2@x.test", 2, ["m9", "m2"]),
        ("s5@x.test", 1, ["m5"]),
        ("s4@x.test", 1, ["m4"]),
        ("s1@x.test", 1, ["m1"]),
    ]


async def test_a_search_folds_case_beyond_ascii_and_pages(story: Story) -> None:
    await story.mailbox()
    for number in range(1, 4):
        story.pass_time(seconds=1)
        await story.receive("ana", f"m{number}", Outcome.HOLD, f"ÄRZTE{number}@x.test")
    await story.receive("ana", "m8", Outcome.HOLD, "other@x.test")

    first = await story.store.held("ana", "ärzte", None, 2)
    rest = await story.store.held("ana", "ärzte", first.cursor, 2)

    assert (first.total, [s.sender[5] for s in first.senders]) == (3, ["3", "2"])
    assert ([s.sender[5] for s in rest.senders], rest.cursor) == (["1"], None)
    assert (await story.store.held("ana", "MORE LEADS", None, 9)).total == 4
    assert (await story.store.held("ana", "%", None, 9)).total == 0


async def test_a_key_is_for_one_decision(story: Story) -> None:
    await story.mailbox()
    await story.receive("ana", "m1", Outcome.HOLD)
    release = Correction("key-1", "m1", Decision.RELEASE, Origin.TRAY)
    for _ in range(2):
        assert (await story.store.decide("ana", release.order, story.now)).moved == ("m1",)
    with pytest.raises(Refused) as reused:
        await story.store.decide(
            "ana", Correction("key-1", "m1", Decision.BLOCK, Origin.TRAY).order, story.now
        )
    assert reused.value.code == "key_reused"


async def test_settings_change_together_or_not_at_all_and_nobodys_change_is_lost(story: Story) -> None:
    await story.mailbox()
    with pytest.raises(Refused) as refused:
        await story.store.change_preferences("ana", {"strictness": "strict", "retention_days": 1}, story.now)
    assert refused.value.field == "retention_days"
    await asyncio.gather(
        story.store.change_preferences("ana", {"strictness": "strict"}, story.now),
        story.store.change_preferences("ana", {"retention_days": 30}, story.now),
    )
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert (mailbox.preferences.strictness, mailbox.preferences.retention_days) == (Strictness.STRICT, 30)
