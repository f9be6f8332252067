"""The paragraphs of a challenge, in one language. The words themselves are in the catalogues."""

from __future__ import annotations

from dataclasses import dataclass

MAX_OWN_WORDING = 2_000
"""Characters of an owner's own paragraph."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Paragraphs in their order; the blanks in them are filled in when the message is composed.

    `{owner}` is the owner's name, `{name}` the sender's, `{subject}` what they wrote above their message, `{until}` the
    last day of the link as this language writes it. `greeting_named` and `because_named` stand where a name and a
    subject may be repeated. `because` is the paragraph an owner may replace with their own. The rest stays: what the
    link does, what that is worth (`more`, "" where it is one delivery), that a program wrote it, and how long the link
    works cannot be left out. `what` is the text before the address that explains, `tag` the language's name to mail
    programs (BCP 47).
    """

    tag: str
    greeting: str
    greeting_named: str
    because: str
    because_named: str
    todo: str
    more: str
    otherwise: str
    sign: str
    what: str
    until: str
