"""The bar of the demo's story over every page. Only where a demo says that there is one; never in production.

How far a reader has come is in their browser: in a cookie that the sandbox, on another port of this machine, reads and
writes too. Its name is the last part of the story's address, another one in every run.
"""

from __future__ import annotations

from typing import Any

from quart import Quart, Response, before_render_template, g, has_request_context, request

from backend.web.words import words_for

CHECK = 3
"""The step that is taken on a page of ours."""

TAKEN = "solved.html"
"""The page that says so."""


def install(app: Quart, address: str) -> None:
    """Draw the bar. Below `address` its steps are found by their numbers."""
    name = address.rpartition("/")[2]

    @app.context_processor
    def story() -> dict[str, object]:
        if not has_request_context():
            return {}
        words = words_for("story", request.accept_languages)
        step = CHECK if request.blueprint == "challenge" else 0
        done = _number(request.cookies.get(name, ""))
        return {"story": words, "story_address": address, "story_step": step, "story_done": done}

    def taken(sender: object, template: Any, context: dict[str, Any], **more: object) -> None:
        if template.name == TAKEN:
            g.story_done = context["story_done"] = max(context["story_done"], CHECK)

    before_render_template.connect(taken, app, weak=False)

    @app.after_request
    async def remember(response: Response) -> Response:
        if "story_done" in g:
            response.set_cookie(name, str(g.story_done), httponly=True, samesite="Lax")
        return response


def _number(kept: str) -> int:
    return int(kept) if kept in ("1", "2", "3", "4") else 0
