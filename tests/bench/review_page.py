"""What a page of the review list costs with ten thousand messages held against a hundred; the last against the first.

    python -m tests.bench.review_page [--many N] [--few N] [--rounds N]

Both mailboxes stand in one process, on the embedded store, and take turns, so that the machine's mood is the same for
all. "page" is GET /review through the whole application (session, query, template) without a socket; "query" is the
store's answer alone. The last page is the last full one, entered by its cursor. Times are milliseconds, medians over
the rounds; the ratios are medians of ratios within a round. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from backend.domain.mailbox.review import Position, ReviewFilter, Shelf
from backend.web.api.routes import packed_cursor
from backend.web.owner.review import PAGE
from tests.web.review_seed import fill
from tests.web.service import Office, office

ADDRESSES = count()
HELD = ReviewFilter((Shelf.HELD,))


@dataclass
class Site:
    """One mailbox, where its last page begins, and what was timed."""

    here: Office
    browser: Any
    last: Position
    pages: int
    times: dict[str, list[float]] = field(default_factory=dict)

    async def round(self) -> None:
        """Each thing once."""
        first, last = "/review", f"/review?cursor={packed_cursor(self.last)}"
        await self._timed("page first", lambda: self._page(first))
        await self._timed("page last", lambda: self._page(last))
        await self._timed("page search", lambda: self._page("/review?q=nobody+writes+this"))
        await self._timed("query first", lambda: self.here.store.review("ana", HELD, None, PAGE))
        await self._timed("query last", lambda: self.here.store.review("ana", HELD, self.last, PAGE))

    async def _page(self, path: str) -> None:
        # From another address each time: one gets a hundred and twenty pages a minute.
        client = (f"198.18.{next(ADDRESSES) // 250}.{next(ADDRESSES) % 250}", 1)
        answer = await self.browser.get(path, scope_base={"client": client})
        assert answer.status_code == 200, path
        await answer.get_data()

    async def _timed(self, name: str, call: Callable[[], Awaitable[Any]]) -> None:
        began = time.perf_counter()
        await call()
        self.times.setdefault(name, []).append(1_000 * (time.perf_counter() - began))


@asynccontextmanager
async def site(folder: Path, held: int) -> AsyncIterator[Site]:
    """A mailbox with `held` held messages."""
    async with office(folder) as here:
        fill(folder / "web.sqlite3", held, here.clock.now())
        last: Position = (2**62, "")
        pages = 0
        at: Position | None = last
        while at is not None:
            found = await here.store.review("ana", HELD, at, PAGE)
            if len(found.piles) == PAGE:
                last = at
            at, pages = found.position, pages + 1
        yield Site(here, await here.browser(), last, pages)


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the rounds' ratios."""
    return round(statistics.median(high / low for high, low in zip(above, below, strict=True)), 2)


async def measure(many: int, few: int, rounds: int) -> dict[str, Any]:
    """All rounds."""
    async with AsyncExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        large = await stack.enter_async_context(site(folders[0], many))
        small = await stack.enter_async_context(site(folders[1], few))
        for number in range(rounds + 1):
            for one in (large, small) if number % 2 else (small, large):
                await one.round()
            if not number:  # the first round warms up
                large.times.clear()
                small.times.clear()
        return {
            "held": {"many": many, "few": few},
            "pages": {"many": large.pages, "few": small.pages},
            "ms": {
                size: {name: round(statistics.median(times), 2) for name, times in one.times.items()}
                for size, one in (("many", large), ("few", small))
            },
            "many_over_few": {name: ratio(large.times[name], small.times[name]) for name in large.times},
            "last_over_first": {
                kind: ratio(large.times[f"{kind} last"], large.times[f"{kind} first"])
                for kind in ("page", "query")
            },
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found = asyncio.run(measure(options.many, options.few, options.rounds))
    for size in ("many", "few"):
        print(f"{found['held'][size]:>6} held: ", found["ms"][size])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
