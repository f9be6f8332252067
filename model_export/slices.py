"""What a strictness costs whom: shares of mail held, by part of the mail, with how sure they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backend.domain.mail.sender import script_of
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Thresholds
from model_export.learner import Floats
from model_export.rows import Row

_SCRIPTS = {"": "no name", "latin": "Latin, plain", "accents": "Latin with accents and marks"}
_LENGTHS = (15, 40, 80, 160)


@dataclass(frozen=True)
class Rate:
    """`held` of `count` messages."""

    held: int
    count: int

    @property
    def share(self) -> float:
        """Between 0 and 1; NaN of nothing."""
        return self.held / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share (Wilson's); (0, 1) of nothing."""
        if not self.count:
            return 0.0, 1.0
        z, n, p = 1.96, self.count, self.share
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
        return max(0.0, low), min(1.0, high)


@dataclass(frozen=True)
class Slice:
    """The mail of one part: how much of its pitches and of its ordinary mail is held."""

    name: str
    pitches: Rate
    ordinary: Rate


@dataclass(frozen=True)
class Cost:
    """What one strictness does to mail of writers the model has not read."""

    strictness: Strictness
    strangers: Rate
    pitches: Rate

    @property
    def words(self) -> str:
        """The cost in one sentence."""
        held, caught = self.strangers.share * 1000, self.pitches.share * 100
        return (
            f"of 1,000 ordinary emails from strangers about {held:.0f} are held; "
            f"of 100 pitches about {caught:.0f} are caught"
        )


def costs(rows: Sequence[Row], probabilities: Floats, limits: dict[Strictness, Thresholds]) -> list[Cost]:
    """One for each strictness. Strangers are the rows whose class says that the owner does not know the writer."""
    strangers = np.array([row.errand == "stranger" for row in rows])
    pitches = np.array([bool(row.sales) for row in rows])
    found = []
    for strictness, thresholds in limits.items():
        held = probabilities >= thresholds.hold
        found.append(Cost(strictness, _rate(held[strangers]), _rate(held[pitches])))
    return found


def sliced(
    rows: Sequence[Row], held: Sequence[bool], part: Callable[[Row], str], order: Sequence[str] = ()
) -> list[Slice]:
    """The rows by `part`, in `order` and then by name."""
    names = np.array([part(row) for row in rows])
    pitches = np.array([bool(row.sales) for row in rows])
    flags = np.array(held)
    listed = [*order, *sorted(set(names.tolist()) - set(order))]
    return [
        Slice(name, _rate(flags[(names == name) & pitches]), _rate(flags[(names == name) & ~pitches]))
        for name in listed
        if (names == name).any()
    ]


LENGTHS = (*(f"up to {limit} words" for limit in _LENGTHS), f"over {_LENGTHS[-1]} words")


def length(row: Row) -> str:
    """How many words of its own a message has, as one of `LENGTHS`."""
    words = sum(token[1:2] != "_" for token in row.text.split(" "))
    below = next((limit for limit in _LENGTHS if words <= limit), 0)
    return f"up to {below} words" if below else f"over {_LENGTHS[-1]} words"


def script(row: Row) -> str:
    """In which letters the sender's name is written: plain Latin, Latin with marks, or another script."""
    found = script_of(row.message.sender.name)
    return _SCRIPTS.get(found, found.capitalize())


def _rate(held: np.ndarray) -> Rate:
    return Rate(int(held.sum()), len(held))
