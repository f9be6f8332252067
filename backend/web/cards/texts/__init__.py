"""The words of the cards, in one place and five languages. Same keys and same {placeholders} in each."""

from __future__ import annotations

from collections.abc import Mapping

from backend.web.cards.texts import de, en, es, fr, pt

Words = Mapping[str, str]

TEXTS: Mapping[str, Words] = {
    "en": en.TEXTS,
    "de": de.TEXTS,
    "fr": fr.TEXTS,
    "es": es.TEXTS,
    "pt": pt.TEXTS,
}


def words_for(language: str) -> Words:
    """The words of a two-letter language, English for one we do not have."""
    return TEXTS.get(language, en.TEXTS)
