"""The way to Google's consent page: its address, and the cookie only the way back can use."""

from __future__ import annotations

from quart import Response

from backend.pipeline.connect import LIFE
from backend.web.context import services
from backend.web.guards import content_policy, origin_of


async def to_google(account: str = "") -> Response:
    """Off to the consent page, with the sealed state in a cookie. `account`: the only one that may come back."""
    url, state = await services().pipeline.begin_connect(account)
    response = Response(b"", 303, headers={"Location": url})
    response.set_cookie(
        cookie_name(),
        state,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=secure(),
        httponly=True,
        # Lax, not Strict: the way back is a navigation that Google begins.
        samesite="Lax",
    )
    return response


def without_cookie(response: Response) -> Response:
    """Let the browser forget the state."""
    response.delete_cookie(cookie_name(), path="/", secure=secure(), httponly=True, samesite="Lax")
    return response


def leading_to_google(response: Response) -> Response:
    """A page with a button that posts to us and is redirected to Google, which browsers count as the form's
    target."""
    target = origin_of(services().settings.authorize_url)
    response.headers["Content-Security-Policy"] = content_policy(target)
    return response


def secure() -> bool:
    """Whether cookies must travel over TLS only."""
    return services().settings.public_url.startswith("https://")


def cookie_name() -> str:
    """The prefix makes browsers refuse one that a neighbouring subdomain or plain http tries to plant."""
    return "__Host-pitchgate-connect" if secure() else "pitchgate-connect"
