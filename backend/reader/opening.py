"""Opens the processes that read, as the settings want them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from backend.reader.frames import Limits
from backend.reader.pool import ReadingPool
from backend.settings import Settings

ENTRY = "backend.reader_process"
PATIENCE = 5
"""How many times its processor time a message may take by the clock, on a machine that is busy."""


def open_reader(settings: Settings) -> AbstractAsyncContextManager[ReadingPool]:
    """The processes that read, started. Raises `ModelFile`."""
    patience = settings.reader_seconds * PATIENCE
    limits = Limits(
        settings.reader_seconds, settings.reader_memory, patience, keep_counts=settings.replay_days > 0
    )
    return ReadingPool.open(
        ENTRY, settings.model_path, limits, settings.readers, wait=settings.lease_seconds / 3
    )
