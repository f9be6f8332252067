"""Geometry of the drawings on the insights page: counts into rectangles of an SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """An upright bar in units of the drawing. Of `height`, the upper `part` is shown apart. `y` is its top."""

    x: float
    y: float
    width: float
    height: float
    part: float


def upright(
    counts: Sequence[tuple[int, int]], width: float, height: float, gap: float = 0.35
) -> tuple[Bar, ...]:
    """One bar for each (count, part of it), the highest as high as the drawing. `gap` is the share of a bar's
    place that is left empty."""
    if not counts:
        return ()
    place, most = width / len(counts), max(1, *(count for count, _ in counts))
    return tuple(
        Bar(
            x=round(number * place + place * gap / 2, 2),
            y=round(height - height * count / most, 2),
            width=round(place * (1 - gap), 2),
            height=round(height * count / most, 2),
            part=round(height * part / most, 2),
        )
        for number, (count, part) in enumerate(counts)
    )


def funnel(counts: Sequence[int], width: float, height: float) -> tuple[str, ...]:
    """The corners of each step, one below the other: at its top as wide as its count, at its foot as the next one's,
    in shares of the first."""
    shares = [count / max(1, *counts) * width / 2 for count in counts]
    place = height / max(1, len(counts))
    return tuple(
        f"{width / 2 - half:.1f},{top:.1f} {width / 2 + half:.1f},{top:.1f}"
        f" {width / 2 + below:.1f},{foot:.1f} {width / 2 - below:.1f},{foot:.1f}"
        for number, (half, below) in enumerate(zip(shares, [*shares[1:], *shares[-1:]], strict=True))
        for top, foot in [(number * place, (number + 1) * place - 4)]
    )


def lengths(counts: Sequence[int], width: float) -> tuple[float, ...]:
    """Lengths of lying bars, the longest as long as the drawing."""
    most = max((1, *counts))
    return tuple(round(width * count / most, 2) for count in counts)
