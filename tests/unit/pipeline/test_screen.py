"""On doubt or error the mail stays in the inbox, is recorded with its cause, and nobody gets a reply."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import structlog

from backend.domain.challenge import ChallengeState
from backend.domain.errors import FINAL_REFUSALS, Blame, Rejected, TryLater, Unexplained, failure_to_show
from backend.domain.mailbox.message import FailOpenCause, Outcome, PolicyRow
from backend.ports.gmail import Gmail
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import FORGED, Fixture, letter


async def test_a_model_that_breaks_leaves_the_mail_alone(fixture: Fixture) -> None:
    fixture.scorer.broken = True
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()

    assert fixture.gmail.labels_of(pitch) == {"INBOX", "UNREAD"}
    assert fixture.gmail.sent == []
    (view,) = await fixture.store.messages(fixture.mailbox_id)
    assert view.row == "fail_open"
    assert view.cause == FailOpenCause.SCORER_BROKEN
    assert view.sender == "sam@seller.test"
    assert told(fixture, "fail_open_total", cause="scorer_broken") == 1
    assert (await fixture.store.census())["fail_open.scorer_broken"] == 1


async def test_it_is_logged_with_the_error_and_its_place_and_never_its_text(fixture: Fixture) -> None:
    fixture.scorer.broken = True
    fixture.gmail.deliver(letter())
    await fixture.push()
    with structlog.testing.capture_logs() as logs:
        await fixture.settle()

    (line,) = [entry for entry in logs if entry["event"] == "failed_open"]
    assert (line["cause"], line["mailbox"], line["log_level"]) == (
        "scorer_broken",
        fixture.mailbox_id,
        "warning",
    )
    assert line["fault"].startswith("RuntimeError at conftest.py:")
    assert "model broke" not in str(logs)  # an error's own text could quote mail


async def test_what_its_reader_could_not_read_is_let_in_after_one_try(fixture: Fixture) -> None:
    fixture.reader.trouble = FailOpenCause.READER_LOST
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()

    assert fixture.gmail.labels_of(pitch) == {"INBOX", "UNREAD"}
    assert fixture.gmail.sent == []
    assert fixture.gmail.calls["fetch"] == 1
    (view,) = await fixture.store.messages(fixture.mailbox_id)
    assert (view.row, view.cause) == ("fail_open", "reader_lost")
    assert told(fixture, "fail_open_total", cause="reader_lost") == 1


async def test_own_mail_that_cannot_be_read_teaches_nothing_and_stops_nothing(fixture: Fixture) -> None:
    fixture.reader.trouble = FailOpenCause.TOO_SLOW
    mine = letter("ana@corp.test", "Dear Bea, yes.", to="bea@firm.test")
    fixture.gmail.deliver(mine, labels=frozenset({"SENT"}))
    await fixture.push()
    await fixture.settle()
    fixture.reader.trouble = None
    fixture.gmail.deliver(letter("bea@firm.test"))
    await fixture.push()
    await fixture.settle()
    assert (await fixture.store.census()).get("dead_letters", 0) == 0
    assert len(fixture.gmail.sent) == 1, "Bea is a stranger still"


@pytest.mark.parametrize(
    ("reason", "cause"), [("answerTooLarge", FailOpenCause.TOO_LARGE), ("badRequest", FailOpenCause.REFUSED)]
)
async def test_why_gmail_gave_nothing_is_kept_as_a_code(
    fixture: Fixture, reason: str, cause: FailOpenCause
) -> None:
    fixture.gmail.deliver(letter())
    fixture.gmail.trouble["fetch"] = Rejected("No.", reason=reason)
    await fixture.push()
    await fixture.settle()
    (view,) = await fixture.store.messages(fixture.mailbox_id)
    assert view.cause == cause


async def test_a_message_gmail_will_not_give_out_stays(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter())
    fixture.gmail.trouble["fetch"] = Rejected("Bad request.", reason="badRequest")
    await fixture.push()
    await fixture.settle()

    assert fixture.gmail.labels_of(pitch) == {"INBOX", "UNREAD"}
    (view,) = await fixture.store.messages(fixture.mailbox_id)
    assert view.row == "fail_open"


NO: Exception = Unexplained("later.unexplained", reason="failedPrecondition")
OUTAGE: Exception = TryLater("Google is having problems.", reason="backendError")


def _meets(fixture: Fixture, call: str, troubles: list[Exception]) -> None:
    """The next calls of that kind end so."""
    plain = getattr(fixture.gmail, call)

    async def troubled(*arguments: object) -> object:
        if troubles:
            raise troubles.pop(0)
        return await plain(*arguments)

    setattr(fixture.gmail, call, troubled)


LASTING = {
    "a precondition": (NO, timedelta(minutes=40), Blame.GOOGLE),
    "a page": (TryLater("later.unexplained", reason="http403"), timedelta(hours=3), Blame.GOOGLE),
    "our client": (TryLater("later.client", reason="disabled_client"), timedelta(hours=3), Blame.CLIENT),
    "the API": (TryLater("later.switched_off", reason="SERVICE_DISABLED"), timedelta(hours=3), Blame.CLIENT),
}
CALLS = [name for name, value in vars(Gmail).items() if callable(value) and not name.startswith("_")]


@pytest.mark.parametrize("what", LASTING)
@pytest.mark.parametrize("calls", [*([name] for name in ("fetch", "vacation_on", "relabel", "send")), CALLS])
async def test_mail_waits_for_as_long_as_google_is_in_the_way_and_its_owner_is_told(
    fixture: Fixture, what: str, calls: list[str]
) -> None:
    trouble, lasts, blame = LASTING[what]
    began = fixture.now()
    for name in calls:
        _refuses(fixture, name, trouble, began + lasts)
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.work_for(lasts.total_seconds() - 60)
    assert LABELS.held not in fixture.gmail.labels_of(pitch) or calls == ["send"]
    assert fixture.gmail.sent == []
    told_of = failure_to_show((await fixture.mailbox()).failing, fixture.now(), watched=True)
    assert told_of is not None
    assert told_of.blame is blame
    assert told_of.since - began < timedelta(minutes=1)

    await fixture.work_for(60 + 3 * fixture.context.settings.longest_backoff)
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    assert len(fixture.gmail.sent) == 1
    census = await fixture.store.census(fixture.now())
    assert [
        name for name in census if name.startswith("fail_open") or (name == "dead_letters" and census[name])
    ] == []
    assert (await fixture.mailbox()).failing == ()


def _refuses(fixture: Fixture, call: str, trouble: Exception, until: datetime) -> None:
    """Every call of that kind ends so until then."""
    plain = getattr(fixture.gmail, call)

    async def troubled(*arguments: object, **named: object) -> object:
        if fixture.now() < until:
            raise trouble
        return await plain(*arguments, **named)

    setattr(fixture.gmail, call, troubled)


@pytest.mark.parametrize("call", ["fetch", "identity", "vacation_on", "relabel", "send"])
async def test_a_refusal_without_a_reason_is_waited_out(fixture: Fixture, call: str) -> None:
    _meets(fixture, call, [NO, OUTAGE, NO, NO, OUTAGE, OUTAGE, NO])
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle(turns=200)
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    assert len(fixture.gmail.sent) == 1
    assert (await fixture.store.census()).get("dead_letters", 0) == 0


async def test_a_sync_refused_without_a_reason_is_not_late_by_more_than_an_outage_makes_it(
    fixture: Fixture,
) -> None:
    """After a dozen failures the next look waited up to a quarter of an hour, though Google was well again."""
    troubles: list[Exception] = [OUTAGE] * 6 + [NO] * 8
    _meets(fixture, "history", troubles)
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    while troubles:
        await fixture.work_for(60)
    await fixture.work_for(2 * fixture.context.settings.longest_backoff)
    assert LABELS.held in fixture.gmail.labels_of(pitch)


async def test_a_refusal_without_a_reason_that_stays_fails_open(fixture: Fixture) -> None:
    left: list[Exception] = [NO] * 100
    _meets(fixture, "fetch", left)
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle(turns=8 * FINAL_REFUSALS)
    assert fixture.gmail.labels_of(pitch) == {"INBOX", "UNREAD"}
    (view,) = await fixture.store.messages(fixture.mailbox_id)
    assert view.row == "fail_open"
    assert view.cause == FailOpenCause.REFUSED
    assert len(left) == 100 - FINAL_REFUSALS


async def test_a_challenge_that_google_goes_on_refusing_is_given_up(fixture: Fixture) -> None:
    _meets(fixture, "send", [NO] * 2 * FINAL_REFUSALS)
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle(turns=8 * FINAL_REFUSALS)
    challenge = await fixture.store.challenge_of(fixture.mailbox_id, pitch)
    assert challenge is not None
    assert challenge.state is ChallengeState.FAILED
    assert fixture.gmail.sent == []
    assert (await fixture.store.census()).get("dead_letters", 0) == 0


async def test_a_message_deleted_before_it_is_read_is_closed(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter())
    del fixture.gmail.messages[pitch]
    await fixture.push()
    await fixture.settle()
    assert (await fixture.store.census()).get("dead_letters", 0) == 0


async def test_nobody_is_answered_behind_a_forged_sender(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(trust=FORGED))
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.sent == []


async def test_a_lost_cursor_loses_no_mail(fixture: Fixture) -> None:
    await fixture.push()
    await fixture.settle()
    fixture.wait(hours=1)
    pitch = fixture.gmail.deliver(letter())
    fixture.gmail.position += 1_000
    fixture.gmail.floor = fixture.gmail.position  # everything before is gone from Google's history
    await fixture.push()
    await fixture.settle()

    assert len(fixture.gmail.sent) <= 1
    assert "Label_1" in fixture.gmail.labels_of(pitch)
    later = fixture.gmail.deliver(letter("eve@other.test"))
    await fixture.push()
    await fixture.settle()
    assert "Label_1" in fixture.gmail.labels_of(later)


# ---- What was decided is counted, and how long it took


def told(fixture: Fixture, name: str, **labels: str) -> float | None:
    """What `/metrics` has under a name."""
    return fixture.context.verdict_metrics.registry.get_sample_value(f"pitchgate_{name}", labels)


async def test_a_fresh_message_counts_with_its_lag(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter("sam@seller.test", "dear Ana, the minutes"))
    fixture.wait(seconds=3)
    await fixture.push()
    await fixture.settle()
    assert told(fixture, "verdicts_total", row=PolicyRow.BELOW_HOLD, outcome=Outcome.INBOX, model="fake") == 1
    assert told(fixture, "verdict_lag_seconds_count") == told(fixture, "reading_seconds_count") == 1
    assert (told(fixture, "verdict_lag_seconds_sum") or 0) >= 3


async def test_what_history_decides_is_counted_without_a_model(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(), labels=frozenset({"SPAM"}))
    await fixture.push()
    await fixture.settle()
    assert told(fixture, "verdicts_total", row=PolicyRow.NOT_INCOMING, outcome=Outcome.IGNORE, model="") == 1
    assert told(fixture, "verdict_lag_seconds_count") == 0


async def test_a_message_from_the_future_of_another_clock_took_no_time(fixture: Fixture) -> None:
    gmail_id = fixture.gmail.deliver(letter("sam@seller.test", "dear Ana, the minutes"))
    arrival = fixture.gmail.messages[gmail_id]
    fixture.gmail.messages[gmail_id] = replace(
        arrival, received_at=arrival.received_at + timedelta(minutes=1)
    )
    await fixture.push()
    await fixture.settle()
    assert told(fixture, "verdict_lag_seconds_count") == 1
    assert told(fixture, "verdict_lag_seconds_sum") == 0
