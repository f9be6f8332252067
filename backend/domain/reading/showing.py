"""A message as its owner is shown it: plain text, and where in it the reasons for its score stand."""

from __future__ import annotations

import re

from backend.domain.mail.headers import UNSEEN
from backend.domain.mail.machine_mail import offer
from backend.domain.mail.message import Message, Owner
from backend.domain.reading.score import MAX_SHOWN, Score, Shown, marks
from backend.domain.reading.wording import body, names_of

_EMPTY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def show(message: Message, owner: Owner, score: Score) -> Shown:
    """The message for the page and for the desktop app alike. `score` is that of the same message, with its reasons."""
    text = UNSEEN.sub("", body(message).replace("\r\n", "\n")).strip()
    text = _EMPTY_LINES.sub("\n\n", text)
    shown = text[:MAX_SHOWN]
    return Shown(
        text=shown,
        truncated=len(text) > len(shown),
        marks=marks(shown, score, names_of(message, owner)),
        offers=bool(offer(message).url),
    )
