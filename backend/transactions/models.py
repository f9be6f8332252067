"""Models that operators add, and the log of what was done with them: its last row says which are in use."""

from __future__ import annotations

from datetime import datetime

from backend.domain.errors import Conflict, NotFound, Refused
from backend.domain.watching.trial import FILE, Act, KnownModel, ModelAct, ModelsInUse
from backend.transactions.records import StoredModel
from backend.transactions.row_reader import Reader
from backend.transactions.statement import Script, columns, each, maybe, micros, micros_or_none, number

_at_work = Reader(ModelsInUse, before="champion_before", since="trial_since")
_done = Reader(ModelAct, by="by_whom", at="done_at", at_work=_at_work)


def in_use() -> Script[ModelsInUse]:
    """The models in use; cheap to ask."""
    return (yield from maybe(_at_work, "models_at_work")) or ModelsInUse()


def known() -> Script[tuple[KnownModel, ...]]:
    """The added models, oldest first."""
    return each(KnownModel, "known_models")


def stored(version: str) -> Script[StoredModel]:
    """Raises `NotFound`."""
    found = yield from maybe(StoredModel, "model", version=version)
    if found is None:
        raise NotFound("not_found.model", version=version)
    return found


def add(model: StoredModel, by: str, now: datetime) -> Script[bool]:
    """Keep it; False if it was added before. Raises `Refused` if another file has its version."""
    if (yield from number("add_model", **columns(model), by=by, now=micros(now))):
        yield from change(Act.ADD, model.version, by, now)
        return True
    there = yield from maybe(StoredModel, "model", version=model.version)
    if there is None or there.digest != model.digest:
        raise Refused("models.version_taken", version=model.version)
    return False


def change(act: Act, version: str, by: str, now: datetime) -> Script[ModelsInUse]:
    """Do it, log it, and notify every replica. Raises `Refused` as `ModelsInUse.after` does, `NotFound` for a version
    that was not added, and `Conflict` if another change came first."""
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


def acts() -> Script[tuple[ModelAct, ...]]:
    """Everything that was done, oldest first."""
    return each(_done, "model_acts")
