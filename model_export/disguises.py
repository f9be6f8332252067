"""Disguised copies of messages, made during training. They are not stored, and no figure counts them.

Traces of a disguise (letters of two alphabets, hidden words), anything that costs nothing to write (the headers of a
list, the subject of an automatic reply) and mere habits ("Re:", a question at the end) then occur in pitches and in
ordinary mail alike, so the model learns none of them as a sign of either."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from backend.domain.mail.message import Headers, Message
from model_export.rows import Row

EVERY = 6
"""One message in this many gets a copy."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_ALIKE = str.maketrans("aceopxyACEOPXTHKMB", "асеорхуАСЕОРХТНКМВ")
_AUTOMATIC = {
    "de": "Automatische Antwort",
    "fr": "Réponse automatique",
    "es": "Respuesta automática",
    "pt": "Resposta automática",
    "it": "Risposta automatica",
    "nl": "Automatisch antwoord",
    "pl": "Automatyczna odpowiedź",
    "cs": "Automatická odpověď",
    "sv": "Autosvar",
}
_OK = ("OK?", "Okay?", "?")

Disguise = Callable[[Message, int, str], Message]
"""Takes a message, a number of its own and its language; returns the message in disguise."""


def copies(rows: Iterable[Row]) -> list[Row]:
    """Disguised copies of some rows, chosen by their ids; each disguise is used for the same share of both labels."""
    return list(_copies(rows))


def _copies(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        drawn, number = divmod(int(hashlib.sha256(row.id.encode()).hexdigest()[:12], 16), EVERY)
        if number:
            continue
        drawn, number = divmod(drawn, len(DISGUISES))
        disguised = DISGUISES[number](row.message, drawn, row.language)
        if disguised is not row.message:
            yield replace(row, id=f"{row.id}, disguised", message=disguised)


def _with_text(message: Message, change: Callable[[str], str]) -> Message:
    """A copy with another plain text, if mail programs show the plain text."""
    return replace(message, text=change(message.text)) if message.text and not message.html else message


def _with_headers(message: Message, *fields: tuple[str, str], subject: str = "") -> Message:
    headers = Headers((*message.headers.fields, *fields))
    return replace(message, headers=headers, subject=subject or message.subject)


def _look_alikes(message: Message, number: int, language: str) -> Message:
    """Replaces letters by those of another alphabet in every second word."""
    del language
    at = number % 2

    def each(word: re.Match[str]) -> str:
        nonlocal at
        at += 1
        return word.group().translate(_ALIKE) if at % 2 else word.group()

    return _with_text(message, lambda text: _WORD.sub(each, text))


def _apart(message: Message, number: int, language: str) -> Message:
    """Puts signs or spaces between letters."""
    del language
    sign = " .-*"[number % 4]
    if sign == " ":
        return _with_text(message, lambda text: re.sub(r"(?<=\S)(?=\S)", " ", re.sub(r" +", "   ", text)))
    return _with_text(message, lambda text: _WORD.sub(lambda word: sign.join(word.group()), text))


def _turned(message: Message, number: int, language: str) -> Message:
    """Writes every line backwards, after a mark that reverses it on the screen."""
    del number, language
    return _with_text(
        message,
        lambda text: "\n".join(f"\u202e{line[::-1]}\u202c" if line else "" for line in text.split("\n")),
    )


def _hidden(message: Message, number: int, language: str) -> Message:
    """Turns the text into HTML with hidden text, often a little, sometimes much."""
    del language
    if not message.text or message.html:
        return message
    styles = ("display:none", "font-size:1px;color:#fff", "opacity:0", "position:absolute;left:-9999px")
    paragraphs = [html.escape(part, quote=False).replace("\n", "<br>") for part in message.text.split("\n\n")]
    unseen = " ".join(message.text.split()[: 12 if number % 3 else 200])
    hidden = f'<div style="{styles[number % len(styles)]}">{html.escape(unseen, quote=False)}</div>'
    shown = "".join(f"<p>{part}</p>" for part in paragraphs)
    return replace(message, text="", html=f"<html><body>{hidden}{shown}</body></html>")


def _listed(message: Message, number: int, language: str) -> Message:
    """Adds the headers of a mailing list."""
    del language
    domain = message.sender.domain or "list.invalid"
    fields = (
        ("List-Id", f"<news.{domain}>"),
        ("List-Unsubscribe", f"<https://{domain}/{number % 1000}>"),
        ("Precedence", "bulk"),
    )
    return _with_headers(message, *fields)


def _automatic(message: Message, number: int, language: str) -> Message:
    """Adds the headers and the subject of an automatic reply."""
    del number
    title = f"{_AUTOMATIC.get(language, 'Automatic reply')}: {message.subject}"
    return _with_headers(message, ("Auto-Submitted", "auto-replied"), subject=title)


def _answering(message: Message, number: int, language: str) -> Message:
    """Makes the subject that of a reply; half of the time adds a header that names an earlier mail."""
    del language
    answered = replace(message, subject=f"Re: {message.subject}")
    return answered if number % 2 else replace(answered, in_reply_to="<earlier@mail.invalid>")


def _asking(message: Message, number: int, language: str) -> Message:
    """Adds a question at the end that asks for nothing specific."""
    del language
    return _with_text(message, lambda text: f"{text}\n\n{_OK[number % len(_OK)]}")


DISGUISES: tuple[Disguise, ...] = (
    _look_alikes,
    _apart,
    _turned,
    _hidden,
    _listed,
    _automatic,
    _answering,
    _asking,
)
