"""What a message offers, as far as an owner may welcome it: told by findings that exist, in any language.

`topics.txt` says which findings tell which topic, a line each: those that tell it alone, a bar, those of which it takes
two. `python -m model_export.topics` makes it from the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

OFTEN = 2
"""Released messages about one topic after which its owner is asked whether they welcome it."""

_FINDINGS = ("t_", "c_")


class Topic(StrEnum):
    """A kind of offer. The value is stored."""

    CANDIDATES = "candidates"
    EVENTS = "events"
    GOODS = "goods"
    WEBSITES = "websites"
    DEVELOPERS = "developers"
    LOANS = "loans"
    BUYERS = "buyers"
    PRESS = "press"
    PARTNERS = "partners"
    INSURANCE = "insurance"
    ENERGY = "energy"


@dataclass(frozen=True, slots=True)
class Signs:
    """The findings that tell a topic `alone`, and those that do beside another of either."""

    alone: tuple[str, ...]
    beside: tuple[str, ...]

    def tell(self, found: Set[str]) -> bool:
        """Whether a message with these findings is about the topic."""
        return not found.isdisjoint(self.alone) or sum(term in found for term in self.beside) > 1


def topics(text: str) -> frozenset[Topic]:
    """The topics of a text of `wording.written`."""
    found = findings(text)
    return frozenset(topic for topic, signs in _signs() if signs.tell(found))


def findings(text: str) -> frozenset[str]:
    """The concepts and turns of phrase in such a text."""
    return frozenset(token for token in text.split(" ") if token.startswith(_FINDINGS))


def unwelcomed(released: Sequence[frozenset[Topic]], welcome: Set[Topic]) -> Topic | None:
    """The topic that the last of the `released` messages (newest first) shares with others, `OFTEN` in all, and that is
    not welcome yet; of several, the most frequent."""
    counts = {
        topic: sum(topic in one for one in released)
        for topic in Topic
        if released and topic in released[0] - welcome
    }
    most = max(counts, key=lambda topic: counts[topic], default=None)
    return most if most is not None and counts[most] >= OFTEN else None


@cache
def _signs() -> tuple[tuple[Topic, Signs], ...]:
    lines = files(__package__).joinpath("topics.txt").read_text(encoding="utf-8").splitlines()
    parts = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return tuple((Topic(name), _read(body)) for name, _, body in parts)


def _read(body: str) -> Signs:
    alone, _, beside = body.partition("|")
    return Signs(tuple(alone.split()), tuple(beside.split()))
