"""The page behind the link of a challenge. Looking changes nothing; only a solved POST does."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, jsonify, request

from backend.domain.errors import Refused
from backend.pipeline.solve import OpenChallenge
from backend.web import texts
from backend.web.context import services
from backend.web.error_map import wants_page
from backend.web.guards import guarded
from backend.web.limits import per_link, per_minute
from backend.web.pages import page

blueprint = Blueprint("challenge", __name__, url_prefix="/c")


@blueprint.get("/<token>")
@guarded(per_minute(120))
async def show(token: str) -> Response:
    """Why the mail waits, and the check."""
    return await _page(await services().pipeline.open_challenge(token))


@blueprint.get("/<token>/task")
@guarded(per_minute(60))
async def task(token: str) -> Response:
    """A fresh task as JSON. The server keeps nothing of it."""
    challenge = await services().pipeline.open_challenge(token)
    now = services().clock.now()
    return jsonify(services().captcha.task(challenge.challenge_id, challenge.factor, now))


@blueprint.post("/<token>")
@guarded(per_minute(60), per_link(30, minutes=10))
async def solve(token: str) -> Response:
    """Take the form field `payload`. A browser gets a page; other callers JSON: `released` (how many), `balance`."""
    payload = (await request.form).get("payload", "")
    challenge = await services().pipeline.open_challenge(token)
    try:
        solved = await services().pipeline.solve_challenge(token, payload)
    except Refused as error:
        if not error.code.startswith("captcha_") or not wants_page():
            raise
        return await _page(challenge, refusal=error.code)
    count = len(solved.released)
    if not wants_page():
        return jsonify(released=count, balance=solved.balance)
    key = {0: "done_none", 1: "done_one"}.get(count, "done_many")
    return await _rendered("solved.html", challenge, count=count, key=key, balance=solved.balance)


async def _page(challenge: OpenChallenge, refusal: str = "") -> Response:
    return await _rendered("challenge.html", challenge, 422 if refusal else 200, refusal=refusal)


async def _rendered(template: str, challenge: OpenChallenge, status: int = 200, **values: Any) -> Response:
    words = texts.for_request(request.accept_languages, challenge.language)
    known = {
        "owner": challenge.owner,
        "sender": challenge.sender,
        "credits": challenge.credits,
        "factor": challenge.factor,
    }

    def say(key: str, **more: Any) -> str:
        return words[key].format(**known, **more)

    response = await page(template, status, challenge=challenge, words=words, say=say, **values)
    response.headers["Vary"] = "Accept-Language, Accept"
    return response
