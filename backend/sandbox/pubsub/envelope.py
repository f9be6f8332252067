"""What a push request looks like: body, headers, and the signed token."""

import json
from typing import Any

from backend.sandbox.base64_text import decode_data
from backend.sandbox.oauth.signing import ISSUER, KeyRing
from backend.sandbox.pubsub.broker import PushModes
from backend.sandbox.pubsub.model import Delivery, Subscription

SUBJECT = "104400000000000000017"
TOKEN_LIFETIME = 3600.0
TOKEN_REUSE = 60.0


class PushTokens:
    """OIDC tokens for push endpoints. A token is used again for a minute, as Pub/Sub may."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._cache: dict[tuple[str, str, str], tuple[float, str]] = {}

    def token(self, subscription: Subscription, modes: PushModes, now: float) -> str | None:
        """The bearer token for a subscription, spoilt as the modes ask, or None without one."""
        if not subscription.service_account or modes.bearer_fault == "missing":
            return None
        plain = not (modes.bearer_fault or modes.bearer_skew or modes.bearer_age)
        slot = (subscription.service_account, subscription.audience, self._keys.current.kid)
        if plain and slot in self._cache and 0 <= now - self._cache[slot][0] < TOKEN_REUSE:
            return self._cache[slot][1]
        token = self._keys.sign(self._claims(subscription, modes, now))
        if modes.bearer_fault == "signature":
            head, _, signature = token.rpartition(".")
            token = f"{head}.{signature[10:]}{signature[:10]}"
        if plain:
            self._cache[slot] = (now, token)
        return token

    def _claims(self, subscription: Subscription, modes: PushModes, now: float) -> dict[str, Any]:
        issued = int(now + modes.bearer_skew - modes.bearer_age)
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
    """Body and headers (without the token) of a push."""
    message = delivery.message
    if subscription.unwrapped:
        headers = {"Content-Type": "application/json"}
        if subscription.write_metadata:
            headers |= {
                "x-goog-pubsub-subscription-name": subscription.name,
                "x-goog-pubsub-message-id": message.message_id,
                "x-goog-pubsub-publish-time": message.publish_time,
            } | message.attributes
        return decode_data(message.data), headers
    inner: dict[str, Any] = {
        "data": message.data,
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": message.publish_time,
        "publish_time": message.publish_time,
    }
    if message.attributes:
        inner["attributes"] = message.attributes
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    body: dict[str, Any] = {"message": inner, "subscription": subscription.name}
    if subscription.dead_letter_topic:
        body["deliveryAttempt"] = delivery.attempt
    return json.dumps(body).encode(), {"Content-Type": "application/json"}
