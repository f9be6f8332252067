"""What a sender's emails say together: a pitch's empty follow-ups go with it, ordinary mail takes the sum down."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.policy.evidence import (
    EVIDENCE_LASTS,
    MOST_EMAILS,
    MOST_EVIDENCE,
    EarlierEvidence,
    Evidence,
    combined_probability,
    evidence_of,
)
from tests.unit.domain.rules import THRESHOLDS

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BO, FIRM = "bo@pitch.test", "pitch.test"
probabilities = st.floats(0, 1)


def squash(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


@given(probabilities, probabilities)
def test_a_surer_email_never_says_less_and_none_more_than_the_surest(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert -MOST_EVIDENCE <= evidence_of(low) <= evidence_of(high) <= MOST_EVIDENCE


@given(probabilities, st.floats(-99, 99), st.floats(-99, 99))
def test_more_evidence_never_makes_a_pitch_less_likely(probability: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 < combined_probability(probability, low) <= combined_probability(probability, high) < 1


@given(st.floats(0.3, 0.95))
def test_the_first_email_says_what_its_score_does(probability: float) -> None:
    assert combined_probability(probability, 0.0) == pytest.approx(min(probability, squash(MOST_EVIDENCE)))


@given(st.floats(-1.25, 1.25), probabilities)
def test_earlier_emails_that_leave_doubt_count_once(earlier: float, probability: float) -> None:
    together = squash(earlier + evidence_of(probability))
    assert combined_probability(probability, earlier) == pytest.approx(together)


@given(st.floats(1.251, 99), probabilities)
def test_surer_ones_count_twice_and_no_more_than_the_surest(earlier: float, probability: float) -> None:
    for sum_of_earlier in (earlier, -earlier):
        bounded = min(max(sum_of_earlier, -MOST_EVIDENCE), MOST_EVIDENCE)
        together = squash(2 * bounded + evidence_of(probability))
        assert combined_probability(probability, sum_of_earlier) == pytest.approx(together)


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=9), st.floats(0, 0.5))
def test_emails_that_look_ordinary_one_by_one_never_look_like_a_pitch_together(
    earlier: list[float], probability: float
) -> None:
    assert combined_probability(probability, sum(map(evidence_of, earlier))) <= 0.5


def test_the_surest_email_of_a_colleague_is_never_counted_twice() -> None:
    evidence = Evidence()
    evidence.add("cy@pitch.test", FIRM, START, True, 1.0, True)
    together = squash(MOST_EVIDENCE / 2 + evidence_of(0.01))
    assert combined_probability(0.01, found(evidence, START).proved) == pytest.approx(together)


@pytest.mark.parametrize("broken", [float("nan"), -0.1, 1.01, float("inf")])
def test_what_is_no_probability_says_nothing(broken: float) -> None:
    assert math.isnan(combined_probability(broken, 4.0))


def found(evidence: Evidence, at: datetime, sender: str = BO, domain: str = FIRM) -> EarlierEvidence:
    return evidence.before(sender, domain, at)


def test_a_wrong_hold_keeps_little_more_of_a_frequent_correspondents_mail() -> None:
    for wrong in (0.6, 0.97, 0.99999):
        for place in (0, 1, 40):
            evidence, more = Evidence(), 0
            for number in range(91):
                at = START + timedelta(hours=number * 6)
                probability = wrong if number == place else 0.01
                sure = combined_probability(probability, found(evidence, at).proved) >= THRESHOLDS.hold
                more += number != place and sure
                evidence.add(BO, FIRM, at, True, probability, sure)
            assert more <= 2 if place < 40 else more == 0


def test_forged_mail_says_nothing_of_the_real_sender_and_gains_nothing_from_them() -> None:
    evidence = Evidence()
    evidence.add(BO, FIRM, START, False, 0.97, True)
    assert found(evidence, START) == EarlierEvidence(0.0, evidence_of(0.97), None)
    evidence.add(BO, FIRM, START, True, 0.001, False)
    assert found(evidence, START) == EarlierEvidence(evidence_of(0.001), evidence_of(0.97), None)


def test_the_latest_emails_of_thirty_days_count() -> None:
    evidence = Evidence()
    for _ in range(MOST_EMAILS + 5):
        evidence.add(BO, FIRM, START, True, 0.9, True)
    assert found(evidence, START).proved == pytest.approx(MOST_EMAILS * evidence_of(0.9))
    assert found(evidence, START + EVIDENCE_LASTS - timedelta(seconds=1)).held_score == 0.9
    assert found(evidence, START + EVIDENCE_LASTS) == EarlierEvidence()


def test_nobody_is_a_sender_of_mail_without_one() -> None:
    evidence = Evidence()
    evidence.add("", "", START, True, 0.97, True)
    assert evidence.before("", "", START) == EarlierEvidence()
