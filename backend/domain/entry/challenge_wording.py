"""The paragraphs of a challenge, in one language. The words themselves are in the catalogues."""

from __future__ import annotations

from dataclasses import dataclass

MAX_OWN_WORDING = 2_000
"""Characters of an owner's own paragraph."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Paragraphs in their order; `{owner}` and `{until}` in them are filled in when the message is composed.

    `because` is the paragraph an owner may replace with their own. The rest stays: that a program wrote it, what the
    link does, and how long it works cannot be left out. `link` is the text of the link in HTML, `until` the last day
    as this language writes it, `tag` the language's name to mail programs (BCP 47).
    """

    tag: str
    greeting: str
    machine: str
    because: str
    todo: str
    link: str
    terms: str
    otherwise: str
    until: str
