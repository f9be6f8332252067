"""The preview walks the real table: the same rows as screening, in the order in which the mail came."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.machine_mail import MailForm, form_of
from backend.domain.mail.message import Address, Arrival, Headers, Message, Owner
from backend.domain.mail.sender import Authentication
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import Mode, Preferences
from backend.domain.mailbox.message import LabelIds, Outcome, PolicyRow
from backend.domain.policy.preview import CAUGHT_OUTCOMES, PreviewedMail, preview_verdicts
from backend.domain.policy.table import Facts, Standing, decide
from backend.domain.reading.score import Score, Thresholds
from tests.doubles import START

ANA = Owner("ana@corp.test", "Ana")
LIMITS = Thresholds(0.1, 0.5, 0.8, 0.3)
LIST = Headers((("List-Id", "<l.x.test>"), ("List-Post", "<mailto:l@x.test>")))


def mail(number: int = 0, probability: float = 0.97, **changes: object) -> PreviewedMail:
    plain = PreviewedMail(
        gmail_id=f"m{number}",
        thread_id=f"t{number}",
        sender="bo@pitch.test",
        sender_name="Bo",
        sender_domain="pitch.test",
        subject="More leads",
        received_at=START + timedelta(days=number),
        labels=frozenset({"INBOX"}),
        authenticated=True,
        form=MailForm.PERSON,
        guards=(),
        score=Score(probability, 0.0),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def rows(*messages: PreviewedMail, mode: Mode = Mode.CHALLENGE) -> list[PolicyRow]:
    return [one.row for one in preview_verdicts(messages, ANA, Preferences(mode=mode), LIMITS, LabelIds())]


def test_a_senders_emails_are_evidence_together_for_thirty_days() -> None:
    newest_first = (mail(32, 0.3), mail(20, 0.01), mail(0))
    assert rows(*newest_first) == [
        PolicyRow.BELOW_HOLD,
        PolicyRow.HELD_WITH_EARLIER,
        PolicyRow.CHALLENGE,
    ]
    assert rows(mail(30, 0.3), mail(0)) == [PolicyRow.BELOW_HOLD, PolicyRow.CHALLENGE]
    assert rows(mail(20, 0.01), mail(0), mode=Mode.OBSERVE) == [
        PolicyRow.HELD_WITH_EARLIER,
        PolicyRow.OBSERVE,
    ]


def test_two_doubtful_emails_are_held_together_only_with_a_surer_one_and_a_colleagues_counts_by_half() -> (
    None
):
    assert rows(mail(1, 0.49), mail(0, 0.49)) == [PolicyRow.BELOW_HOLD, PolicyRow.BELOW_HOLD]
    assert rows(mail(1, 0.45), mail(0, 0.6)) == [PolicyRow.HELD_WITH_EARLIER, PolicyRow.QUARANTINE]
    assert rows(mail(1, 0.35), mail(0, 0.6)) == [PolicyRow.BELOW_HOLD, PolicyRow.QUARANTINE]
    assert rows(mail(1, 0.01), mail(0, 0.9))[0] is PolicyRow.HELD_WITH_EARLIER
    colleague = mail(0, 0.9, sender="cy@pitch.test")
    assert rows(mail(1, 0.3), colleague)[0] is PolicyRow.HELD_WITH_EARLIER
    assert rows(mail(1, 0.01), colleague)[0] is PolicyRow.BELOW_HOLD
    free = {"sender_domain": "gmail.com"}
    assert rows(mail(1, 0.3, **free), mail(0, 0.9, sender="cy@gmail.com", **free))[0] is PolicyRow.BELOW_HOLD


def test_a_sender_is_answered_again_when_their_link_is_over_and_never_twice_in_one_thread() -> None:
    outcomes = preview_verdicts(
        (mail(0), mail(13), mail(14), mail(15), mail(40, thread_id="t0")),
        ANA,
        Preferences(mode=Mode.CHALLENGE),
        LIMITS,
        LabelIds(),
    )
    found, held = Outcome.CHALLENGE, Outcome.HOLD
    assert [one.outcome for one in outcomes] == [found, held, found, held, held]
    assert [one.guards for one in outcomes[1:]] == [
        ("open_challenge",),
        (),
        ("open_challenge",),
        ("thread_answered",),
    ]


def test_a_credit_is_spent_once() -> None:
    one_credit = Standing(credits=1)
    assert rows(mail(2, standing=one_credit), mail(1, standing=one_credit)) == [
        PolicyRow.CHALLENGE,
        PolicyRow.CREDIT,
    ]


def test_guards_and_authentication_keep_an_answer_back() -> None:
    assert rows(mail(guards=("machine_address",))) == [PolicyRow.QUARANTINE]
    assert rows(mail(authenticated=False)) == [PolicyRow.QUARANTINE]


def test_what_was_not_scored_stays_in_the_inbox() -> None:
    assert rows(mail(score=None, standing=Standing(rules=RuleMatch(RuleKind.BLOCK)))) == [PolicyRow.FAIL_OPEN]


def test_a_pause_does_not_count() -> None:
    paused = Preferences(mode=Mode.QUARANTINE, paused_until=START + timedelta(days=9))
    (verdict,) = preview_verdicts([mail()], ANA, paused, LIMITS, LabelIds())
    assert verdict.outcome in CAUGHT_OUTCOMES


kinds = st.sampled_from([None, RuleKind.ALLOW, RuleKind.BLOCK])


@given(
    probability=st.floats(0, 1),
    mode=st.sampled_from(Mode),
    authenticated=st.booleans(),
    rules=st.builds(RuleMatch, kinds, kinds),
    corresponded=st.booleans(),
    took_part=st.booleans(),
    credits=st.integers(0, 2),
    labels=st.sets(st.sampled_from(["INBOX", "CATEGORY_PROMOTIONS", "SPAM", "L-allow", "L-block"])),
    sender=st.sampled_from(["bo@pitch.test", "cy@corp.test", "mailer-daemon@x.test", ""]),
    headers=st.sampled_from([Headers(), LIST, Headers((("List-Id", "<l.x.test>"),))]),
)
def test_one_mail_gets_the_row_that_screening_would_give_it(
    probability: float,
    mode: Mode,
    authenticated: bool,
    rules: RuleMatch,
    corresponded: bool,
    took_part: bool,
    credits: int,
    labels: set[str],
    sender: str,
    headers: Headers,
) -> None:
    message = Message(headers=headers, from_=(Address(sender),), to=(Address("ana@corp.test"),))
    arrival = Arrival("m0", "t0", frozenset(labels), START, message)
    standing = Standing(rules=rules, corresponded=corresponded, took_part=took_part, credits=credits)
    ours, wishes = LabelIds(allow="L-allow", block="L-block"), Preferences(mode=mode)
    score = Score(probability, 0.0)
    facts = Facts(arrival, ANA, Authentication(authenticated), wishes, standing, ours)
    screened = decide(facts, score, LIMITS, (), START)

    kept = mail(
        probability=probability,
        sender=sender,
        labels=frozenset(labels),
        authenticated=authenticated,
        form=form_of(arrival, ANA),
        standing=standing,
        received_at=START,
    )
    (previewed,) = preview_verdicts([kept], ANA, wishes, LIMITS, ours)
    assert previewed == screened
    assert (previewed.outcome in CAUGHT_OUTCOMES) == (
        screened.outcome in (Outcome.MARK, Outcome.HOLD, Outcome.CHALLENGE)
    )
