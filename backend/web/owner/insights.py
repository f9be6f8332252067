"""The insights page: what was held, how sure we are, what became of the challenges, drawn as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quart import Blueprint, Response, request

from backend.domain.mailbox.review import (
    LEAST_REVIEWED,
    Figures,
    SenderCount,
    Week,
    shown_weeks,
    usual_range,
)
from backend.domain.watching.drift import monday_of
from backend.domain.watching.trial import is_narrow
from backend.pipeline.review import InsightService
from backend.web import browser_session as browser
from backend.web.browser_session import owner_page, words
from backend.web.guards import guarded, per_minute
from backend.web.owner.review_show import notice
from backend.web.services import services

# ---- Geometry of the drawings
# Pure.


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in units of the drawing: `up` above its floor, `down` below it."""

    x: float
    width: float
    up: float
    down: float

    @property
    def middle(self) -> float:
        """Where its words stand."""
        return round(self.x + self.width / 2, 2)


def both_ways(
    counts: Sequence[tuple[int, int]], width: float, height: float, gap: float = 0.4
) -> tuple[Bar, ...]:
    """One bar for each (count above, count below), in one scale: the longest two fill the drawing. `gap` is the share
    of a bar's place that is left empty."""
    if not counts:
        return ()
    place = width / len(counts)
    unit = height / max(1, max(up for up, _ in counts) + max(down for _, down in counts))
    return tuple(
        Bar(
            x=round(number * place + place * gap / 2, 2),
            width=round(place * (1 - gap), 2),
            up=round(up * unit, 2),
            down=round(down * unit, 2),
        )
        for number, (up, down) in enumerate(counts)
    )


def flow(counts: Sequence[int], width: float, height: float, gap: float = 0.36) -> tuple[str, ...]:
    """The corners of each step, side by side on one floor: a block as high as its share of the first, then the slope
    to the next one."""
    place = width / max(1, len(counts))
    tops = [round(height - height * count / max(1, *counts), 1) for count in counts]
    return tuple(
        " ".join(
            f"{x:.1f},{y:.1f}"
            for x, y in (
                (at, top),
                (at + place * (1 - gap), top),
                (at + place * (1 if number + 1 < len(counts) else 1 - gap), following),
                (at + place * (1 if number + 1 < len(counts) else 1 - gap), height),
                (at, height),
            )
        )
        for number, (top, following) in enumerate(zip(tops, [*tops[1:], *tops[-1:]], strict=True))
        for at in [number * place]
    )


def lengths(counts: Sequence[int], width: float) -> tuple[float, ...]:
    """Lengths of lying bars, the longest as long as the drawing."""
    most = max((1, *counts))
    return tuple(round(width * count / most, 2) for count in counts)


# ---- The insights page


blueprint = Blueprint("insights", __name__)

WIDE, HIGH = 440.0, 120.0
"""The weeks' drawing, in its own units."""

ROOM = 16.0
"""Beside it, for the words under the first bar and the last, which are wider than a bar."""

LONG = 240.0
"""The longest lying bar."""

STEPS = ("held", "sent", "begun", "solved")
"""From held to delivered, each a part of the one before."""

BROAD, DEEP = 364.0, 100.0
"""Their drawing."""


@blueprint.get("/insights")
@guarded(per_minute(60))
async def insights() -> Response:
    """Figures of the last weeks, drawn and in tables."""
    owner = await browser.signed_in()
    mailbox, figures = await service().look(owner.mailbox_id)
    review = words("review")
    change = (await service().drift(owner.mailbox_id)).change
    silent = [one.sender for one in figures.senders if not (one.let_in or one.noted)]
    weeks, week = shown_weeks(figures.weeks), figures.weeks[-1]
    steps = [figures.held, *(getattr(figures.funnel, step) for step in STEPS[1:])]
    return await owner_page(
        "insights.html",
        owner,
        mailbox,
        section="insights",
        here="insights",
        figures=figures,
        latest=week if week.held else Week(weeks[0].monday, figures.held, figures.let_in),
        this_week=bool(week.held),
        usual=usual_range(weeks),
        change=change,
        changed_on=monday_of(change.week) if change else None,
        today=week.monday,
        least=LEAST_REVIEWED,
        quality=await service().quality(owner.mailbox_id),
        offer=await service().better_degree(mailbox),
        narrow=is_narrow,
        bars=(bars := _weeks(weeks)),
        floor=max(bar.up for _, bar in bars),
        wide=WIDE,
        room=ROOM,
        high=HIGH,
        long=LONG,
        senders=_lying(figures),
        unanswered=await service().unanswered(owner.mailbox_id, silent),
        review=review,
        notice=notice(request.args, review, mailbox.lost is not None),
        order=services().review.key(),
        broad=BROAD,
        deep=DEEP,
        flow=list(zip(STEPS, steps, flow(steps, BROAD, DEEP), strict=True)),
    )


def service() -> InsightService:
    """Those of this app."""
    return services().insights


def _weeks(weeks: Sequence[Week]) -> list[tuple[Week, Bar]]:
    bars = both_ways([(week.held - week.let_in, week.let_in) for week in weeks], WIDE, HIGH)
    return list(zip(weeks, bars, strict=True))


def _lying(figures: Figures) -> list[tuple[SenderCount, float]]:
    long = lengths([sender.held for sender in figures.senders], LONG)
    return list(zip(figures.senders, long, strict=True))
