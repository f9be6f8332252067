"""A page of a signed-in owner, and of somebody who has not signed in: words, state and ways around it; and the page
that leads on to Google's consent page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from quart import Response, request

from backend.domain.errors import NotFound
from backend.domain.mailbox.mailbox import Mailbox
from backend.locale import Words
from backend.pipeline import connect
from backend.ports.gmail import Access
from backend.web import browser_session as browser
from backend.web.api.authentication import service
from backend.web.browser_session import SignedIn, cookie_name, secure
from backend.web.pages import page, state_of, words_for
from backend.web.services import services

# ---- A signed-in owner's page
# Templates extend `owner.html` and get t `Words`: every text of the page owner who is signed in; forms carry
# `owner.csrf` (macro `csrf()` of `owner_forms.html`) here the page's name in the menu, a key of `PLACES` state
# `State` of `state_words`: the mailbox's state in their language now the moment of the page


PLACES = (
    ("held", "/review"),
    ("insights", "/insights"),
    ("settings", "/settings"),
)
"""The menu: the name of a page's word and its address."""

ZONE = "pitchgate-zone"
"""The cookie in which our pages' script tells the browser's time zone, so that times are the reader's."""


def words(section: str) -> Words:
    """The words of a page, in the language of the browser that asks."""
    return words_for(section, request.accept_languages, request.cookies.get(ZONE, ""))


async def owner_page(
    template: str,
    owner: SignedIn,
    mailbox: Mailbox,
    *,
    section: str,
    here: str = "",
    status: int = 200,
    **values: Any,
) -> Response:
    """The rendered page. `section` names its texts, `here` its place in the menu."""
    t, now = words(section), services().context.clock.now()
    return await page(
        template,
        status,
        t=t,
        language=t.tag,
        owner=owner,
        mailbox=mailbox,
        places=PLACES,
        here=here,
        state=state_of(mailbox, t.language, now, t.moment, services().context.skew_for_owner()),
        now=now,
        **values,
    )


# ---- Who is at the page, and the way back


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


# ---- A page without a sign-in


async def open_page(template: str, status: int = 200, *, section: str, **values: Any) -> Response:
    """The rendered page. `section` names its texts; the template gets them as `t`."""
    t = words(section)
    response = await page(template, status, t=t, language=t.tag, **values)
    response.headers["Vary"] = "Accept-Language"
    return response


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
