"""GET openapi.json: the contract for machines. It tells of no owner, so it asks for no token."""

from __future__ import annotations

from quart import Quart, Response, current_app

from backend.web.api.answers import tagged
from backend.web.api.authentication import blueprint
from backend.web.api.described import described, document
from backend.web.api.requests import Unchanged
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.services import services


@blueprint.get("/openapi.json")
@described(dict, headers=Unchanged)
@guarded(per_minute(60))
async def openapi() -> Response:
    """This contract as an OpenAPI document."""
    app: Quart = current_app._get_current_object()  # type: ignore[attr-defined]
    return tagged(document(app, services().context.settings.public_url))
