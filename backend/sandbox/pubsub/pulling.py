"""`subscriptions.pull` and `acknowledge`: leases, and the wait for something to come."""

import asyncio
import secrets
from typing import Any

from backend.sandbox.clock import Clock
from backend.sandbox.oauth.service_accounts import CLOUD, PUBSUB, CloudToken, ServiceAccounts
from backend.sandbox.pubsub.model import PubSubError, Subscription

LOOK = 0.02
LONGEST_BATCH = 1_000


def check_caller(accounts: ServiceAccounts, authorization: str, now: float) -> CloudToken | None:
    """Who calls, where callers are known. Raises PubSubError: 401 without a good token, 403 for one without scope."""
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
    """What waits; when nothing does, what comes within `longest` seconds unless the caller would not wait."""
    if subscription.endpoint:
        raise PubSubError(400, "Pull is not supported for this subscription: it pushes.")
    limit = body.get("maxMessages")
    if not isinstance(limit, int) or not 0 < limit <= LONGEST_BATCH:
        raise PubSubError(400, "You have passed a maxMessages that is not from 1 to 1000.")
    until = clock.now() + (0 if body.get("returnImmediately") else longest)
    while True:
        received = [] if paused else _take(subscription, limit, clock.now())
        if received or clock.now() >= until:
            return {"receivedMessages": received} if received else {}
        await asyncio.sleep(LOOK)


def settle(subscription: Subscription, body: dict[str, Any], verb: str, now: float) -> int:
    """Acknowledge, or set the deadline of what was given out (0: give it out again); returns how many it concerned."""
    settled = 0
    for ack_id in [str(item) for item in body.get("ackIds") or []]:
        delivery = subscription.leased.get(ack_id)
        if delivery is None:
            continue
        settled += 1
        seconds = float(body.get("ackDeadlineSeconds") or 0)
        if verb == "modifyAckDeadline" and seconds:
            delivery.due = now + seconds
            continue
        del subscription.leased[ack_id]
        if verb == "modifyAckDeadline":
            delivery.due = now
            subscription.waiting.append(delivery)
    return settled


def _take(subscription: Subscription, limit: int, now: float) -> list[dict[str, Any]]:
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
