"""The models that operators added, and which of them are at work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from backend.domain.watching.models import Act, AtWork, Done, KnownModel


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
