"""On doubt or error the mail stays in the inbox, is recorded with its cause, and nobody gets a reply."""

from __future__ import annotations

from backend.domain.errors import Rejected
from tests.unit.pipeline.conftest import FORGED, House, letter


async def test_a_model_that_breaks_leaves_the_mail_alone(house: House) -> None:
    house.scorer.broken = True
    pitch = house.gmail.deliver(letter())
    await house.push()
    await house.settle()

    assert house.gmail.labels_of(pitch) == {"INBOX", "UNREAD"}
    assert house.gmail.sent == []
    (view,) = await house.store.messages(house.mailbox_id)
    assert view.row == "fail_open"
    assert "scored" in view.cause
    assert "model broke" not in view.cause  # an error's own text could quote mail


async def test_a_message_gmail_will_not_give_out_stays(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    house.gmail.trouble["fetch"] = Rejected("Bad request.", reason="badRequest")
    await house.push()
    await house.settle()

    assert house.gmail.labels_of(pitch) == {"INBOX", "UNREAD"}
    (view,) = await house.store.messages(house.mailbox_id)
    assert view.row == "fail_open"


async def test_a_message_deleted_before_it_is_read_is_closed(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    del house.gmail.mails[pitch]
    await house.push()
    await house.settle()
    assert (await house.store.census()).get("set_aside", 0) == 0


async def test_nobody_is_answered_behind_a_forged_sender(house: House) -> None:
    house.gmail.deliver(letter(trust=FORGED))
    await house.push()
    await house.settle()
    assert house.gmail.sent == []


async def test_a_lost_cursor_loses_no_mail(house: House) -> None:
    await house.push()
    await house.settle()
    house.wait(hours=1)
    pitch = house.gmail.deliver(letter())
    house.gmail.position += 1_000
    house.gmail.floor = house.gmail.position  # everything before is gone from Google's history
    await house.push()
    await house.settle()

    assert len(house.gmail.sent) <= 1
    assert "Label_1" in house.gmail.labels_of(pitch)
    later = house.gmail.deliver(letter("eve@other.test"))
    await house.push()
    await house.settle()
    assert "Label_1" in house.gmail.labels_of(later)
