"""Which words a page speaks with: its section of the catalogue, in the language its reader likes best."""

from __future__ import annotations

from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from werkzeug.datastructures import LanguageAccept

from backend.locale import DEFAULT, LANGUAGES, Section, catalogue
from backend.locale.words import Words

SHARED = ("frame", "card")
"""Sections every owner's page may use beside its own: the sidebar and the pages say the same about a verdict."""


def language_of(accepted: LanguageAccept, fallback: str = DEFAULT) -> str:
    """The language of ours that the browser likes best, `fallback` if it likes none. Its country does not matter:
    pt-BR before en is pt. (Werkzeug's own matching would rather have the en that is named exactly.)"""
    wished = (tag.partition("-")[0].lower() for tag, quality in accepted if quality > 0)
    return next((language for language in wished if language in LANGUAGES), fallback)


def sender_words(accepted: LanguageAccept, fallback: str = DEFAULT) -> Section:
    """The words of the pages a sender sees, in the language the browser likes best."""
    return catalogue(language_of(accepted, fallback)).section("check", "error")


def card_words(language: str) -> Section:
    """The words of the sidebar's cards in a two-letter language, English for one we do not have."""
    return catalogue(language).section("card")


def words_for(section: str, accepted: LanguageAccept, zone: str = "") -> Words:
    """The words of one of an owner's pages: its own, then the frame's, then the cards'.

    `zone` is the reader's time zone, as their browser names it.
    """
    return Words(catalogue(language_of(accepted)).section(section, *SHARED), zone_of(zone))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(name: str) -> tzinfo | None:
    """The time zone of that name; None for one we do not know."""
    return ZoneInfo(name) if name in _zones() else None
