"""Who comes to an owner's page, and their mailbox; and the way back after a form."""

from __future__ import annotations

from urllib.parse import urlencode

from quart import Response

from backend.domain.errors import NotFound
from backend.domain.mailbox.mailbox import Mailbox
from backend.web import browser_session as browser
from backend.web.api.authentication import service
from backend.web.browser_session import SignedIn

Visitor = tuple[SignedIn, Mailbox]


async def visitor() -> Visitor | None:
    """Who sits at this browser with their mailbox, None if they have not signed in."""
    owner = await browser.signed_in()
    return None if owner is None else (owner, await _mailbox(owner))


async def visitor_form() -> tuple[Visitor, dict[str, str]] | None:
    """The same with the fields of the form that was sent. Raises `Forbidden` unless it is one of ours."""
    sent = await browser.signed_in_form()
    return None if sent is None else ((sent[0], await _mailbox(sent[0])), sent[1])


def back(path: str, **told: str) -> Response:
    """To a page, as after every form that changed something."""
    query = urlencode({name: value for name, value in told.items() if value})
    return Response(b"", 303, headers={"Location": f"{path}?{query}" if query else path})


async def _mailbox(owner: SignedIn) -> Mailbox:
    found = await service().context.store.mailbox(owner.mailbox_id)
    if found is None:
        raise NotFound("The mailbox was disconnected.", "Connect Gmail again.", code="not_found")
    return found
