"""The insights page: what was held, how sure we are, what became of the challenges."""

from __future__ import annotations

from collections.abc import Sequence

from quart import Blueprint, Response

from backend.domain.mailbox.insights import (
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
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner import drawing
from backend.web.owner.page import owner_page
from backend.web.services import services

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
        funnel=list(zip(STEPS, steps, drawing.funnel(steps, LONG, DEEP), strict=True)),
    )


def service() -> InsightService:
    """Those of this app."""
    return services().insights


def _weeks(weeks: Sequence[Week]) -> list[tuple[Week, drawing.Bar]]:
    bars = drawing.upright([(week.held, week.let_in) for week in weeks], WIDE, HIGH)
    return list(zip(weeks, bars, strict=True))


def _lying(figures: Figures) -> list[tuple[str, int, float]]:
    long = drawing.lengths([sender.held for sender in figures.senders], LONG)
    return [
        (sender.sender, sender.held, length) for sender, length in zip(figures.senders, long, strict=True)
    ]
