"""The catalogues' words for a challenge."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_date

from backend.domain.entry.challenge_mail import Wording
from backend.locale import catalogue

PARAGRAPHS = (
    "greeting", "greeting_named", "because", "because_named", "todo", "otherwise", "sign", "what",
)  # fmt: skip


def challenge_wording(language: str, expires_at: datetime, credits_per_solve: int) -> Wording:
    """What a challenge says in a two-letter language (English without a catalogue).

    `expires_at` is aware UTC. One credit of `credits_per_solve` delivers the message that is answered; the others are
    told of.
    """
    words, more = catalogue(language), credits_per_solve - 1
    return Wording(
        tag=words.tag,
        until=str(format_date(expires_at, "long", locale=words.locale)),
        more=words.plural("challenge.more", more).format(count=more) if more else "",
        **{name: words[f"challenge.{name}"] for name in PARAGRAPHS},
    )
