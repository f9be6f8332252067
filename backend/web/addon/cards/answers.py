"""The shapes of what is answered: a card for a trigger, a changed card and a toast for a click, or a prompt."""

from __future__ import annotations

from collections.abc import Iterable

from backend.web.addon.cards.state import connect_address
from backend.web.addon.cards.widgets import Json


def opened(card: Json) -> Json:
    """To a trigger."""
    return {"action": {"navigations": [{"pushCard": card}]}}


def changed(card: Json, toast: str, *, moved: bool) -> Json:
    """To a click. `moved`: something changed, so that cards and mail shown before may be out of date."""
    action: Json = {"navigations": [{"updateCard": card}]}
    if toast:
        action["notification"] = {"text": toast}
    return {"renderActions": {"action": action}, "stateChanged": moved}


def deeper(card: Json) -> Json:
    """To a click that leads to another card, from which Gmail's arrow leads back."""
    return {"renderActions": {"action": {"navigations": [{"pushCard": card}]}}, "stateChanged": False}


def ask_scopes(scopes: Iterable[str]) -> Json:
    """Google prompts for these, then repeats the call."""
    return {"requesting_google_scopes": {"scopes": list(scopes)}}


def ask_connection(base: str) -> Json:
    """The owner has not connected their mailbox: the way to the page where they can."""
    return {
        "basic_authorization_prompt": {"authorization_url": connect_address(base), "resource": "Pitchgate"}
    }
