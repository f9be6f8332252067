"""A page of a signed-in owner: their words, their mailbox's state and the way to their other pages around it.

Templates extend `owner.html` and get

    t            `Words`: every text of the page
    owner        who is signed in; forms carry `owner.csrf` (macro `csrf()` of `owner_forms.html`)
    here         the page's name in the menu, a key of `PLACES`
    state        `State`: the mailbox's state in their language
    now          the moment of the page
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quart import Response, request

from backend.domain.mailbox.condition import RECENT_DAYS
from backend.domain.mailbox.mailbox import Condition, Mailbox
from backend.web.addon.cards.lost import lost_key
from backend.web.addon.cards.state import delay_key
from backend.web.browser_session import SignedIn
from backend.web.context import services
from backend.web.pages import page
from backend.web.words import Words, words_for

PLACES = (
    ("held", "/review"),
    ("insights", "/insights"),
    ("settings", "/settings"),
    ("computers", "/devices"),
)
"""The menu: the name of a page's word and its address."""


@dataclass(frozen=True, slots=True)
class State:
    """What an owner is told of their mailbox. `warnings` are what they should know beside; `mend`: they must connect
    again."""

    condition: Condition
    text: str
    warnings: tuple[str, ...]
    mend: bool


def words(section: str) -> Words:
    """The words of a page, in the language of the browser that asks."""
    return words_for(section, request.accept_languages)


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
    t, now = words(section), services().clock.now()
    return await page(
        template,
        status,
        t=t,
        language=t.tag,
        owner=owner,
        mailbox=mailbox,
        places=PLACES,
        here=here,
        state=state_of(mailbox, t, now),
        now=now,
        **values,
    )


def state_of(mailbox: Mailbox, t: Words, now: datetime) -> State:
    """The state of a mailbox in words."""
    condition = mailbox.condition(now)
    until = mailbox.preferences.paused_until
    text = t(f"state_{condition}", until=t.moment(until) if until else "", since="", why="")
    if condition is Condition.DELAYED:
        text = _delay(mailbox, t, now)
    if condition is Condition.NEEDS_RECONNECT:
        text = t(lost_key(mailbox.link_cause))
    if condition is Condition.INDEXING and mailbox.index_total:
        text = f"{text} {t('index_progress', done=mailbox.index_done, total=mailbox.index_total)}"
    return State(
        condition, text, tuple(_warnings(mailbox, t, now)), mend=condition is Condition.NEEDS_RECONNECT
    )


def _delay(mailbox: Mailbox, t: Words, now: datetime) -> str:
    """What waits, since when and why; "" if nothing does."""
    late = mailbox.trouble(now)
    return t(delay_key(late), since=t.moment(late.since), why=t(f"delay_{late.blame}")) if late else ""


def _warnings(mailbox: Mailbox, t: Words, now: datetime) -> list[str]:
    found: list[str] = []
    if mailbox.missing is not None:
        found.append(t(f"news_missing_{mailbox.missing}"))
    told = (Condition.NEEDS_RECONNECT, Condition.WATCH_LAPSED, Condition.DISCONNECTED)
    if mailbox.condition(now) not in told and mailbox.watch_alarm(now):
        found.append(t("watch_lapses"))
    if mailbox.condition(now) is Condition.PAUSED and (delay := _delay(mailbox, t, now)):
        found.append(delay)
    gap = mailbox.gap
    if gap is not None and (gap.cut or gap.unchecked) and (now - gap.until).days < RECENT_DAYS:
        parts = [t("gap", since=t.moment(gap.since), until=t.moment(gap.until), found=gap.found)]
        if gap.cut:
            parts.append(t(f"gap_{gap.cut}"))
        if gap.unchecked:
            parts.append(t("gap_unchecked", count=gap.unchecked))
        found.append(" ".join(parts))
    return found
