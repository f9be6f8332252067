"""The model card: it tells people what the model is, and `reproduce` how to train it again."""

from __future__ import annotations

import hashlib
import json
import platform
import textwrap
from pathlib import Path
from typing import Any

from backend.domain.mailbox.mailbox import Strictness
from backend.scoring.model_file import ModelFacts
from model_export.evaluation import GOALS, Confusion, Evaluation
from model_export.metrics import Rate, precision_at
from model_export.publish import sources

_FENCE = "```json reproduce\n"
HARDEST = 5
"""The card lists this many files, those in which the model catches least; the report has all."""


class BadCard(ValueError):
    """The file is not one of our model cards."""


def write_card(
    data: bytes, facts: ModelFacts, evaluation: Evaluation, difference: float, own: int = 0
) -> str:
    """The card of a model file as Markdown. `own` says how many training messages are from an owner's own mail."""
    machine = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "version": facts.version,
        "corpus": facts.corpus,
        "sources": sources(),
        "params": json.loads(facts.metadata["params"]),
        "libraries": json.loads(facts.metadata["libraries"]),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    return _TEXT.format(
        version=facts.version,
        learned=_learned(int(facts.metadata["rows"]), evaluation, own),
        calibration=_calibration(evaluation),
        terms=f"{len(facts.vocabulary):,}",
        size=f"{len(data):,}",
        costs=_costs(evaluation),
        slices=_slices(evaluation),
        sure=_sure(evaluation, json.loads(facts.metadata["params"])["share"]),
        share=f"{json.loads(facts.metadata['params'])['share']:.0%}",
        figures=_figures(evaluation),
        thresholds=_thresholds(facts, evaluation),
        few=next(cost.strangers.held for cost in evaluation.costs if cost.strictness == Strictness.RELAXED),
        difference=f"{difference:.0e}",
        fence=_FENCE + json.dumps(machine, indent=1, sort_keys=True) + "\n```",
    )


def read_card(path: Path) -> dict[str, Any]:
    """The machine-readable part of a card. Raises `BadCard`."""
    text = path.read_text(encoding="utf-8")
    _, found, rest = text.partition(_FENCE)
    try:
        values = json.loads(rest.partition("\n```")[0]) if found else None
    except ValueError as error:
        raise BadCard(f"{path}: the part for `reproduce` is not JSON ({error})") from error
    if not isinstance(values, dict) or not {"sha256", "params", "corpus"} <= set(values):
        raise BadCard(f"{path} has no part for `reproduce`; is it a model card?")
    return values


def _learned(rows: int, evaluation: Evaluation, own: int) -> str:
    judged, writers = evaluation.pooled.count, len(evaluation.files)
    if own:
        text = (
            f"{rows - own} messages written for this project, people and firms in them invented, and {own} of an "
            "owner's own mail: this model may serve their mailbox and no other."
        )
    else:
        text = f"{judged} messages written for this project, in {writers} files by one writer each"
        if rows > judged:
            text += (
                f", and {rows - judged} of ordinary mail with next to nothing in it or on far subjects, which are only "
                "learned from and never counted in a figure"
            )
        text += ". People and firms in them are invented. No mail of real people."
    return _wrapped(text, "**What it learned from.** ")


def _calibration(evaluation: Evaluation) -> str:
    goal, mean, pooled = GOALS["ece"], evaluation.mean, evaluation.pooled
    verdicts = [f"{'met' if part.ece <= goal else 'missed'} at {part.ece:.3f}" for part in (pooled, mean)]
    languages = [
        f"The goal of {goal:.2f} is {verdicts[0]} on all left-out mail together, {verdicts[1]} as a mean over files."
    ]
    if mean.ece > goal:
        languages.append(f"Chance alone makes {mean.chance:.3f} there; what was tried stands in the report.")
    furthest = sorted(evaluation.offsets.items(), key=lambda item: (-abs(item[1]), item[0]))
    listed = [
        f"{name} ({abs(by) * 100:.0f} points too {'high' if by > 0 else 'low'})" for name, by in furthest
    ]
    languages.append(
        f"One writer differs from the next; stated furthest off as a whole: {', '.join(listed[:3])}."
    )
    return _wrapped(" ".join(languages))


def _wrapped(text: str, before: str = "") -> str:
    return textwrap.fill(before + text, 115, break_long_words=False, break_on_hyphens=False)


def _costs(evaluation: Evaluation) -> str:
    lines = []
    for cost in evaluation.costs:
        low, high = cost.strangers.interval
        fewest, most = cost.pitches.interval
        lines.append(
            f"- **{cost.strictness.value}**: {cost.words} (95 % interval: {low * 1000:.0f} to {high * 1000:.0f} held "
            f"of 1,000, {fewest * 100:.0f} to {most * 100:.0f} caught of 100)"
        )
    return "\n".join(lines)


def _sure(evaluation: Evaluation, share: float) -> str:
    real, count = precision_at(evaluation.labels, evaluation.scores, share)
    return _wrapped(
        f"Probabilities are stated for mail of which {share:.0%} are pitches. Of left-out mail said to be a pitch with "
        f"95 % or more ({count} messages), {real:.1%} would be pitches in such mail."
    )


def _slices(evaluation: Evaluation) -> str:
    tables = []
    for name, parts in evaluation.slices.items():
        lines = [f"| {name} | pitches held | ordinary mail held | of it strangers’ |", "|---|---|---|---|"]
        lines += [
            f"| {part.name} | {_rate(part.pitches)} | {_rate(part.ordinary)} | {_rate(part.strangers)} |"
            for part in parts
        ]
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _rate(rate: Rate) -> str:
    if not rate.count:
        return "–"
    low, high = rate.interval
    return f"{rate.share:.1%} ({low:.1%}–{high:.1%}; {rate.count})"


def _figures(evaluation: Evaluation) -> str:
    lines = [
        "| | AUC | recall at 1 % | recall at 5 % | calibration error |",
        "|---|---|---|---|---|",
    ]
    hardest = sorted(evaluation.files.items(), key=lambda item: (item[1].recall_1, item[0]))[:HARDEST]
    named = {"mean over files": evaluation.mean, "all files pooled": evaluation.pooled, **dict(hardest)}
    for name, f in named.items():
        lines.append(f"| {name} | {f.auc:.3f} | {f.recall_1:.2f} | {f.recall_5:.2f} | {f.ece:.3f} |")
    return "\n".join(lines)


def _thresholds(facts: ModelFacts, evaluation: Evaluation) -> str:
    lines = [
        "| strictness | clear | hold | pitches held | ordinary held | challenge |",
        "|---|---|---|---|---|---|",
    ]
    for strictness in Strictness:
        limits = facts.thresholds[strictness]
        at = _held(evaluation, strictness)
        lines.append(
            f"| {strictness.value} | {limits.clear:.4f} | {limits.hold:.4f} | {at.recall:.0%} "
            f"| {at.false_holds:.1%} | {limits.challenge:.4f} |"
        )
    return "\n".join(lines)


def _held(evaluation: Evaluation, strictness: Strictness) -> Confusion:
    return next(c for c in evaluation.confusions if c.strictness == strictness.value and c.name == "hold")


_TEXT = """# Model card: {version}

On writers it has not read, at each strictness:

{costs}

**What it does.** Reads one email and says how likely it is a pitch: a stranger's one-to-one approach to sell
something, or to buy a business. It runs on the owner's own server and sends nothing anywhere.

**What it is.** tf-idf over {terms} terms (words, concepts, form), eight logistic regressions and one calibrator;
{size} bytes of ONNX, text in, probability and the share of each term out.

{learned}

**How good it is**, each file left out once, an eighth of them at a time; recall at the given share of ordinary mail
held. The files listed are the hardest; the report has all.

{figures}

{calibration}

{sure}

**Thresholds**, on the same left-out mail:

{thresholds}

**Held at *normal***, by part, with 95 % intervals and numbers of messages. Where they differ between languages, or
between senders by the letters of their names, the model errs more for some people than for others:

{slices}

**Graph against scikit-learn**: largest difference of probability on corpus and hard texts: {difference}.

**What to know before trusting it.**

- Probabilities are stated for mail of which {share} are pitches (`pitchgate-model train --share`); in an inbox with
  fewer they are too high. Thresholds do not depend on it.
- A seller who knows the owner's field and asks for nothing reads like ordinary mail; most of them pass.
- The lexicon was worked out by looking at errors on this corpus: expect somewhat less on mail of your own.
- The threshold of *relaxed* rests on {few} messages of strangers.
- Real mail differs from mail that was written for a purpose. An earlier model of this kind (2ea764-b93e98e8), whose
  card said 67% at 1%, caught 77% of 228 received pitches that nobody here has seen where 1% of old business mail was
  held. At *normal*, set for 1%, it held 0.6% of received support mail, 2.6% of old newsletters, 4.2% of short modern
  business mail, and 16 of 115 written emails of strangers who ask again.
- It has read business mail of the 2020s in English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Czech
  and Swedish. Other languages are scored by form and by what English they contain.

{fence}
"""
