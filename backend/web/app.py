"""The web application: blueprints, guards, errors, log. `create_app` wires; nothing is decided here."""

from __future__ import annotations

import asyncio

from hypercorn.middleware import ProxyFixMiddleware
from quart import Quart

from backend.web import error_map, faces, guards, log, static_routes, story, streams
from backend.web.addon import routes as addon_routes
from backend.web.api import described
from backend.web.api import routes as api
from backend.web.google import connect_routes, push_routes
from backend.web.google.push_gate import PushGate
from backend.web.operator import health_routes, live_routes
from backend.web.owner import (
    data_routes,
    device_routes,
    digest_routes,
    insights_routes,
    leave_routes,
    lists_routes,
    review_live,
    review_orders,
    review_routes,
    sessions_routes,
    settings_routes,
    start_routes,
    web_push_routes,
)
from backend.web.sender import challenge_routes
from backend.web.services import Services, install

BLUEPRINTS = (
    push_routes.blueprint,
    connect_routes.blueprint,
    challenge_routes.blueprint,
    health_routes.blueprint,
    api.blueprint,
    device_routes.blueprint,
    review_routes.blueprint,
    digest_routes.blueprint,
    sessions_routes.blueprint,
    settings_routes.blueprint,
    web_push_routes.blueprint,
    lists_routes.blueprint,
    start_routes.blueprint,
    leave_routes.blueprint,
    review_orders.blueprint,
    review_live.blueprint,
    insights_routes.blueprint,
    data_routes.blueprint,
    addon_routes.blueprint,
)


def create_app(services: Services, stopping: asyncio.Event | None = None) -> Quart:
    """An app for these services. It opens and closes nothing: that is the business of who made them.

    `stopping` is set when the server is told to stop; streams then end at once instead of holding it up.
    """
    app = Quart(__name__, static_folder=None)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    settings, measures = services.context.settings, install(app, services)
    log.install(app)
    guards.install(app, settings)
    error_map.install(app)
    static_routes.install(app)
    faces.install(app)
    described.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    stopping = stopping or asyncio.Event()
    streams.install(app, stopping)
    if settings.live_page:
        live_routes.install(app, stopping)
    if settings.story_url:
        story.install(app, settings.story_url)
    if hops := settings.trusted_proxies:
        trusting = ProxyFixMiddleware(app.asgi_app, mode="legacy", trusted_hops=hops)
        app.asgi_app = trusting  # type: ignore[method-assign]
    gate = PushGate(app.asgi_app, services.context, services.push_callers, measures)
    app.asgi_app = gate  # type: ignore[method-assign, assignment]
    return app
