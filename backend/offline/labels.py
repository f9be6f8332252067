"""Gmail's labels as Takeout writes them into a message, in whatever language the owner's Gmail speaks.

`labels.txt` has the names. They are looked for in all languages at once: an archive does not say its own, and a
person who changed languages has both.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from backend.domain.mail.message import Message

FIELD = "X-Gmail-Labels"
CATEGORY = "CATEGORY"
_DROPPED = str.maketrans(dict.fromkeys(":：\"'’“”„«»‹›「」", " "))


def names_in(message: Message) -> list[str]:
    """The labels of a message by name. One with a comma in it stands in quotes."""
    value = message.headers.first(FIELD)
    row = next(csv.reader([value.replace("\n", " ").replace("\r", " ")], skipinitialspace=True), [])
    return [name.strip() for name in row if name.strip()]


def system_labels(message: Message) -> frozenset[str]:
    """Those that are Gmail's own, as its API calls them: SENT of "Gesendet". The owner's own are left out."""
    known = by_name()
    return frozenset(known[name] for name in map(_folded, names_in(message)) if name in known)


@cache
def by_name() -> Mapping[str, str]:
    """Gmail's label of each name, compared as `system_labels` does."""
    spoken: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for line in files(__package__).joinpath("labels.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            place, _, named = line.partition(":")
            language, _, label = place.partition(" ")
            spoken[language][label] = [_folded(name) for name in named.split(",")]
    found: dict[str, str] = {}
    for labels in spoken.values():
        before = labels.pop(CATEGORY, [])
        for label, names in labels.items():
            if label.startswith(CATEGORY):
                names = [f"{word} {name}" for word in before for name in names]
            found.update(dict.fromkeys(names, label))
    return found


def _folded(name: str) -> str:
    """Without case, quotes and colons, blanks made one: French puts a blank before the colon, German quotes after."""
    return " ".join(unicodedata.normalize("NFKC", name.translate(_DROPPED)).casefold().split())
