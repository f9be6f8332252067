"""Style sheets, scripts and pictures of our own pages, addressed by content so that they may be cached."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from quart import Blueprint, Quart, Response, request, send_from_directory, url_for

from backend.web.guards import guarded
from backend.web.limits import per_minute

FOLDER = Path(__file__).parent / "static"
YEAR = 31_536_000
SHOWN_ELSEWHERE = frozenset({"logo-128.png"})
"""Gmail shows the add-on's logo in its own pages."""

blueprint = Blueprint("assets", __name__)


@blueprint.get("/static/<path:name>")
@guarded(per_minute(600))
async def asset(name: str) -> Response:
    """One file of the static folder. Cached for good when asked for by its present content."""
    response = await send_from_directory(FOLDER, name)
    # They are small. A body that is a file would stay open when the browser goes away before it is sent.
    response.set_data(await response.get_data(as_text=False))
    current = request.args.get("v") == version(name)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if current else "no-cache"
    if name in SHOWN_ELSEWHERE:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@cache
def version(name: str) -> str:
    """A short hash of the file's content."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


def install(app: Quart) -> None:
    """Give templates `asset(name)`, the address of a static file."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = lambda name: url_for("assets.asset", name=name, v=version(name))
