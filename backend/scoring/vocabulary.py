"""Terms, and how often each was counted, packed into text a model file and a log can hold."""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode, b85decode
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain, takewhile

import numpy as np

# ---- Vocabulary as one text
# Terms by number, kept as one text: tens of thousands of small strings would cost many times their length.


_SHARED = 33  # the first printable character after the blank stands for a shared beginning of no letters
_MOST_SHARED = 90


def _alike(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def packed_terms(terms: Sequence[str]) -> str:
    """Terms in a row, each without the letters it begins with like the one before: half the size where they are sorted.

    The first character of each line says how many letters those are.
    """
    lines, before = [], ""
    for term in terms:
        shared = min(_MOST_SHARED, sum(1 for _ in takewhile(_alike, zip(before, term, strict=False))))
        lines.append(chr(_SHARED + shared) + term[shared:])
        before = term
    return "\n".join(lines)


def unpacked_terms(text: str) -> str:
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


# ---- The terms counted in a text
# The terms a model counted in a text: packed small, and laid out as a text again that counts the same. The graph sees
# nothing of a text but how often each term that it knows is there: a word, or two words in a row. Any text with the
# same counts gets the same score, to the bit; one is made of words that the model never saw beside each other.


APART = "zqxjkvzq"
"""A word that no vocabulary has: it keeps its neighbours from being counted together."""


_BASE64 = "."
"""What is packed begins so. Older counts are in base 85, without such a sign: that takes Python sixty times as long."""


def packed_counts(terms: Sequence[int], often: Sequence[int]) -> str:
    """Terms by number, ascending, and how often each was counted: the numbers in their order, each as often as it is
    there, and of each its distance from the one before. UTF-8 writes small distances in a byte."""
    steps = [
        chr(term - before) if times == 1 else chr(term - before) + "\0" * (times - 1)
        for term, before, times in zip(terms, chain((0,), terms), often, strict=False)
    ]
    return _BASE64 + b64encode("".join(steps).encode("utf-8", "surrogatepass")).decode()


def unpacked_counts(counts: str) -> Counter[int]:
    """How often each term is there. Raises `ValueError` for what `packed` did not make."""
    steps = b64decode(counts[1:], validate=True) if counts.startswith(_BASE64) else b85decode(counts)
    return Counter(accumulate(map(ord, steps.decode("utf-8", "surrogatepass"))))


def laid_out(counts: Mapping[str, int]) -> str:
    """A text in which the terms are counted as in `counts` and no other known term is.

    Words are places and pairs are ways between them. `APART` is a place too: as many ways lead from it to a word, and
    from the word to it, as the word is said beyond its pairs. A walk that goes each way once (Hierholzer's) is the
    text.
    """
    behind: defaultdict[str, list[str]] = defaultdict(list)
    before: Counter[str] = Counter()
    for term, often in sorted(counts.items()):
        one, _, two = term.partition(" ")
        before[one] += 0
        if two:
            behind[one] += [two] * often
            before[two] += often
    for word, ended in sorted(before.items()):
        begun = len(behind[word])
        said = counts.get(word, begun + ended)
        behind[word] += [APART] * (said - begun)
        behind[APART] += [word] * (said - ended)
    trail, text = [APART], list[str]()
    while trail:
        if left := behind[trail[-1]]:
            trail.append(left.pop())
        else:
            text.append(trail.pop())
    return " ".join(reversed(text))
