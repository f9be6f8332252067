"""Open the store of the settings for one command, and close it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from backend.settings_read import read_settings

if TYPE_CHECKING:
    from backend.store import SqlStore

T = TypeVar("T")


def with_store(work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """Run `work` with the open store; returns what it returns."""
    from backend.store.opening import open_configured

    async def run() -> T:
        store = await open_configured(read_settings())
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())
