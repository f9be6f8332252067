"""What the owner does in Gmail itself counts, and what we did there ourselves costs no call."""

from __future__ import annotations

import asyncio

import pytest

from backend.demo.letters import OWNER, letters
from backend.domain.mailbox.labels import ALLOW, BLOCK, HELD
from tests.journeys.conftest import Journey, until


async def _move(journey: Journey, gmail_id: str, add: list[str], remove: list[str]) -> None:
    data = {"ids": [gmail_id], "add": add, "remove": remove}
    await journey.stage.sandbox._call("POST", f"/sandbox/mailboxes/{OWNER}/labels", data)


async def _fetches(journey: Journey) -> int:
    methods = (await journey.stage.sandbox.meter(OWNER))["methods"]
    return int(methods.get("gmail.users.messages.get", {"calls": 0})["calls"])


@pytest.mark.parametrize(
    ("add", "remove"),
    [([], [HELD]), (["INBOX"], []), (["INBOX"], [HELD]), ([ALLOW], [])],
    ids=["Held taken off", "put into the inbox", "moved to the inbox", "labelled Allow"],
)
async def test_held_mail_the_owner_moves_is_let_in(walk: Journey, add: list[str], remove: list[str]) -> None:
    held = await walk.write(walk.pitch)
    await walk.settled(held, held=True)
    await walk.quiet()
    fetched = await _fetches(walk)
    await _move(walk, held, add, remove)
    labels = await walk.settled(held, held=False)
    assert HELD not in labels
    await walk.quiet()
    assert await _fetches(walk) == fetched  # neither her move nor our echo was read up

    again = await walk.write(walk.pitch, subject="Following up")
    await walk.quiet()
    allowed = ALLOW in add
    assert ("INBOX" in await walk.labels(again)) is allowed


async def test_a_block_label_keeps_the_sender_out(walk: Journey) -> None:
    customer = next(letter for letter in letters() if letter.kind == "customer")
    first = await walk.write(customer)

    async def read() -> bool:
        await walk.quiet()
        return "INBOX" in await walk.labels(first)

    await until(read, "the mail read")
    await _move(walk, first, [BLOCK], [])
    await walk.settled(first, held=True)
    second = await walk.write(customer, subject="My other order")
    await walk.settled(second, held=True)
    await walk.quiet()
    assert [mail for mail in await walk.stage.sandbox.outbox() if mail["sender"] == OWNER] == []


async def test_a_release_while_the_hold_is_under_way_is_the_last_word(walk: Journey) -> None:
    messages = [await walk.write(walk.pitch, sender=f"P <p{n}@p{n}.example>") for n in range(6)]
    for gmail_id in messages:  # as soon as each is held
        await walk.settled(gmail_id, held=True)
        await _move(walk, gmail_id, ["INBOX"], [HELD])
        await asyncio.sleep(0.1)
    await walk.quiet()
    for gmail_id in messages:
        labels = await walk.labels(gmail_id)
        assert "INBOX" in labels
        assert HELD not in labels
