"""The report: one self-contained HTML page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sklearn.metrics import precision_recall_curve

from backend.domain.mailbox.mailbox import Strictness
from backend.scoring.model_file import ModelFacts
from model_export.compare import Comparison
from model_export.evaluation import GOALS, Evaluation
from model_export.learner import Floats
from model_export.metrics import Figures, interval
from model_export.swings import Swing

HERE = Path(__file__).parent
_NAMES = {
    "auc": "area under the ROC curve",
    "recall_1": "recall at 1 % false holds",
    "recall_5": "recall at 5 % false holds",
    "ece": "expected calibration error",
}
_WORDS = {"good": "met", "bad": "missed"}
_LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese", "it": "Italian",
    "nl": "Dutch", "pl": "Polish", "cs": "Czech", "sv": "Swedish", "xx": "not told",
}  # fmt: skip


def render(
    evaluation: Evaluation,
    facts: ModelFacts,
    size: int,
    curve: list[tuple[int, float]] | None = None,
    nested: Figures | None = None,
    comparison: Comparison | None = None,
    swings: list[Swing] | None = None,
) -> str:
    """The page as text. `size` is that of the model file in bytes; parts that are None are left out."""
    page = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
    ).get_template("report.html")
    normal = facts.thresholds[Strictness.NORMAL]
    marked = [(getattr(normal, name), name) for name in ("clear", "hold", "challenge")]
    return page.render(
        version=facts.version,
        corpus=facts.corpus,
        rows=facts.metadata["rows"],
        judged=evaluation.pooled.count,
        terms=len(facts.vocabulary),
        size=f"{size:,}",
        mean=evaluation.mean,
        interval=interval(evaluation.labels, evaluation.cross_calibrated),
        tongues=_LANGUAGES,
        costs=evaluation.costs,
        slices=evaluation.slices,
        fired=evaluation.fired,
        swings=swings or [],
        goals=[_goal(name, evaluation, nested) for name in GOALS],
        nested=nested is not None,
        pr=_precision_recall(evaluation.labels, evaluation.scores, marked),
        reliability=_reliability(evaluation.labels, evaluation.cross_calibrated),
        curve=_learning(curve) if curve else "",
        confusions=evaluation.confusions,
        files=evaluation.files,
        languages=evaluation.languages,
        kinds=evaluation.kinds,
        wrong=evaluation.wrong,
        notes=(HERE / "notes.html").read_text(encoding="utf-8"),
        comparison=comparison,
        making=[(name, facts.metadata[name]) for name in ("params", "libraries", "corpus", "digest")],
    )


def _goal(name: str, evaluation: Evaluation, nested: Figures | None) -> dict[str, str]:
    goal, mean, pooled = GOALS[name], getattr(evaluation.mean, name), getattr(evaluation.pooled, name)
    return {
        "name": _NAMES[name],
        "goal": f"at {'most' if name == 'ece' else 'least'} {goal:g}",
        "mean": f"{mean:.3f}",
        "mean_verdict": _verdict(name, mean, goal),
        "mean_word": _WORDS[_verdict(name, mean, goal)],
        "pooled": f"{pooled:.3f}",
        "pooled_verdict": _verdict(name, pooled, goal),
        "pooled_word": _WORDS[_verdict(name, pooled, goal)],
        "nested": f"{getattr(nested, name):.3f}" if nested else "",
    }


def _verdict(name: str, value: float, goal: float) -> str:
    met = value <= goal if name == "ece" else value >= goal
    return "good" if met else "bad"


# ---- Charts as inline SVG: axes, lines, points. Colours come from the page's style.

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 44


@dataclass(frozen=True)
class _Axis:
    """A label and the range of an axis; `ticks` are the places of its numbers."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    form: str = "{:.1f}"

    def share(self, value: float) -> float:
        """The place of `value` on the axis, 0 to 1."""
        return (value - self.low) / (self.high - self.low)


_UNIT = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def _chart(title: str, x: _Axis, y: _Axis, marks: Sequence[str]) -> str:
    """One chart. `marks` are SVG elements made by `_line` and `_dots`; `title` is read by screen readers."""
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" class="chart">',
        f"<title>{html.escape(title)}</title>",
    ]
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in x.ticks:
        px = _x(x, tick)
        parts.append(f'<line class="grid" x1="{px:.1f}" y1="{_TOP}" x2="{px:.1f}" y2="{bottom}"/>')
        parts.append(_text("tick", px, bottom + 16, x.form.format(tick)))
    for tick in y.ticks:
        py = _y(y, tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{py:.1f}" x2="{right}" y2="{py:.1f}"/>')
        parts.append(_text("tick", _LEFT - 7, py + 4, y.form.format(tick), "end"))
    middle = (_TOP + bottom) / 2
    parts.append(_text("axis", (_LEFT + right) / 2, _HEIGHT - 8, x.label))
    parts.append(f'<g transform="rotate(-90 13 {middle:.0f})">{_text("axis", 13, middle, y.label)}</g>')
    return "".join([*parts, *marks, "</svg>"])


def _line(x: _Axis, y: _Axis, points: Sequence[tuple[float, float]], kind: str = "curve") -> str:
    """A line through `points`."""
    path = " ".join(f"{_x(x, a):.1f},{_y(y, b):.1f}" for a, b in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _dots(x: _Axis, y: _Axis, points: Sequence[tuple[float, float, str]], size: float = 3.5) -> str:
    """Dots, each with a text that appears when the mouse is over it."""
    return "".join(
        f'<circle class="dot" cx="{_x(x, a):.1f}" cy="{_y(y, b):.1f}" r="{size}">'
        f"<title>{html.escape(text)}</title></circle>"
        for a, b, text in points
    )


def _text(kind: str, x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _precision_recall(labels: Floats, scores: Floats, marked: Sequence[tuple[float, str]]) -> str:
    """Precision over recall of left-out files, with a dot at each threshold in `marked`."""
    precision, recall, limits = precision_recall_curve(labels, scores)
    step = max(1, len(recall) // 400)
    x, y = (
        _Axis("recall: share of pitches found", 0, 1, _UNIT),
        _Axis("precision", 0.5, 1, (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
    )
    curve = [(float(r), max(0.5, float(p))) for r, p in zip(recall[::step], precision[::step], strict=True)]
    places = []
    for threshold, name in marked:
        i = min(int(np.searchsorted(limits, threshold)), len(recall) - 1)
        text = f"{name} at {threshold:.3f}: precision {precision[i]:.3f}, recall {recall[i]:.3f}"
        places.append((float(recall[i]), max(0.5, float(precision[i])), text))
    return _chart(
        "Precision over recall on left-out files", x, y, [_line(x, y, curve), _dots(x, y, places, 4.5)]
    )


def _reliability(labels: Floats, probabilities: Floats, bins: int = 10) -> str:
    """Observed share of pitches over stated probability: one dot for each bin, larger with more messages."""
    x, y = _Axis("stated probability", 0, 1, _UNIT), _Axis("observed share of pitches", 0, 1, _UNIT)
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    points, marks = [], [_line(x, y, [(0, 0), (1, 1)], "ideal")]
    for i in range(bins):
        inside = index == i
        if inside.any():
            stated, seen = float(probabilities[inside].mean()), float(labels[inside].mean())
            points.append((stated, seen))
            text = f"{inside.sum()} messages: stated {stated:.2f}, observed {seen:.2f}"
            marks.append(_dots(x, y, [(stated, seen, text)], 2.5 + 6 * float(inside.mean()) ** 0.5))
    return _chart("Reliability: observed over stated probability", x, y, [_line(x, y, points), *marks])


def _learning(points: Sequence[tuple[int, float]]) -> str:
    """AUC on a left-out file over the number of messages trained on."""
    top = max(count for count, _ in points)
    ceiling = max(500, -(-top // 500) * 500)
    x = _Axis("messages trained on", 0, ceiling, tuple(range(0, ceiling + 1, 500)), "{:.0f}")
    floor = min(0.9, int(min(auc for _, auc in points) * 20) / 20)
    y = _Axis(
        "mean AUC on left-out files", floor, 1.0, tuple(np.arange(floor, 1.001, 0.05).round(2)), "{:.2f}"
    )
    texts = [(float(count), auc, f"{count} messages: AUC {auc:.3f}") for count, auc in points]
    return _chart("Learning curve", x, y, [_line(x, y, [(a, b) for a, b, _ in texts]), _dots(x, y, texts)])


def _x(axis: _Axis, value: float) -> float:
    return _LEFT + axis.share(value) * (_WIDTH - _LEFT - _RIGHT)


def _y(axis: _Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - axis.share(value) * (_HEIGHT - _TOP - _BOTTOM)
