"""An HTML answer from a template."""

from __future__ import annotations

from typing import Any

from quart import Response, g, render_template


async def page(template: str, status: int = 200, **values: Any) -> Response:
    """The rendered template."""
    body = await render_template(template, page_half=g.get("page_half", ""), **values)
    return Response(body, status, content_type="text/html; charset=utf-8")
