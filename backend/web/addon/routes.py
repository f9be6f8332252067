"""The Gmail add-on's endpoints: what Google calls when an owner opens it, opens a message, or clicks.

Nothing is believed that does not carry both of Google's signatures: its own for our deployment and exactly this
address, and the owner's for our client. Who failed which check is never told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from quart import Blueprint, Response, json, request
from werkzeug.exceptions import NotFound as NoPage

from backend.domain.errors import NeedsReconnect, Unauthenticated
from backend.web.addon import acts
from backend.web.addon.call import Call
from backend.web.addon.cards import answers
from backend.web.addon.cards.home import home_card
from backend.web.addon.cards.preferences import settings_card
from backend.web.addon.cards.widgets import Json
from backend.web.addon.event import ALWAYS, OPEN_MESSAGE, read_event
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.services import services

blueprint = Blueprint("addon", __name__, url_prefix="/addon")

CALLS = per_minute(60_000)
"""All owners' calls come from Google's few networks, so this only bounds a flood."""

REFUSED = b'{"code": "unauthenticated"}'


@blueprint.post("/home")
@guarded(CALLS)
async def home() -> Response:
    """The homepage card."""
    return await _answer(_home)


@blueprint.post("/message")
@guarded(CALLS)
async def message() -> Response:
    """The card of the open message."""
    return await _answer(acts.show, ALWAYS | {OPEN_MESSAGE})


@blueprint.post("/settings")
@guarded(CALLS)
async def settings() -> Response:
    """The settings card."""
    return await _answer(_settings)


@blueprint.post("/act")
@guarded(CALLS)
async def act() -> Response:
    """Every button of every card; `act` in the parameters says which."""
    return await _answer(acts.act)


async def _home(call: Call) -> Json:
    return answers.opened(home_card(call.frame, call.mailbox, await call.service.home(call.mailbox)))


async def _settings(call: Call) -> Json:
    return answers.opened(settings_card(call.frame, call.mailbox))


async def _answer(make: Callable[[Call], Awaitable[Json]], scopes: frozenset[str] = ALWAYS) -> Response:
    """Who is it, may we, and then the card."""
    service = services().addon
    if service is None:
        raise NoPage
    try:
        # The address is the configured one: what a proxy or a caller writes into Host proves nothing.
        audience = f"{services().context.settings.public_url}{request.path}"
        await service.verify_system(request.headers.get("Authorization", ""), audience)
        event = read_event(await request.get_json(force=True, silent=True))
        if missing := event.lacks(scopes):
            return _json(answers.ask_scopes(missing))
        tenant = await service.tenant(event.user_token)
    except Unauthenticated:
        return Response(REFUSED, 401, content_type="application/json")
    base = services().context.settings.public_url
    if tenant is None:
        return _json(answers.ask_connection(base))
    try:
        return _json(await make(Call.of(service, tenant, event, base, services().context.clock.now())))
    except NeedsReconnect:
        return _json(answers.ask_connection(base))


def _json(answer: dict[str, Any]) -> Response:
    return Response(json.dumps(answer, ensure_ascii=False).encode(), 200, content_type="application/json")
