"""`pitchgate models`: add models, try a second one beside the one in use, promote it, and roll back."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.commands.store import with_store
from backend.domain.errors import NotFound, Refused
from backend.domain.watching.trial import (
    CONFIGURED_MODEL,
    COST,
    PROVEN_FROM,
    Act,
    Finding,
    ModelsInUse,
    Trial,
    trial,
)
from backend.settings_read import read_settings
from backend.system import SystemClock
from backend.terminal import TranslatedCommand, TranslatedGroup, cli_texts, echo, print_table
from backend.transactions.records import StoredModel

if TYPE_CHECKING:
    from backend.domain.mailbox.review import Share
    from backend.scoring.model_file import ModelFacts
    from backend.transactions.store import Store


# ---- `pitchgate models trial`


LEAST, MOST = 0.01, 2 * PROVEN_FROM
"""Bounds of the evidence on the diagram's logarithmic axis."""


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """The running trial and its result so far."""

    champion: str
    challenger: str
    since: datetime
    found: Trial

    def lines(self) -> Iterator[str]:
        found, evidence = self.found, self.found.path[-1]
        yield cli_texts()(
            "trial.head",
            champion=self.champion,
            challenger=self.challenger,
            day=cli_texts().day(self.since.date()),
        )
        yield cli_texts()(f"trial.{found.finding}", champion=self.champion, challenger=self.challenger)
        yield cli_texts()("trial.answers", asked=found.asked, answered=found.answered, silent=found.silent)
        if found.doubted:
            yield cli_texts()("trial.doubted", count=found.doubted)
        if found.acted:
            yield cli_texts()("trial.acted", count=found.acted)
        yield cli_texts()(
            "trial.evidence",
            better=cli_texts().number(_rounded(evidence.better)),
            worse=cli_texts().number(_rounded(evidence.worse)),
            enough=cli_texts().number(PROVEN_FROM),
            cost=cli_texts().number(COST),
        )
        counted = found.counted
        yield cli_texts()("trial.counted", messages=counted.messages)
        for version, alone, share in (
            (self.champion, counted.champion, found.champion),
            (self.challenger, counted.challenger, found.challenger),
        ):
            yield cli_texts()("trial.alone", version=version, count=alone)
            yield (
                cli_texts()("trial.f1", version=version, told=_interval(share))
                if share
                else cli_texts()("trial.no_f1")
            )

    def paths(self) -> tuple[str, str]:
        """SVG paths of the evidence that the challenger is better, and that it is worse, one unit per answer wide
        and one high."""
        path = self.found.path
        return _path([one.better for one in path]), _path([one.worse for one in path])

    def as_json(self) -> dict[str, Any]:
        found, models = self.found, {"champion": self.champion, "challenger": self.challenger}
        counts = ("asked", "answered", "silent", "doubted", "acted")
        return {
            **models,
            "since": self.since.isoformat(),
            "finding": found.finding,
            **{name: getattr(found, name) for name in counts},
            "cost": COST,
            "enough": PROVEN_FROM,
            "evidence": asdict(found.path[-1]),
            "counted": asdict(found.counted),
            "f1": {name: (share := getattr(found, name)) and asdict(share) for name in models},
        }


@click.command("trial", cls=TranslatedCommand)
@click.option("--json", "as_json", is_flag=True)
def trial_command(as_json: bool) -> None:
    """Show whether the model in trial is better than the one in use."""
    found = with_store(running_trial)
    if found is None:
        raise Refused("models.no_trial")
    click.echo(json.dumps(found.as_json()) if as_json else "\n".join(found.lines()))


async def running_trial(store: Store) -> RunningTrial | None:
    """The running trial; None if no model is in trial."""
    in_use = await store.models_in_use()
    if in_use.challenger is None or in_use.since is None:
        return None
    champion = in_use.champion
    if champion == CONFIGURED_MODEL:
        from backend.scoring.model_file import read_model  # imported late: help does not need it

        champion = read_model(read_settings().model_path)[1].version
    labels = await store.trial_labels(in_use.challenger, in_use.since)
    found = trial(*labels, champion, await store.trial_counts(in_use.challenger, in_use.since))
    return RunningTrial(champion, in_use.challenger, in_use.since, found)


def height(evidence: float) -> float:
    """The vertical position of the evidence on the diagram: 0 at the top, 1 at the bottom."""
    return 1 - log(min(max(evidence, LEAST), MOST) / LEAST) / log(MOST / LEAST)


def _path(evidence: list[float]) -> str:
    return "M" + "L".join(f"{x} {height(one):.4f}" for x, one in enumerate(evidence))


def _rounded(evidence: float) -> float:
    return round(evidence, 2) if evidence < PROVEN_FROM else round(evidence)


def _interval(share: Share) -> str:
    return cli_texts()(
        "trial.interval",
        **{name: cli_texts().number(round(value, 2)) for name, value in asdict(share).items()},
    )


# ---- `pitchgate models`
# What audits and runs a model is imported late: it takes seconds on a slow machine, and help does not need it.


COLUMNS = ("version", "state", "file", "digest", "added", "by")


@click.group("models", cls=TranslatedGroup)
def models_group() -> None:
    """Add models, run one in trial beside the one in use, promote it, and roll back."""


@models_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_command(as_json: bool) -> None:
    """List all models, and which of them are in use."""
    file, shipped = read_settings().model_path, _file()

    async def work(store: Store) -> list[tuple[str, ...]]:
        in_use = await store.models_in_use()
        rows: list[tuple[str, ...]] = [
            (shipped.version, _state(in_use, CONFIGURED_MODEL), file.name, shipped.digest, "", "")
        ]
        for one in await store.known_models():
            added = one.added_at.isoformat(timespec="minutes")
            rows.append((one.version, _state(in_use, one.version), one.name, one.digest, added, one.added_by))
        return rows

    found = with_store(work)
    if as_json:
        for row in found:
            click.echo(json.dumps(dict(zip(COLUMNS, row, strict=True))))
        return
    columns = ("version", "state", "file", "added", "by")  # the digest only with --json
    rows = (
        (version, cli_texts()(f"models.state_{state}") if state else "", name, added[:10], by)
        for version, state, name, _, added, by in found
    )
    print_table((cli_texts()(f"models.column_{name}") for name in columns), rows)


def _state(in_use: ModelsInUse, version: str) -> str:
    states = {in_use.before: "before", in_use.challenger: "challenger", in_use.champion: "champion"}
    return states.get(version, "")


@models_group.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add_command(file: Path) -> None:
    """Audit FILE and store a copy in the database, for all servers. It is not used yet."""
    from backend.scoring.model_file import admit, read_model
    from backend.scoring.session import ModelSession

    data, facts = read_model(file)
    admit(data, file)
    ModelSession(data, facts, file)
    shipped = _file()
    if shipped.version == facts.version and shipped.digest != facts.digest:
        raise Refused("models.version_taken", version=facts.version)
    model = StoredModel(facts.version, facts.digest, file.name, data)
    added = with_store(lambda store: store.add_model(model, _user(), SystemClock().now()))
    echo("models.added" if added else "models.known", version=facts.version)


@models_group.command("second-reading")
def second_reading_command() -> None:
    """Create, once, the encoder file of the second reading, which is applied where the first is in doubt."""
    try:
        from backend.scoring.encoder_file import encoder_file, found_weights
    except ImportError as error:
        raise Refused("second.no_extra") from error
    from backend.scoring.second_reading import Encoder, Judge
    from backend.settings import ENCODER_FILE

    path = read_settings().state_dir / ENCODER_FILE
    data = encoder_file(found_weights())
    encoder = Encoder(data, path)
    if encoder.digest != Judge.open().facts.encoder:
        raise Refused("second.other_encoder", path=path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)
    echo("models.second_reading", path=path, size=len(data), digest=encoder.digest[:12])


@models_group.command("shadow")
@click.argument("version")
def shadow_command(version: str) -> None:
    """Let VERSION score the same messages as the model in use, without effect. Owners are asked where the two
    differ."""
    _change(Act.SHADOW, version)


@models_group.command("stop")
def stop_command() -> None:
    """End the trial of the second model."""
    _change(Act.STOP, None)


models_group.add_command(trial_command)


@models_group.command("promote")
@click.argument("version")
@click.option("--force", is_flag=True)
def promote_command(version: str, force: bool) -> None:
    """Use VERSION from now on, on all servers, if its trial found it better. --force: even without, which is logged."""
    _change(Act.FORCE if force else Act.PROMOTE, version)


@models_group.command("rollback")
def rollback_command() -> None:
    """Go back to the model used before."""
    _change(Act.ROLLBACK, None)


def _change(act: Act, version: str | None) -> None:
    """Perform `act` on the model `version`; None: on the one in trial (stop) or the one used before (rollback)."""

    from backend.scoring.model_file import admit

    async def work(store: Store) -> str:
        in_use = await store.models_in_use()
        default = in_use.challenger if act is Act.STOP else in_use.before
        chosen = await _chosen(store, version) if version is not None else default
        if chosen is None:
            raise Refused("models.no_trial" if act is Act.STOP else "models.nothing_before")
        if chosen != CONFIGURED_MODEL and act is not Act.STOP:
            stored = await store.stored_model(chosen)
            admit(stored.file, Path(stored.name))  # audited again: another release may have added it
        if chosen == CONFIGURED_MODEL and act is Act.SHADOW:
            raise NotFound("not_found.model", version=version)
        if act is Act.PROMOTE and chosen != in_use.champion:
            running = await running_trial(store)
            if not running or running.challenger != chosen or running.found.finding is not Finding.BETTER:
                raise Refused("models.not_proven", version=version)
        await store.change_models(act, chosen, _user(), SystemClock().now())
        return chosen or _file().version

    echo(f"models.done_{act}", version=with_store(work))


async def _chosen(store: Store, version: str) -> str:
    known = {one.version for one in await store.known_models()}
    if version in known:
        return version
    if version == _file().version:
        return CONFIGURED_MODEL
    raise NotFound("not_found.model", version=version)


def _file() -> ModelFacts:
    """The model in the file that the settings name, as shipped."""
    from backend.scoring.model_file import read_model

    return read_model(read_settings().model_path)[1]


def _user() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"
