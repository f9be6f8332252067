"""Topics, subscriptions, the messages that wait in them, and their envelopes."""

from __future__ import annotations

import base64
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass as checked_dataclass

from backend.sandbox.faults import STRICT, Count, Settable
from backend.sandbox.mail.compose import decode_data
from backend.sandbox.oauth.tokens import ISSUER, SigningKey

# ---- Topics, subscriptions and the messages waiting in them.


TOPIC_NAME = re.compile(r"\Aprojects/([a-z][a-z0-9-]{2,62})/topics/([A-Za-z][\w.~+%-]{2,254})\Z")
SUBSCRIPTION_NAME = re.compile(
    r"\Aprojects/([a-z][a-z0-9-]{2,62})/subscriptions/([A-Za-z][\w.~+%-]{2,254})\Z"
)
ACKNOWLEDGING = frozenset({102, 200, 201, 202, 204})
MAX_WAITING = 100_000


class PubSubError(ValueError):
    """A management request that Google would refuse: the HTTP status, and `word`, Google's canonical name if it is not
    the usual one for the status."""

    def __init__(self, status: int, message: str, word: str = "") -> None:
        super().__init__(message)
        self.word = word
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class PubSubMessage:
    """A published message. `data` is base64 text; `published` is epoch seconds."""

    message_id: str
    data: str
    published: float

    @property
    def publish_time(self) -> str:
        """RFC 3339 with milliseconds."""
        moment = datetime.fromtimestamp(self.published, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Delivery:
    """One copy of a message on its way to one subscription. `due` is epoch seconds."""

    message: PubSubMessage
    due: float
    attempt: int = 0
    ack_id: str = ""


@dataclass(slots=True)
class Subscription:
    """A subscription; without `endpoint`, messages are pulled. Times are seconds."""

    name: str
    topic: str
    endpoint: str = ""
    audience: str = ""
    service_account: str = ""
    unwrapped: dict[str, Any] | None = None
    ack_deadline: float = 10.0
    minimum_backoff: float | None = None
    maximum_backoff: float = 600.0
    dead_letter_topic: str = ""
    max_attempts: int = 5
    expiration: dict[str, Any] = field(default_factory=lambda: {"ttl": "2678400s"})
    waiting: list[Delivery] = field(default_factory=list)
    leased: dict[str, Delivery] = field(default_factory=dict)

    def retry_delay(self, attempt: int) -> float:
        """Seconds to wait after the given number of failed attempts."""
        if self.minimum_backoff is None:
            return 0.0
        return min(self.maximum_backoff, self.minimum_backoff * 2.0 ** min(attempt - 1, 30))

    def as_json(self) -> dict[str, Any]:
        """The REST resource."""
        push: dict[str, Any] = {}
        if self.endpoint:
            push["pushEndpoint"] = self.endpoint
        if self.service_account:
            push["oidcToken"] = {"serviceAccountEmail": self.service_account, "audience": self.audience}
        if self.unwrapped is not None:
            push["noWrapper"] = self.unwrapped
        body: dict[str, Any] = {
            "name": self.name,
            "topic": self.topic,
            "pushConfig": push,
            "ackDeadlineSeconds": int(self.ack_deadline),
            "expirationPolicy": self.expiration,
            "state": "ACTIVE",
        }
        if self.minimum_backoff is not None:
            body["retryPolicy"] = {
                "minimumBackoff": f"{self.minimum_backoff:g}s",
                "maximumBackoff": f"{self.maximum_backoff:g}s",
            }
        if self.dead_letter_topic:
            body["deadLetterPolicy"] = {
                "deadLetterTopic": self.dead_letter_topic,
                "maxDeliveryAttempts": self.max_attempts,
            }
        return body


@dataclass(slots=True)
class Topic:
    """A topic. `gmail_may_publish`: gmail-api-push@system.gserviceaccount.com has the grant."""

    name: str
    gmail_may_publish: bool = True


def read_subscription(name: str, body: dict[str, Any]) -> Subscription:
    """A subscription from its REST resource. Raises PubSubError(400)."""
    if not SUBSCRIPTION_NAME.match(name):
        raise PubSubError(400, f"Invalid subscription name {name[:200]!r}.")
    try:
        subscription = Subscription(name=name, topic=str(body["topic"]))
        apply_push_config(subscription, body.get("pushConfig") or {})
        subscription.ack_deadline = float(body.get("ackDeadlineSeconds") or 10)
        retry = body.get("retryPolicy")
        if retry is not None:
            subscription.minimum_backoff = _seconds(retry.get("minimumBackoff", "10s"))
            subscription.maximum_backoff = _seconds(retry.get("maximumBackoff", "600s"))
        if body.get("expirationPolicy") is not None:
            subscription.expiration = dict(body["expirationPolicy"])
        dead = body.get("deadLetterPolicy") or {}
        subscription.dead_letter_topic = str(dead.get("deadLetterTopic") or "")
        subscription.max_attempts = int(dead.get("maxDeliveryAttempts") or 5)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PubSubError(400, f"The subscription cannot be read: {error}") from error
    if not 0 < subscription.ack_deadline <= 600:
        raise PubSubError(400, "ackDeadlineSeconds must be between 10 and 600.")
    return subscription


def apply_push_config(subscription: Subscription, push: dict[str, Any]) -> None:
    """Set a subscription's pushConfig; an empty one makes it a pull subscription."""
    subscription.endpoint = str(push.get("pushEndpoint") or "")
    if subscription.endpoint and not subscription.endpoint.startswith(("http://", "https://")):
        raise PubSubError(400, "pushEndpoint must be an http or https address.")
    token = push.get("oidcToken") or {}
    subscription.service_account = str(token.get("serviceAccountEmail") or "")
    subscription.audience = str(token.get("audience") or subscription.endpoint)
    subscription.unwrapped = push.get("noWrapper")


def _seconds(text: Any) -> float:
    value = float(str(text).removesuffix("s"))
    if not 0 <= value <= 600:
        raise ValueError("a backoff must be between 0 and 600 seconds")
    return value


# ---- The broker


BearerFault = Literal["", "missing", "audience", "email", "issuer", "signature", "expired", "unverified"]
BEARER_FAULTS: tuple[str, ...] = get_args(BearerFault)
Seconds = Annotated[float, Field(ge=-86_400, le=86_400)]


@checked_dataclass(config=STRICT)
class PushModes(Settable):
    """How pushes misbehave. Times are seconds; `drop_ratio` is from 0 to 1; `copies` 1 means no duplicates. `reorder`
    delays messages at random by up to that long; `drop_next` loses the next n messages. `backoff_min` and
    `backoff_max` hold back a whole subscription after refusals; 0.1 and 60 s at Google."""

    copies: Count = 1
    reorder: Seconds = 0.0
    delay: Seconds = 0.0
    drop_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0
    drop_next: Count = 0
    paused: bool = False
    max_in_flight: Count = 16
    backoff_min: Seconds = 0.1
    backoff_max: Seconds = 60.0
    bearer_skew: Seconds = 0.0
    bearer_fault: BearerFault = ""


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

    def publish(self, topic: str, data: str, now: float) -> str:
        """Put a message into every subscription of a topic, subject to the modes. Returns its id."""
        self._next_id += self._rng.randint(1, 900)
        message = PubSubMessage(str(self._next_id), data, now)
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
            self.publish(subscription.dead_letter_topic, message.data, now)

    def _is_lost(self) -> bool:
        if self.modes.drop_next > 0:
            self.modes.drop_next -= 1
            return True
        return self.modes.drop_ratio > 0 and self._rng.random() < self.modes.drop_ratio


# ---- What a push looks like


SUBJECT = "104400000000000000017"
TOKEN_LIFETIME = 3600.0
TOKEN_REUSE = 60.0


class PushTokens:
    """OIDC tokens for push endpoints. A token is used again for a minute, as Pub/Sub may."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._cache: dict[tuple[str, str], tuple[float, str]] = {}

    def token(self, subscription: Subscription, modes: PushModes, now: float) -> str | None:
        """The bearer token for a subscription, made wrong as the modes ask, or None without one."""
        if not subscription.service_account or modes.bearer_fault == "missing":
            return None
        unspoilt = not (modes.bearer_fault or modes.bearer_skew)
        slot = (subscription.service_account, subscription.audience)
        if unspoilt and slot in self._cache and 0 <= now - self._cache[slot][0] < TOKEN_REUSE:
            return self._cache[slot][1]
        token = self._key.sign(self._claims(subscription, modes, now))
        if modes.bearer_fault == "signature":
            head, _, signature = token.rpartition(".")
            token = f"{head}.{signature[10:]}{signature[:10]}"
        if unspoilt:
            self._cache[slot] = (now, token)
        return token

    def _claims(self, subscription: Subscription, modes: PushModes, now: float) -> dict[str, Any]:
        issued = int(now + modes.bearer_skew)
        if modes.bearer_fault == "expired":
            issued -= 2 * int(TOKEN_LIFETIME)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": subscription.audience,
            "azp": SUBJECT,
            "sub": SUBJECT,
            "email": subscription.service_account,
            "email_verified": True,
            "iat": issued,
            "exp": issued + int(TOKEN_LIFETIME),
        }
        wrong = {
            "audience": ("aud", "https://elsewhere.invalid/hook"),
            "email": ("email", "stranger@elsewhere.iam.gserviceaccount.com"),
            "issuer": ("iss", "https://issuer.invalid"),
            "unverified": ("email_verified", False),
        }
        if modes.bearer_fault in wrong:
            name, value = wrong[modes.bearer_fault]
            claims[name] = value
        return claims


def push_request(subscription: Subscription, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
    """Body and headers (without the token) of a push, with both spellings of its id and time, as from Google. An
    unwrapped one is the data alone; its headers tell the rest if the subscription asks for that."""
    message = delivery.message
    if subscription.unwrapped is not None:
        metadata = {
            "x-goog-pubsub-subscription-name": subscription.name,
            "x-goog-pubsub-message-id": message.message_id,
        }
        return decode_data(message.data), metadata if subscription.unwrapped.get("writeMetadata") else {}
    inner = {
        "data": message.data,
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": message.publish_time,
        "publish_time": message.publish_time,
    }
    body: dict[str, Any] = {"message": inner, "subscription": subscription.name}
    if subscription.dead_letter_topic:
        body["deliveryAttempt"] = delivery.attempt
    return json.dumps(body).encode(), {}
