"""The judge of both readings: learned by leaving files out, exported, and measured beside the first reading alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Score, Thresholds
from backend.domain.reading.words import OTHER
from backend.scoring.model_file import JUDGE, digest_of
from backend.scoring.second_reading import NUMBERS, Encoder, Judge
from model_export.errands import ORDINARY, PITCHES
from model_export.graph import IR_VERSION, Emitter
from model_export.learner import Flags, Floats
from model_export.metrics import figures
from model_export.publish import MAX_DIFFERENCE, NotPublished
from model_export.rows import Row
from model_export.training import (
    FOLDS,
    Progress,
    Trained,
    at_share,
    groups_of,
    labels_of,
    sides,
    silent,
    squash,
    unknown,
)

BAND = (0.1, 0.95)
"""Probabilities of a first reading that is in doubt."""
FEW = 200
"""Messages of a language without which its mail is not judged again."""
SHRINKAGE = 0.05
"""How much of the spread of the numbers is taken to be the same in all directions. From .005 to .1 recall at 1% is the
same to a hundredth."""
RISE = 1.5
"""By how much a second reading may raise a logit: what nobody can explain word by word moves a verdict so far and no
further. Measured beside the model before: without a bound recall at 1% was .722, with this .717, with 1 .714."""
_NO_DIGEST = "0" * 64


# ---- What the encoder makes of the corpus


def embedded(rows: Sequence[Row], encoder: Encoder, cache: Path, progress: Progress = silent) -> Floats:
    """The encoder's numbers of each row, as they are judged by. What is in `cache` is not worked out again; a corpus
    of 23,000 messages takes five minutes."""
    known: dict[str, bytes] = {}
    file = cache / f"{encoder.digest[:16]}.npz"
    if file.exists():
        kept = np.load(file)
        known = dict(zip(kept["names"].tolist(), map(bytes, kept["numbers"]), strict=True))
    texts = [row.said for row in rows]
    names = [sha256(text.encode()).hexdigest() for text in texts]
    for number, (name, text) in enumerate(zip(names, texts, strict=True)):
        if name not in known:
            known[name] = encoder.embedding(text)
        if number % 1_000 == 0:
            progress(f"read again: {number:,} of {len(rows):,}")
    cache.mkdir(parents=True, exist_ok=True)
    wide = np.frombuffer(b"".join(known.values()), np.uint8).reshape(len(known), 2 * NUMBERS)
    np.savez(file, names=np.array(list(known)), numbers=wide)
    numbers = np.frombuffer(b"".join(known[name] for name in names), "<f2")
    return numbers.reshape(len(rows), NUMBERS).astype(np.float64)


# ---- The judge


class JudgeModel(BaseEstimator):  # type: ignore[misc]
    """Logit of the first reading and numbers of the second to the logit of both.

    The head tells the classes of mail apart by where their numbers lie (linear discriminant analysis); its logit is
    that of any class of pitch against any of ordinary mail. The stack, a logistic regression, weighs it against the
    first one's.
    """

    def fit_head(self, numbers: Floats, errands: Sequence[str]) -> JudgeModel:
        """Learn the classes. The scale of the numbers goes into the coefficients, and what all classes have in common
        out of them: the differences alone count, and their exponentials stay small."""
        spread = numbers.std(axis=0)
        head = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
        head.fit(numbers / spread, list(errands))
        of = {
            side: [place for place, name in enumerate(head.classes_) if name in classes]
            for side, classes in (("pitch", PITCHES), ("ordinary", ORDINARY))
        }
        coefficients = (head.coef_ - head.coef_.mean(axis=0)) / spread
        biases = head.intercept_ - head.intercept_.mean()
        self.coef_ = {side: coefficients[places].T for side, places in of.items()}
        self.bias_ = {side: biases[places] for side, places in of.items()}
        return self

    def fit_stack(self, first: Floats, head: Floats, labels: Floats, offset: float) -> JudgeModel:
        """Learn to weigh, over heads that had not seen the rows; `offset` is that of the share of pitches."""
        both = LogisticRegression(C=1e3).fit(np.column_stack([first, head]), labels)
        self.weights_ = (float(both.coef_[0, 0]), float(both.coef_[0, 1]))
        self.offset_ = float(both.intercept_[0]) + offset
        return self

    def head(self, numbers: Floats) -> Floats:
        """The logit of the second reading alone."""
        sides = (
            np.log(np.exp(numbers @ self.coef_[side] + self.bias_[side]).sum(axis=1))
            for side in ("pitch", "ordinary")
        )
        pitch, ordinary = sides
        found: Floats = pitch - ordinary
        return found

    def stacked(self, first: Floats, head: Floats) -> Floats:
        """The logit of both."""
        both = first * self.weights_[0] + head * self.weights_[1] + self.offset_
        return np.minimum(both, first + RISE)

    def logits(self, first: Floats, numbers: Floats) -> Floats:
        """The logit of both, from the numbers."""
        return self.stacked(first, self.head(numbers))


@dataclass(frozen=True)
class Judged:
    """A finished run over the rows of `trained.judged`: their probabilities by the first reading, and by both where the
    first is in doubt (`doubtful`) and the language is one of `languages`."""

    model: JudgeModel
    trained: Trained
    doubtful: Flags
    languages: tuple[str, ...]
    once: Floats
    twice: Floats
    thresholds: dict[Strictness, Thresholds]

    def held(self, strictness: Strictness, twice: bool) -> Flags:
        """Which rows are held."""
        alone = self.once >= self.trained.thresholds[strictness].hold
        if not twice:
            return alone
        held: Flags = np.where(self.doubtful, self.twice >= self.thresholds[strictness].hold, alone)
        return held


def learn(
    rows: Sequence[Row],
    trained: Trained,
    numbers: Floats,
    band: tuple[float, float] = BAND,
    progress: Progress = silent,
) -> Judged:
    """`numbers` are those of `rows`. Heads and stacks judge files they have not seen."""
    places = {row.id: place for place, row in enumerate(rows)}
    judged, (_, aside) = trained.judged, sides(rows)
    ours, others = ([places[row.id] for row in some] for some in (judged, aside))
    labels, errands = labels_of(judged), np.array([row.errand for row in judged])
    share = float(labels.mean())
    offset = at_share(trained.params.share, share)
    first = trained.logits * trained.model.slope_ + trained.model.offset_
    once = squash(first)
    doubtful = (once >= band[0]) & (once < band[1])
    counts = {row.language: 0 for row in judged}
    for row in judged:
        counts[row.language] += 1
    languages = tuple(sorted(name for name, count in counts.items() if count >= FEW and name != OTHER))
    doubtful &= np.array([row.language in languages for row in judged])

    groups = groups_of(judged)
    fold = np.array([groups.index(row.group) % min(FOLDS, len(groups)) for row in judged])
    head, both = np.zeros(len(judged)), np.zeros(len(judged))
    everything = numbers[ours]
    for left_out in range(fold.max() + 1):
        progress(f"the second reading, part {left_out + 1} of {fold.max() + 1}")
        inside, outside = fold != left_out, fold == left_out
        learned = np.vstack([everything[inside], numbers[others]])
        classes = [*errands[inside], *(row.errand for row in aside)]
        head[outside] = JudgeModel().fit_head(learned, classes).head(everything[outside])
    for left_out in range(fold.max() + 1):
        inside, outside = (fold != left_out) & doubtful, fold == left_out
        stack = JudgeModel().fit_stack(first[inside], head[inside], labels[inside], offset)
        both[outside] = stack.stacked(first[outside], head[outside])
    model = JudgeModel().fit_head(numbers, [row.errand for row in rows])
    model.fit_stack(first[doubtful], head[doubtful], labels[doubtful], offset)
    twice = np.where(doubtful, squash(both), once)
    return Judged(
        model, trained, doubtful, languages, once, twice, equal_thresholds(trained, once, twice, doubtful)
    )


def equal_thresholds(
    trained: Trained, once: Floats, twice: Floats, doubtful: Flags
) -> dict[Strictness, Thresholds]:
    """Thresholds at which as much ordinary mail of strangers is held as by the first reading's own."""
    ordinary = unknown(trained.judged)
    falling = np.sort(twice[ordinary & doubtful])[::-1]
    chosen: dict[Strictness, Thresholds] = {}

    def at(threshold: float) -> float:
        """The one at which as many of the doubtful are above as were."""
        above = int((once[ordinary & doubtful] >= threshold).sum())
        return (
            min(1.0, np.floor(float(falling[above]) * 10_000 + 1) / 10_000) if above < len(falling) else 0.0
        )

    strict = at(trained.thresholds[Strictness.STRICT].hold)
    for strictness, limits in trained.thresholds.items():
        hold = at(limits.hold)
        chosen[strictness] = Thresholds(
            min(limits.clear, hold), hold, max(hold, at(limits.challenge)), strict
        )
    return chosen


# ---- The judge's file


def to_onnx(model: JudgeModel) -> ModelProto:
    """The graph, without metadata. In doubles and without a product of matrices, so that it is the same sum on each
    processor."""
    update_registered_converter(JudgeModel, "JudgeModel", _shapes, _convert, parser=_outputs, overwrite=True)
    inputs = [("logit", DoubleTensorType([None, 1])), ("embedding", DoubleTensorType([None, NUMBERS]))]
    made: ModelProto = convert_sklearn(
        model, name="judge", initial_types=inputs, target_opset=JUDGE.opsets[""]
    )
    del made.opset_import[:]
    made.opset_import.extend([helper.make_opsetid("", JUDGE.opsets[""])])
    made.ir_version = IR_VERSION
    made.producer_name, made.producer_version, made.doc_string, made.domain = "pitchgate", "", "", ""
    made.graph.name = "judge"
    return made


def _shapes(operator: Any) -> None:
    """The output types are declared with the outputs."""


def _outputs(scope: Any, model: JudgeModel, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    del custom_parsers
    operator = scope.declare_local_operator("JudgeModel", model)
    operator.inputs = inputs
    for name in ("probability", "logit_of_both"):
        operator.outputs.append(scope.declare_local_variable(name, DoubleTensorType([None, 1])))
    return list(operator.outputs)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    del scope
    model: JudgeModel = operator.raw_operator
    logit, numbers = (each.full_name for each in operator.inputs)
    emit = Emitter(container)
    double = TensorProto.DOUBLE
    emit.constant("along", np.array([1]), TensorProto.INT64)
    emit.constant("behind", np.array([2]), TensorProto.INT64)
    emit.constant("one", np.array(1.0), double)
    emit.constant("of_first", np.array(model.weights_[0]), double)
    emit.constant("of_head", np.array(model.weights_[1]), double)
    emit.constant("offset", np.array(model.offset_), double)
    emit.constant("rise", np.array(RISE), double)
    emit.node("Unsqueeze", [numbers, "behind"], "numbers")
    for side in ("pitch", "ordinary"):
        emit.constant(f"{side}_coef", model.coef_[side], double)
        emit.constant(f"{side}_bias", model.bias_[side], double)
        emit.node("Mul", ["numbers", f"{side}_coef"], f"{side}_parts")
        emit.node("ReduceSum", [f"{side}_parts", "along"], f"{side}_sums", keepdims=0)
        emit.node("Add", [f"{side}_sums", f"{side}_bias"], f"{side}_logits")
        emit.node("Exp", [f"{side}_logits"], f"{side}_odds")
        emit.node("ReduceSum", [f"{side}_odds", "along"], f"{side}_sum", keepdims=1)
        emit.node("Log", [f"{side}_sum"], side)
    emit.node("Sub", ["pitch", "ordinary"], "head")
    emit.node("Mul", ["head", "of_head"], "head_part")
    emit.node("Mul", [logit, "of_first"], "first_part")
    emit.node("Add", ["first_part", "head_part"], "both")
    emit.node("Add", ["both", "offset"], "unbound")
    emit.node("Add", [logit, "rise"], "most")
    emit.node("Min", ["unbound", "most"], "logit_")
    emit.node("Neg", ["logit_"], "minus")
    emit.node("Exp", ["minus"], "e")
    emit.node("Add", ["e", "one"], "e1")
    emit.node("Div", ["one", "e1"], "p")
    for ours, output in zip(("p", "logit_"), operator.outputs, strict=True):
        emit.node("Identity", [ours], output.full_name)


def judge_file(judged: Judged, model: str, encoder: str) -> bytes:
    """The file: graph, and what it goes with: the digests of the model and of the encoder. The same numbers give the
    same bytes."""
    made = to_onnx(judged.model)
    limits = {
        strictness.value: {"clear": t.clear, "hold": t.hold, "challenge": t.challenge}
        for strictness, t in judged.thresholds.items()
    }
    metadata = {
        "format": JUDGE.format,
        "model": model,
        "encoder": encoder,
        "languages": " ".join(judged.languages),
        "thresholds": json.dumps(limits, sort_keys=True),
        "digest": _NO_DIGEST,
    }
    helper.set_model_props(made, dict(sorted(metadata.items())))
    onnx.checker.check_model(made, full_check=True)
    data: bytes = made.SerializeToString(deterministic=True)
    place = data.rfind(_NO_DIGEST.encode())
    return data[:place] + digest_of(data, place, place + 64).encode() + data[place + 64 :]


def parity(judge: Judge, judged: Judged, numbers: Floats) -> float:
    """Largest difference of a logit between graph and model over these numbers, each with another first logit. Raises
    `NotPublished` where it is more than `MAX_DIFFERENCE`."""
    first = np.linspace(-6.0, 6.0, len(numbers))
    expected = judged.model.logits(first, numbers)
    found = np.array(
        [
            judge.judge(Score(0.5, float(logit)), each.astype("<f2").tobytes()).logit
            for logit, each in zip(first, numbers, strict=True)
        ]
    )
    difference = float(np.abs(found - expected).max())
    if difference > MAX_DIFFERENCE:
        raise NotPublished(f"graph and model differ by {difference:.1e}, allowed is {MAX_DIFFERENCE:.0e}")
    return difference


# ---- What it is worth


def card(judged: Judged, size: int, encoder_bytes: int) -> str:
    """With and without it over the same left-out mail, as Markdown."""
    rows, labels = judged.trained.judged, labels_of(judged.trained.judged)
    without, both = judged.trained.crossed, _at_corpus(judged)
    tables = {
        "once": (judged.once, without, judged.trained.thresholds),
        "twice": (judged.twice, both, judged.thresholds),
    }
    ranked = {name: figures(labels, scores, stated) for name, (scores, stated, _) in tables.items()}
    doubtful, ordinary = judged.doubtful, labels == 0
    lines = [
        "# The second reading beside the first",
        "",
        f"{len(rows)} messages of the corpus, each judged by what had not seen its file. In doubt, and read again, are",
        f"{doubtful.mean():.1%} of all, {doubtful[ordinary].mean():.1%} of ordinary mail and "
        f"{doubtful[~ordinary].mean():.1%} of pitches: those between {BAND[0]:g} and {BAND[1]:g} in",
        f"{', '.join(judged.languages)}. The judge is {size:,} bytes, the encoder {encoder_bytes:,}.",
        "",
        "| | read once | read twice |",
        "|---|---|---|",
        *(
            f"| {told} | {getattr(ranked['once'], name):.3f} | {getattr(ranked['twice'], name):.3f} |"
            for told, name in (
                ("AUC", "auc"),
                ("recall at 1 %", "recall_1"),
                ("recall at 5 %", "recall_5"),
                ("calibration error", "ece"),
            )
        ),
        "",
        "Held at each strictness, at thresholds of its own for what was read twice:",
        "",
        "| strictness | pitches, once | twice | ordinary mail, once | twice |",
        "|---|---|---|---|---|",
        *(
            f"| {strictness.value} | {_share(judged.held(strictness, False), ~ordinary)} "
            f"| {_share(judged.held(strictness, True), ~ordinary)} "
            f"| {_share(judged.held(strictness, False), ordinary)} "
            f"| {_share(judged.held(strictness, True), ordinary)} |"
            for strictness in Strictness
        ),
        "",
        "At *normal*, by part:",
        "",
        "| part | pitches, once | twice | ordinary mail, once | twice |",
        "|---|---|---|---|---|",
        *_parts(judged, ordinary),
    ]
    return "\n".join(lines) + "\n"


def _parts(judged: Judged, ordinary: Flags) -> Iterator[str]:
    rows = judged.trained.judged
    held = [judged.held(Strictness.NORMAL, twice) for twice in (False, True)]
    for of in (attrgetter("errand"), attrgetter("language")):
        names = np.array([of(row) for row in rows])
        for name in sorted(set(names)):
            shares = (
                _share(flags, side & (names == name)) for side in (~ordinary, ordinary) for flags in held
            )
            yield f"| {name} | {' | '.join(shares)} |"


def _share(held: Flags, among: Flags) -> str:
    return f"{held[among].mean():.1%} of {among.sum()}" if among.any() else "–"


def _at_corpus(judged: Judged) -> Floats:
    """Probabilities at the corpus's own share of pitches, at which its calibration can be seen."""
    offset = at_share(judged.trained.params.share, float(labels_of(judged.trained.judged).mean()))
    twice = np.clip(judged.twice, 1e-12, 1 - 1e-12)
    return np.where(judged.doubtful, squash(np.log(twice / (1 - twice)) - offset), judged.trained.crossed)
