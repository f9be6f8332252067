"""How likely is a text a pitch, and why?"""

from __future__ import annotations

from typing import Protocol

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Score, Thresholds


class Scorer(Protocol):
    """A model. Scoring is pure: the same text gives the same score as long as `model_version` stays."""

    async def score(self, text: str) -> Score:
        """Score a text made by `backend.domain.reading.wording.prepare`. Never waits on the network."""
        ...

    def thresholds(self, strictness: Strictness) -> Thresholds:
        """The probabilities at which the model in use was found to be right often enough."""
        ...

    @property
    def model_version(self) -> str:
        """Version of the model in use; it may change between two calls."""
        ...
