"""The model card: what the model is, for people, and what `reproduce` needs, for machines."""

from __future__ import annotations

import hashlib
import json
import platform
import textwrap
from pathlib import Path
from typing import Any

from backend.domain.mailbox.mailbox import Strictness
from backend.scoring.audit import ModelFacts
from model_export.evaluation import GOALS, Confusion, Evaluation

_FENCE = "```json reproduce\n"


class BadCard(ValueError):
    """The file is no model card of ours."""


def write_card(
    data: bytes, facts: ModelFacts, evaluation: Evaluation, difference: float, own: int = 0
) -> str:
    """The card of a model file as Markdown. `own` says how many messages it learned from are an owner's own."""
    machine = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "version": facts.version,
        "corpus": facts.corpus,
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
        figures=_figures(evaluation),
        thresholds=_thresholds(facts, evaluation),
        languages=_languages(evaluation),
        few=_held(evaluation, Strictness.RELAXED).ordinary_held,
        difference=f"{difference:.0e}",
        fence=_FENCE + json.dumps(machine, indent=1, sort_keys=True) + "\n```",
    )


def read_card(path: Path) -> dict[str, Any]:
    """The machine's part of a card. Raises `BadCard`."""
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
            "owner's own mail: this model may serve his mailbox and no other."
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
    said = [
        f"The goal of {goal:.2f} is {verdicts[0]} on all left-out mail together, {verdicts[1]} as a mean over files."
    ]
    if mean.ece > goal:
        said.append(f"Chance alone makes {mean.chance:.3f} there; what was tried stands in the report.")
    furthest = sorted(evaluation.offsets.items(), key=lambda item: (-abs(item[1]), item[0]))
    told = [f"{name} ({abs(by) * 100:.0f} points too {'high' if by > 0 else 'low'})" for name, by in furthest]
    said.append(f"One writer differs from the next; stated furthest off as a whole: {', '.join(told[:3])}.")
    return _wrapped(" ".join(said))


def _wrapped(text: str, before: str = "") -> str:
    return textwrap.fill(before + text, 115, break_long_words=False, break_on_hyphens=False)


def _figures(evaluation: Evaluation) -> str:
    lines = [
        "| | AUC | recall at 1 % | recall at 5 % | calibration error | of it chance | debiased |",
        "|---|---|---|---|---|---|---|",
    ]
    named = {"mean over files": evaluation.mean, "all files pooled": evaluation.pooled, **evaluation.files}
    for name, f in named.items():
        values = f"{f.auc:.3f} | {f.recall_1:.2f} | {f.recall_5:.2f} | {f.ece:.3f} | {f.chance:.3f} | {f.debiased:.3f}"
        lines.append(f"| {name} | {values} |")
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


def _languages(evaluation: Evaluation) -> str:
    shown = [f"{name} {f.auc:.3f} ({f.count})" for name, f in evaluation.languages.items() if f.auc == f.auc]
    return ", ".join(shown)


_TEXT = """# Model card: {version}

**What it does.** Reads one e-mail and says how likely it is a pitch: a stranger's one-to-one approach to sell
something, or to buy a business. It runs on the owner's own server and sends nothing anywhere.

**What it is.** Three blocks of tf-idf over {terms} terms (words and word pairs; concepts and turns of phrase
from our own lexicon in ten languages; findings about headers and form), a linear support vector machine against
each of four kinds of ordinary mail (people the owner deals with, strangers with an errand of their own, mail
sent to many, mail with next to nothing in it), the soft minimum of the four, and one calibrator. {size} bytes of
ONNX, text in, probability and the share of each term out.

{learned}

**How good it is** on writers it has not read (leave one file out; recall at the given share of ordinary mail
held):

{figures}

“Chance” is the calibration error that a perfectly calibrated model would show on as many messages, ten bins each;
“debiased” is the root mean squared gap with chance taken off (Kumar, Liang and Ma 2019). Probabilities are by a
calibrator that has not read the file either.

{calibration}

AUC by language (messages): {languages}.

**Thresholds**, on the same left-out mail:

{thresholds}

**Graph against scikit-learn**: largest difference of probability on corpus and hard texts, singly and in
batches: {difference}.

**What to know before trusting it.**

- Half of the corpus is pitches. In a real inbox far fewer are, so a stated probability is too high there; the
  thresholds are chosen by the share of ordinary mail held and do not depend on it.
- The lexicon and the settings were worked out by looking at errors on this corpus. Leaving files out keeps the
  writers apart, not the authors of the lexicon: expect somewhat less on mail of your own.
- Thresholds at half a percent rest on {few} messages. They are the best guess there is, not a guarantee.
- It has read business mail of the 2020s in English, German, French, Spanish, Portuguese, Italian, Dutch,
  Polish, Czech and Swedish. Other languages are judged by form and by what English they contain. In which of the ten
  a mail is written counts for nothing.
- It judges what is written. Who wrote it, and whether the owner knows him, is for the policy table.
- Somebody who knows the model can write around it. A forged In-Reply-To spares him the remark that a "Re:" names
  no earlier mail; it counts for nothing else.

{fence}
"""
