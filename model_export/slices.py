"""The effect of a strictness on parts of the mail: shares that are held, with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.domain.mail.sender import script_of
from backend.domain.mailbox.mailbox import Strictness
from model_export.errands import STRANGER, UNKNOWN
from model_export.learner import Flags
from model_export.rows import Row

_SCRIPTS = {"": "no name", "latin": "Latin, plain", "accents": "Latin with accents and marks"}
_SIGNS = {
    "through a mailing list": {"f_mailing_list"},
    "with a way to unsubscribe": {"f_unsubscribe_header", "f_unsubscribe_link", "f_unsubscribe_line"},
    "by a program": {"f_automatic", "f_no_reply_sender"},
}
WAYS = (*_SIGNS, "by a person")
_LENGTHS = (15, 40, 80, 160)


@dataclass(frozen=True)
class Rate:
    """`held` of `count` messages."""

    held: int
    count: int

    @property
    def share(self) -> float:
        """A share between 0 and 1; NaN without messages."""
        return self.held / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the share; (0, 1) without messages."""
        if not self.count:
            return 0.0, 1.0
        z, n, p = 1.96, self.count, self.share
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
        return max(0.0, low), min(1.0, high)


@dataclass(frozen=True)
class Slice:
    """One part of the mail: how many of its pitches and of its ordinary messages are held, and how many of those from
    strangers with a real request, the mail an owner can least afford to lose."""

    name: str
    pitches: Rate
    ordinary: Rate
    strangers: Rate


@dataclass(frozen=True)
class Cost:
    """What a strictness costs with mail of writers the model was not trained on."""

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


def costs(rows: Sequence[Row], held: Mapping[Strictness, Flags]) -> list[Cost]:
    """The cost of each strictness, from the rows that it holds. Strangers are writers whom, by their class, the owner
    does not know."""
    strangers = np.array([row.errand in UNKNOWN for row in rows])
    pitches = np.array([bool(row.sales) for row in rows])
    return [
        Cost(strictness, _rate(flags[strangers]), _rate(flags[pitches])) for strictness, flags in held.items()
    ]


def sliced(
    rows: Sequence[Row], held: Sequence[bool], part: Callable[[Row], str], order: Sequence[str] = ()
) -> list[Slice]:
    """The rows by `part`, in `order` and then by name."""
    names = np.array([part(row) for row in rows])
    pitches = np.array([bool(row.sales) for row in rows])
    strangers = np.array([row.errand == STRANGER for row in rows])
    flags = np.array(held)
    listed = [*order, *sorted(set(names.tolist()) - set(order))]
    return [
        Slice(name, *(_rate(flags[(names == name) & part]) for part in (pitches, ~pitches, strangers)))
        for name in listed
        if (names == name).any()
    ]


LENGTHS = (*(f"up to {limit} words" for limit in _LENGTHS), f"over {_LENGTHS[-1]} words")


def length(row: Row) -> str:
    """The length of a message's own text, as one of `LENGTHS`."""
    words = sum(token[1:2] != "_" for token in row.text.split(" "))
    below = next((limit for limit in _LENGTHS if words <= limit), 0)
    return f"up to {below} words" if below else f"over {_LENGTHS[-1]} words"


def fired(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """For each finding of the lexicon and each language, the share of pitches that have it."""
    found: dict[str, list[set[str]]] = {}
    for row in rows:
        if row.sales:
            found.setdefault(row.language, []).append(
                {word for word in row.text.split(" ") if word[:2] == "t_"}
            )
    names = sorted(set().union(*(one for pitches in found.values() for one in pitches)))
    return {
        name: {
            code: sum(name in one for one in pitches) / len(pitches)
            for code, pitches in sorted(found.items())
        }
        for name in names
    }


def sent(row: Row) -> str:
    """How a message was sent, by its headers and form, as one of `WAYS`."""
    found = set(row.text.split(" "))
    return next((way for way, signs in _SIGNS.items() if found & signs), WAYS[-1])


def script(row: Row) -> str:
    """The script of the sender's name: plain Latin, Latin with accents, or another."""
    found = script_of(row.message.sender.name)
    return _SCRIPTS.get(found, found.capitalize())


def _rate(held: np.ndarray) -> Rate:
    return Rate(int(held.sum()), len(held))
