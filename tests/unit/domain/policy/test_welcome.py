"""What an owner welcomes lets in, and does nothing else; with nothing welcome all is as it was."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from backend.domain.mailbox.message import Outcome, Row, Verdict
from backend.domain.policy.table import Facts, decide
from backend.domain.watching.audit import grounds
from tests.unit.domain import rules as make
from tests.unit.domain.rules import NOW, THRESHOLDS, score


def verdict_on(facts: Facts, probability: float, guards: tuple[str, ...]) -> Verdict:
    return decide(facts, score(probability), THRESHOLDS, guards, NOW)


@given(make.all_facts, make.probabilities, make.guard_lists)
def test_a_welcome_topic_lets_in_and_does_nothing_else(given_, probability, guards):
    wishes = replace(given_.preferences, welcome=frozenset())
    without = verdict_on(replace(given_, preferences=wishes), probability, guards)
    verdict = verdict_on(given_, probability, guards)
    if verdict.row is Row.WELCOME:
        assert given_.welcome
        assert without.outcome in (Outcome.HOLD, Outcome.CHALLENGE, Outcome.MARK) or without.spends_credit
        assert (verdict.outcome, verdict.guards) == (Outcome.INBOX, ())
    else:
        assert verdict == without


@given(make.all_facts, make.probabilities, make.guard_lists)
def test_without_a_welcome_topic_what_a_message_offers_changes_no_byte(given_, probability, guards):
    off = replace(given_, preferences=replace(given_.preferences, welcome=frozenset()))
    plain = replace(off, topics=frozenset())
    assert repr(verdict_on(off, probability, guards)) == repr(verdict_on(plain, probability, guards))
    kept = [grounds(one, score(probability), THRESHOLDS, guards, NOW) for one in (off, plain)]
    assert kept[0] == kept[1]
