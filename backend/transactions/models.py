"""Models that operators add, and the log of what they do with them: its last row says which are at work."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from backend.domain.errors import Conflict, NotFound, Refused
from backend.domain.watching.trial import FILE, Act, AtWork, Done, KnownModel
from backend.transactions.records import StoredModel
from backend.transactions.statement import Script, micros, micros_or_none, moment, moment_or_none, number, q


class ActRow(TypedDict):
    """Of `model_acts`."""

    number: int
    act: str
    version: str
    by_whom: str
    done_at: int
    champion: str
    champion_before: str | None
    challenger: str | None
    trial_since: int | None


class KnownModelRow(TypedDict):
    """Of `models`, without the file."""

    version: str
    digest: str
    name: str
    added_at: int
    added_by: str


class ModelRow(TypedDict):
    """Of `models`: a `StoredModel`."""

    version: str
    digest: str
    name: str
    file: bytes


def in_use() -> Script[AtWork]:
    """What was said last; cheap."""
    row: ActRow | None = yield q("models_at_work")
    return AtWork() if row is None else _state(row)


def known() -> Script[tuple[KnownModel, ...]]:
    """Those that were added, oldest first."""
    found: list[KnownModelRow] = yield q("known_models")
    return tuple(
        KnownModel(row["version"], row["digest"], row["name"], moment(row["added_at"]), row["added_by"])
        for row in found
    )


def stored(version: str) -> Script[StoredModel]:
    """Raises `NotFound`."""
    row: ModelRow | None = yield q("model", version=version)
    if row is None:
        raise NotFound("not_found.model", version=version)
    return StoredModel(**row)


def add(model: StoredModel, by: str, now: datetime) -> Script[bool]:
    """Keep it; False if the same was added before. Raises `Refused` if another file has its version."""
    kept = yield from number(
        "add_model",
        version=model.version,
        digest=model.digest,
        name=model.name,
        file=model.file,
        by=by,
        now=micros(now),
    )
    if kept:
        yield from change(Act.ADD, model.version, by, now)
        return True
    row: ModelRow | None = yield q("model", version=model.version)
    if row is None or row["digest"] != model.digest:
        raise Refused("models.version_taken", version=model.version)
    return False


def change(act: Act, version: str, by: str, now: datetime) -> Script[AtWork]:
    """Do it, write it down, and have every replica told. Raises `Refused` as `AtWork.after` does, `NotFound` for a
    version that was not added, and `Conflict` if another act came between.
    """
    if version != FILE:
        yield from stored(version)
    following = (yield from in_use()).after(act, version, now)
    done = yield from number(
        "note_model_act",
        number=following.number,
        act=act,
        version=version,
        by=by,
        now=micros(now),
        champion=following.champion,
        before=following.before,
        challenger=following.challenger,
        since=micros_or_none(following.since),
    )
    if not done:
        raise Conflict("conflict.models")
    return following


def acts() -> Script[tuple[Done, ...]]:
    """Everything that was done, oldest first."""
    found: list[ActRow] = yield q("model_acts")
    return tuple(
        Done(Act(row["act"]), row["version"], row["by_whom"], moment(row["done_at"]), _state(row))
        for row in found
    )


def _state(row: ActRow) -> AtWork:
    return AtWork(
        number=row["number"],
        champion=row["champion"],
        before=row["champion_before"],
        challenger=row["challenger"],
        since=moment_or_none(row["trial_since"]),
    )
