"""A process that stores threads as fast as it can, until it is killed: `python learner.py PATH`."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from backend.store.opening import open_store
from tests.contract.store.stories import Story


async def main(path: str) -> None:
    """Print the id of each thread once it is stored; 100,000 of them at most."""
    store = open_store(path)
    await store.open()
    story = Story(store)
    await story.mailbox("ana")
    numbers = count(1)

    async def learn() -> None:
        while (number := next(numbers)) <= 100_000:
            await store.learn("ana", frozenset(), f"t{number}", story.now)
            print(f"t{number}", flush=True)

    await asyncio.gather(*(learn() for _ in range(16)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
