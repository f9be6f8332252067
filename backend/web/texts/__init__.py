"""The words of the pages a sender sees, in one place and five languages.

Every language has the same keys, and the same {placeholders} in each; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import LanguageAccept

from backend.domain.entry.challenge_wording import DEFAULT
from backend.web.texts import de, en, es, fr, pt

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": en.TEXTS,
    "de": de.TEXTS,
    "fr": fr.TEXTS,
    "es": es.TEXTS,
    "pt": pt.TEXTS,
}


def language_of(accepted: LanguageAccept, fallback: str = DEFAULT) -> str:
    """The language of ours that the browser likes best, `fallback` if it likes none. Its country does not matter:
    pt-BR before en is pt. (Werkzeug's own matching would rather have the en that is named exactly.)"""
    wished = (tag.partition("-")[0].lower() for tag, quality in accepted if quality > 0)
    return next((language for language in wished if language in TEXTS), fallback)


def for_request(accepted: LanguageAccept, fallback: str = DEFAULT) -> Mapping[str, str]:
    """The words in the language the browser likes best; `fallback` (or English) if we have none of its own."""
    return TEXTS.get(language_of(accepted, fallback), TEXTS[DEFAULT])
