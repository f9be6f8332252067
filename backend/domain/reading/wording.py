"""A message as the model reads it (`prepare`, for training and for serving), and the identity of lexicon and
preparation."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from backend.domain.mail.headers import clean
from backend.domain.mail.message import Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.mail.quoting import sections
from backend.domain.mail.sender import is_free_mail, organisational_domain
from backend.domain.mail.visible import Visible, visible
from backend.domain.reading import lexicon
from backend.domain.reading.form import form_tokens
from backend.domain.reading.words import Hit, concepts, find, language, tokens

# ---- A message as the model reads it
# One function, `prepare`, for training and for serving. The result is lower-case words separated by single blanks, so
# that any tokeniser which splits at what is neither letter nor digit nor underscore sees exactly these tokens. Links,
# numbers and names are replaced by classes; prefixes keep apart what is no plain word of the mail:
# g_ q_  words of the signature and of quoted mail
# c_     concepts, the same in every language
# s_     first five letters of longer words
# t_     telling phrases
# f_     findings about form


MAX_OWN_WORDS = 900
MAX_SIGNATURE_WORDS = 80
MAX_QUOTED_WORDS = 200
MAX_SUBJECT_WORDS = 40
STEM = 5
_NAME = re.compile(r"[^\W\d_]{3,}")


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
    names = names_of(message, owner)
    tongue = language(f"{message.subject} {parts.own or parts.quoted}")
    body = tokens(parts.own, names)
    own = [*tokens(message.subject, names)[:MAX_SUBJECT_WORDS], *body[:MAX_OWN_WORDS]]
    words = (*own, ".", *tokens(parts.signature, names)[:MAX_SIGNATURE_WORDS])
    plain = len(body) - body.count("?")
    return Reading(
        words=words,
        own=len(own),
        quoted=tuple(tokens(parts.quoted, names)[:MAX_QUOTED_WORDS]),
        hits=tuple(find(words, tongue)),
        form=(*form_tokens(message, owner, parts, seen, plain), f"f_language_{tongue}"),
        language=tongue,
    )


def prepare(message: Message, owner: Owner) -> str:
    """The text to score. At most about 3,500 tokens, however long the mail is."""
    return written(read(message, owner))


def written(reading: Reading) -> str:
    """The text to score of a message that has been read already."""
    own, signature = reading.words[: reading.own], reading.words[reading.own + 1 :]
    plain = [word for word in own if word != "?"]
    found = [*plain]
    found += [f"g_{word}" for word in signature if word != "?"]
    found += [f"q_{word}" for word in reading.quoted if word != "?"]
    found += [f"s_{token[:STEM]}" for token in found if len(token) > STEM and token[1] != "_"]
    found += concepts(own, reading.language)
    found += sorted(f"t_{hit.finding}" for hit in reading.hits)
    found += reading.form
    return " ".join(found)


def body(message: Message) -> str:
    """The text a reader of `message` sees, and the one `marking.marks` expects."""
    return _body(message, visible(message.html) if message.html else None)


def _body(message: Message, seen: Visible | None) -> str:
    """What the reader sees: the HTML where there is some that says anything, else the plain text."""
    if seen is not None and (len(seen.text) > 20 or not message.text.strip()):
        return seen.text
    return message.text


def names_of(message: Message, owner: Owner) -> dict[str, str]:
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
        for word in _NAME.findall(clean(text).lower()):
            classes[word] = token
    return classes


@lru_cache(maxsize=1_000)
def _firm(domain: str) -> str:
    """The name in a firm's domain; a mail provider's name is nobody's firm."""
    return "" if is_free_mail(domain) else organisational_domain(domain).partition(".")[0]


# ---- Lexicon and preparation versions
# Which lexicon and which preparation of texts this program has: a model must have been trained with the very same.


_OWNER = Owner("anna.berg@northwind-tools.test", "Anna Berg")
_BREAK = "=" * 20


@cache
def reading_digest() -> str:
    """SHA-256 over the lexicon's files and over what becomes of the messages in `specimens.txt`.

    The specimens hold a case of each step of the preparation; the corpus, which a model is trained on, is compared
    whole where it is there. Takes some milliseconds once.
    """
    found = hashlib.sha256(lexicon.digest().encode())
    text = files("backend.domain.reading").joinpath("specimens.txt").read_text(encoding="utf-8")
    for specimen in text.split(f"{_BREAK}\n"):
        message = parse(specimen.replace("\n", "\r\n").encode())
        found.update(f"{prepare(message, _OWNER)}\n".encode())
        found.update(" ".join(language(line) for line in specimen.splitlines()).encode())
    return found.hexdigest()
