"""What the API is sent is checked by the types the document shows; what does not fit is refused by its field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from quart import Response, request
from quart_schema import RequestSchemaValidationError, document_request
from quart_schema.conversion import model_load
from quart_schema.validation import QuerystringValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from backend.domain.errors import Refused
from backend.web.api.answers import refusal
from backend.web.api.authentication import BODY_LIMIT, blueprint

WRONG = {
    "extra_forbidden": "unknown_field",
    **dict.fromkeys(
        ("enum", "greater_than_equal", "less_than_equal", "string_too_long", "int_parsing", "int_type"),
        "out_of_range",
    ),
}
"""The code of what pydantic finds; of anything else it is "malformed"."""


def with_body(
    shape: type, *, may_be_empty: bool = False
) -> Callable[[Callable[..., Awaitable[Response]]], Callable[..., Awaitable[Response]]]:
    """Give a handler the JSON object that was sent as `data`, of this shape, which the document shows too. Stands next
    to the handler: who may not call learns nothing of what was wrong. Raises what `http_error` answers."""

    def decorate(handler: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        document_request(shape)(handler)

        @wraps(handler)
        async def checked(*args: Any, **kwargs: Any) -> Response:
            data: Any = model_load(await _sent(may_be_empty), shape, RequestSchemaValidationError)
            return await handler(*args, data=data, **kwargs)

        return checked

    return decorate


async def _sent(may_be_empty: bool) -> Any:
    """What was sent as JSON, whatever type it says it has, bounded in size and depth; None for what is none."""
    raw = await request.get_data(as_text=False)
    if len(raw) > BODY_LIMIT:  # sent without its length
        raise RequestEntityTooLarge
    try:
        # Stricter than the standard library: no half characters, which are text nowhere else, no bottomless depth.
        return from_json(raw or (b"{}" if may_be_empty else b""))
    except ValueError:
        return None


@blueprint.errorhandler(RequestSchemaValidationError)
@blueprint.errorhandler(QuerystringValidationError)
async def _misshapen(error: RequestSchemaValidationError | QuerystringValidationError) -> Response:
    """What does not have the shape the document says: the first thing that is wrong, by its field."""
    found = error.validation_error
    first = found.errors(include_url=False)[0] if isinstance(found, ValidationError) else None
    if first is None or not first["loc"]:
        return refusal(Refused("malformed.body"))
    code, field = WRONG.get(first["type"], "malformed"), str(first["loc"][0])[:40]
    return refusal(Refused(f"{code}.value", name=field, why=first["msg"][:200], field=field))
