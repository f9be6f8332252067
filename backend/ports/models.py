"""The models that operators added, and which of them are at work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from backend.domain.watching.asking import Label
from backend.domain.watching.degrees import Scored
from backend.domain.watching.models import Act, AtWork, Done, KnownModel
from backend.domain.watching.trial import Counted


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model's bytes, not audited. `digest` is what its own must be, `name` what its file was called."""

    version: str
    digest: str
    name: str
    file: bytes = field(repr=False)


class ModelStore(Protocol):
    """Versions are as in `domain.watching.models`: `FILE` is the file of the settings."""

    async def models_at_work(self) -> AtWork:
        """What was said last; cheap."""

    async def known_models(self) -> tuple[KnownModel, ...]:
        """Those that were added, oldest first."""

    async def stored_model(self, version: str) -> StoredModel:
        """Raises `NotFound`."""

    async def add_model(self, model: StoredModel, by: str, now: datetime) -> bool:
        """Keep it; False if the same was added before. Raises `Refused` if another file has its version."""

    async def change_models(self, act: Act, version: str, by: str, now: datetime) -> AtWork:
        """Do it, write it down, and have every replica told. Raises `Refused` as `AtWork.after` does, `NotFound` for a
        version that was not added, and `Conflict` if another act came between."""

    async def model_acts(self) -> tuple[Done, ...]:
        """Everything that was done, oldest first."""

    async def answered(self, mailbox_id: str, model: str, now: datetime) -> tuple[Scored, ...]:
        """What was asked in the last year about all mail, scored by `model` and answered with yes or no, as it was
        answered. Messages that are forgotten by now are left out."""

    async def labels_of_model(
        self, kind: str, model: str, since: datetime | None = None
    ) -> tuple[Label, ...]:
        """Everything asked since then of every mailbox, in the order in which it was answered: about all mail that
        `model` decided (`QUALITY`), or in its trial (`TRIAL`)."""

    async def trial_counts(self, challenger: str, since: datetime) -> Counted:
        """How the models of a trial differ on the messages that are kept."""
