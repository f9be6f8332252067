"""The terms a model counted in a text: packed small, and laid out as a text again that counts the same.

The graph sees nothing of a text but how often each term that it knows is there: a word, or two words in a row. Any text
with the same counts gets the same score, to the bit; one is made of words that the model never saw beside each other.
"""

from __future__ import annotations

from base64 import b85decode, b85encode
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

APART = "zqxjkvzq"
"""A word that no vocabulary has: it keeps its neighbours from being counted together."""


def packed(text: str, known: Mapping[str, int]) -> str:
    """The counts of the `known` terms (by text, with their numbers) in a text that was prepared for scoring."""
    words = [word for word in text.split(" ") if len(word) > 1]
    found = Counter(known[word] for word in words if word in known)
    found.update(known[pair] for one, two in pairwise(words) if (pair := f"{one} {two}") in known)
    data, before = bytearray(), 0
    for term in sorted(found):
        often = found[term]
        data += _number((term - before) * 2 + (often > 1)) + (_number(often) if often > 1 else b"")
        before = term
    return b85encode(bytes(data)).decode()


def unpacked(counts: str) -> dict[int, int]:
    """How often each term is there. Raises `ValueError` for what `packed` did not make."""
    numbers, found, term = _numbers(b85decode(counts)), {}, 0
    for number in numbers:
        term += number >> 1
        found[term] = next(numbers) if number & 1 else 1
    return found


def laid_out(counts: Mapping[str, int]) -> str:
    """A text in which the terms are counted as in `counts` and no other known term is."""
    behind: defaultdict[str, list[str]] = defaultdict(list)
    before: Counter[str] = Counter()
    singles = {term: often for term, often in counts.items() if " " not in term}
    for pair, often in sorted(counts.items()):
        one, _, two = pair.partition(" ")
        if two:
            behind[one] += [two] * often
            before[two] += often
    # A word is said once for each pair it begins and once for each that it ends, less where one word does both.
    words = {*behind, *before, *singles}
    joints = {
        word: max(0, len(behind[word]) + before[word] - singles[word]) if word in singles else 0
        for word in words
    }
    alone = {word: singles.get(word, 0) - (len(behind[word]) + before[word] - joints[word]) for word in words}
    runs = _runs(behind, joints)
    runs += [[word] for word in sorted(words) for _ in range(alone[word])]
    return f" {APART} ".join(" ".join(run) for run in runs)


def _runs(behind: Mapping[str, list[str]], joints: Mapping[str, int]) -> list[list[str]]:
    """Words in rows that use every pair once and join at each word as often as `joints` says."""
    left = {word: list(reversed(rest)) for word, rest in behind.items()}
    joined = dict(joints)
    # A row begins where more pairs begin than are joined. What is left over then are rings, put into a row they touch.
    runs = [
        _walk(word, left, joined)
        for word in sorted(left)
        for _ in range(len(behind[word]) - joints.get(word, 0))
    ]
    rings: deque[list[str]] = deque()
    for word in sorted(left):
        while left[word]:
            rings.append(_walk(word, left, joined, ring=True))
    tries = len(rings) ** 2
    while rings and tries:
        tries -= 1
        ring = rings.popleft()
        words = set(ring)
        found = next(((run, at) for run in runs for at, word in enumerate(run) if word in words), None)
        if found is None:
            rings.append(ring)
            continue
        run, at = found
        turn = ring.index(run[at])
        run[at : at + 1] = [*ring[turn:-1], *ring[: turn + 1]]
    return [*runs, *rings]


def _walk(word: str, left: dict[str, list[str]], joined: dict[str, int], ring: bool = False) -> list[str]:
    run = [word]
    if ring:
        joined[word] -= 1
    while left.get(word):
        word = left[word].pop()
        run.append(word)
        if (ring and word == run[0]) or not joined.get(word):
            break
        joined[word] -= 1
    return run


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    data.append(value)
    return bytes(data)


def _numbers(data: Iterable[int]) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0
    if shift:
        raise ValueError("the counts end in the middle of a number")
