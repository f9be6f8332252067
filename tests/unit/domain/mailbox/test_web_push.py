"""Which addresses a browser may name, whom its owner is told of, and when a failed try is made again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.domain.errors import Refused
from backend.domain.mailbox import owner_digest as rules
from tests.doubles import START

POINT, SECRET = "B" + "x" * 86, "c" * 22
GOOD = "https://updates.push.maker.test/wpush/v2/gAAAA"


def test_what_a_browser_hands_out_is_taken_with_or_without_padding() -> None:
    found = rules.subscription(GOOD, POINT + "=", SECRET + "==", "key")
    assert (found.endpoint, found.p256dh, found.auth, found.key) == (GOOD, POINT, SECRET, "key")


@pytest.mark.parametrize(
    ("endpoint", "point", "secret"),
    [
        ("http://push.maker.test/x", POINT, SECRET),
        ("https://127.0.0.1/x", POINT, SECRET),
        ("https://[::1]/x", POINT, SECRET),
        ("https://localhost/x", POINT, SECRET),
        ("https://push.maker.test:8443/x", POINT, SECRET),
        ("https://ana@push.maker.test/x", POINT, SECRET),
        ("https://push.maker.test/" + "x" * 1_000, POINT, SECRET),
        ("", POINT, SECRET),
        (GOOD, "A" + POINT[1:], SECRET),
        (GOOD, POINT[:-1], SECRET),
        (GOOD, "", SECRET),
        (GOOD, POINT, SECRET + "c"),
        (GOOD, POINT, ""),
        (GOOD, POINT, "ü" * 22),
    ],
)
def test_anything_else_is_refused(endpoint: str, point: str, secret: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.subscription(endpoint, point, secret, "key")
    assert refused.value.key == "malformed.web_push"


@pytest.mark.parametrize(
    ("failed", "named", "wait"),
    [
        (timedelta(0), None, timedelta(seconds=5)),
        (timedelta(seconds=40), None, timedelta(seconds=40)),
        (timedelta(hours=5), None, timedelta(minutes=15)),
        (timedelta(0), timedelta(minutes=2), timedelta(minutes=2)),
        (timedelta(0), timedelta(hours=9), timedelta(minutes=15)),
        (timedelta(minutes=1), timedelta(seconds=-9), timedelta(minutes=1)),
    ],
)
def test_a_failed_try_is_made_again_after_as_long_again(
    failed: timedelta, named: timedelta | None, wait: timedelta
) -> None:
    at = None if named is None else START + named
    assert rules.next_try(START - failed, START, at) == START + wait
