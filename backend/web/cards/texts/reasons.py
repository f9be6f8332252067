"""The reasons of a score in the owner's language. They are stored as the model's English words."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("de", "fr", "es", "pt")
TABLE: Mapping[str, tuple[str, str, str, str]] = {}


def reason_in(language: str, text: str) -> str:
    """`text` in this language; in English if the language or the reason is not known."""
    translated = TABLE.get(text)
    return translated[LANGUAGES.index(language)] if translated and language in LANGUAGES else text
