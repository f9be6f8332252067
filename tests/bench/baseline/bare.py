"""The least a Quart route can do with a push: read its JSON and answer 204. What ours is held against.

python -m tests.bench.baseline.bare HOST:PORT
"""

from __future__ import annotations

import asyncio
import logging
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, request

from backend.starting import quick_loop

app = Quart(__name__)


@app.post("/hooks/gmail")
async def push() -> Response:
    """Nothing is checked and nothing is kept."""
    await request.get_json()
    return Response(b"", 204)


@app.get("/readyz")
async def ready() -> Response:
    """It serves."""
    return Response(b"ok")


if __name__ == "__main__":
    config = Config()
    config.bind = [sys.argv[1]]
    config.keep_alive_max_requests = 1_000_000
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        runner.run(serve(app, config))
