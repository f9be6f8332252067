"""How often anybody is answered, at the second it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.entry.challenge import Dealings
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.policy.guards import COUNTED, GUARDS, LIMITS, SENDER_PAUSE, next_link_at, reached
from tests.doubles import START

WISHES = Preferences()
NONE = Dealings()


@pytest.mark.parametrize(
    ("name", "dealings"),
    [
        ("open_challenge", replace(NONE, open_for_sender=True)),
        ("asked_recently", replace(NONE, sender_last_at=START - SENDER_PAUSE + timedelta(microseconds=1))),
        ("domain_limit", replace(NONE, domain_today=WISHES.domain_challenges)),
        ("mailbox_limit", replace(NONE, mailbox_today=WISHES.daily_challenges)),
        ("thread_answered", replace(NONE, thread_answered=True)),
    ],
)
def test_each_limit_stands_against_another_challenge(name: str, dealings: Dealings) -> None:
    assert reached(dealings, WISHES, START) == (name,)


def test_below_every_limit_a_challenge_may_be_sent() -> None:
    below = Dealings(
        sender_last_at=START - SENDER_PAUSE,
        domain_today=WISHES.domain_challenges - 1,
        mailbox_today=WISHES.daily_challenges - 1,
    )
    assert reached(below, WISHES, START) == ()


def test_every_limit_is_a_guard() -> None:
    assert LIMITS.keys() <= {guard.name for guard in GUARDS}


def test_the_next_link_comes_after_the_pause_or_the_full_day() -> None:
    paused = replace(NONE, sender_last_at=START)
    full = replace(NONE, mailbox_today=WISHES.daily_challenges)
    assert next_link_at(NONE, WISHES, START) == START
    assert next_link_at(paused, WISHES, START) == START + SENDER_PAUSE
    assert next_link_at(full, WISHES, START) == START + COUNTED
