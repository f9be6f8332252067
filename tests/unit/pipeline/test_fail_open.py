"""On doubt or error the mail stays in the inbox, is recorded with its cause, and nobody gets a reply."""

from __future__ import annotations

import pytest

from backend.domain.entry.challenge import ChallengeState
from backend.domain.errors import Rejected, TryLater, Unexplained
from backend.domain.retry import REFUSALS
from tests.fakes.gmail import LABELS
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


NO = Unexplained("Google forbids this request and does not say why.", reason="http403")
OUTAGE = TryLater("Google has trouble of its own.", reason="backendError")


def _meets(house: House, call: str, troubles: list[Exception]) -> None:
    """The next calls of that kind end so."""
    plain = getattr(house.gmail, call)

    async def troubled(*arguments: object) -> object:
        if troubles:
            raise troubles.pop(0)
        return await plain(*arguments)

    setattr(house.gmail, call, troubled)


@pytest.mark.parametrize("call", ["fetch", "identity", "vacation_on", "relabel", "send"])
async def test_a_refusal_without_a_reason_is_waited_out(house: House, call: str) -> None:
    _meets(house, call, [NO, OUTAGE, NO, NO, OUTAGE, OUTAGE, NO])
    pitch = house.gmail.deliver(letter())
    await house.push()
    await house.settle(turns=200)
    assert LABELS.held in house.gmail.labels_of(pitch)
    assert len(house.gmail.sent) == 1
    assert (await house.store.census()).get("set_aside", 0) == 0


async def test_a_refusal_without_a_reason_that_stays_fails_open(house: House) -> None:
    left: list[Exception] = [NO] * 20
    _meets(house, "fetch", left)
    pitch = house.gmail.deliver(letter())
    await house.push()
    await house.settle(turns=200)
    assert house.gmail.labels_of(pitch) == {"INBOX", "UNREAD"}
    (view,) = await house.store.messages(house.mailbox_id)
    assert view.row == "fail_open"
    assert "does not say why" in view.cause
    assert len(left) == 20 - REFUSALS


async def test_a_challenge_that_google_goes_on_refusing_is_given_up(house: House) -> None:
    _meets(house, "send", [NO] * 20)
    pitch = house.gmail.deliver(letter())
    await house.push()
    await house.settle(turns=200)
    challenge = await house.store.challenge_of(house.mailbox_id, pitch)
    assert challenge is not None
    assert challenge.state is ChallengeState.FAILED
    assert house.gmail.sent == []
    assert (await house.store.census()).get("set_aside", 0) == 0


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
