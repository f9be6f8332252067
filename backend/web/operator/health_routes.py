"""For supervisors and operators: alive, ready, and what is counted."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client import CONTENT_TYPE_LATEST
from quart import Blueprint, Response, jsonify

from backend.domain.errors import StoreAway
from backend.web import log
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.services import measures, services

TROUBLES = {"away": "unreachable", "full": "disk full"}
"""What is said of a store that takes nothing; "damaged" and "unwritable" are said as they are."""

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@guarded(per_minute(600), patience=2.0)
async def alive() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
@guarded(per_minute(600), patience=5.0)
async def ready() -> Response:
    """The store can be written and a model is loaded; 503 otherwise, with what is missing.

    `judging` says whether messages can be judged. That none of the last 20 could be is no 503: a stranger can send
    20 messages that cannot be read, and that must not take the server out of a balancer. It raises an alarm instead.
    """
    model = services().context.reader.model_version
    try:
        await services().context.store.ping()
    except StoreAway as error:
        store = TROUBLES.get(error.trouble, error.trouble)
    except Exception as error:
        log.unexpected(error)
        store = "unreachable"
    else:
        store = "ok"
    fine = store == "ok" and bool(model)
    judging = "failing open" if services().context.judged.nothing_is_judged else "ok"
    response = jsonify(
        status="ready" if fine else "not ready",
        store=store,
        model=model or "none",
        judging=judging,
        clock=_clock(services().context.time.skew),
    )
    response.status_code = 200 if fine else 503
    return response


def _clock(skew: timedelta) -> str:
    """No reason for a 503: we go by Google's time."""
    if not skew:
        return "ok"
    return f"{abs(skew).total_seconds():.0f} s {'ahead' if skew > timedelta(0) else 'behind'}"


@blueprint.get("/metrics")
@guarded(per_minute(120), patience=5.0)
async def metrics() -> Response:
    """Prometheus' text format: requests, pushes, what was not judged, the store's census. Keep it behind the proxy."""
    context, failed = services().context, services().failed
    census = await context.store.census()
    body = measures().exposition(
        census, failed, context.judged, context.web_pushed, context.time.skew.total_seconds()
    )
    return Response(body, content_type=CONTENT_TYPE_LATEST)
