"""Faults for routes outside the Gmail API: OAuth endpoints consult the plan through here."""

import asyncio

from quart import Response, jsonify, request

from backend.sandbox.connection import drop_connection
from backend.sandbox.faults import FaultRule
from backend.sandbox.web import world

_STATUS = {"backend_500": 500, "bad_gateway": 502, "unavailable": 503, "gateway_timeout": 504}


async def spoil(route: str) -> Response | FaultRule | None:
    """A spoilt answer to give at once, a rule for the route to act on, or None.

    Unlike Gmail calls these cannot fail after taking effect: "drop_after" drops before.
    """
    rule = world().faults.strike(route)
    if rule is None:
        return None
    if rule.kind == "slow":
        await asyncio.sleep(rule.seconds)
        return None
    if rule.kind in ("drop", "drop_after", "drop_mid"):
        drop_connection(request.scope.get("client"))
        return Response(b"", 500)
    if rule.kind in _STATUS:
        response = jsonify({"error": "internal_failure", "error_description": "Try again."})
        response.status_code = _STATUS[rule.kind]
        return response
    return rule
