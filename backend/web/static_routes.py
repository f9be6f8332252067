"""Style sheets, scripts and pictures of our own pages, addressed by content so that they may be cached."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from quart import Blueprint, Quart, Response, request, url_for
from werkzeug.exceptions import NotFound

from backend.web.guards import guarded
from backend.web.limits import per_minute

FOLDER = Path(__file__).parent / "static"
YEAR = 31_536_000
SHOWN_ELSEWHERE = frozenset({"logo-128.png"})
"""Gmail shows the add-on's logo in its own pages."""
OFFLINE_WORKER = "offline_worker.js"
WORKERS = frozenset({"solver_worker.js", OFFLINE_WORKER})
"""Scripts that run by themselves, under the policy they are served with. No other file loads anything itself."""

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `version` is a short hash of its content, `packed` the same in gzip where that is shorter."""

    body: bytes
    kind: str
    version: str
    packed: bytes = b""


@blueprint.get("/static/<name>")
@guarded(per_minute(600))
async def asset(name: str) -> Response:
    """One file of the static folder. Cached for good when asked for by its present content."""
    found = assets().get(name)
    if found is None:
        raise NotFound
    packed = bool(found.packed) and request.accept_encodings["gzip"] > 0
    response = Response(found.packed if packed else found.body, content_type=found.kind)
    response.set_etag(f"{found.version}-gzip" if packed else found.version)
    if found.packed:
        response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    current = request.args.get("v") == found.version
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if current else "no-cache"
    if name in SHOWN_ELSEWHERE:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if name not in WORKERS:
        response.headers["Content-Security-Policy"] = "default-src 'none'"
    if name == OFFLINE_WORKER:
        response.headers["Service-Worker-Allowed"] = "/"
    await response.make_conditional(request)
    return response


@cache
def assets() -> Mapping[str, Asset]:
    """Every static file by name. They are small, and a file that is being sent would stay open when the browser goes
    away meanwhile; a name that is not one of these is no path to anything."""
    return {path.name: _read(path) for path in FOLDER.iterdir() if path.is_file()}


def version(name: str) -> str:
    """A short hash of the file's content."""
    return assets()[name].version


def install(app: Quart) -> None:
    """Give templates `asset(name)`, the address of a static file."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = lambda name: url_for("assets.asset", name=name, v=version(name))


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    kind, _ = mimetypes.guess_type(path.name)
    text = kind is not None and (kind.startswith("text/") or kind.endswith(("javascript", "xml")))
    written = f"{kind}; charset=utf-8" if text else kind or "application/octet-stream"
    packed = gzip.compress(body, mtime=0) if text else b""
    shorter = packed if len(packed) < len(body) else b""
    return Asset(body, written, hashlib.sha256(body).hexdigest()[:12], shorter)
