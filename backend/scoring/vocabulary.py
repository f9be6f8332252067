"""Terms by number, kept as one text: tens of thousands of small strings would cost many times their length."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import takewhile

import numpy as np

_SHARED = 33  # the first printable character after the blank stands for a shared beginning of no letters
_MOST_SHARED = 90


def _alike(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def packed(terms: Sequence[str]) -> str:
    """Terms in a row, each without the letters it begins with like the one before: half the size where they are sorted.

    The first character of each line says how many letters those are.
    """
    lines, before = [], ""
    for term in terms:
        shared = min(_MOST_SHARED, sum(1 for _ in takewhile(_alike, zip(before, term, strict=False))))
        lines.append(chr(_SHARED + shared) + term[shared:])
        before = term
    return "\n".join(lines)


def unpacked(text: str) -> str:
    """The terms of `packed`, one a line. Raises `ValueError` for a text that was made otherwise."""
    terms, before = [], ""
    for line in text.split("\n"):
        shared = ord(line[0]) - _SHARED if line else -1
        if not 0 <= shared <= len(before):
            raise ValueError("a term of the vocabulary shares more than the one before has")
        before = before[:shared] + line[1:]
        terms.append(before)
    return "\n".join(terms)


class Vocabulary:
    """Reads like a tuple of str. Terms hold no line break."""

    def __init__(self, joined: str) -> None:
        self._text = joined.encode()
        breaks = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord("\n"))
        # Where one ends and the next begins. An array of Python's: one of numpy's takes six times as long for a number.
        self._breaks = array("i", [-1, *breaks.tolist(), len(self._text)])

    def __len__(self) -> int:
        return len(self._breaks) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._text.decode().split("\n"))

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError(number)
        return self._text[self._breaks[number] + 1 : self._breaks[number + 1]].decode()
