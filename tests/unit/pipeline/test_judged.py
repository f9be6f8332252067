"""What was decided is counted, and how long it took."""

from __future__ import annotations

from backend.domain.mailbox.verdict import Outcome, Row
from backend.pipeline.judged import Spans
from tests.unit.pipeline.conftest import Fixture, letter


async def test_a_fresh_message_counts_with_its_lag(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter("sam@seller.test", "dear Ana, the minutes"))
    fixture.wait(seconds=3)
    await fixture.push()
    await fixture.settle()
    judged = fixture.context.judged
    assert judged.verdicts == {(Row.BELOW_HOLD, Outcome.INBOX, "fake"): 1}
    assert sum(judged.lag.counts) == sum(judged.reading.counts) == 1
    assert judged.lag.total >= 3


async def test_what_history_decides_is_counted_without_a_model(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(), labels=frozenset({"SPAM"}))
    await fixture.push()
    await fixture.settle()
    assert fixture.context.judged.verdicts == {(Row.NOT_INCOMING, Outcome.IGNORE, ""): 1}
    assert sum(fixture.context.judged.lag.counts) == 0


def test_buckets_count_up_to_all() -> None:
    spans = Spans((1.0, 5.0))
    for seconds in (-0.2, 1.0, 1.5, 60.0):
        spans.note(seconds)
    assert spans.buckets() == [("1.0", 2.0), ("5.0", 3.0), ("+Inf", 4.0)]
    assert spans.total == 62.5
