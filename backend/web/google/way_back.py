"""What a browser keeps while its owner is at Google's consent page.

Google begins the navigation that brings them back, so no strict cookie comes with it: notes are lax, HttpOnly, for
`/connect` only, and live as long as an attempt to connect.
"""

from __future__ import annotations

from dataclasses import dataclass

from quart import Response, request

from backend.pipeline.connect import LIFE
from backend.web.google.state_cookie import secure


@dataclass(frozen=True, slots=True)
class Note:
    """One such cookie. Whoever reads it must not believe it: a browser can be given any note."""

    name: str

    def keep(self, response: Response, value: str) -> Response:
        """Let the browser keep `value`; "" makes it forget an earlier one."""
        if not value:
            return self.drop(response)
        response.set_cookie(
            self.name,
            value,
            max_age=int(LIFE.total_seconds()),
            path="/connect",
            secure=secure(),
            httponly=True,
            samesite="Lax",
        )
        return response

    def read(self) -> str:
        """What this browser kept, "" if nothing."""
        return request.cookies.get(self.name, "")

    def drop(self, response: Response) -> Response:
        """Let the browser forget it, if it keeps one."""
        if self.name in request.cookies:
            response.delete_cookie(self.name, path="/connect", secure=secure(), httponly=True, samesite="Lax")
        return response


DEVICE = Note("pitchgate-device")
"""An app's sealed request, while its owner signs in."""

EARLIER = Note("pitchgate-earlier")
"""The hash of the session this browser had when it left: every sign-in ends it."""

WANTED = Note("pitchgate-wanted")
"""The page of ours they wanted when they were asked to sign in."""

PAGES = frozenset(
    {
        "/review",
        "/insights",
        "/settings",
        "/settings/data",
        "/settings/leave",
        "/settings/lists",
        "/settings/wording",
        "/devices",
        "/start",
    }
)
"""Where signing in may lead on to. Nothing else is followed, whatever a form or a note says."""


def wanted(page: str) -> str:
    """`page` if it is one of `PAGES`, else ""."""
    return page if page in PAGES else ""
