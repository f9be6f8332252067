"""No text a stranger can send makes a rule of the domain take time or memory faster than n log n.

`make growth` tries all pairs of functions and texts; here each function has a few texts, always the same. A pattern
is tried whole here too, unless nothing about it has changed since `make growth`.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Iterator

import pytest

from tests.growth import attacks, measure
from tests.growth.patterns import escaping, patterns
from tests.growth.run import Report, pattern_grows, walk_functions, walk_memory, walk_patterns

LONG_AGO = {
    "an attribution": (r"^(?:am|on)\b.{6,240}@\S+\s*>?:?\s*$", "finditer"),
    "a bullet": (r"(?m)^\s*(?:[-•]|\d[.)])\s+\S", "finditer"),
    "an answer's subject": (r"^\s*(?:re|aw)\s*(?:\[\d+\])?\s*:", "match"),
    "a foreign name": (r"[^\s=@;\"]*[^\x00-\x7f][^\s=@;\"]*", "finditer"),
    "dots at the end": (r"[\s.]+\Z", "finditer"),
    "repeats within repeats": (r"(?:a+\s?)+:", "match"),
}
"""Rules that took too long, as they once stood here, and the classical one."""


@pytest.fixture(autouse=True)
def _only_new_objects() -> Iterator[None]:
    """What takes long must be the text, not the collector's walk over a whole test session."""
    with measure.only_new_objects():
        yield
    gc.freeze()  # what was collected, as before (tests/conftest.py)


@pytest.mark.parametrize("name", LONG_AGO)
def test_it_finds_what_it_is_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        measure, "HANG", 0.5
    )  # some would take hours: that they are stopped is what is looked for
    pattern, use = re.compile(LONG_AGO[name][0]), LONG_AGO[name][1]
    assert any(pattern_grows(pattern, use, text) for text in attacks.of_pattern(pattern).values())


def test_no_pattern_escapes_the_walk() -> None:
    assert escaping() == []
    # Some that hang in a table, belong to a class or are written out where they are used.
    assert len(patterns()) > 90
    assert {found.name for found in patterns()} >= {"_CLASSES", "_RAW_ENDS"}
    assert any(found.name.startswith("line ") for found in patterns())


def test_every_pattern_takes_linear_time(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    walk_patterns(report, 0.05)
    with capsys.disabled():
        print(f"\n{report.patterns} patterns, {report.pattern_texts} texts made from them")
    assert report.growing == []


def test_every_function_over_text_takes_linear_time(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    walk_functions(report, 0.02, 0.0003)
    with capsys.disabled():
        print(f"\n{report.functions} functions, {report.function_texts} of their texts")
    assert report.unmade == []
    assert report.growing == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory of a moment")
def test_memory_grows_with_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    walk_memory(report, 0.01, whole="mail.visible.visible")
    with capsys.disabled():
        print(
            f"\n{report.memory_texts} texts looked at for memory, {len(attacks.of_mail())} generators of them"
        )
    assert report.growing == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory of a moment")
def test_it_finds_a_tree_that_outgrows_its_text() -> None:
    from selectolax.lexbor import LexborHTMLParser

    text = attacks.of_mail()["<b> left open before paragraphs"]
    assert measure.memory_grows(lambda html: LexborHTMLParser(html).body, text)
