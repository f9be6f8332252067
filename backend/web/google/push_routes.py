"""Where Pub/Sub pushes to. Verify, store, acknowledge; no Gmail call.

What is usual is answered before it comes here (`push_gate`); this is the long way, for all the rest.
"""

from __future__ import annotations

from typing import cast

from quart import Blueprint, Response, request

from backend.domain.history import Metadata
from backend.pipeline import notices
from backend.web.google.push_gate import BROKEN, LIMIT, PATIENCE
from backend.web.guards import guarded
from backend.web.services import measures, services

blueprint = Blueprint("push", __name__)


@blueprint.post("/hooks/gmail")
@guarded(LIMIT, patience=PATIENCE)
async def receive() -> Response:
    """204 acknowledges: stored, known, or malformed beyond understanding (counted). 401: not from our
    subscription. 503: push it again."""
    broken = cast("dict[str, object]", request.scope).get(BROKEN)
    if isinstance(broken, Exception):
        raise broken
    body = cast(bytes, await request.get_data(as_text=False))
    heads = request.headers
    metadata = Metadata(
        heads.get("x-goog-pubsub-subscription-name", ""), heads.get("x-goog-pubsub-message-id", "")
    )
    here = services()
    fate = await notices.push(here.context, here.push_callers, heads.get("Authorization", ""), body, metadata)
    measures().push(fate.value if fate is not None else "malformed")
    return Response(b"", 204)  # with no body at all Quart would iterate over one in a thread
