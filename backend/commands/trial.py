"""`pitchgate models trial`: what the trial under way says, in words, as JSON, and drawn for the operator's page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from math import log
from typing import TYPE_CHECKING, Any

import click

from backend.commands.with_store import with_store
from backend.domain.errors import Refused
from backend.domain.watching.trial import COST, ENOUGH, FILE, QUALITY, TRIAL, Trial, trial
from backend.settings_read import read_settings
from backend.terminal import Worded, words

if TYPE_CHECKING:
    from backend.domain.mailbox.insights import Share
    from backend.transactions.store import Store

LEAST, MOST = 0.01, 2 * ENOUGH
"""What is drawn of the evidence; it is drawn by its logarithm."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The trial under way, and what it says."""

    champion: str
    challenger: str
    since: datetime
    found: Trial

    def lines(self) -> Iterator[str]:
        """It in words."""
        found, evidence = self.found, self.found.path[-1]
        yield words()(
            "trial.head",
            champion=self.champion,
            challenger=self.challenger,
            day=words().day(self.since.date()),
        )
        yield words()(f"trial.{found.finding}", champion=self.champion, challenger=self.challenger)
        yield words()("trial.answers", asked=found.asked, answered=found.answered)
        yield words()(
            "trial.evidence",
            better=words().number(_rounded(evidence.better)),
            worse=words().number(_rounded(evidence.worse)),
            enough=words().number(ENOUGH),
            cost=words().number(COST),
        )
        counted = found.counted
        yield words()("trial.counted", messages=counted.messages)
        for version, alone, share in (
            (self.champion, counted.champion, found.champion),
            (self.challenger, counted.challenger, found.challenger),
        ):
            yield words()("trial.alone", version=version, count=alone)
            yield words()("trial.f1", version=version, told=_told(share)) if share else words()("trial.no_f1")

    def paths(self) -> tuple[str, str]:
        """The evidence that the challenger is better, and worse, after each answer: one unit wide each, one high."""
        path = self.found.path
        return _path([one.better for one in path]), _path([one.worse for one in path])

    def as_json(self) -> dict[str, Any]:
        """It for programs."""
        found, evidence = self.found, self.found.path[-1]
        return {
            "champion": self.champion,
            "challenger": self.challenger,
            "since": self.since.isoformat(),
            "finding": found.finding,
            "asked": found.asked,
            "answered": found.answered,
            "cost": COST,
            "enough": ENOUGH,
            "evidence": asdict(evidence),
            "counted": asdict(found.counted),
            "f1": {
                "champion": found.champion and asdict(found.champion),
                "challenger": found.challenger and asdict(found.challenger),
            },
        }


@click.command("trial", cls=Worded)
@click.option("--json", "as_json", is_flag=True)
def trial_command(as_json: bool) -> None:
    """Tell whether the model in trial is better than the one in use."""
    found = with_store(under_way)
    if found is None:
        raise Refused("models.no_trial")
    click.echo(json.dumps(found.as_json()) if as_json else "\n".join(found.lines()))


async def under_way(store: Store) -> UnderWay | None:
    """None while no model is in trial."""
    at_work = await store.models_at_work()
    if at_work.challenger is None or at_work.since is None:
        return None
    champion = at_work.champion
    if champion == FILE:
        from backend.scoring.audit import read_model  # here: help needs no NumPy

        champion = read_model(read_settings().model_path)[1].version
    found = trial(
        await store.labels_of_model(TRIAL, at_work.challenger, at_work.since),
        await store.trial_counts(at_work.challenger, at_work.since),
        await store.labels_of_model(QUALITY, champion),
    )
    return UnderWay(champion, at_work.challenger, at_work.since, found)


def height(wealth: float) -> float:
    """Where an evidence is drawn: 0 at the top, 1 at the bottom."""
    return 1 - log(min(max(wealth, LEAST), MOST) / LEAST) / log(MOST / LEAST)


def _path(wealths: list[float]) -> str:
    return "M" + "L".join(f"{x} {height(wealth):.4f}" for x, wealth in enumerate(wealths))


def _rounded(wealth: float) -> float:
    return round(wealth, 2) if wealth < ENOUGH else round(wealth)


def _told(share: Share) -> str:
    return words()(
        "trial.interval", **{name: words().number(round(value, 2)) for name, value in asdict(share).items()}
    )
