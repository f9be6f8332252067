"""The bar of the demo's story over every page. Only where a demo says that there is one; never in production."""

from __future__ import annotations

from quart import Quart, has_request_context, request

from backend.web.words import words_for

CHECK = 3
"""The step that is taken on a page of ours."""


def install(app: Quart, address: str) -> None:
    """Draw the bar. Below `address` its steps are found by their numbers."""

    @app.context_processor
    def story() -> dict[str, object]:
        if not has_request_context():
            return {}
        words = words_for("story", request.accept_languages)
        step = CHECK if request.blueprint == "challenge" else 0
        return {"story": words, "story_address": address, "story_step": step}
