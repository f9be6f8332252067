"""The broker: names, publishing, and the modes that make delivery as bad as it can be."""

import base64
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from backend.sandbox.pubsub.model import (
    MAX_WAITING,
    TOPIC_NAME,
    Delivery,
    PubSubError,
    PubSubMessage,
    Subscription,
    Topic,
)


@dataclass(slots=True)
class PushModes:
    """How pushes misbehave. Seconds; `drop_ratio` from 0 to 1; `copies` 1 means no duplicates.

    `reorder` spreads messages over that many seconds at random; `drop_next` loses the next n messages.
    The backoff pair is the subscription-wide push backoff, 0.1 to 60 s at Google.
    """

    copies: int = 1
    reorder: float = 0.0
    delay: float = 0.0
    drop_ratio: float = 0.0
    drop_next: int = 0
    paused: bool = False
    max_in_flight: int = 16
    backoff_min: float = 0.1
    backoff_max: float = 60.0
    bearer_skew: float = 0.0
    bearer_age: float = 0.0
    bearer_fault: str = ""

    def update(self, values: dict[str, Any]) -> None:
        """Set several modes, or none. Raises PubSubError(400)."""
        known = {item.name for item in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise PubSubError(
                    400, f"{name[:60]!r} is not a push mode. Known: {', '.join(sorted(known))}."
                )
            present = getattr(self, name)
            if isinstance(present, str):
                if value not in BEARER_FAULTS:
                    raise PubSubError(400, f"{name} must be one of {', '.join(map(repr, BEARER_FAULTS))}.")
            elif isinstance(present, bool) != isinstance(value, bool) or not isinstance(value, int | float):
                raise PubSubError(400, f"{name} has the wrong type.")
            elif not isinstance(value, bool) and not -86_400 <= value <= 86_400:
                raise PubSubError(400, f"{name} is out of range.")
        for name, value in values.items():
            setattr(self, name, type(getattr(self, name))(value))

    def as_json(self) -> dict[str, Any]:
        """All modes."""
        return asdict(self)


BEARER_FAULTS = ("", "missing", "audience", "email", "issuer", "signature", "expired", "unverified")


class Broker:
    """Topics, subscriptions, counts. `wake` is called when something may be due."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._next_id = 11_899_270_000_000
        self.topics: dict[str, Topic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.modes = PushModes()
        self.counts: Counter[str] = Counter()
        self.wake: Callable[[], None] = lambda: None

    def create_topic(self, name: str) -> Topic:
        """Create a topic. Raises PubSubError: 400 for a bad name, 409 if it exists."""
        if not TOPIC_NAME.match(name):
            raise PubSubError(400, f"Invalid topic name {name[:200]!r}.")
        if name in self.topics:
            raise PubSubError(409, f"Resource already exists in the project (resource={name}).")
        self.topics[name] = Topic(name)
        return self.topics[name]

    def create_subscription(self, subscription: Subscription) -> None:
        """Add a subscription. Raises PubSubError: 404 without its topic, 409 if it exists."""
        if subscription.topic not in self.topics:
            raise PubSubError(404, f"Resource not found (resource={subscription.topic}).")
        if subscription.name in self.subscriptions:
            raise PubSubError(409, f"Resource already exists in the project (resource={subscription.name}).")
        self.subscriptions[subscription.name] = subscription
        self.wake()

    def publish_json(self, topic: str, payload: dict[str, Any], now: float) -> str:
        """Publish a JSON object as Gmail does. Returns the message id."""
        data = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode()
        return self.publish(topic, data, now)

    def publish(
        self, topic: str, data: str, now: float, attributes: dict[str, str] | None = None, key: str = ""
    ) -> str:
        """Put a message into every subscription of a topic, subject to the modes. Returns its id."""
        self._next_id += self._rng.randint(1, 900)
        message = PubSubMessage(str(self._next_id), data, now, attributes or {}, key)
        self.counts["published"] += 1
        if self._is_lost():
            self.counts["lost"] += 1
            return message.message_id
        for subscription in self.subscriptions.values():
            if subscription.topic != topic:
                continue
            for number in range(max(1, self.modes.copies)):
                due = now + self.modes.delay + self._rng.uniform(0, self.modes.reorder)
                subscription.waiting.append(Delivery(message, due))
                self.counts["enqueued"] += 1
                self.counts["duplicated"] += number > 0
                self.counts["delayed"] += self.modes.delay > 0
                self.counts["reordered"] += self.modes.reorder > 0
            del subscription.waiting[:-MAX_WAITING]
        self.wake()
        return message.message_id

    def dead_letter(self, subscription: Subscription, message: PubSubMessage, now: float) -> None:
        """Forward a message that failed too often."""
        self.counts["dead_lettered"] += 1
        if subscription.dead_letter_topic in self.topics:
            self.publish(subscription.dead_letter_topic, message.data, now, message.attributes)

    def _is_lost(self) -> bool:
        if self.modes.drop_next > 0:
            self.modes.drop_next -= 1
            return True
        return self.modes.drop_ratio > 0 and self._rng.random() < self.modes.drop_ratio
