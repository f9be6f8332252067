"""Ids and secrets."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

from backend.system import SystemClock, SystemTokens


def test_ids_never_repeat_and_sort_by_the_time_they_were_made() -> None:
    tokens = SystemTokens()
    made = [tokens.identifier() for _ in range(2_000)]
    assert len(set(made)) == 2_000
    assert all(re.fullmatch(r"[0-9a-z]{26}", one) for one in made)
    by_time = [one[:10] for one in made]
    assert by_time == sorted(by_time)


def test_a_secret_has_the_bytes_asked_for() -> None:
    secret = SystemTokens().token(32)
    assert len(base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))) == 32
    assert re.fullmatch(r"[A-Za-z0-9_-]+", secret)


def test_now_is_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is not None
    assert now.utcoffset() is not None
    assert now.utcoffset() == timedelta(0)
