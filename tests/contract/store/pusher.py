"""A process that acknowledges pushes as fast as it can, until it is killed: `python pusher.py PATH`."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from backend.store.opening import open_store
from backend.transactions.records import Notice
from tests.contract.store.stories import Story


async def main(path: str) -> None:
    """Print the id of each push once it is stored; 100,000 of them at most."""
    store = open_store(path)
    await store.open()
    story = Story(store)
    await story.mailbox("ana")
    numbers = count(1)

    async def push() -> None:
        while (number := next(numbers)) <= 100_000:
            notice = Notice(f"p{number}", "ana@corp.test", str(number))
            await store.note_push(notice, story.now, story.now)
            print(notice.push_id, flush=True)

    await asyncio.gather(*(push() for _ in range(16)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
