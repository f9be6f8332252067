"""What a costly pattern is passed over for: no match of it is without one of its signs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.mail import machine_mail
from backend.domain.mail.message import may_match
from backend.domain.reading import model_text, words

CASES = {
    "a challenge's words": (machine_mail._BODY, machine_mail._BODY_WORDS),
    "what an order is for": (machine_mail._AIM, machine_mail._AIM_WORDS),
    "a way off a list": (model_text._UNSUBSCRIBE, model_text._UNSUBSCRIBE_HINTS),
    "a field left unfilled": (model_text._MERGE, model_text._MERGE_HINTS),
    "an amount": (words._MONEY, words._MONEY_SIGNS),
}


@pytest.mark.parametrize("case", CASES)
def test_no_match_is_without_a_sign(case: str) -> None:
    pattern, signs = CASES[case]
    # The generator does not know repeats that give nothing back; without them the pattern matches as much and more.
    source = re.sub(r"(?<=[}?*+])\+", "", pattern.pattern)

    # Matches alone, and mostly in ASCII: beyond it everything may match.
    @settings(max_examples=300)
    @given(st.from_regex(re.compile(source, re.I | re.ASCII), fullmatch=True))
    def no_match_without(text: str) -> None:
        assert may_match(text, signs)

    no_match_without()


@pytest.mark.parametrize(
    ("text", "signs", "may"),
    [
        ("Prüfung", ("verif",), True),
        ("Verify", ("verif",), True),
        ("hello", ("verif",), False),
        ("", ("verif",), False),
    ],
)
def test_only_text_in_ascii_is_passed_over(text: str, signs: Sequence[str], may: bool) -> None:
    assert may_match(text, signs) is may
