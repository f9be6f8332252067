"""The terms a model counted in a text: packed small, and laid out as a text again that counts the same.

The graph sees nothing of a text but how often each term that it knows is there: a word, or two words in a row. Any text
with the same counts gets the same score, to the bit; one is made of words that the model never saw beside each other.
"""

from __future__ import annotations

from base64 import b64decode, b64encode, b85decode
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain

APART = "zqxjkvzq"
"""A word that no vocabulary has: it keeps its neighbours from being counted together."""


_BASE64 = "."
"""What is packed begins so. Older counts are in base 85, without such a sign: that takes Python sixty times as long."""


def packed(terms: Sequence[int], often: Sequence[int]) -> str:
    """Terms by number, ascending, and how often each was counted: the numbers in their order, each as often as it is
    there, and of each its distance from the one before. UTF-8 writes small distances in a byte."""
    steps = [
        chr(term - before) if times == 1 else chr(term - before) + "\0" * (times - 1)
        for term, before, times in zip(terms, chain((0,), terms), often, strict=False)
    ]
    return _BASE64 + b64encode("".join(steps).encode("utf-8", "surrogatepass")).decode()


def unpacked(counts: str) -> Counter[int]:
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
