"""The words of an owner's pages. One package a page, one module a language in it.

    words_for("review", request.accept_languages)   the page's own texts, then the frame's, then the cards'

The sidebar's cards and the pages say the same about a verdict, a state or a mode, so those words stand once, with
the cards. A new page adds a package here and its line in `SECTIONS`; a test holds every language to the same keys
and blanks.
"""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import LanguageAccept

from backend.web.cards.texts import TEXTS as CARDS
from backend.web.texts import language_of
from backend.web.texts.owner import (
    connect,
    data,
    devices,
    frame,
    insights,
    leave,
    lists,
    review,
    settings,
    start,
)
from backend.web.texts.owner.words import Words

SECTIONS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "connect": connect.TEXTS,
    "data": data.TEXTS,
    "devices": devices.TEXTS,
    "frame": frame.TEXTS,
    "insights": insights.TEXTS,
    "leave": leave.TEXTS,
    "lists": lists.TEXTS,
    "review": review.TEXTS,
    "settings": settings.TEXTS,
    "start": start.TEXTS,
}


def words_for(section: str, accepted: LanguageAccept) -> Words:
    """The words of one page. `section` is a key of `SECTIONS`."""
    language = language_of(accepted)
    own = SECTIONS[section][language]
    return Words(language, own, frame.TEXTS[language], CARDS[language])
