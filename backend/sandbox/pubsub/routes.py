"""Pub/Sub's management REST, as far as a deployment script or a test needs it."""

import re

from quart import Blueprint, Response, jsonify, request

from backend.sandbox.pubsub.broker import (
    TOPIC_NAME,
    PubSubError,
    Subscription,
    apply_push_config,
    read_subscription,
)
from backend.sandbox.pubsub.delivery import check_caller, pull, settle
from backend.sandbox.web import json_object, world

blueprint = Blueprint("pubsub", __name__)

_TOPIC = "/v1/projects/<project>/topics/<topic>"
_SUBSCRIPTION = "/v1/projects/<project>/subscriptions/<name>"
_VERBS = re.compile(
    r"\A(?P<name>[^:]+):(?P<verb>publish|pull|acknowledge|modifyPushConfig|modifyAckDeadline)\Z"
)
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
}


@blueprint.errorhandler(PubSubError)
async def refused(error: PubSubError) -> Response:
    """Google's error shape."""
    names = {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        409: "ALREADY_EXISTS",
    }
    status = error.word or names.get(error.status, "UNKNOWN")
    response = jsonify({"error": {"code": error.status, "message": error.message, "status": status}})
    response.status_code = error.status
    return response


@blueprint.put(_TOPIC)
async def create_topic(project: str, topic: str) -> Response:
    """Create a topic."""
    created = world().broker.create_topic(f"projects/{project}/topics/{topic}")
    return jsonify({"name": created.name})


@blueprint.get(_TOPIC)
async def get_topic(project: str, topic: str) -> Response:
    """Read a topic."""
    return jsonify({"name": _topic(f"projects/{project}/topics/{topic}")})


@blueprint.delete(_TOPIC)
async def delete_topic(project: str, topic: str) -> Response:
    """Delete a topic; its subscriptions stay and hear nothing."""
    name = _topic(f"projects/{project}/topics/{topic}")
    del world().broker.topics[name]
    world().cloud.forget(name)
    return jsonify({})


@blueprint.post(_TOPIC)
async def topic_verb(project: str, topic: str) -> Response:
    """`:publish` messages."""
    name, verb = _split(topic)
    if verb != "publish":
        raise PubSubError(404, "Unknown method.")
    full = _topic(f"projects/{project}/topics/{name}")
    messages = (await json_object()).get("messages")
    if not isinstance(messages, list) or not all(isinstance(item, dict) for item in messages):
        raise PubSubError(400, "messages must be a list.")
    broker, now = world().broker, world().clock.now()
    ids = [
        broker.publish(
            full,
            str(item.get("data", "")),
            now,
            dict(item.get("attributes") or {}),
            str(item.get("orderingKey", "")),
        )
        for item in messages
    ]
    return jsonify({"messageIds": ids})


@blueprint.put(_SUBSCRIPTION)
async def create_subscription(project: str, name: str) -> Response:
    """Create a subscription."""
    subscription = read_subscription(f"projects/{project}/subscriptions/{name}", await json_object())
    world().broker.create_subscription(subscription)
    return jsonify(subscription.as_json())


@blueprint.get(_SUBSCRIPTION)
async def get_subscription(project: str, name: str) -> Response:
    """Read a subscription."""
    return jsonify(_subscription(project, name).as_json())


@blueprint.delete(_SUBSCRIPTION)
async def delete_subscription(project: str, name: str) -> Response:
    """Delete a subscription with everything waiting in it."""
    full = _subscription(project, name).name
    del world().broker.subscriptions[full]
    world().cloud.forget(full)
    return jsonify({})


@blueprint.post(_SUBSCRIPTION)
async def subscription_verb(project: str, name: str) -> Response:
    """`:pull`, `:acknowledge`, `:modifyAckDeadline`, `:modifyPushConfig`."""
    short, verb = _split(name)
    now, broker = world().clock.now(), world().broker
    if verb != "modifyPushConfig":
        check_caller(world().service_accounts, request.headers.get("Authorization", ""), now)
    subscription = _subscription(project, short)
    body = await json_object()
    if verb == "modifyPushConfig":
        apply_push_config(subscription, body.get("pushConfig") or {})
        broker.wake()
        return jsonify({})
    if verb == "pull":
        broker.counts["pulls"] += 1
        wait = world().knobs.pull_wait
        return jsonify(await pull(subscription, body, world().clock, wait, broker.modes.paused))
    settled = settle(subscription, body, verb, now)
    broker.counts["pull_acknowledged"] += settled if verb == "acknowledge" else 0
    return jsonify({})


def _split(text: str) -> tuple[str, str]:
    found = _VERBS.match(text)
    if found is None:
        raise PubSubError(404, f"Unknown method for {request.path[:200]}.")
    return found["name"], found["verb"]


def _topic(name: str) -> str:
    if not TOPIC_NAME.match(name) or name not in world().broker.topics:
        raise PubSubError(404, f"Resource not found (resource={name[:200]}).")
    return name


def _subscription(project: str, name: str) -> Subscription:
    full = f"projects/{project}/subscriptions/{name}"
    found = world().broker.subscriptions.get(full)
    if found is None:
        raise PubSubError(404, f"Resource not found (resource={full[:200]}).")
    return found
