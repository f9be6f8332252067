"""Pub/Sub over HTTP: its admin methods, `pull` and `acknowledge`, and the task that pushes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import aiohttp
from quart import Blueprint, Response, jsonify, request

from backend.sandbox.faults import Clock
from backend.sandbox.oauth.tokens import CLOUD, PUBSUB, CloudToken, ServiceAccounts, SigningKey
from backend.sandbox.pubsub import (
    ACKNOWLEDGING,
    TOPIC_NAME,
    Broker,
    Delivery,
    PubSubError,
    PushTokens,
    Subscription,
    apply_push_config,
    push_request,
    read_subscription,
)
from backend.sandbox.world import json_object, world

# ---- `pull` and `acknowledge`


POLL_SECONDS = 0.02
LONGEST_BATCH = 1_000


def check_caller(accounts: ServiceAccounts, authorization: str, now: float) -> CloudToken | None:
    """Check the caller, if service accounts exist. Raises PubSubError: 401 without a valid token, 403 without the
    scope."""
    if not accounts:
        return None
    caller = accounts.caller(authorization, now)
    if caller is None:
        raise PubSubError(401, "Request had invalid authentication credentials.")
    if not caller.scopes & {PUBSUB, CLOUD}:
        raise PubSubError(403, "Request had insufficient authentication scopes.")
    return caller


async def pull(
    subscription: Subscription, body: dict[str, Any], clock: Clock, longest: float, paused: bool = False
) -> dict[str, Any]:
    """The waiting messages; if there are none, those that arrive within `longest` seconds, unless the caller does not
    wait."""
    if subscription.endpoint:
        raise PubSubError(400, "Pull is not supported for this subscription: it pushes.")
    limit = body.get("maxMessages")
    if not isinstance(limit, int) or not 0 < limit <= LONGEST_BATCH:
        raise PubSubError(400, "You have passed a maxMessages that is not from 1 to 1000.")
    until = clock.now() + (0 if body.get("returnImmediately") else longest)
    while True:
        received = [] if paused else _lease(subscription, limit, clock.now())
        if received or clock.now() >= until:
            return {"receivedMessages": received} if received else {}
        await asyncio.sleep(POLL_SECONDS)


def _lease(subscription: Subscription, limit: int, now: float) -> list[dict[str, Any]]:
    for ack_id, delivery in list(subscription.leased.items()):
        if delivery.due <= now:
            subscription.waiting.append(subscription.leased.pop(ack_id))
    received = []
    for delivery in [item for item in subscription.waiting if item.due <= now][:limit]:
        subscription.waiting.remove(delivery)
        delivery.attempt += 1
        delivery.ack_id = secrets.token_urlsafe(24)
        delivery.due = now + subscription.ack_deadline
        subscription.leased[delivery.ack_id] = delivery
        message = delivery.message
        shown = {"data": message.data, "messageId": message.message_id, "publishTime": message.publish_time}
        received.append({"ackId": delivery.ack_id, "message": shown})
    return received


# ---- The task that pushes


LONGEST_WAIT = 1.0
USER_AGENT = "CloudPubSub-Google"


@dataclass(slots=True)
class _Flow:
    """Pushes of one subscription: those in flight, and how long it is held back after refusals."""

    in_flight: int = 0
    backoff: float = 0.0
    held_until: float = 0.0


class Pusher:
    """Sends the pushes that are due. Start and stop it inside the running loop."""

    def __init__(self, broker: Broker, key: SigningKey, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._tokens = PushTokens(key)
        self._flows: dict[str, _Flow] = defaultdict(_Flow)
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        broker.wake = self._wake.set

    async def start(self) -> None:
        """Begin pushing."""
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": USER_AGENT}, connector=aiohttp.TCPConnector(limit=64)
        )
        self._loop_task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop pushing; pushes in flight are cancelled."""
        tasks = [*self._tasks, *([self._loop_task] if self._loop_task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def pending(self) -> int:
        """Messages waiting or in flight on push subscriptions."""
        waiting = sum(len(item.waiting) for item in self._broker.subscriptions.values() if item.endpoint)
        return waiting + sum(flow.in_flight for flow in self._flows.values())

    def unfetched(self) -> int:
        """Messages on pull subscriptions that are not acknowledged yet."""
        pulled = [item for item in self._broker.subscriptions.values() if not item.endpoint]
        return sum(len(item.waiting) + len(item.leased) for item in pulled)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            wait = self._start_due()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    def _start_due(self) -> float:
        """Start every push that is due; returns the seconds until the next one."""
        now = self._clock.now()
        wait = LONGEST_WAIT
        if self._broker.modes.paused:
            return wait
        for subscription in list(self._broker.subscriptions.values()):
            if subscription.endpoint and subscription.waiting:
                wait = min(wait, self._start_subscription(subscription, now))
        return max(wait, 0.001)

    def _start_subscription(self, subscription: Subscription, now: float) -> float:
        flow = self._flows[subscription.name]
        if flow.held_until > now:
            return flow.held_until - now
        # After a refusal one push at a time probes the endpoint until it acknowledges again.
        room = 1 if flow.backoff else self._broker.modes.max_in_flight
        due = sorted((item for item in subscription.waiting if item.due <= now), key=lambda item: item.due)
        for delivery in due[: max(0, room - flow.in_flight)]:
            subscription.waiting.remove(delivery)
            flow.in_flight += 1
            task = asyncio.create_task(self._push(subscription, delivery, flow))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        later = [item.due for item in subscription.waiting if item.due > now]
        return min(later) - now if later else LONGEST_WAIT

    async def _push(self, subscription: Subscription, delivery: Delivery, flow: _Flow) -> None:
        delivery.attempt += 1
        acknowledged = False
        try:
            acknowledged = await self._post(subscription, delivery)
        finally:
            flow.in_flight -= 1
            self._settle(subscription, delivery, flow, acknowledged)
            self._wake.set()

    async def _post(self, subscription: Subscription, delivery: Delivery) -> bool:
        assert self._session is not None
        headers = {"Content-Type": "application/json"}
        token = self._tokens.token(subscription, self._broker.modes, self._clock.real())
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._broker.counts["pushed"] += 1
        self._broker.counts["skewed"] += bool(self._broker.modes.bearer_skew or self._clock.skew)
        body, metadata = push_request(subscription, delivery)
        try:
            async with self._session.post(
                subscription.endpoint,
                data=body,
                headers=headers | metadata,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=subscription.ack_deadline),
            ) as answer:
                self._broker.counts[f"answered_{answer.status}"] += 1
                return answer.status in ACKNOWLEDGING
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._broker.counts["unanswered"] += 1
            return False

    def _settle(
        self, subscription: Subscription, delivery: Delivery, flow: _Flow, acknowledged: bool
    ) -> None:
        now = self._clock.now()
        modes = self._broker.modes
        if acknowledged:
            self._broker.counts["acknowledged"] += 1
            flow.backoff = 0.0
            return
        self._broker.counts["refused"] += 1
        flow.backoff = min(modes.backoff_max, flow.backoff * 2 or modes.backoff_min)
        flow.held_until = now + flow.backoff
        if subscription.dead_letter_topic and delivery.attempt >= subscription.max_attempts:
            self._broker.dead_letter(subscription, delivery.message, now)
            return
        delivery.due = now + subscription.retry_delay(delivery.attempt)
        subscription.waiting.append(delivery)


# ---- Topics and subscriptions over HTTP


blueprint = Blueprint("pubsub", __name__)

_TOPIC = "/v1/projects/<project>/topics/<topic>"
_SUBSCRIPTION = "/v1/projects/<project>/subscriptions/<name>"
_VERBS = re.compile(r"\A(?P<name>[^:]+):(?P<verb>publish|pull|acknowledge|modifyPushConfig)\Z")
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
}


@blueprint.errorhandler(PubSubError)
async def refused(error: PubSubError) -> Response:
    """An error in Google's form."""
    status = error.word or STATUSES.get(error.status, "UNKNOWN")
    response = jsonify({"error": {"code": error.status, "message": error.message, "status": status}})
    response.status_code = error.status
    return response


@blueprint.put(_TOPIC)
async def create_topic(project: str, topic: str) -> Response:
    created = world().broker.create_topic(f"projects/{project}/topics/{topic}")
    return jsonify({"name": created.name})


@blueprint.get(_TOPIC)
async def get_topic(project: str, topic: str) -> Response:
    return jsonify({"name": _topic(f"projects/{project}/topics/{topic}")})


@blueprint.delete(_TOPIC)
async def delete_topic(project: str, topic: str) -> Response:
    """Delete a topic; its subscriptions stay and receive nothing."""
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
    return jsonify({"messageIds": [broker.publish(full, str(one.get("data", "")), now) for one in messages]})


@blueprint.put(_SUBSCRIPTION)
async def create_subscription(project: str, name: str) -> Response:
    """Create a subscription."""
    subscription = read_subscription(f"projects/{project}/subscriptions/{name}", await json_object())
    world().broker.create_subscription(subscription)
    return jsonify(subscription.as_json())


@blueprint.get(_SUBSCRIPTION)
async def get_subscription(project: str, name: str) -> Response:
    return jsonify(_subscription(project, name).as_json())


@blueprint.delete(_SUBSCRIPTION)
async def delete_subscription(project: str, name: str) -> Response:
    """Delete a subscription with all its waiting messages."""
    full = _subscription(project, name).name
    del world().broker.subscriptions[full]
    world().cloud.forget(full)
    return jsonify({})


@blueprint.post(_SUBSCRIPTION)
async def subscription_verb(project: str, name: str) -> Response:
    """`:pull`, `:acknowledge`, `:modifyPushConfig`."""
    short, verb = _split(name)
    broker = world().broker
    if verb != "modifyPushConfig":
        check_caller(world().service_accounts, request.headers.get("Authorization", ""), world().clock.now())
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
    for ack_id in body.get("ackIds") or ():
        if subscription.leased.pop(str(ack_id), None):
            broker.counts["pull_acknowledged"] += 1
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
