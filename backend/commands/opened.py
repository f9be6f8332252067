"""Open the store of the settings for one command, and close it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from backend.settings import Settings
from backend.store import SqlStore, open_store

T = TypeVar("T")


def with_store(work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """Run `work` with the open store; returns what it returns."""

    async def run() -> T:
        settings = Settings()
        store = open_store(settings.database_url or settings.sqlite_path)
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())
