"""Which lexicon and which preparation of texts this program has: a model must have been trained with the very same."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from backend.domain.mail.message import Owner
from backend.domain.mail.mime import parse
from backend.domain.reading import lexicon
from backend.domain.reading.language import language
from backend.domain.reading.wording import prepare

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
