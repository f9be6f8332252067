"""A message as its owner is shown it, once `showing.py` has made it so."""

from __future__ import annotations

from dataclasses import dataclass

MAX_SHOWN = 20_000


@dataclass(frozen=True, slots=True)
class Mark:
    """text[start:end] weighed: `weight` is that of the reason it stands for, positive speaks for a pitch."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Shown:
    """`text` is what the reader of the message sees, without controls and direction marks, at most `MAX_SHOWN`
    characters (`truncated`: there was more); `marks` point into it. `offers`: one click unsubscribes, and that can be
    believed."""

    text: str
    truncated: bool = False
    marks: tuple[Mark, ...] = ()
    offers: bool = False
