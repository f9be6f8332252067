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


async def visitor() -> Visitor:
    """Who sits at this browser with their mailbox. Raises `SignedOut`."""
    owner = await browser.signed_in()
    return owner, await _mailbox(owner)


async def visitor_form() -> tuple[Visitor, dict[str, str]]:
    """The same with the fields of the form that was sent. Raises `Forbidden` unless it is one of ours."""
    owner, fields = await browser.signed_in_form()
    return (owner, await _mailbox(owner)), fields


def back(path: str, **args: str) -> Response:
    """To a page, as after every form that changed something."""
    query = urlencode({name: value for name, value in args.items() if value})
    return Response(b"", 303, headers={"Location": f"{path}?{query}" if query else path})


async def _mailbox(owner: SignedIn) -> Mailbox:
    found = await service().context.store.mailbox(owner.mailbox_id)
    if found is None:
        raise NotFound("not_found.mailbox")
    return found
