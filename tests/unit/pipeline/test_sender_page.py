"""A sender and the page of their link, through the real store: codes, tries, their line, and mail that came back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr

from backend.captcha.own_tasks import ProofOfWork, TypedCode
from backend.demo.people import solve as work_out
from backend.domain.challenge import MAX_NOTE, Solved
from backend.domain.errors import Expired, NotFound, Refused
from backend.domain.mail.message import Address, Attachment, Headers, Message
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.message import Placement
from backend.pipeline import solve
from backend.pipeline.solve import Checks
from backend.ports.system import CaptchaKind
from backend.vault import MultiFernetVault, make_key
from tests.doubles import SeededTokens
from tests.unit.pipeline.conftest import Fixture, letter

RIGHT, WRONG = "777777", "222222"


@pytest.fixture
def checks() -> Checks:
    """Work that takes no time, and codes that are all sevens: wired here, known nowhere else."""
    vault = MultiFernetVault([SecretStr(make_key())])
    codes = TypedCode(vault, SeededTokens(), 900.0, draw=lambda _: "7")
    return Checks(ProofOfWork("a secret of sufficient length", 10, 900.0), codes)


async def pitched(fixture: Fixture, text: str = "a pitchy letter") -> tuple[str, str]:
    """A held pitch that was answered; its Gmail id and the token of its link."""
    pitch = fixture.gmail.deliver(letter(text=text))
    await fixture.push()
    await fixture.settle()
    raw = fixture.gmail.sent[-1].raw.decode().replace("=\r\n", "")
    return pitch, raw.partition("https://gate.test/c/")[2].split()[0]


async def ticket_for(fixture: Fixture, checks: Checks, token: str) -> str:
    challenge = await solve.open_challenge(fixture.context, token)
    return str(checks.codes.task(challenge.challenge_id, challenge.factor, fixture.now())["ticket"])


async def answer(fixture: Fixture, checks: Checks, token: str, ticket: str, typed: str) -> str:
    """What becomes of typing it: "in" or the refusal's code."""
    try:
        done = await solve.solve_challenge(
            fixture.context, checks, token, f"{ticket}:{typed}", CaptchaKind.TYPED_CODE
        )
    except Refused as error:
        return error.code
    return "in" if isinstance(done, Solved) else "promised"


async def test_the_digits_let_the_mail_in_after_a_wait_and_earn_credits(
    fixture: Fixture, checks: Checks
) -> None:
    pitch, token = await pitched(fixture)

    assert await answer(fixture, checks, token, await ticket_for(fixture, checks, token), RIGHT) == "promised"
    opened = await solve.open_challenge(fixture.context, token)
    assert opened.deliver_at == fixture.now() + timedelta(minutes=10)
    fixture.wait(minutes=9)
    await fixture.push()  # a look at the mailbox changes nothing about it
    assert await fixture.store.release_due(fixture.mailbox_id, fixture.now()) == opened.deliver_at
    assert "INBOX" not in fixture.gmail.labels_of(pitch)
    fixture.wait(minutes=1)
    await fixture.settle()

    assert {"INBOX", "UNREAD"} <= fixture.gmail.labels_of(pitch)
    assert await fixture.store.balance(fixture.mailbox_id, "sam@seller.test") == 1
    with pytest.raises(Expired) as used:
        await solve.open_challenge(fixture.context, token)
    assert used.value.code == "link_used"


async def test_three_tries_and_no_more_for_one_code(fixture: Fixture, checks: Checks) -> None:
    _, token = await pitched(fixture)
    ticket = await ticket_for(fixture, checks, token)

    answers = [await answer(fixture, checks, token, ticket, WRONG) for _ in range(3)]
    assert answers == ["captcha_code_wrong"] * 3
    assert await answer(fixture, checks, token, ticket, RIGHT) == "captcha_code_spent"
    another = await solve.another_code(fixture.context, checks, token, ticket)
    assert await answer(fixture, checks, token, another, RIGHT) == "promised"


async def test_guesses_at_the_same_moment_share_no_try(fixture: Fixture, checks: Checks) -> None:
    _, token = await pitched(fixture)
    ticket = await ticket_for(fixture, checks, token)

    answers = await asyncio.gather(*(answer(fixture, checks, token, ticket, WRONG) for _ in range(12)))

    assert sorted(answers) == ["captcha_code_spent"] * 9 + ["captcha_code_wrong"] * 3


async def test_a_link_takes_no_code_after_thirty_tries_but_still_takes_work(
    fixture: Fixture, checks: Checks
) -> None:
    _, token = await pitched(fixture)
    for _ in range(30):
        await answer(fixture, checks, token, await ticket_for(fixture, checks, token), WRONG)

    assert await answer(fixture, checks, token, await ticket_for(fixture, checks, token), RIGHT) == (
        "captcha_code_closed"
    )
    task = await solve.begin_check(fixture.context, checks, token, noted=True)
    assert isinstance(
        await solve.solve_challenge(fixture.context, checks, token, work_out(dict(task))), Solved
    )


async def test_behind_work_at_a_risen_price_a_short_code_is_due(fixture: Fixture, checks: Checks) -> None:
    always = Checks(checks.first, checks.codes, code_after=0)
    pitch, token = await pitched(fixture)
    task = await solve.begin_check(fixture.context, always, token, noted=True)

    due = await solve.solve_challenge(fixture.context, always, token, work_out(dict(task)))

    assert isinstance(due, solve.CodeDue)
    assert (await fixture.store.known(fixture.mailbox_id, [pitch]))[pitch].placement is Placement.HELD
    assert await answer(fixture, always, token, due.ticket, RIGHT) == "in"


async def test_one_work_lets_in_once_however_many_codes_are_typed_behind_it(
    fixture: Fixture, checks: Checks
) -> None:
    always = Checks(checks.first, checks.codes, code_after=0)
    await fixture.save_preferences(credits_per_solve=1)
    _, token = await pitched(fixture)
    for number in range(2):
        fixture.gmail.deliver(letter(text=f"a pitchy letter {number}"))
    await fixture.push()
    await fixture.settle()
    work = work_out(dict(await solve.begin_check(fixture.context, always, token, noted=True)))
    first = await solve.solve_challenge(fixture.context, always, token, work)
    second = await solve.solve_challenge(fixture.context, always, token, work)
    assert isinstance(first, solve.CodeDue)
    assert isinstance(second, solve.CodeDue)

    answers = await asyncio.gather(
        *(answer(fixture, always, token, ticket, RIGHT) for ticket in (first.ticket, second.ticket))
    )

    assert sorted(answers) == ["captcha_replayed", "in"]
    assert await answer(fixture, always, token, second.ticket, RIGHT) == "captcha_expired", (
        "the price has risen"
    )


async def test_the_wait_doubles_with_each_solve_and_the_work_ends_it(
    fixture: Fixture, checks: Checks
) -> None:
    await fixture.save_preferences(credits_per_solve=1)
    _, token = await pitched(fixture)
    messages = [fixture.gmail.deliver(letter(text=f"a pitchy letter {number}")) for number in range(3)]
    await fixture.push()
    await fixture.settle()
    for minutes in (10, 20):
        began = fixture.now()
        ticket = await ticket_for(fixture, checks, token)
        assert await answer(fixture, checks, token, ticket, RIGHT) == "promised"
        opened = await solve.open_challenge(fixture.context, token)
        assert opened.deliver_at == began + timedelta(minutes=minutes)
        fixture.wait(minutes=minutes)
        await fixture.settle()

    assert await answer(fixture, checks, token, await ticket_for(fixture, checks, token), RIGHT) == "promised"
    task = await solve.begin_check(fixture.context, checks, token, noted=True)
    done = await solve.solve_challenge(fixture.context, checks, token, work_out(dict(task)))
    assert isinstance(done, Solved)
    assert done.waiting == 1
    assert (await solve.open_challenge(fixture.context, token)).deliver_at is None
    fixture.wait(hours=2)
    await fixture.settle()
    assert "INBOX" not in fixture.gmail.labels_of(messages[-1]), "the wait ended with the work"
    assert await fixture.store.ledger_differences() == ()


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_promise_is_kept_once_over_a_death(fixture: Fixture, checks: Checks, moment: str) -> None:
    pitch, token = await pitched(fixture)
    assert await answer(fixture, checks, token, await ticket_for(fixture, checks, token), RIGHT) == "promised"
    getattr(fixture.gmail, moment).add("relabel")
    fixture.wait(minutes=10)
    await fixture.settle()

    assert fixture.deaths == 1
    assert {"INBOX", "UNREAD"} <= fixture.gmail.labels_of(pitch)
    assert await fixture.store.release_due(fixture.mailbox_id, fixture.now()) is None
    assert await fixture.store.balance(fixture.mailbox_id, "sam@seller.test") == 1


async def test_the_owners_word_ends_the_wait_and_taking_it_back_lets_it_go_on(
    fixture: Fixture, checks: Checks
) -> None:
    pitch, token = await pitched(fixture)
    assert await answer(fixture, checks, token, await ticket_for(fixture, checks, token), RIGHT) == "promised"
    block = Correction("k1", pitch, Decision.BLOCK, Origin.PAGE)
    await fixture.store.decide(fixture.mailbox_id, block.order, fixture.now())
    fixture.wait(minutes=30)
    await fixture.settle()
    assert "INBOX" not in fixture.gmail.labels_of(pitch)
    assert await fixture.store.balance(fixture.mailbox_id, "sam@seller.test") == 0

    await fixture.store.undo(fixture.mailbox_id, "k1", fixture.now())
    await fixture.settle()

    assert {"INBOX", "UNREAD"} <= fixture.gmail.labels_of(pitch)


async def test_only_checks_that_are_asked_for_count(fixture: Fixture, checks: Checks) -> None:
    _, token = await pitched(fixture)

    with pytest.raises(Refused) as caught:
        await solve.solve_challenge(fixture.context, checks, token, "x", CaptchaKind.TURNSTILE)
    assert caught.value.code == "captcha_malformed"


async def test_a_line_reaches_the_owner_beside_the_message(fixture: Fixture) -> None:
    pitch, token = await pitched(fixture)

    kept = await solve.leave_note(fixture.context, token, "  I met you\r\nat the fair \u202e<b>.\0 ")

    assert kept == "I met you at the fair <b>."
    assert (await fixture.store.known(fixture.mailbox_id, [pitch]))[pitch].note == kept
    assert (await solve.open_challenge(fixture.context, token)).note == kept
    await fixture.settle()
    assert "INBOX" not in fixture.gmail.labels_of(pitch), "a word lets nothing in"


async def test_a_line_too_long_or_behind_no_link_is_not_taken(fixture: Fixture) -> None:
    _, token = await pitched(fixture)

    with pytest.raises(Refused) as long:
        await solve.leave_note(fixture.context, token, "x" * (MAX_NOTE + 1))
    assert (long.value.code, long.value.field) == ("note_long", "line")
    with pytest.raises(NotFound):
        await solve.leave_note(fixture.context, "B" * 32, "hello")


@pytest.mark.parametrize(
    ("decision", "code"), [(Decision.RELEASE, "link_released"), (Decision.BLOCK, "link_voided")]
)
async def test_the_owners_yes_is_told_and_their_no_is_not(
    fixture: Fixture, decision: Decision, code: str
) -> None:
    pitch, token = await pitched(fixture)
    await fixture.store.decide(
        fixture.mailbox_id, Correction("k1", pitch, decision, Origin.PAGE).order, fixture.now()
    )
    await fixture.settle()

    with pytest.raises(Expired) as caught:
        await solve.open_challenge(fixture.context, token)
    assert caught.value.code == code


def noted(fixture: Fixture, column: str) -> Callable[[], object]:
    path = fixture.context.settings.state_dir / "store.sqlite3"

    def look() -> object:
        connection = sqlite3.connect(path)
        try:
            return connection.execute(f"SELECT {column} FROM challenges").fetchone()[0]
        finally:
            connection.close()

    return look


async def test_looking_is_no_beginning_and_asking_for_the_check_is_one(
    fixture: Fixture, checks: Checks
) -> None:
    _, token = await pitched(fixture)
    begun = noted(fixture, "started_at")

    await solve.open_challenge(fixture.context, token)
    await solve.begin_check(fixture.context, checks, token, noted=False)
    await solve.show_code(
        fixture.context, checks, token, await ticket_for(fixture, checks, token), spoken=False
    )
    assert begun() is None
    await solve.begin_check(fixture.context, checks, token, noted=True)
    first = begun()
    fixture.wait(minutes=1)
    await answer(fixture, checks, token, await ticket_for(fixture, checks, token), WRONG)
    assert begun() == first == int((fixture.now() - timedelta(minutes=1)).timestamp() * 1_000_000)


async def test_a_challenge_that_came_back_is_marked_and_the_report_stays_in_the_inbox(
    fixture: Fixture,
) -> None:
    await pitched(fixture)
    mailer = "mailer-daemon@googlemail.com"
    report = Message(
        headers=Headers((("Return-Path", "<>"), ("From", mailer), ("To", "ana@corp.test"))),
        from_=(Address(mailer),),
        to=(Address("ana@corp.test"),),
        subject="Delivery Status Notification (Failure)",
        message_id="<dsn@googlemail.com>",
        content_type="multipart/report",
        attachments=(Attachment("", "message/delivery-status"),),
        text="Address not found",
    )
    came_back = noted(fixture, "bounced_at")
    assert came_back() is None

    bounce = fixture.gmail.deliver(report, thread_id=fixture.gmail.sent[0].thread_id)
    await fixture.push()
    await fixture.settle()

    assert came_back() is not None
    assert "INBOX" in fixture.gmail.labels_of(bounce)
    assert len(fixture.gmail.sent) == 1
