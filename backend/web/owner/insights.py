"""The insights page: what was held, how sure we are, what became of the challenges, drawn as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quart import Blueprint, Response

from backend.domain.mailbox.review import (
    LEAST_REVIEWED,
    SECONDS_A_PITCH,
    Figures,
    Week,
    minutes_saved,
    shown_weeks,
)
from backend.domain.watching.drift import monday_of
from backend.domain.watching.trial import narrow
from backend.pipeline.review import InsightService
from backend.web import browser_session as browser
from backend.web.browser_session import owner_page
from backend.web.guards import guarded, per_minute
from backend.web.services import services

# ---- Geometry of the drawings
# Pure.


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


# ---- The insights page


blueprint = Blueprint("insights", __name__)

WIDE, HIGH = 360.0, 130.0
"""The weeks' drawing, in its own units."""

ROOM = 16.0
"""Beside it, for the words under the first bar and the last, which are wider than a bar."""

LONG = 240.0
"""The longest lying bar."""

STEPS = ("sent", "begun", "solved")
"""Of the funnel, each a part of the one before."""

DEEP = 192.0


@blueprint.get("/insights")
@guarded(per_minute(60))
async def insights() -> Response:
    """Figures of the last weeks, drawn and in tables."""
    owner = await browser.signed_in()
    mailbox, figures = await service().look(owner.mailbox_id)
    change = (await service().drift(owner.mailbox_id)).change
    weeks = shown_weeks(figures.weeks)
    steps = [getattr(figures.funnel, step) for step in STEPS]
    return await owner_page(
        "insights.html",
        owner,
        mailbox,
        section="insights",
        here="insights",
        figures=figures,
        change=change,
        changed_on=monday_of(change.week) if change else None,
        today=figures.weeks[-1].monday,
        minutes=round(minutes_saved(figures)),
        seconds=SECONDS_A_PITCH,
        least=LEAST_REVIEWED,
        quality=await service().quality(owner.mailbox_id),
        offer=await service().better_degree(mailbox),
        narrow=narrow,
        weeks=weeks,
        bars=_weeks(weeks),
        wide=WIDE,
        room=ROOM,
        high=HIGH,
        long=LONG,
        senders=_lying(figures),
        deep=DEEP,
        funnel=list(zip(STEPS, steps, funnel(steps, LONG, DEEP), strict=True)),
    )


def service() -> InsightService:
    """Those of this app."""
    return services().insights


def _weeks(weeks: Sequence[Week]) -> list[tuple[Week, Bar]]:
    bars = upright([(week.held, week.let_in) for week in weeks], WIDE, HIGH)
    return list(zip(weeks, bars, strict=True))


def _lying(figures: Figures) -> list[tuple[str, int, float]]:
    long = lengths([sender.held for sender in figures.senders], LONG)
    return [
        (sender.sender, sender.held, length) for sender, length in zip(figures.senders, long, strict=True)
    ]
