"""A decision that is made again from what was written down of it ends alike."""

from __future__ import annotations

import json

from hypothesis import given

from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Attachment, Message
from backend.domain.policy.table import Facts, decide
from backend.domain.reading.score import Score, Thresholds
from backend.domain.watching.audit import decided_again, grounds
from tests.unit.domain import rules as make


@given(make.all_facts, make.probabilities, make.guard_lists)
def test_the_table_decides_alike_from_what_was_written_down(
    facts: Facts, probability: float, guards: tuple[str, ...]
) -> None:
    score, thresholds = Score(probability, 0.0), Thresholds(0.2, 0.8, 0.9, 0.6)
    first = decide(facts, score, thresholds, guards, make.NOW)
    kept = grounds(facts, score, thresholds, guards, make.NOW)
    again = decided_again(json.loads(kept.setting), json.loads(kept.case), None)
    assert again is not None
    assert (again.row, again.outcome) == (first.row, first.outcome), (
        "a fact the table reads is not written down"
    )


def test_a_form_that_nobody_looked_at_yet_is_written_down_as_it_is() -> None:
    reply = Attachment("", "text/calendar", 0, "reply")
    facts = make.facts(message=Message(attachments=(reply,)))
    kept = grounds(facts, Score(0.1, 0.0), Thresholds(0.2, 0.8, 0.9, 0.6), (), make.NOW)
    assert json.loads(kept.case)["form"] == MailForm.CLAIMED
