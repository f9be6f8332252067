"""How often a mailbox that nobody tells us of is asked, and the state it is in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import (
    Condition,
    Link,
    Mailbox,
    Missing,
    Notices,
    Preferences,
    explain,
    look_after,
)
from backend.domain.mailbox.message import LabelIds

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
OFTEN, SELDOM = timedelta(seconds=20), timedelta(seconds=120)
LABELS = LabelIds("1", "2", "3", "4")


def wait(quiet: timedelta, chance: float = 0.5) -> float:
    return look_after(OFTEN, SELDOM, NOW - quiet, NOW, chance).total_seconds()


def polled(**changes: object) -> Mailbox:
    mailbox = Mailbox(
        id="box",
        sub="sub",
        owner=Owner("ana@corp.test", "Ana", frozenset()),
        link=Link.CONNECTED,
        preferences=Preferences(),
        scopes=frozenset(),
        created_at=NOW,
        notices=Notices.POLL,
    )
    return replace(mailbox, **changes)  # type: ignore[arg-type]


def test_twenty_seconds_while_something_happens() -> None:
    assert wait(timedelta(0)) == 20
    assert wait(timedelta(hours=1, minutes=59)) == 20


def test_twice_as_long_for_every_two_quiet_hours_up_to_a_bound() -> None:
    assert wait(timedelta(hours=2)) == 40
    assert wait(timedelta(hours=4)) == 80
    assert wait(timedelta(hours=6)) == 120
    assert wait(timedelta(days=400)) == 120


def test_a_mailbox_in_which_nothing_ever_happened_is_a_new_one() -> None:
    assert look_after(OFTEN, SELDOM, None, NOW, 0.5) == OFTEN


def test_an_interval_longer_than_the_quiet_one_stands() -> None:
    assert look_after(timedelta(hours=1), SELDOM, NOW - timedelta(days=1), NOW, 0.5) == timedelta(hours=1)


def test_mailboxes_do_not_ask_together() -> None:
    assert wait(timedelta(0), 0.0) == 19
    assert wait(timedelta(0), 1.0) == 21


def test_a_polled_mailbox_needs_labels_and_a_cursor_and_never_lapses() -> None:
    assert polled().condition(NOW) is Condition.CONNECTING
    assert polled(labels=LABELS).condition(NOW) is Condition.CONNECTING
    begun = polled(labels=LABELS, cursor="7")
    assert begun.condition(NOW) is Condition.INDEXING
    assert replace(begun, indexed_at=NOW).condition(NOW + timedelta(days=99)) is Condition.OBSERVING


def test_its_state_says_how_mail_is_noticed() -> None:
    assert explain(polled(), NOW).polled
    assert not explain(polled(notices=Notices.PULL), NOW).polled


def test_what_is_missing_is_told_in_every_state() -> None:
    for missing in Missing:
        assert explain(polled(notices=Notices.PULL, missing=missing), NOW).missing is missing
