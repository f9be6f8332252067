"""The word beside a score, and the shares that have it."""

from __future__ import annotations

from backend.domain.reading.score import LIKENESS, likeness, points, shares


def test_every_share_is_found_by_the_word_beside_its_score() -> None:
    for share in (thousandth / 1_000 for thousandth in range(1_001)):
        words = [name for name in LIKENESS if shares(name)[0] <= share < shares(name)[1]]
        assert words == [likeness(points(share))], share


def test_pitch_begins_at_80_and_maybe_at_40() -> None:
    assert [likeness(score) for score in (1, 39, 40, 79, 80, 99)] == [
        "unlikely", "unlikely", "maybe", "maybe", "pitch", "pitch",
    ]  # fmt: skip
