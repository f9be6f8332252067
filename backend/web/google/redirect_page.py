"""The page that leads on to Google's consent page."""

from __future__ import annotations

from quart import Response

from backend.pipeline import connect
from backend.ports.gmail import Access
from backend.web.browser_session import cookie_name, secure
from backend.web.owner.page import open_page
from backend.web.services import services


async def to_google(account: str = "") -> Response:
    """A page that leads on to where Google asks for access to a mailbox, with the sealed state in a cookie.
    `account`: the only one that may come back."""
    url, state = await connect.begin_again(services().context, services().authorizer, account)
    return await _lead_on(url, state, "connect")


async def to_sign_in() -> Response:
    """The same to where Google asks who it is, and nothing more."""
    url, state = connect.begin(services().context, services().authorizer, Access.IDENTITY)
    return await _lead_on(url, state, "sign_in_title")


async def _lead_on(url: str, state: str, title: str) -> Response:
    response = await open_page("to_google.html", section="connect", google=url, title=title)
    response.set_cookie(
        cookie_name(),
        state,
        max_age=int(connect.LIFE.total_seconds()),
        path="/",
        secure=secure(),
        httponly=True,
        # Lax, not Strict: the way back is a navigation that Google begins.
        samesite="Lax",
    )
    return response
