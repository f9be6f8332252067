"""The product's own words for what mail says: data, one text file a language, read when a mail first needs it.

A file has two parts, each made of lines `name: body`; an indented line goes on with the one above (joined without a
blank after "/"), a line that begins with # is a remark.

    [concepts]   the words of a concept, * for any ending (see `backend.domain.reading.words`)
    [phrases]    the patterns of a finding, divided by | (see `backend.domain.reading.words`)

A model is trained with one lexicon and one way of preparing texts; `backend.domain.reading.wording` tells them apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "de", "fr", "es", "pt", "it", "nl", "pl", "cs", "sv")

Entries = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """(name, body) of each concept and of each finding of one language, in the file's order."""

    concepts: Entries
    phrases: Entries


@cache
def lexicon(language: str) -> Lexicon:
    """The words of one of `LANGUAGES`."""
    parts: dict[str, list[str]] = {"concepts": [], "phrases": []}
    lines: list[str] = []
    for line in _content(language).decode().splitlines():
        if line.startswith("["):
            lines = parts[line.strip("[]")]
        elif line.startswith(" "):
            lines[-1] += ("" if lines[-1].endswith("/") else " ") + line.strip()
        elif line and not line.startswith("#"):
            lines.append(line)
    return Lexicon(_entries(parts["concepts"]), _entries(parts["phrases"]))


@cache
def digest() -> str:
    """SHA-256 over the files of all languages."""
    found = hashlib.sha256()
    for language in LANGUAGES:
        found.update(_content(language))
    return found.hexdigest()


def _content(language: str) -> bytes:
    return files(__name__).joinpath(f"{language}.txt").read_bytes()


def _entries(lines: list[str]) -> Entries:
    return tuple((name, body.strip()) for name, _, body in (line.partition(":") for line in lines))
