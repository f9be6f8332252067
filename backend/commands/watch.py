"""`pitchgate watch`: whether the mail of each mailbox has changed, and the weeks it is told from."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.commands.trial import height, under_way
from backend.commands.with_store import stored
from backend.domain.reading import words as reading_words
from backend.domain.watching import drift
from backend.domain.watching.drift import Drift, monday_of
from backend.domain.watching.trial import ENOUGH
from backend.system.clock import SystemClock
from backend.terminal import Worded, print_table, say, words

if TYPE_CHECKING:
    from backend.transactions.store import Store

COLUMNS = ("mailbox", "state", "weeks", "change")


@dataclass(frozen=True, slots=True)
class Watched:
    """A mailbox and what the test said of it."""

    email: str
    drift: Drift

    @property
    def sentence(self) -> str:
        """The change in a sentence, "" if there is none."""
        t, change = words("watch"), self.drift.change
        if change is None:
            return ""
        told = {"day": t.day(monday_of(change.week)), "tongue": t.tongue(change.grown)}
        told |= {"before": t.percent(change.before), "since": t.percent(change.since)}
        return t(f"cause_{change.cause}", **told)

    def stacked(self, channel: str) -> dict[str, list[tuple[float, float]]]:
        """The classes of a channel, one on the other: from 0 to 1 where each begins and how high it is, by week."""
        weeks = [drift.of(channel, week.counts) for week in self.drift.weeks]
        often = sum(map(Counter, weeks), Counter[str]())
        names = sorted(often, key=lambda name: -often[name] if channel == "language" else int(name))
        shares = [{name: week.get(name, 0) / sum(week.values()) for name in names} for week in weeks]
        return {
            name: [(1 - sum(week[above] for above in names[:place]), week[name]) for week in shares]
            for place, name in enumerate(names, 1)
        }

    def as_json(self) -> dict[str, Any]:
        """It for programs."""
        change, weeks = self.drift.change, self.drift.weeks
        began = change and asdict(change) | {"cause": change.cause, "began": str(monday_of(change.week))}
        told = [{"monday": str(monday_of(one.number)), "model": one.model, **one.counts} for one in weeks]
        state = {"email": self.email, "state": self.drift.state, "told": self.sentence}
        return {**state, "change": began, "weeks": told}


@click.command("watch", cls=Worded)
@click.option("--json", "as_json", is_flag=True)
@click.option("--html", type=click.Path(path_type=Path))
@stored
async def watch_command(store: Store, as_json: bool, html: Path | None) -> None:
    """Tell of each mailbox whether its mail has changed since its first weeks."""
    mailboxes = await store.mailboxes()
    watched = [Watched(mailbox.owner.email, await store.drift(mailbox.id)) for mailbox in mailboxes]
    found = sorted(watched, key=lambda one: one.drift.change is None)
    if html is not None:
        from jinja2 import Environment, FileSystemLoader  # here: help needs no templates

        here = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
        shown = {"found": found, "columns": COLUMNS, "drift": drift, "language": reading_words}
        trial = {"trial": await under_way(store), "height": height, "enough": ENOUGH}
        page = here.get_template("watch.html")
        text = page.render(t=words("watch"), now=SystemClock().now(), **shown, **trial)
        await asyncio.to_thread(html.write_text, text, "utf-8")
        say("watch.written", file=html)
    elif as_json:
        for one in found:
            click.echo(json.dumps(one.as_json()))
    else:
        t = words("watch")
        rows = (
            (one.email, t(f"state_{one.drift.state}"), len(one.drift.weeks), one.sentence) for one in found
        )
        print_table((t(f"column_{name}") for name in COLUMNS), rows)
