"""Faults for routes outside the Gmail API: OAuth endpoints consult the plan through here."""

import asyncio

from quart import Response, jsonify, request

from backend.sandbox.connection import drop_connection
from backend.sandbox.faults import AFTER_KINDS, TOKEN_REFUSALS
from backend.sandbox.gmail.dispatch import HTML_TYPE, PAGES, error_for
from backend.sandbox.web import world

_STATUS = {"backend_500": 500, "unavailable": 503, "unavailable_after": 503, "gateway_timeout": 504}


async def spoil(route: str) -> Response | None:
    """A spoilt answer to give at once, or None.

    Unlike Gmail calls these cannot fail after taking effect: "drop_after" drops before. A refusal that Gmail knows is
    told in Gmail's shape, an error that is an object, as Google's front end does here too.
    """
    rule = world().faults.strike(route)
    if rule is None:
        return None
    if rule.kind == "slow":
        await asyncio.sleep(rule.seconds)
        return None
    if rule.kind == "garbage":
        return Response(b"{", 200)
    if rule.kind in PAGES:
        status, page = PAGES[rule.kind]
        return Response(page, status, content_type=HTML_TYPE)
    if rule.kind in _STATUS:
        return _refusal(_STATUS[rule.kind], "internal_failure", "Try again.")
    if rule.kind in TOKEN_REFUSALS:
        status, words = TOKEN_REFUSALS[rule.kind]
        return _refusal(status, rule.kind, words)
    if rule.kind == "drop" or rule.kind in AFTER_KINDS:
        drop_connection(request.scope.get("client"))
        return Response(b"", 500)
    error = error_for(world(), rule)
    response = jsonify(error.body())
    response.status_code = error.code
    return response


def _refusal(status: int, word: str, words: str) -> Response:
    response = jsonify({"error": word, "error_description": words})
    response.status_code = status
    return response
