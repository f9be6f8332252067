"""The product's word lists: one text file for each language, loaded when a mail first needs it.

A file has two parts, each made of lines `name: body`. An indented line continues the one above (joined without a space
after "/"); a line that begins with # is a comment.

    [concepts]   the words of a concept, * for any ending (see `backend.domain.reading.words`)
    [phrases]    the patterns of a finding, separated by | (see `backend.domain.reading.words`)

A model works only with the lexicon and text preparation it was trained with (`model_text.reading_digest`).
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
def lexicon_hash() -> str:
    """SHA-256 over the files of all languages."""
    found = hashlib.sha256()
    for language in LANGUAGES:
        found.update(_content(language))
    return found.hexdigest()


def _content(language: str) -> bytes:
    return files(__name__).joinpath(f"{language}.txt").read_bytes()


def _entries(lines: list[str]) -> Entries:
    return tuple((name, body.strip()) for name, _, body in (line.partition(":") for line in lines))
