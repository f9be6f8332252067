"""`pitchgate watch`: whether the mail of each mailbox has changed, and the weeks it is told from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from backend.commands.trial import UnderWay, height, under_way
from backend.commands.with_store import with_store
from backend.domain.reading.language import LANGUAGES, OTHER
from backend.domain.watching.drift import (
    ALARM,
    CHANNELS,
    REFERENCE,
    SCORES,
    UNKNOWN,
    Counted,
    Drift,
    State,
    monday_of,
    of,
)
from backend.domain.watching.trial import ENOUGH
from backend.system.clock import SystemClock
from backend.terminal import Worded, words

if TYPE_CHECKING:
    from backend.store import SqlStore

COLUMNS = ("mailbox", "state", "weeks", "change")
DRAWN = 30
"""Mailboxes whose weeks are drawn, those that changed first; the others are told in the table alone."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A mailbox and what the test said of it."""

    email: str
    drift: Drift

    @property
    def weeks(self) -> tuple[Counted, ...]:
        """Those of the model in use."""
        weeks = self.drift.weeks
        return tuple(week for week in weeks if week.model == weeks[-1].model)

    @property
    def sentence(self) -> str:
        """The change in a sentence, "" if there is none."""
        t, change = words("watch"), self.drift.change
        if change is None:
            return ""
        named = {"tongue": t.tongue(change.grown)} if change.cause == "language" else {}
        return t(
            f"cause_{change.cause}",
            day=t.day(monday_of(change.week)),
            before=t.percent(change.before),
            since=t.percent(change.since),
            **named,
        )


@click.command("watch", cls=Worded)
@click.option("--json", "as_json", is_flag=True)
@click.option("--html", type=click.Path(path_type=Path))
def watch_command(as_json: bool, html: Path | None) -> None:
    """Tell of each mailbox whether its mail has changed since its first weeks."""

    async def work(store: SqlStore) -> tuple[list[Watched], UnderWay | None]:
        mailboxes = await store.mailboxes()
        found = [Watched(mailbox.owner.email, await store.drift(mailbox.id)) for mailbox in mailboxes]
        return found, await under_way(store) if html is not None else None

    watched, trial = with_store(work)
    found = sorted(watched, key=lambda one: one.drift.change is None)
    if html is not None:
        html.write_text(page(found, SystemClock().now(), trial), encoding="utf-8")
    elif as_json:
        for one in found:
            click.echo(json.dumps(_as_json(one)))
    else:
        t = words("watch")
        table = Table(*(t(f"column_{name}") for name in COLUMNS))
        for one in found:
            table.add_row(one.email, t(f"state_{one.drift.state}"), str(len(one.weeks)), one.sentence)
        Console().print(table)


def page(found: Sequence[Watched], now: datetime, trial: UnderWay | None = None) -> str:
    """The page: it needs nothing but itself."""
    from jinja2 import Environment, FileSystemLoader

    here = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    states = Counter(one.drift.state for one in found)
    return here.get_template("watch.html").render(
        found=found,
        drawn=[(one, list(_drawings(one.weeks))) for one in found if one.weeks][:DRAWN],
        states=[(state, states[state]) for state in State],
        columns=COLUMNS,
        t=words("watch"),
        now=now,
        alarm=ALARM,
        reference=REFERENCE,
        monday_of=monday_of,
        trial=trial,
        enough=height(ENOUGH),
        start=height(1.0),
    )


def _as_json(one: Watched) -> dict[str, Any]:
    change = one.drift.change
    return {
        "email": one.email,
        "state": one.drift.state,
        "told": one.sentence,
        "change": change
        and asdict(change) | {"cause": change.cause, "began": monday_of(change.week).isoformat()},
        "weeks": [
            {"monday": monday_of(week.number).isoformat(), "model": week.model, "messages": week.messages}
            | {channel: of(channel, week.counts) for channel in CHANNELS}
            for week in one.drift.weeks
        ],
    }


def _drawings(weeks: Sequence[Counted]) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Every channel: its title, and its classes one on the other, each with label, colour, and the path of its share in
    every week, one unit a week wide and one high."""
    for channel in CHANNELS:
        counts = [of(channel, week.counts) for week in weeks]
        often = sum(map(Counter, counts), Counter[str]())
        names = sorted(often, key=lambda name: -often[name] if channel == "language" else int(name))
        paths = dict.fromkeys(names, "")
        for x, week in enumerate(counts):
            top, total = 1.0, sum(week.values())
            for name in names:
                if share := week.get(name, 0) / total:
                    top -= share
                    paths[name] += f"M{x} {top:.4f}h.9v{share:.4f}h-.9z"
        parts = [(*_looks(channel, name), path) for name, path in paths.items()]
        yield words("watch")(f"title_{channel}"), parts


def _looks(channel: str, name: str) -> tuple[str, str]:
    """Label and colour of a class: cold to warm where classes have an order, the hues of a circle, light and dark by
    turns, where they have none."""
    t = words("watch")
    if channel == "language":
        place = LANGUAGES.index(name) if name in LANGUAGES else -1
        colour = f"hsl({(210 + 137 * place) % 360} {45 if place >= 0 else 0}% {45 + 12 * (place % 2)}%)"
        return t("another_language") if name in ("", OTHER) else t.tongue(name), colour
    limits = list(map(t.percent, UNKNOWN)) if channel == "unknown" else list(map(t.number, SCORES))
    at = int(name)
    label = t("class_from", limit=limits[at - 1]) if at else t("class_under", limit=limits[0])
    return label, f"hsl({200 - 190 * at / len(limits):.0f} 50% 52%)"
