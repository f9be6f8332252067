"""A message as the model reads it. One function, `prepare`, for training and for serving.

The result is lower-case words separated by single blanks, so that any tokeniser which splits at what is
neither letter nor digit nor underscore sees exactly these tokens. Links, numbers and names are replaced
by classes; prefixes keep apart what is no plain word of the mail:

    g_ q_   words of the signature and of quoted mail      c_  concepts, the same in every language
    s_      first five letters of longer words             t_  telling phrases    f_  findings about form
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.domain.charset import clean
from backend.domain.concepts import concepts
from backend.domain.form import form_tokens
from backend.domain.language import language
from backend.domain.message import Message, Owner
from backend.domain.phrases import Hit, find
from backend.domain.quoting import sections
from backend.domain.sender import is_free_mail, organisational_domain
from backend.domain.visible import Visible, visible

MAX_OWN_WORDS = 900
MAX_SIGNATURE_WORDS = 80
MAX_QUOTED_WORDS = 200
MAX_SUBJECT_WORDS = 40
STEM = 5

_URL = re.compile(r"https?://[^\s<>\"')\]]{1,2000}|\bwww\.[^\s<>\"')\]]{1,500}", re.I)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,6}")
_HOST = re.compile(
    r"\b[\w-]{1,40}(?:\.[\w-]{1,40}){0,3}\.(?:com|io|co|dev|net|org|de|fr|es|it|nl|pl|cz|se|pt|ch|at|eu|uk"
    r"|ai|app)\b(?:/\S{0,300})?",
    re.I,
)
_MONEY = re.compile(
    r"(?:[$€£¥]|\b(?:usd|eur|gbp|chf|sek|pln|czk|kč|zł|kr)\b)\s?\d[\d.,' ]{0,15}(?:k|m)?\b"
    r"|\d[\d.,']{0,15}\s?(?:k|m|mio|million)?\s?(?:[$€£¥]|\b(?:usd|eur|euros?|dollars?|gbp|chf|sek|pln|czk"
    r"|kč|zł|kr)\b)",
    re.I,
)
_PERCENT = re.compile(r"\d[\d.,]{0,10}\s?(?:%|percent\b|prozent\b|pour cent\b|procent\b|procent\b)", re.I)
_CLOCK = re.compile(r"\b\d{1,2}(?::|h|\.)\d{2}\s?(?:am|pm|uhr|h)?\b|\b\d{1,2}\s?(?:am|pm|uhr)\b", re.I)
_PHONE = re.compile(r"(?<!\w)(?:\+|00)?\d(?:[\s().\-/]{0,2}\d){6,14}(?!\w)")
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_NUMBER = re.compile(r"\d[\d.,']*")
_WORD = re.compile(r"\w+|\?")


@dataclass(frozen=True, slots=True)
class Reading:
    """A message taken apart: its words by place, the phrases found, the tokens about form.

    `words` are subject and own text with "?" kept as a word, then "." and the signature; `hits` point
    into them.
    """

    words: tuple[str, ...]
    own: int
    quoted: tuple[str, ...]
    hits: tuple[Hit, ...]
    form: tuple[str, ...]
    language: str


def read(message: Message, owner: Owner) -> Reading:
    """Take a message apart. Pure, total and bounded."""
    seen = visible(message.html) if message.html else None
    parts = sections(_body(message, seen), message.sender.name)
    names = _names(message, owner)
    tongue = language(f"{message.subject} {parts.own or parts.quoted}")
    body = _tokens(parts.own, names)
    own = [*_tokens(message.subject, names)[:MAX_SUBJECT_WORDS], *body[:MAX_OWN_WORDS]]
    words = (*own, ".", *_tokens(parts.signature, names)[:MAX_SIGNATURE_WORDS])
    plain = sum(word != "?" for word in body)
    return Reading(
        words=words,
        own=len(own),
        quoted=tuple(_tokens(parts.quoted, names)[:MAX_QUOTED_WORDS]),
        hits=tuple(find(words, tongue)),
        form=(*form_tokens(message, owner, parts, seen, plain), f"f_language_{tongue}"),
        language=tongue,
    )


def prepare(message: Message, owner: Owner) -> str:
    """The text to score. At most about 3,500 tokens, however long the mail is."""
    reading = read(message, owner)
    own, signature = reading.words[: reading.own], reading.words[reading.own + 1 :]
    plain = [word for word in own if word != "?"]
    tokens = [*plain]
    tokens += [f"g_{word}" for word in signature if word != "?"]
    tokens += [f"q_{word}" for word in reading.quoted if word != "?"]
    tokens += [f"s_{token[:STEM]}" for token in tokens if len(token) > STEM and token[1] != "_"]
    tokens += concepts(own, reading.language)
    tokens += sorted(f"t_{hit.finding}" for hit in reading.hits)
    tokens += reading.form
    return " ".join(tokens)


def _body(message: Message, seen: Visible | None) -> str:
    """What the reader sees: the HTML where there is some that says anything, else the plain text."""
    if seen is not None and (len(seen.text) > 20 or not message.text.strip()):
        return seen.text
    return message.text


def _names(message: Message, owner: Owner) -> dict[str, str]:
    """Words that stand for the two people and their firms, to the class that replaces them."""
    sender = message.sender
    named = next((a.name for a in (*message.to, *message.cc) if a.address in owner.addresses and a.name), "")
    classes: dict[str, str] = {}
    for text, token in (
        (_firm(sender.domain), "x_firm"),
        (sender.name, "x_name"),
        (_firm(owner.domain), "o_firm"),
        (f"{owner.name} {named}", "o_name"),
    ):
        for word in re.findall(r"[^\W\d_]{3,}", clean(text).lower()):
            classes[word] = token
    return classes


def _firm(domain: str) -> str:
    """The name in a firm's domain; a mail provider's name is nobody's firm."""
    return "" if is_free_mail(domain) else organisational_domain(domain).partition(".")[0]


def _tokens(text: str, names: dict[str, str]) -> list[str]:
    text = clean(text).replace("_", " ")
    for pattern, token in (
        (_URL, " u_link "), (_MAIL, " u_mail "), (_HOST, " u_link "), (_MONEY, " n_money "), (_PERCENT, " n_percent "),
        (_CLOCK, " n_clock "), (_PHONE, " n_phone "), (_YEAR, " n_year "), (_NUMBER, " n_number "),
    ):  # fmt: skip
        text = pattern.sub(token, text)
    return [names.get(word, word) for word in _WORD.findall(text.lower())]
