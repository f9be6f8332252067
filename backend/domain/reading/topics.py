"""What a message offers, as far as an owner may welcome it: told by findings that exist, in any language.

`topics.txt` says which findings tell which topic, a line each: of what it lets in the percentage that is about it, of
what is about it the percentage that it leaves out, the findings that tell it alone, a bar, those of which it takes two.
`python -m model_export.topics` makes it from the corpus.
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
    """The findings that tell a topic `alone`, and those that do beside another of either. `rightly`: of held mail of
    writers that it was not defined on, how much of what it lets in is about it, in %; `left_out`: how much of what is
    about it stays held."""

    alone: tuple[str, ...]
    beside: tuple[str, ...]
    rightly: float = 0.0
    left_out: float = 100.0

    def tell(self, found: Set[str]) -> bool:
        """Whether a message with these findings is about the topic."""
        return not found.isdisjoint(self.alone) or sum(term in found for term in self.beside) > 1


def topics(text: str) -> frozenset[Topic]:
    """The topics of a text of `wording.written`."""
    found = findings(text)
    return frozenset(topic for topic, signs in every_topic() if signs.tell(found))


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
def every_topic() -> tuple[tuple[Topic, Signs], ...]:
    """Each topic and what tells it, as `topics.txt` has them."""
    lines = files(__package__).joinpath("topics.txt").read_text(encoding="utf-8").splitlines()
    parts = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return tuple(_read(head, body) for head, _, body in parts)


def _read(head: str, body: str) -> tuple[Topic, Signs]:
    name, rightly, left_out = head.split(" ")
    alone, _, beside = body.partition("|")
    return Topic(name), Signs(tuple(alone.split()), tuple(beside.split()), float(rightly), float(left_out))
