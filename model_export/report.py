"""The report: one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.domain.mailbox.mailbox import Strictness
from backend.scoring.model_file import ModelFacts
from model_export import charts
from model_export.compare import Comparison
from model_export.evaluation import GOALS, Evaluation
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
_TONGUES = {
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
    swung: list[Swing] | None = None,
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
        interval=interval(evaluation.labels, evaluation.crossed),
        tongues=_TONGUES,
        costs=evaluation.costs,
        slices=evaluation.slices,
        fired=evaluation.fired,
        swings=swung or [],
        goals=[_goal(name, evaluation, nested) for name in GOALS],
        nested=nested is not None,
        pr=charts.precision_recall(evaluation.labels, evaluation.scores, marked),
        reliability=charts.reliability(evaluation.labels, evaluation.crossed),
        curve=charts.learning(curve) if curve else "",
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
