"""Every pattern and every function of the domain against every text made for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from tests.growth import attacks, functions, measure, patterns

PROSE = "We met on Monday and wrote down what each of us would do before the next meeting, and by when.\n"
PATTERN_ENOUGH = 0.004
"""Seconds for 8,000 characters: half a microsecond each. The square of them would take ten times as long."""

FUNCTION_ENOUGH = 0.003
ORDINARY = 5
"""Times what a function takes for as much prose: less is not looked at."""


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


def walk_patterns(report: Report) -> None:
    """Each pattern alone, used as the code uses it, on texts made from it and on what emails are full of."""
    for found in patterns.patterns():
        report.patterns += 1
        for use in sorted({use if use in ("match", "fullmatch") else "finditer" for use in found.uses}):
            for name, text in attacks.of_pattern(found.pattern).items():
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


def walk_functions(report: Report, share: float) -> None:
    """Each public function that takes text, on what emails are full of and on the texts for the patterns. Of all pairs
    a `share` is tried, always the same."""
    texts = attacks.of_mail()
    for found in patterns.patterns():
        texts |= attacks.of_pattern(found.pattern)
    for name, function in functions.functions():
        report.functions += 1
        if unmade := _unmade(function):
            report.unmade.append(f"{name}: {unmade}")
            continue
        enough = FUNCTION_ENOUGH + ORDINARY * ordinary(function)
        for title, text in texts.items():
            if not _chosen(name, title, share):
                continue
            report.function_texts += 1
            if grown := measure.grows(function, text, enough):
                report.growing.append(f"{name}: {title}: {grown}")
                break


def walk_memory(report: Report, share: float, whole: str = "") -> None:
    """Each function on what emails are full of: the memory it takes at its height. A `share` of the pairs, of the one
    called `whole` all."""
    with measure.only_new_objects():
        for name, function in functions.functions():
            for title, text in attacks.of_mail().items():
                if not name.endswith(whole or ":") and not _chosen(name, title, share):
                    continue
                report.memory_texts += 1
                if grown := measure.memory_grows(function, text):
                    report.growing.append(f"{name}: {title}: {grown}")
                    break


def _chosen(name: str, title: str, share: float) -> bool:
    return crc32(f"{name} {title}".encode("utf-8", "replace")) % 10_000 < share * 10_000


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
