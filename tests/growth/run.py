"""Every pattern and every function of the domain against every text made for it."""

from __future__ import annotations

import hashlib
import inspect
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

from tests.growth import attacks, functions, measure, patterns

PROSE = "We met on Monday and wrote down what each of us would do before the next meeting, and by when.\n"
PATTERN_ENOUGH = 0.004
"""Seconds for 8,000 characters: half a microsecond each. The square of them would take ten times as long."""

FUNCTION_ENOUGH = 0.003
ORDINARY = 5
"""Times what a function takes for as much prose: less is not looked at."""

WALKED = Path(__file__).with_name("walked.txt")
"""The `digest` of each pattern that `make growth` has walked whole."""


@dataclass
class Report:
    """What was walked, and what grows: "place: text: figures"."""

    patterns: int = 0
    pattern_texts: int = 0
    functions: int = 0
    function_texts: int = 0
    memory_texts: int = 0
    unmade: list[str] = field(default_factory=list)
    growing: list[str] = field(default_factory=list)


@cache
def _makers() -> str:
    modules = [inspect.getsource(module) for module in (attacks, measure)]
    return repr((modules, platform.python_version_tuple()[:2]))


def digest(one: patterns.Found) -> str:
    """Of a pattern, what its texts are made by, and whose engine it runs on."""
    found = repr((one.pattern.pattern, one.pattern.flags, sorted(one.uses), _makers()))
    return hashlib.sha256(found.encode()).hexdigest()[:16]


def walk_patterns(report: Report, again: float = 1) -> None:
    """Each pattern alone, used as the code uses it, on all texts made from it; on `again` of them if it was walked."""
    walked = WALKED.read_text("ascii").split()
    for found in patterns.patterns():
        report.patterns += 1
        share = again if digest(found) in walked else 1
        for use in sorted({use if use in ("match", "fullmatch") else "finditer" for use in found.uses}):
            for name, text in _part(found.name, attacks.of_pattern(found.pattern), share):
                report.pattern_texts += 1
                grown = pattern_grows(found.pattern, use, text)
                if grown:
                    report.growing.append(f"{found.module}.{found.name} .{use}: {name}: {grown}")
                    break


def pattern_grows(pattern: re.Pattern[Any], use: str, text: attacks.Text) -> str:
    """How using the pattern on the text grows, "" if it does not."""
    encoded = isinstance(pattern.pattern, bytes)

    def work(given: str) -> None:
        found = getattr(pattern, use)(given.encode("latin-1", "replace") if encoded else given)
        if use == "finditer":
            for _ in found:
                pass

    return measure.grows(work, text, PATTERN_ENOUGH)


def walk_functions(report: Report, of_mail: float, of_patterns: float) -> None:
    """Each public function that takes text, on a share of what emails are full of and of the texts for the patterns."""
    texts: dict[str, attacks.Text] = {}
    for found in patterns.patterns():
        texts |= attacks.of_pattern(found.pattern)
    for name, function in functions.functions():
        report.functions += 1
        if unmade := _unmade(function):
            report.unmade.append(f"{name}: {unmade}")
            continue
        enough = FUNCTION_ENOUGH + ORDINARY * ordinary(function)
        for title, text in [*_part(name, attacks.of_mail(), of_mail), *_part(name, texts, of_patterns)]:
            report.function_texts += 1
            if grown := measure.grows(function, text, enough):
                report.growing.append(f"{name}: {title}: {grown}")
                break


def walk_memory(report: Report, share: float, whole: str = "") -> None:
    """Each function on what emails are full of: the memory it takes at its height. A `share` of the texts, for the one
    called `whole` all."""
    with measure.only_new_objects():
        for name, function in functions.functions():
            for title, text in _part(name, attacks.of_mail(), 1 if name.endswith(whole or ":") else share):
                report.memory_texts += 1
                if grown := measure.memory_grows(function, text):
                    report.growing.append(f"{name}: {title}: {grown}")
                    break


def _part(name: str, texts: Mapping[str, attacks.Text], share: float) -> Sequence[tuple[str, attacks.Text]]:
    """At least one of the texts: for each name others, for one name always the same."""
    return Random(name).sample([*texts.items()], ceil(share * len(texts)))


def _unmade(function: Callable[[str], object]) -> str:
    try:
        function("x")
    except functions.Unmade as missing:
        return str(missing)
    except Exception:  # a refusal: the function was reached
        return ""
    return ""


def ordinary(function: Callable[[str], object]) -> float:
    """Seconds for as much prose as the longest text."""
    prose = PROSE * (4 * measure.LENGTH // len(PROSE))
    return measure.least(function, prose, 3)
