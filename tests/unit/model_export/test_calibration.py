"""Calibration: what the figure measures, what chance alone shows of it, and how the one calibrator is learned."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from model_export.metrics import calibration_error, debiased_error, figures, interval, noise_floor
from model_export.training import squash, temperature

DRAWN = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _drawn_anew(monkeypatch: pytest.MonkeyPatch):
    """Each test draws the same, whichever ran before it."""
    monkeypatch.setattr(sys.modules[__name__], "DRAWN", np.random.default_rng(7))


def drawn(probabilities: np.ndarray) -> np.ndarray:
    """Labels that come true exactly as often as stated."""
    return (DRAWN.random(len(probabilities)) < probabilities).astype(float)


def test_a_gap_in_one_bin_counts_by_its_share():
    probabilities = np.array([0.95] * 50 + [0.05] * 50)
    labels = np.array([1.0] * 45 + [0.0] * 5 + [0.0] * 50)
    assert calibration_error(labels, probabilities) == pytest.approx(0.5 * 0.05 + 0.5 * 0.05)


def test_certain_and_right_is_no_error_and_leaves_nothing_to_chance():
    sure = np.array([0.0, 1.0, 1.0])
    assert calibration_error(sure, sure) == 0.0
    assert noise_floor(sure) == 0.0


@pytest.mark.parametrize("count", [120, 360, 3000])
def test_chance_is_what_a_perfectly_calibrated_model_shows(count: int):
    probabilities = squash(DRAWN.normal(0, 3, count))
    shown = np.mean([calibration_error(drawn(probabilities), probabilities) for _ in range(400)])
    assert noise_floor(probabilities) == pytest.approx(shown, rel=0.1)


@pytest.mark.parametrize("count", [360, 3000])
def test_debiased_is_what_is_wrong_and_not_what_is_few(count: int):
    right = squash(DRAWN.normal(0, 3, count))
    wrong = np.clip(right + 0.1, 0, 1)
    shown = np.sqrt(np.mean([debiased_error(drawn(right), right) ** 2 for _ in range(300)]))
    plain = np.mean([calibration_error(drawn(right), right) for _ in range(300)])
    assert shown < 1.05 * plain  # only what is cut off at 0 is left of it
    off = np.sqrt(np.mean([debiased_error(drawn(right), wrong) ** 2 for _ in range(300)]))
    assert off == pytest.approx(0.09, abs=0.015)  # the few above 0.9 are cut off at 1


def test_debiased_takes_off_what_the_formula_says():
    probabilities = np.array([0.25] * 20)
    labels = np.array([1.0] * 10 + [0.0] * 10)
    assert debiased_error(labels, probabilities) == pytest.approx((0.25**2 - 0.25 / 19) ** 0.5)
    assert debiased_error(labels, np.full(20, 0.55)) == 0.0
    assert debiased_error(np.array([1.0]), np.array([0.1])) == 0.0


def test_the_interval_holds_the_figure_and_is_the_same_each_time():
    probabilities = squash(DRAWN.normal(0, 2, 500))
    labels, stated = drawn(probabilities), np.clip(probabilities + 0.15, 0, 1)
    low, high = interval(labels, stated, rounds=200)
    assert low < high
    assert low <= calibration_error(labels, stated) <= high
    assert interval(labels, stated, rounds=200) == (low, high)


def test_a_file_of_the_corpus_is_too_small_to_show_three_hundredths():
    """Why the goal is judged on all left-out mail together."""
    spread = squash(np.random.default_rng(1).normal(0, 2.6, 360))
    assert noise_floor(spread) > 0.03
    assert noise_floor(np.tile(spread, 8)) < 0.03


def test_the_calibrator_finds_how_much_too_sure_the_logits_are():
    true = DRAWN.normal(0, 2, 20_000)
    labels = drawn(squash(true))
    assert temperature(true * 3, labels) == pytest.approx(1 / 3, rel=0.05)
    stated = squash(temperature(true * 3, labels) * true * 3)
    assert calibration_error(labels, stated) < 0.02


def test_figures_tell_both():
    labels, scores = np.array([0.0, 1.0, 0.0, 1.0]), np.array([-2.0, 2.0, -1.0, 1.0])
    found = figures(labels, scores, squash(scores))
    assert found.auc == 1.0
    assert found.chance == noise_floor(squash(scores))
    assert found.debiased == debiased_error(labels, squash(scores))
