"""Terms by number, kept as one text: tens of thousands of small strings would cost many times their length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


class Vocabulary:
    """Reads like a tuple of str. Terms hold no line break."""

    def __init__(self, joined: str) -> None:
        self._text = joined.encode()
        breaks = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord("\n"))
        self._ends = np.append(breaks, len(self._text)).astype(np.int32)

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[str]:
        return iter(self._text.decode().split("\n"))

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends):
            raise IndexError(number)
        start = self._ends[number - 1] + 1 if number else 0
        return self._text[start : self._ends[number]].decode()
