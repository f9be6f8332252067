"""What all route modules share: the world of this app, and JSON bodies read with care."""

from typing import Any, cast

from quart import Response, current_app, jsonify, request

from backend.sandbox.world import World


class BadRequest(ValueError):
    """A request a person can mend; the text says how. `status` is the HTTP code."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def world() -> World:
    """The sandbox's state."""
    return cast(World, current_app.config["WORLD"])


async def json_object() -> dict[str, Any]:
    """The request's JSON object; an empty body is {}. Raises BadRequest."""
    if not (await request.get_data()).strip():
        return {}
    body = await request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body


def refuse(message: str, status: int = 400) -> Response:
    """An error answer of the sandbox's own routes: {"error": text}."""
    response = jsonify({"error": message})
    response.status_code = status
    return response
