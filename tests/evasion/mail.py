"""A mail before it is written, and what a trick is."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

IDLE = dict(
    line.split(" | ")
    for line in Path(__file__).with_name("idle.txt").read_text(encoding="utf-8").splitlines()
)
"""A few sentences a language that sell nothing."""


@dataclass(frozen=True)
class Part:
    """A text part: what it is and what it says; `about` are further fields of it."""

    kind: str
    text: str
    about: tuple[str, ...] = ()

    def bytes(self) -> bytes:
        head = (f"Content-Type: {self.kind}; charset=utf-8", "Content-Transfer-Encoding: base64", *self.about)
        body = base64.encodebytes(self.text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Mail:
    """A mail before it is written: `parts` are put into a multipart of `kind` where there are several."""

    language: str
    sender: str
    subject: str
    text: str
    parts: tuple[Part, ...] = ()
    kind: str = "alternative"
    headers: tuple[str, ...] = field(default=())

    @property
    def idle(self) -> str:
        return IDLE[self.language]

    @property
    def foreign(self) -> str:
        """Idle text of another language."""
        languages = [*IDLE]
        return IDLE[languages[languages.index(self.language) - 1]]

    @property
    def markup(self) -> str:
        """The text as plain HTML."""
        paragraphs = html.escape(self.text, quote=False).split("\n\n")
        return "".join(f"<p>{paragraph.replace(chr(10), '<br>')}</p>" for paragraph in paragraphs)

    def said(self, text: str) -> Mail:
        return replace(self, text=text)

    def shown(self, *markups: str, plain: str | None = None) -> Mail:
        """As HTML, beside a plain text where there is one."""
        parts = [Part("text/html", f"<html><body>{markup}</body></html>") for markup in markups]
        return replace(self, parts=(*([Part("text/plain", plain)] if plain is not None else []), *parts))

    def bytes(self) -> bytes:
        subject = base64.b64encode(self.subject.encode()).decode()
        head = [
            f"From: {self.sender}",
            "To: Anna Berg <anna.berg@northwind-tools.test>",
            f"Subject: =?utf-8?b?{subject}?=",
            f"Date: {format_datetime(datetime(2026, 11, 3, 9, tzinfo=UTC))}",
            "Message-ID: <one@sender.test>",
            "MIME-Version: 1.0",
            *self.headers,
        ]
        parts = self.parts or (Part("text/plain", self.text),)
        if len(parts) == 1:
            return "\r\n".join(head).encode() + b"\r\n" + parts[0].bytes()
        head.append(f'Content-Type: multipart/{self.kind}; boundary="=edge"')
        between = b"".join(b"--=edge\r\n" + part.bytes() for part in parts)
        return "\r\n".join(head).encode() + b"\r\n\r\n" + between + b"--=edge--\r\n"


@dataclass(frozen=True)
class Trick:
    name: str
    sentence: str
    dress: Callable[[Mail], Mail]
    worn: bool = False


TRICKS: list[Trick] = []
LETTERS = re.compile(r"[^\W\d_]{3,}")


def trick(sentence: str, worn: bool = False) -> Callable[[Callable[[Mail], Mail]], Callable[[Mail], Mail]]:
    def entered(dress: Callable[[Mail], Mail]) -> Callable[[Mail], Mail]:
        TRICKS.append(Trick(dress.__name__, sentence, dress, worn))
        return dress

    return entered


def letters(sentence: str, change: Callable[[str], str], name: str, worn: bool = False) -> None:
    """A trick that changes each word of the text, and of the subject."""

    def dress(mail: Mail) -> Mail:
        def each(text: str) -> str:
            return LETTERS.sub(lambda word: change(word.group()), text)

        return replace(mail, text=each(mail.text), subject=each(mail.subject))

    TRICKS.append(Trick(name, sentence, dress, worn))
