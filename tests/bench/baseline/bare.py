"""The least a Quart route can do with a push: read its JSON and answer 204. What ours is held against.

python -m tests.bench.baseline.bare HOST:PORT [FILE]

With FILE it also keeps each push there, in a commit of its own, before it answers: the least that a push costs which
comes alone and must not be lost.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, request

from backend.starting import quick_loop

app = Quart(__name__)
keeper: sqlite3.Connection | None = None
thread = ThreadPoolExecutor(1)


@app.post("/hooks/gmail")
async def push() -> Response:
    """Nothing is checked."""
    fields = await request.get_json()
    if keeper is not None:
        await asyncio.get_running_loop().run_in_executor(thread, keep, fields["message"]["messageId"])
    return Response(b"", 204)


def keep(push_id: str) -> None:
    """Durably."""
    assert keeper is not None
    keeper.execute("INSERT INTO pushes VALUES (?)", (push_id,))


@app.get("/readyz")
async def ready() -> Response:
    """It serves."""
    return Response(b"ok")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        keeper = sqlite3.connect(sys.argv[2], isolation_level=None, check_same_thread=False)
        keeper.execute("PRAGMA journal_mode = WAL")
        keeper.execute("PRAGMA synchronous = FULL")
        keeper.execute("CREATE TABLE pushes (id TEXT PRIMARY KEY)")
    config = Config()
    config.bind = [sys.argv[1]]
    config.keep_alive_max_requests = 1_000_000
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        runner.run(serve(app, config))
