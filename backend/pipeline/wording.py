"""The catalogues' words for a challenge."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_date

from backend.domain.entry.challenge_wording import Wording
from backend.locale import catalogue

PARAGRAPHS = ("greeting", "machine", "because", "todo", "link", "terms", "otherwise")


def challenge_wording(language: str, expires_at: datetime) -> Wording:
    """What a challenge says in a two-letter language (English without a catalogue). `expires_at` is aware UTC."""
    words = catalogue(language)
    return Wording(
        tag=words.tag,
        until=str(format_date(expires_at, "long", locale=words.locale)),
        **{name: words[f"challenge.{name}"] for name in PARAGRAPHS},
    )
