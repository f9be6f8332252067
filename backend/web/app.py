"""The web application, assembled from its blueprints, guards, error handlers and log."""

from __future__ import annotations

import asyncio

from hypercorn.middleware import ProxyFixMiddleware
from quart import Quart

from backend.web import error_map, google, guards, operator, pages, sender, streams
from backend.web.addon import routes as addon_routes
from backend.web.api import described
from backend.web.api import routes as api
from backend.web.owner import devices, insights, lists, review, start
from backend.web.owner import settings as owner_settings
from backend.web.services import Services, register_services

BLUEPRINTS = (
    google.push_routes,
    google.consent_routes,
    sender.blueprint,
    sender.explanation,
    operator.blueprint,
    api.blueprint,
    devices.blueprint,
    review.blueprint,
    review.digest_links,
    devices.sessions,
    owner_settings.blueprint,
    owner_settings.notifications,
    lists.blueprint,
    start.blueprint,
    start.leaving,
    review.orders,
    review.live,
    insights.blueprint,
    start.data,
    addon_routes.blueprint,
)


def create_app(services: Services, stopping: asyncio.Event | None = None) -> Quart:
    """An app that uses `services`, which the caller opens and closes.

    `stopping` is set when the server is to stop: open streams then end at once instead of delaying it.
    """
    app = Quart(__name__, static_folder=None)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    settings, measures = services.context.settings, register_services(app, services)
    guards.register_log(app)
    guards.register_guards(app, settings)
    error_map.register_errors(app)
    pages.register_static(app)
    pages.register_filters(app)
    described.register_openapi(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    stopping = stopping or asyncio.Event()
    streams.register_streams(app, stopping)
    if settings.live_page:
        operator.register_live_page(app, stopping)
    if settings.story_url:
        pages.register_story(app, settings.story_url)
    if hops := settings.trusted_proxies:
        trusting = ProxyFixMiddleware(app.asgi_app, mode="legacy", trusted_hops=hops)
        app.asgi_app = trusting  # type: ignore[method-assign]
    gate = google.PushGate(app.asgi_app, services.context, services.push_callers, measures)
    app.asgi_app = gate  # type: ignore[method-assign, assignment]
    return app
