"""The event a host posts, with both tokens signed; and, on demand, ones nobody should believe."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from backend.sandbox.addon.deployment import Deployment
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.oauth.signing import ISSUER, KeyRing, SigningKey

EMAIL = "https://www.googleapis.com/auth/userinfo.email"
LIFE = 3600
NUMBER = "104400000000000000017"
ID_FORMS = ("msg-f", "hex")


@dataclass(frozen=True, slots=True)
class Setting:
    """How the owner's Gmail is set: where they read, their language and distance from UTC."""

    platform: str = "WEB"
    locale: str = "en-US"
    zone: str = "UTC"
    offset_ms: int = 0
    id_form: str = "msg-f"


@dataclass(frozen=True, slots=True)
class Forgery:
    """What is wrong with the tokens: claims that replace the true ones (None takes one out), and which of the
    two a stranger's key signed."""

    system: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)
    stranger: str = ""
    no_header: bool = False


@dataclass(frozen=True, slots=True)
class Posting:
    """One request, kept so that it can be sent again as it was."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the owner did: opened a message or clicked, with what the card carries."""

    url: str
    message: str = ""
    thread: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, list[str]] = field(default_factory=dict)


def posting(
    keys: KeyRing,
    now: float,
    deployment: Deployment,
    owner: Mailbox,
    granted: frozenset[str],
    setting: Setting,
    request: Asked,
    forgery: Forgery,
) -> Posting:
    """The request Google would send. `granted` are the scopes the owner consented to."""
    system = _signed(keys, _system(deployment, request.url, now) | dict(forgery.system), forgery, "system")
    auth: dict[str, Any] = {"systemIdToken": system, "authorizedScopes": sorted(granted)}
    if granted:
        auth["userOAuthToken"] = f"ya29.sandbox-{secrets.token_urlsafe(24)}"
    if EMAIL in granted:
        auth["userIdToken"] = _signed(
            keys, _user(deployment, owner, now) | dict(forgery.user), forgery, "user"
        )
    body = {"commonEventObject": _common(setting, request), "authorizationEventObject": auth}
    if request.message:
        body["gmail"] = {
            "messageId": _id("msg", request.message, setting.id_form),
            "threadId": _id("thread", request.thread or request.message, setting.id_form),
            "accessToken": f"AKwx-{secrets.token_urlsafe(24)}",
        }
    headers = {} if forgery.no_header else {"Authorization": f"Bearer {system}"}
    return Posting(request.url, headers, body)


def _common(setting: Setting, request: Asked) -> dict[str, Any]:
    common: dict[str, Any] = {
        "hostApp": "GMAIL",
        "platform": setting.platform,
        "userLocale": setting.locale,
        "timeZone": {"id": setting.zone, "offset": setting.offset_ms},
    }
    if request.parameters:
        common["parameters"] = dict(request.parameters)
    if request.inputs:
        common["formInputs"] = {
            name: {"stringInputs": {"value": list(values)}} for name, values in request.inputs.items()
        }
    return common


def _id(kind: str, hex_id: str, form: str) -> str:
    if ":" in hex_id:  # msg-a:… of the owner's own drafts and sends has no number
        return hex_id
    return f"{kind}-f:{int(hex_id, 16)}" if form == "msg-f" else hex_id


def _system(deployment: Deployment, url: str, now: float) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": url,
        "azp": NUMBER,
        "sub": NUMBER,
        "email": deployment.account,
        "email_verified": True,
        "iat": int(now),
        "exp": int(now) + LIFE,
    }


def _user(deployment: Deployment, owner: Mailbox, now: float) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": deployment.client_id,
        "azp": deployment.client_id,
        "sub": owner.owner.sub,
        "email": owner.address,
        "email_verified": True,
        "iat": int(now),
        "exp": int(now) + LIFE,
    }


def _signed(keys: KeyRing, claims: dict[str, Any], forgery: Forgery, which: str) -> str:
    present = {name: value for name, value in claims.items() if value is not None}
    if forgery.stranger != which:
        return keys.sign(present)
    # A key of somebody else's, under the id of a published one.
    key = SigningKey.generate()
    return jwt.encode(present, key.private, algorithm="RS256", headers={"kid": keys.current.kid})
