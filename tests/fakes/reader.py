"""A reader without processes: it calls the domain's functions directly, with a model made up by the test."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

from backend.domain.digest import Digest
from backend.domain.digesting import Challenger, correspondents, read_and_score, show
from backend.domain.mail.machine_mail import UnsubscribeOffer, unsubscribe_offer
from backend.domain.mail.message import Arrival, Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpenCause, ReadLimit
from backend.domain.reading.score import Score, ShownMessage, StrictnessCost, Thresholds
from backend.ports.gmail import Fetched
from backend.ports.system import ReadingFailed
from tests.fakes.reading_process import COSTS


class FakeReader:
    """Implements `backend.ports.system.Reader` for messages of `FakeGmail`. With `trouble` nothing can be
    read, with a `limit` only a part."""

    def __init__(self, score: Callable[[str], Score], thresholds: Callable[[Strictness], Thresholds]) -> None:
        self._score = score
        self._thresholds = thresholds
        self.trouble: FailOpenCause | None = None
        self.read_limit: ReadLimit | None = None
        self.second: Challenger | None = None

    async def screen(self, fetched: Fetched, owner: Owner) -> Digest:
        """Read and score a message."""
        limits = {strictness: self._thresholds(strictness) for strictness in Strictness}
        read = read_and_score(self._opened(fetched), owner, self._score, limits, self.second, self._briefly)
        return replace(read, read_limit=self.read_limit)

    async def show(self, fetched: Fetched, owner: Owner, score: Score) -> ShownMessage:
        """The message as its owner sees it."""
        model = self._score if score.model == self.model_version else None
        return show(self._opened(fetched).message, owner, score, model)

    async def correspondents(self, fetched: Fetched, owner: Owner) -> tuple[str, ...]:
        return correspondents(self._opened(fetched).message, owner)

    async def offer(self, fetched: Fetched) -> UnsubscribeOffer:
        return unsubscribe_offer(self._opened(fetched).message)

    def thresholds(self, strictness: Strictness) -> Thresholds:
        """The thresholds made up by the test."""
        return self._thresholds(strictness)

    def cost(self, strictness: Strictness) -> StrictnessCost:
        """Made up, and different for each."""
        return COSTS[strictness]

    @property
    def model_version(self) -> str:
        """There is no real model."""
        return "fake"

    def _briefly(self, text: str) -> Score:
        return replace(self._score(text), reasons=())

    def _opened(self, fetched: Fetched) -> Arrival:
        if self.trouble is not None:
            raise ReadingFailed(self.trouble)
        arrival: Arrival = pickle.loads(fetched.raw)
        return arrival
