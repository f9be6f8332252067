"""On doubt or error the mail stays in the inbox, is recorded with its cause, and nobody gets a reply."""

from __future__ import annotations

import pytest
import structlog

from backend.domain.entry.challenge import ChallengeState
from backend.domain.errors import Rejected, TryLater, Unexplained
from backend.domain.mailbox.verdict import FailOpen
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
    assert view.cause == FailOpen.SCORER_BROKEN
    assert view.sender == "sam@seller.test"
    assert house.kit.fail_opens.counts[FailOpen.SCORER_BROKEN] == 1
    assert (await house.store.census())["fail_open.scorer_broken"] == 1


async def test_it_is_logged_with_the_error_and_its_place_and_never_its_text(house: House) -> None:
    house.scorer.broken = True
    house.gmail.deliver(letter())
    await house.push()
    with structlog.testing.capture_logs() as logs:
        await house.settle()

    (told,) = [entry for entry in logs if entry["event"] == "failed_open"]
    assert (told["cause"], told["mailbox"], told["log_level"]) == (
        "scorer_broken",
        house.mailbox_id,
        "warning",
    )
    assert told["fault"].startswith("RuntimeError at conftest.py:")
    assert "model broke" not in str(logs)  # an error's own text could quote mail


async def test_what_its_reader_could_not_read_is_let_in_after_one_try(house: House) -> None:
    house.reader.trouble = FailOpen.READER_LOST
    pitch = house.gmail.deliver(letter())
    await house.push()
    await house.settle()

    assert house.gmail.labels_of(pitch) == {"INBOX", "UNREAD"}
    assert house.gmail.sent == []
    assert house.gmail.calls["fetch"] == 1
    (view,) = await house.store.messages(house.mailbox_id)
    assert (view.row, view.cause) == ("fail_open", "reader_lost")
    assert house.kit.fail_opens.counts[FailOpen.READER_LOST] == 1


async def test_own_mail_that_cannot_be_read_teaches_nothing_and_stops_nothing(house: House) -> None:
    house.reader.trouble = FailOpen.TOO_SLOW
    mine = letter("ana@corp.test", "Dear Bea, yes.", to="bea@firm.test")
    house.gmail.deliver(mine, labels=frozenset({"SENT"}))
    await house.push()
    await house.settle()
    house.reader.trouble = None
    house.gmail.deliver(letter("bea@firm.test"))
    await house.push()
    await house.settle()
    assert (await house.store.census()).get("set_aside", 0) == 0
    assert len(house.gmail.sent) == 1, "Bea is a stranger still"


@pytest.mark.parametrize(
    ("reason", "cause"), [("answerTooLarge", FailOpen.TOO_LARGE), ("badRequest", FailOpen.REFUSED)]
)
async def test_why_gmail_gave_nothing_is_kept_as_a_code(house: House, reason: str, cause: FailOpen) -> None:
    house.gmail.deliver(letter())
    house.gmail.trouble["fetch"] = Rejected("No.", reason=reason)
    await house.push()
    await house.settle()
    (view,) = await house.store.messages(house.mailbox_id)
    assert view.cause == cause


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
    assert view.cause == FailOpen.REFUSED
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
