"""Benchmarks call what they measure by name, and nobody runs them daily: a renamed function would break them unseen."""

from __future__ import annotations

from pathlib import Path

from tests.bench import decisions
from tests.bench.baseline import floor


def test_the_cost_of_watching_can_be_measured(tmp_path: Path) -> None:
    added = decisions.of_a_message(20, tmp_path)
    assert added["all"] > 0
    assert {"trace", "grounds", "append", "class", "counters"} <= set(added)


def test_the_floor_takes_its_steps() -> None:
    assert floor._commits(2, 3) > 0
    assert min(floor._looks(200), floor._tokens(200), floor._lines(200)) > 0
