"""A browser's sign-in: the cookie that holds its secret, and the token its forms carry."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from quart import Response, request
from werkzeug.exceptions import Forbidden

from backend.domain.challenge import token_hash
from backend.pipeline.devices import SESSION_LIFE
from backend.ports.devices import Session
from backend.web.api.door import desk
from backend.web.google_way import secure


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser whose owner is known. `csrf` is what its forms must carry: only our own pages can know it."""

    session: Session
    csrf: str

    @property
    def mailbox_id(self) -> str:
        """The one mailbox it may touch."""
        return self.session.mailbox_id


async def signed_in() -> SignedIn | None:
    """Who sits at this browser, None if he has not signed in (or his mailbox is gone or going)."""
    secret = request.cookies.get(_cookie_name(), "")
    session = await desk().session(secret) if secret else None
    if session is None or not await desk().usable(session.mailbox_id):
        return None
    return SignedIn(session, csrf_of(secret))


async def signed_in_form() -> tuple[SignedIn, dict[str, str]] | None:
    """The same with the fields of the form that was sent. Raises `Forbidden` unless it is one of ours."""
    found = await signed_in()
    if found is None:
        return None
    fields = {name: str(value) for name, value in (await request.form).items()}
    if not hmac.compare_digest(fields.get("csrf", "").encode(), found.csrf.encode()):
        raise Forbidden
    return found, fields


def csrf_of(secret: str) -> str:
    """The form token of a session, made of its secret and of no use to find that."""
    return token_hash(f"form:{secret}")


def keep(response: Response, secret: str) -> Response:
    """Let the browser keep its session."""
    response.set_cookie(
        _cookie_name(),
        secret,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=secure(),
        httponly=True,
        samesite="Strict",
    )
    return response


def drop(response: Response) -> Response:
    """Let the browser forget it."""
    response.delete_cookie(_cookie_name(), path="/", secure=secure(), httponly=True, samesite="Strict")
    return response


def _cookie_name() -> str:
    # The prefix makes browsers refuse one that a neighbouring subdomain or plain http tries to plant.
    return "__Host-pitchgate-session" if secure() else "pitchgate-session"
