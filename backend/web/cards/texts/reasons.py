"""The reasons of a score in the owner's language. They are stored as the model's English words.

`reasons.json` has for each English text the German, French, Spanish and Portuguese one.
"""

from __future__ import annotations

import json
from pathlib import Path

LANGUAGES = ("de", "fr", "es", "pt")
TABLE: dict[str, list[str]] = json.loads(Path(__file__).with_name("reasons.json").read_text(encoding="utf-8"))


def reason_in(language: str, text: str) -> str:
    """`text` in this language; in English if the language or the reason is not known."""
    translated = TABLE.get(text)
    return translated[LANGUAGES.index(language)] if translated and language in LANGUAGES else text
