"""The scorer the pipeline uses: two threads, one message a run, and a model that can be changed while serving."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Score, Thresholds
from backend.scoring.session import ModelSession

THREADS = 2


class OnnxScorer:
    """Implements `backend.ports.scorer.Scorer`.

    A request scores with the session that was current when it began, so `switch` drops nothing: the old
    session lives until its last request is done.
    """

    def __init__(self, session: ModelSession) -> None:
        self._session = session
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="scorer")
        self._switching = asyncio.Lock()

    @classmethod
    def open(cls, path: Path) -> OnnxScorer:
        """Audit, load and warm the model at `path` (blocking, some 50 ms). Raises `ModelRefused`."""
        return cls(ModelSession.open(path))

    async def score(self, text: str) -> Score:
        """Score a prepared text without stalling the event loop."""
        session = self._session
        return await asyncio.get_running_loop().run_in_executor(self._threads, session.score, text)

    async def switch(self, path: Path) -> str:
        """Serve from another file from now on; its version. On `ModelRefused` the old model stays."""
        async with self._switching:
            loop = asyncio.get_running_loop()
            self._session = await loop.run_in_executor(None, ModelSession.open, path)
            return self._session.facts.version

    def thresholds(self, strictness: Strictness) -> Thresholds:
        """Thresholds of the model in use."""
        return self._session.thresholds(strictness)

    @property
    def model_version(self) -> str:
        """Version of the model in use."""
        return self._session.facts.version

    def close(self) -> None:
        """Let running scores finish and stop the threads. May run again."""
        self._threads.shutdown(wait=True)
