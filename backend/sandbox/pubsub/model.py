"""Topics, subscriptions and the messages waiting in them."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

TOPIC_NAME = re.compile(r"\Aprojects/([a-z][a-z0-9-]{2,62})/topics/([A-Za-z][\w.~+%-]{2,254})\Z")
SUBSCRIPTION_NAME = re.compile(
    r"\Aprojects/([a-z][a-z0-9-]{2,62})/subscriptions/([A-Za-z][\w.~+%-]{2,254})\Z"
)
ACKNOWLEDGING = frozenset({102, 200, 201, 202, 204})
MAX_WAITING = 100_000


class PubSubError(ValueError):
    """A management request Google would refuse: HTTP status, and `word`, its canonical name where that is not the
    status's usual one."""

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
    attributes: dict[str, str] = field(default_factory=dict)
    ordering_key: str = ""

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
    """A subscription; without `endpoint` it is pulled. Times are seconds."""

    name: str
    topic: str
    endpoint: str = ""
    audience: str = ""
    service_account: str = ""
    unwrapped: bool = False
    write_metadata: bool = False
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
        if self.unwrapped:
            push["noWrapper"] = {"writeMetadata": self.write_metadata}
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
    """A topic. `gmail_may_publish`: the grant to gmail-api-push@system.gserviceaccount.com."""

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
    """Put a pushConfig into a subscription; an empty one turns it into a pull subscription."""
    subscription.endpoint = str(push.get("pushEndpoint") or "")
    if subscription.endpoint and not subscription.endpoint.startswith(("http://", "https://")):
        raise PubSubError(400, "pushEndpoint must be an http or https address.")
    token = push.get("oidcToken") or {}
    subscription.service_account = str(token.get("serviceAccountEmail") or "")
    subscription.audience = str(token.get("audience") or subscription.endpoint)
    wrapper = push.get("noWrapper")
    subscription.unwrapped = wrapper is not None
    subscription.write_metadata = bool((wrapper or {}).get("writeMetadata"))


def _seconds(text: Any) -> float:
    value = float(str(text).removesuffix("s"))
    if not 0 <= value <= 600:
        raise ValueError("a backoff must be between 0 and 600 seconds")
    return value
