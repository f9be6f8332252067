"""The elements that a style sheet's selectors choose, in bounded time.

The HTML library tries the parts of a selector over and over: for `.a ~ .b ~ .c` it takes the cube of the number of
elements, for `div div div .a` a power of their depth. So it is asked for one part at a time, and the parts are joined
here, at a step a node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from selectolax.lexbor import SelectolaxError

MAX_NODES = 25_000

MAX_TRIED = 3_000_000
"""How often the parts of a mail's selectors are tried on an element; further selectors choose nothing."""

_A_SELECTOR, _A_MATCH, _A_STEP = 300, 10, 5
"""What a selector costs, in such tries, what each element costs that a part of it chooses, and each node that is passed
to join two parts."""

_CHARACTERS_A_TRY, _PAIRS_A_TRY = 50, 20
"""What takes the time of a try: characters of attributes that are looked through, and pairs of elements that are
compared, by pseudo-classes that look at what stands around."""

_MOST_PARTS = 10

_SIMPLE = r"[\w.#*-]"
_ATTRIBUTE = r"\[[\w\s*=\"'^$|~.#:/;%-]{1,100}\]"
_TEST = rf"(?:{_SIMPLE}|{_ATTRIBUTE})"
_OTHERS = rf"\s*+{_TEST}{{1,60}}+\s*+(?:,\s*+{_TEST}{{1,60}}+\s*+){{0,9}}+"
_PSEUDO = (
    r":(?:(?:first|last|only)-(?:child|of-type)|empty|root"
    r"|nth-(?:last-)?(?:child|of-type)\((?:[\dn\s+-]{1,20}|odd|even)\)"
    rf"|(?:not|is|where)\({_OTHERS}\)|has\(\s*+[>+~]?{_OTHERS}\))"
)
_PART = re.compile(rf"(?:{_SIMPLE}{{1,200}}+|{_ATTRIBUTE}|{_PSEUDO}){{1,20}}+", re.I)
_COMBINATOR = re.compile(r"\s*+([>+~]?)\s*+")
_TESTS = re.compile(r"[.#\[:,]")
_LOOKS_AROUND = re.compile(r":nth-|:has\(", re.I)


class Selectors:
    """The elements of one mail: those of the tree of `body`, which was parsed from `length` characters. `in_tree` turns
    a part of a selector of the mail into one of the tree. `spent`: some selectors were not tried, since there was not
    enough left for them of what all may cost."""

    def __init__(self, body: Any, length: int, in_tree: Callable[[str], str]) -> None:
        self.spent = False
        self._top = body.parent
        self._in_tree = in_tree
        self._elements = 1 + sum(1 for _ in islice(body.traverse(), MAX_NODES))
        self._a_test = self._elements + length // _CHARACTERS_A_TRY
        self._left = MAX_TRIED
        self._chosen: dict[str, list[Any]] = {}

    def chosen(self, selector: str) -> list[Any]:
        """The elements that `selector` chooses; none if it is of a kind that is not followed."""
        parts = _parts(selector)
        if not parts or not self._pays(_A_SELECTOR):
            return []
        found: list[Any] = []
        for number, (combinator, part) in enumerate(parts):
            here = self._of_part(part)
            found = self._joined(found, combinator, here) if number else here
            if not found:
                break
        self._left -= _A_MATCH * len(found)
        return found

    def _pays(self, cost: int) -> bool:
        if cost > self._left:
            self.spent = True
            return False
        self._left -= cost
        return True

    def _of_part(self, part: str) -> list[Any]:
        if (known := self._chosen.get(part)) is not None:
            return known
        pairs = len(_LOOKS_AROUND.findall(part)) * self._elements**2 * (1 + part.count(","))
        if not self._pays(self._a_test * max(1, len(_TESTS.findall(part))) + pairs // _PAIRS_A_TRY):
            return []
        found: list[Any] = []
        with suppress(SelectolaxError, ValueError):
            found = self._top.css(self._in_tree(part))[:MAX_NODES]
        self._chosen[part] = found
        self._left -= _A_MATCH * len(found)
        return found

    def _joined(self, before: Sequence[Any], combinator: str, nodes: Sequence[Any]) -> list[Any]:
        """Those of `nodes` that stand in this relation to one of `before`."""
        chosen = {node.mem_id for node in before}
        joins: dict[int, bool] = {}
        """Nodes that were passed → whether one of `chosen` comes after them on the way."""
        found = [node for node in nodes if _joins(node, combinator, chosen, joins)]
        self._left -= _A_STEP * (len(before) + len(nodes) + len(joins))
        return found


def _parts(selector: str) -> list[tuple[str, str]]:
    """The parts of a selector, each with the combinator before it: "" for a descendant. None if it is not followed."""
    found: list[tuple[str, str]] = []
    combinator, at = "", 0
    while part := _PART.match(selector, at):
        found.append((combinator, part[0]))
        if part.end() == len(selector) or len(found) == _MOST_PARTS:
            return found if part.end() == len(selector) else []
        joint = _COMBINATOR.match(selector, part.end())
        if not joint or not joint[0]:
            return []
        combinator, at = joint[1], joint.end()
    return []


def _joins(node: Any, combinator: str, chosen: set[int], joins: dict[int, bool]) -> bool:
    """Whether one of `chosen` is where `combinator` says, seen from `node`."""
    among_siblings, far = combinator in ("+", "~"), combinator in ("", "~")
    passed: list[int] = []
    found = False
    at = node.prev if among_siblings else node.parent
    while at is not None:
        number = at.mem_id
        if number in chosen:
            found = True
            break
        if (known := joins.get(number)) is not None:
            found = known
            break
        passed.append(number)
        if not far and at.is_element_node:
            break
        at = at.prev if among_siblings else at.parent
    joins.update(dict.fromkeys(passed, found))
    return found
