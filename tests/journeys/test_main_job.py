"""The product's promise, in real processes: a pitch is held, its sender solves, and is let in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.demo.letters import OWNER, OWNER_NAME
from backend.demo.people import solve
from backend.store.opening import open_store
from tests.journeys.conftest import Journey, begin_journey, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _challenge(journey: Journey) -> str:
    async def look() -> str:
        await journey.seller.look(journey.stage.sandbox)
        return journey.seller.links[0] if journey.seller.links else ""

    return await until(look, "the challenge in the seller's mailbox")


async def _story(journey: Journey) -> None:
    first = await journey.write(journey.pitch)
    labels = await journey.settled(first, held=True)
    assert "Pitchgate/Would be held" not in labels

    link = await _challenge(journey)
    (answer,) = (
        mail for mail in await journey.stage.sandbox.messages(journey.pitch.address) if link in mail["text"]
    )
    assert f"for {OWNER_NAME} by Pitchgate." in answer["text"]
    async with journey.stage.http.get(link) as answer:
        assert answer.status == 200
    assert "Pitchgate/Held" in await journey.labels(first)  # looking changes nothing

    assert await journey.seller.answer(journey.stage.http) == 1
    labels = await journey.settled(first, held=False)
    assert "UNREAD" in labels

    second = await journey.write(journey.pitch, subject="Following up on my last mail")
    await journey.quiet()
    assert "INBOX" in await journey.labels(second)
    third = await journey.write(journey.pitch, subject="Did you see my proposal?")
    await journey.settled(third, held=True)
    await journey.quiet()
    await journey.seller.look(journey.stage.sandbox)
    assert len(journey.seller.links) == 1  # held silently: one challenge a sender in seven days


async def _books(folder: Path) -> tuple[list[str], int, int]:
    store = open_store(folder / "state" / "pitchgate.sqlite3")
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(OWNER)
        assert mailbox is not None
        rows = [view.row for view in reversed(await store.messages(mailbox.id))]
        balance = await store.balance(mailbox.id, "sam@pitchworks.example")
        return rows, balance, len(await store.ledger_differences())
    finally:
        await store.close()


@pytest.mark.parametrize("copies", [1, 3], ids=["each push once", "each push three times in random order"])
async def test_from_authorization_to_the_second_hold(tmp_path: Path, copies: int) -> None:
    # Two credits a solve: one releases the first mail, one pays for the second, the third is held again.
    async with begin_journey(tmp_path, copies=copies, credits_per_solve=2) as journey:
        if copies > 1:
            await journey.stage.sandbox.push_modes(copies=copies, reorder=3)
        await _story(journey)
    rows, balance, differences = await _books(tmp_path)
    assert sorted(rows) == ["challenge", "credit", "quarantine"]
    assert balance == 0
    assert differences == 0


async def test_an_answer_cannot_be_used_twice(walk: Journey) -> None:
    await walk.write(walk.pitch)
    link = await _challenge(walk)
    async with walk.browser.get(f"{link}/task") as answer:
        payload = await asyncio.to_thread(solve, await answer.json())
    json = {"Accept": "application/json"}
    async with walk.browser.post(link, data={"payload": payload}, headers=json) as answer:
        assert answer.status == 200
        assert (await answer.json())["balance"] == 2
    async with walk.browser.post(link, data={"payload": payload}, headers=json) as answer:
        assert answer.status == 410


async def test_quota_by_the_sandboxs_meter(walk: Journey) -> None:
    from backend.demo.letters import letters

    by_kind = {letter.kind: letter for letter in letters()}
    costs, labels = {}, {}
    for name, letter in {
        "ordinary": by_kind["customer"],
        "silent hold": by_kind["pitch_guarded"],
        "challenge": walk.pitch,
    }.items():
        before = await walk.units()
        gmail_id = await walk.write(letter)
        await walk.quiet()
        costs[name], labels[name] = await walk.units() - before, await walk.labels(gmail_id)
    assert "INBOX" in labels["ordinary"]
    assert "Pitchgate/Held" in labels["silent hold"]
    assert "Pitchgate/Held" in labels["challenge"]
    assert len([mail for mail in await walk.stage.sandbox.outbox() if mail["sender"] == walk.owner]) == 1
    assert costs["ordinary"] <= 24  # one look at once, and one when the window of the push has closed
    assert costs["silent hold"] <= 29
    assert costs["challenge"] <= 131


async def test_a_pitch_to_an_alias_is_answered_from_it_and_the_primary_address_is_told_to_nobody(
    walk: Journey,
) -> None:
    sandbox, alias = walk.stage.sandbox, "sales@brand.example"
    added = {"email": alias, "name": "Brand Sales"}
    await sandbox._call("POST", f"/sandbox/mailboxes/{walk.owner}/send-as", added)
    held = await sandbox.deliver(walk.pitch, alias)
    await walk.settled(held, held=True)
    link = await _challenge(walk)
    await walk.quiet()
    (sent,) = (mail for mail in await sandbox.outbox() if link in mail["raw"].replace("=\r\n", ""))
    assert sent["sender"] == alias, "an address that is none of the owner's would be the primary one here"
    assert f"From: Brand Sales <{alias}>" in sent["raw"].replace("\r\n ", " ")
    assert walk.owner not in sent["raw"]
    async with walk.browser.get(link) as answer:
        assert "Brand Sales" in await answer.text()
    assert await walk.seller.answer(walk.browser) == 1
    await walk.settled(held, held=False)
