"""`pitchgate models`: which models are at work, a second one beside the first, and going over to it and back.

What audits and runs a model is imported where it is used: it takes seconds on a slow machine, and help needs none.
"""

from __future__ import annotations

import getpass
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend.commands.trial import trial_command
from backend.commands.with_store import with_store
from backend.domain.errors import NotFound, Refused
from backend.domain.watching.trial import FILE, Act, AtWork
from backend.settings_read import read_settings
from backend.system.clock import SystemClock
from backend.terminal import WordedGroup, print_table, say, words
from backend.transactions.records import StoredModel

if TYPE_CHECKING:
    from backend.scoring.audit import ModelFacts
    from backend.transactions.store import Store

COLUMNS = ("version", "state", "file", "digest", "added", "by")


@click.group("models", cls=WordedGroup)
def models_group() -> None:
    """Add models, let one score beside the first, go over to it and back."""


@models_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_command(as_json: bool) -> None:
    """Show every model, and which of them is at work."""
    file, shipped = read_settings().model_path, _file()

    async def work(store: Store) -> list[tuple[str, ...]]:
        now = await store.models_at_work()
        found: list[tuple[str, ...]] = [
            (shipped.version, _state(now, FILE), file.name, shipped.digest, "", "")
        ]
        for one in await store.known_models():
            added = one.added_at.isoformat(timespec="minutes")
            found.append((one.version, _state(now, one.version), one.name, one.digest, added, one.added_by))
        return found

    found = with_store(work)
    if as_json:
        for row in found:
            click.echo(json.dumps(dict(zip(COLUMNS, row, strict=True))))
        return
    rows = (
        (version, words()(f"models.state_{state}") if state else "", name, digest[:12], added, by)
        for version, state, name, digest, added, by in found
    )
    print_table((words()(f"models.column_{name}") for name in COLUMNS), rows)


def _state(now: AtWork, version: str) -> str:
    states = {now.before: "before", now.challenger: "challenger", now.champion: "champion"}
    return states.get(version, "")


@models_group.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add_command(file: Path) -> None:
    """Audit FILE and keep a copy of it in the database, where every server finds it. Nothing is judged by it yet."""
    from backend.scoring.audit import admit, read_model
    from backend.scoring.session import ModelSession

    data, facts = read_model(file)
    admit(data, file)
    ModelSession(data, facts, file)
    shipped = _file()
    if shipped.version == facts.version and shipped.digest != facts.digest:
        raise Refused("models.version_taken", version=facts.version)
    model = StoredModel(facts.version, facts.digest, file.name, data)
    added = with_store(lambda store: store.add_model(model, _who(), SystemClock().now()))
    say("models.added" if added else "models.known", version=facts.version)


@models_group.command("shadow")
@click.argument("version")
def shadow_command(version: str) -> None:
    """Let VERSION score what the model in use scores. Nothing follows from it; owners are asked where they differ."""
    _change(Act.SHADOW, version)


@models_group.command("stop")
def stop_command() -> None:
    """End the trial: the second model scores no more."""
    _change(Act.STOP, None)


models_group.add_command(trial_command)


@models_group.command("promote")
@click.argument("version")
def promote_command(version: str) -> None:
    """Judge by VERSION from now on, on every server."""
    _change(Act.PROMOTE, version)


@models_group.command("rollback")
def rollback_command() -> None:
    """Judge by the model before this one again."""
    _change(Act.ROLLBACK, None)


def _change(act: Act, version: str | None) -> None:
    """About the model `version`; None: the one that the act is about."""

    from backend.scoring.audit import admit

    async def work(store: Store) -> str:
        now = await store.models_at_work()
        about = now.challenger if act is Act.STOP else now.before
        chosen = await _chosen(store, version) if version is not None else about
        if chosen is None:
            raise Refused("models.no_trial" if act is Act.STOP else "models.nothing_before")
        if chosen != FILE and act is not Act.STOP:
            stored = await store.stored_model(chosen)
            admit(
                stored.file, Path(stored.name)
            )  # this release may read otherwise than the one that added it
        if chosen == FILE and act is Act.SHADOW:
            raise NotFound("not_found.model", version=version)
        await store.change_models(act, chosen, _who(), SystemClock().now())
        return chosen or _file().version

    say(f"models.done_{act}", version=with_store(work))


async def _chosen(store: Store, version: str) -> str:
    known = {one.version for one in await store.known_models()}
    if version in known:
        return version
    if version == _file().version:
        return FILE
    raise NotFound("not_found.model", version=version)


def _file() -> ModelFacts:
    from backend.scoring.audit import read_model

    return read_model(read_settings().model_path)[1]


def _who() -> str:
    """The person at this terminal, as far as the system knows them."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
