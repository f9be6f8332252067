"""A page of a signed-in owner: their words, their mailbox's state and the way to their other pages around it.

Templates extend `owner.html` and get

    t            `Words`: every text of the page
    owner        who is signed in; forms carry `owner.csrf` (macro `csrf()` of `owner_forms.html`)
    here         the page's name in the menu, a key of `PLACES`
    state        `State` of `state_words`: the mailbox's state in their language
    now          the moment of the page
"""

from __future__ import annotations

from typing import Any

from quart import Response, request

from backend.domain.mailbox.mailbox import Mailbox
from backend.locale.words import Words
from backend.web.browser_session import SignedIn
from backend.web.pages import page
from backend.web.services import services
from backend.web.state_words import state_of
from backend.web.words import words_for

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
