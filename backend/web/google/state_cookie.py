"""The cookie of the way to Google's consent page, which only the way back can use."""

from __future__ import annotations

from quart import Response

from backend.web.services import services


def without_cookie(response: Response) -> Response:
    """Let the browser forget the state."""
    response.delete_cookie(cookie_name(), path="/", secure=secure(), httponly=True, samesite="Lax")
    return response


def secure() -> bool:
    """Whether cookies must travel over TLS only."""
    return services().context.settings.public_url.startswith("https://")


def cookie_name() -> str:
    """The prefix makes browsers refuse one that a neighbouring subdomain or plain http tries to plant."""
    return "__Host-pitchgate-connect" if secure() else "pitchgate-connect"
