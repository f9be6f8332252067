"""The insights page: how much was held, how often that was right, and what happened to challenges, drawn as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quart import Blueprint, Response, request

from backend.domain.mailbox.review import LEAST_REVIEWED, Week, shown_weeks, usual_range
from backend.domain.watching.drift import monday_of
from backend.domain.watching.trial import is_narrow
from backend.pipeline.review import InsightService
from backend.web import browser_session as browser
from backend.web.browser_session import owner_page, page_texts
from backend.web.guards import guarded, per_minute
from backend.web.owner.review_show import notice_from
from backend.web.services import services

# ---- Geometry of the charts


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in the chart's units: its height `up` above the base line and `down` below it."""

    x: float
    width: float
    up: float
    down: float

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


def bars_up_and_down(
    counts: Sequence[tuple[int, int]], width: float, height: float, gap: float = 0.4
) -> tuple[Bar, ...]:
    """One bar for each (count above, count below). The scale is such that the longest bars above and below fill the
    chart. `gap` is the share of a bar's place that stays empty."""
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


def flow_polygons(
    counts: Sequence[int], width: float, height: float, gap: float = 0.36
) -> tuple[tuple[str, str], ...]:
    """Two SVG polygons for each step, side by side: a block as high as its share of the first step, and the slope from
    it to the next block."""
    place = width / max(1, len(counts))
    tops = [round(height - height * count / max(1, *counts), 1) for count in counts]
    drawn = []
    for number, top in enumerate(tops):
        left, right, following = number * place, (number + 1 - gap) * place, tops[number + 1 : number + 2]
        block = ((left, top), (right, top), (right, height), (left, height))
        slope = [(right, top), *(((number + 1) * place, y) for y in (*following, height)), (right, height)]
        drawn.append((_points(block), _points(slope) if following else ""))
    return tuple(drawn)


def _points(corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def bar_lengths(counts: Sequence[int], width: float) -> tuple[float, ...]:
    """Lengths of horizontal bars; the longest is as long as the chart is wide."""
    most = max((1, *counts))
    return tuple(round(width * count / most, 2) for count in counts)


# ---- The insights page


blueprint = Blueprint("insights", __name__)

CHART_WIDTH, CHART_HEIGHT = 440.0, 120.0
"""Size of the weeks' chart, in its own units."""

LABEL_ROOM = 16.0
"""Space on both sides of the chart, because the labels of the first and last bar are wider than a bar."""

LONGEST_BAR = 240.0
"""The longest horizontal bar."""

STEPS = ("held", "sent", "begun", "solved")
"""The steps from held to delivered; each counts a part of the one before."""

FLOW_WIDTH, FLOW_HEIGHT = 364.0, 100.0
"""Size of the steps' chart."""


@blueprint.get("/insights")
@guarded(per_minute(60))
async def show_insights() -> Response:
    """Figures of the last weeks, as charts and tables."""
    owner = await browser.signed_in()
    mailbox, figures = await service().look(owner.mailbox_id)
    review = page_texts("review")
    change = (await service().drift(owner.mailbox_id)).change
    silent = [one.sender for one in figures.senders if not (one.let_in or one.noted)]
    weeks, week = shown_weeks(figures.weeks), figures.weeks[-1]
    held = [sender.held for sender in figures.senders]
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
        offer=await service().better_strictness(mailbox),
        narrow=is_narrow,
        bars=(bars := _week_bars(weeks)),
        floor=max(bar.up for _, bar in bars),
        wide=CHART_WIDTH,
        room=LABEL_ROOM,
        high=CHART_HEIGHT,
        long=LONGEST_BAR,
        senders=list(zip(figures.senders, bar_lengths(held, LONGEST_BAR), strict=True)),
        unanswered=await service().unanswered(owner.mailbox_id, silent),
        review=review,
        notice=notice_from(request.args, review, mailbox.lost is not None),
        order=services().review.key(),
        broad=FLOW_WIDTH,
        deep=FLOW_HEIGHT,
        flow=list(zip(STEPS, steps, flow_polygons(steps, FLOW_WIDTH, FLOW_HEIGHT), strict=True)),
    )


def service() -> InsightService:
    return services().insights


def _week_bars(weeks: Sequence[Week]) -> list[tuple[Week, Bar]]:
    bars = bars_up_and_down(
        [(week.held - week.let_in, week.let_in) for week in weeks], CHART_WIDTH, CHART_HEIGHT
    )
    return list(zip(weeks, bars, strict=True))
