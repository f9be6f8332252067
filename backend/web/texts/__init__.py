"""The words of the pages a sender sees, in one place and five languages.

Every language has the same keys, and the same {placeholders} in each; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import LanguageAccept

from backend.web.texts import de, en, es, fr, pt

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": en.TEXTS,
    "de": de.TEXTS,
    "fr": fr.TEXTS,
    "es": es.TEXTS,
    "pt": pt.TEXTS,
}
DEFAULT = "en"


def for_request(accepted: LanguageAccept, fallback: str = DEFAULT) -> Mapping[str, str]:
    """The words in the language the browser likes best; `fallback` (or English) if we have none of its own."""
    best = accepted.best_match(list(TEXTS)) if accepted else None
    return TEXTS.get(best or fallback, TEXTS[DEFAULT])
