"""A message as its owner is shown it: plain text, and where in it the reasons for its score stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.domain.mail.charset import UNSEEN
from backend.domain.mail.message import Message, Owner
from backend.domain.mail.unsubscribe import offer
from backend.domain.reading.marking import Mark, marks
from backend.domain.reading.score import Score
from backend.domain.reading.wording import body, names_of

MAX_SHOWN = 20_000
_EMPTY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


@dataclass(frozen=True, slots=True)
class Shown:
    """`text` is what the reader of the message sees, without controls and direction marks, at most `MAX_SHOWN`
    characters (`truncated`: there was more); `marks` point into it. `offers`: one click unsubscribes, and that can be
    believed."""

    text: str
    truncated: bool = False
    marks: tuple[Mark, ...] = ()
    offers: bool = False


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
