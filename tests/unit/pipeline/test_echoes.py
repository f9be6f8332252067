"""Which pushes are taken for echoes of our own changes."""

from __future__ import annotations

from datetime import timedelta

from backend.pipeline import notices
from backend.pipeline.context import MOST, OwnChanges
from backend.transactions.records import PushFate
from tests.doubles import FixedClock
from tests.unit.pipeline.conftest import Fixture, letter
from tests.unit.pipeline.test_fetching import envelope

SECOND = timedelta(seconds=1)


def test_a_push_soon_after_a_change_of_ours_is_taken_for_its_echo() -> None:
    known, now = OwnChanges(), FixedClock().now()
    known.expect("ana@corp.test", now)
    assert known.heard("ana@corp.test", now + SECOND)
    assert not known.heard("ana@corp.test", now + 2 * SECOND)
    assert not known.heard("bea@corp.test", now)


def test_the_latest_change_counts() -> None:
    known, now = OwnChanges(), FixedClock().now()
    known.expect("ana@corp.test", now)
    known.expect("ana@corp.test", now + SECOND)
    assert known.heard("ana@corp.test", now + 2 * SECOND)


def test_it_remembers_so_many_mailboxes_and_forgets_the_longest_unchanged() -> None:
    known, now = OwnChanges(), FixedClock().now()
    for number in range(MOST):
        known.expect(f"{number}@corp.test", now)
    known.expect("0@corp.test", now)
    known.expect("one@more.test", now)
    heard = [known.heard(name, now) for name in ("0@corp.test", "1@corp.test", "one@more.test")]
    assert heard == [True, False, True]
    assert len(known._changed) == MOST


async def test_the_push_of_our_own_label_change_is_looked_after_once(fixture: Fixture) -> None:
    """Mail that is nobody's echo is listed at once."""
    window = timedelta(seconds=fixture.context.settings.push_settle)
    fixture.gmail.deliver(letter())
    first = envelope("ana@corp.test", str(fixture.gmail.position), "p1")
    assert await notices.fetched(fixture.context, first) is PushFate.NEW
    assert (await fixture.store.next_due(fixture.now())).first == fixture.now()
    await fixture.work_for(0.3)
    assert fixture.context.echoes.heard("ana@corp.test", fixture.now())
    echo = envelope("ana@corp.test", str(fixture.gmail.position), "p2")
    assert await notices.fetched(fixture.context, echo) is PushFate.NEW
    assert (await fixture.store.next_due(fixture.now())).first == fixture.now() + window
