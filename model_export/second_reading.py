"""Trains the judge of both readings by leaving files out, exports it, and compares it with the first reading alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Score, Thresholds
from backend.domain.reading.words import OTHER
from backend.scoring.model_file import JUDGE, digest_of
from backend.scoring.second_reading import EMBEDDING_SIZE, Encoder, Judge
from model_export.graph import IR_VERSION, Emitter
from model_export.learner import Flags, Floats, half
from model_export.metrics import figures
from model_export.publish import MAX_DIFFERENCE, NotPublished
from model_export.rows import ORDINARY, PITCHES, Row
from model_export.training import (
    FOLDS,
    Progress,
    Trained,
    at_share,
    groups_of,
    labels_of,
    silent,
    squash,
    unknown,
)

BAND = (0.1, 0.95)
"""Probabilities of a first reading that is in doubt."""
FEW = 200
"""Messages of a language without which its mail is not judged again."""
SHRINKAGE = 0.05
"""How much of the embeddings' spread is taken to be the same in all directions. From .005 to .1 recall at 1% is the
same to a hundredth."""
SURE = 4.0
"""Largest logit of the head (see `JudgeModel`), because nobody can explain it word by word, and a head is surest of
itself where it has seen nothing like it."""
KINDS = 24
"""How many clusters of embeddings ordinary mail is divided into, to see how mail of an unseen kind is judged."""
_NO_DIGEST = "0" * 64


# ---- What the encoder makes of the corpus


def embedded(rows: Sequence[Row], encoder: Encoder, cache: Path, progress: Progress = silent) -> Floats:
    """What the encoder makes of each row, [row, `EMBEDDING_SIZE`]. What is in `cache` is not computed again; a corpus
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
    wide = np.frombuffer(b"".join(known.values()), np.uint8).reshape(len(known), 2 * EMBEDDING_SIZE)
    np.savez(file, names=np.array(list(known)), numbers=wide)
    embeddings = np.frombuffer(b"".join(known[name] for name in names), "<f2")
    return embeddings.reshape(len(rows), EMBEDDING_SIZE).astype(np.float64)


# ---- The judge


@dataclass(frozen=True)
class Moments:
    """All that a head is fitted to: the number of messages and the sum of embeddings of each class, and the sums of
    products over all. Those of some messages are subtracted from those of all, so hundreds of heads are quickly
    made."""

    counts: Floats
    sums: Floats
    products: Floats

    @classmethod
    def of(cls, embeddings: Floats, classes: Sequence[str]) -> Moments:
        """The sums over these rows."""
        members = np.array([[one == name for one in classes] for name in _CLASSES], np.float64)
        return cls(members.sum(axis=1), members @ embeddings, embeddings.T @ embeddings)

    def without(self, some: Moments) -> Moments:
        """What is left without these rows."""
        return Moments(self.counts - some.counts, self.sums - some.sums, self.products - some.products)


_CLASSES = (*PITCHES, *ORDINARY)


class JudgeModel(BaseEstimator):  # type: ignore[misc]
    """From the logit of the first reading and the embedding of the second to the logit of both.

    The head tells the classes of mail apart by where their embeddings lie (linear discriminant analysis); its logit is
    that of any class of pitch against any of ordinary mail. The stack, a logistic regression, weighs it against the
    first reading's. All coefficients are rounded, because the last bit of a sum differs between processors.
    """

    def fit_head(self, learned: Moments) -> JudgeModel:
        """Learn the classes: linear discriminant analysis, their spread shrunk as scikit-learn does it. The
        coefficients include the embeddings' scale and leave out what all classes have in common: only differences
        count, and their exponentials stay small."""
        found = learned.counts > 0
        counts, count = learned.counts[found], learned.counts.sum()
        means = learned.sums[found] / counts[:, None]
        middle = counts @ means / count
        spread = np.sqrt(learned.products.diagonal() / count - middle**2)
        within = (learned.products - means.T * counts @ means) / count / np.outer(spread, spread)
        within = (1 - SHRINKAGE) * within + SHRINKAGE * within.trace() / len(within) * np.eye(len(within))
        scaled = means / spread
        coefficients = np.linalg.solve(within, scaled.T).T
        biases = np.log(counts / count) - (scaled * coefficients).sum(axis=1) / 2
        coefficients = half((coefficients - coefficients.mean(axis=0)) / spread)
        biases = half(biases - biases.mean())
        pitches = np.array([name in PITCHES for name in _CLASSES])[found]
        sides = {"pitch": pitches, "ordinary": ~pitches}
        self.coef_ = {side: coefficients[members].T for side, members in sides.items()}
        self.bias_ = {side: biases[members] for side, members in sides.items()}
        return self

    def fit_stack(self, first: Floats, head: Floats, labels: Floats, offset: float) -> JudgeModel:
        """Learn to weigh. `head`: logits of heads that had not seen the rows; `offset`: as of `at_share`."""
        both = LogisticRegression(C=1e3).fit(np.column_stack([first, head]), labels)
        self.weights_ = (round(float(both.coef_[0, 0]), 4), round(float(both.coef_[0, 1]), 4))
        self.offset_ = round(float(both.intercept_[0]) + offset, 4)
        return self

    def head(self, embeddings: Floats) -> Floats:
        """The logit of the second reading alone."""
        sides = (
            np.log(np.exp(embeddings @ self.coef_[side] + self.bias_[side]).sum(axis=1))
            for side in ("pitch", "ordinary")
        )
        pitch, ordinary = sides
        found: Floats = np.clip(pitch - ordinary, -SURE, SURE)
        return found

    def stacked(self, first: Floats, head: Floats) -> Floats:
        """The logit of both readings."""
        return first * self.weights_[0] + head * self.weights_[1] + self.offset_

    def logits(self, first: Floats, embeddings: Floats) -> Floats:
        """The logit of both readings, from embeddings."""
        return self.stacked(first, self.head(embeddings))


@dataclass(frozen=True)
class Judged:
    """A finished run over the rows of `trained.judged`: their probabilities by the first reading, and by both where the
    first is in doubt (`doubtful`) and the language is one of `languages`; in `strange`, ordinary mail is judged by
    heads that have not seen its kind either."""

    model: JudgeModel
    trained: Trained
    doubtful: Flags
    languages: tuple[str, ...]
    once: Floats
    twice: Floats
    strange: Floats
    thresholds: dict[Strictness, Thresholds]

    def held_once(self, strictness: Strictness) -> Flags:
        """Which rows the first reading alone holds."""
        return self.once >= self.trained.thresholds[strictness].hold

    def held(self, strictness: Strictness, both: Floats) -> Flags:
        """Which rows both readings hold; `both` is `twice` or `strange`."""
        again = both >= self.thresholds[strictness].hold
        return np.where(self.doubtful, again, self.held_once(strictness))


def learn(
    rows: Sequence[Row],
    trained: Trained,
    embeddings: Floats,
    band: tuple[float, float] = BAND,
    kinds: int = KINDS,
    progress: Progress = silent,
) -> Judged:
    """`embeddings` are those of `rows`. Heads and stacks judge files they have not seen. The stack learns, and
    thresholds are chosen, from heads that have not seen the kind of ordinary mail either: an owner has mail that no
    corpus has."""
    place_of = {row.id: place for place, row in enumerate(rows)}
    judged = trained.judged
    places = np.array([place_of[row.id] for row in judged])
    labels = labels_of(judged)
    share = float(labels.mean())
    offset = at_share(trained.params.share, share)
    first = trained.logits * trained.model.slope_ + trained.model.offset_
    once = squash(first)
    languages = _languages(judged)
    doubtful = (once >= band[0]) & (once < band[1])
    doubtful &= np.array([row.language in languages for row in judged])

    groups = groups_of(judged)
    folds = np.full(len(rows), -1)
    folds[places] = [groups.index(row.group) % min(FOLDS, len(groups)) for row in judged]
    fold = folds[places]
    seen, unseen = (heads[places] for heads in _heads(rows, embeddings, folds, kinds, progress))
    both, strange = np.zeros(len(judged)), np.zeros(len(judged))
    for left_out in range(fold.max() + 1):
        inside, outside = (fold != left_out) & doubtful, fold == left_out
        stack = JudgeModel().fit_stack(first[inside], unseen[inside], labels[inside], offset)
        both[outside] = stack.stacked(first[outside], seen[outside])
        strange[outside] = stack.stacked(first[outside], unseen[outside])
    model = JudgeModel().fit_head(Moments.of(embeddings, [row.finer_class for row in rows]))
    model.fit_stack(first[doubtful], unseen[doubtful], labels[doubtful], offset)
    twice, strange = (np.where(doubtful, squash(logits), once) for logits in (both, strange))
    thresholds = cautious_thresholds(trained, once, strange, doubtful)
    return Judged(model, trained, doubtful, languages, once, twice, strange, thresholds)


def _languages(judged: Sequence[Row]) -> tuple[str, ...]:
    counts = Counter(row.language for row in judged)
    return tuple(sorted(name for name, count in counts.items() if count >= FEW and name != OTHER))


def _heads(
    rows: Sequence[Row], embeddings: Floats, folds: NDArray[np.int64], kinds: int, progress: Progress
) -> tuple[Floats, Floats]:
    """Two logits of each row: of a head that has not seen its file, and of one that has not seen its kind of ordinary
    mail either. Rows of fold -1 are only learned from."""
    classes = np.array([row.finer_class for row in rows])
    ordinary = np.flatnonzero(labels_of(rows) == 0)
    kind = np.full(len(rows), -1)
    parted = KMeans(min(kinds, len(ordinary)), n_init=1, max_iter=30, random_state=1)
    kind[ordinary] = parted.fit_predict(embeddings[ordinary] / embeddings.std(axis=0))

    def moments(part: Flags) -> Moments:
        return Moments.of(embeddings[part], classes[part].tolist())

    everything = moments(np.ones(len(rows), bool))
    seen, unseen = np.zeros(len(rows)), np.zeros(len(rows))
    for fold in range(folds.max() + 1):
        progress(f"the second reading, part {fold + 1} of {folds.max() + 1}")
        outside = folds == fold
        others = everything.without(moments(outside))
        seen[outside] = JudgeModel().fit_head(others).head(embeddings[outside])
        unseen[outside] = seen[outside]
        for one in np.unique(kind[outside & (kind >= 0)]):
            its = outside & (kind == one)
            unlike = others.without(moments(~outside & (kind == one)))
            unseen[its] = JudgeModel().fit_head(unlike).head(embeddings[its])
    return seen, unseen


def cautious_thresholds(
    trained: Trained, once: Floats, twice: Floats, doubtful: Flags
) -> dict[Strictness, Thresholds]:
    """Thresholds at which no class of ordinary mail, nor that of all strangers together, is held more often than at the
    first reading's."""
    classes = np.array([row.finer_class for row in trained.judged])
    parts = [doubtful & (classes == one) for one in ORDINARY] + [doubtful & unknown(trained.judged)]
    chosen: dict[Strictness, Thresholds] = {}

    def at(threshold: float) -> float:
        """The lowest that no more doubtful messages of any part reach than reached `threshold` before."""
        return max(_above(twice[part], int((once[part] >= threshold).sum())) for part in parts)

    strict = at(trained.thresholds[Strictness.STRICT].hold)
    for strictness, limits in trained.thresholds.items():
        hold = at(limits.hold)
        chosen[strictness] = Thresholds(
            min(limits.clear, hold), hold, max(hold, at(limits.challenge)), strict
        )
    return chosen


def _above(scores: Floats, most: int) -> float:
    """The smallest four-place threshold that at most `most` scores reach."""
    if most >= len(scores):
        return 0.0
    return min(1.0, float(np.floor(np.sort(scores)[::-1][most] * 10_000 + 1) / 10_000))


# ---- The judge's file


def to_onnx(model: JudgeModel) -> ModelProto:
    """The graph, without metadata. In doubles and without matrix products, so that each processor gets the same
    sums."""
    update_registered_converter(JudgeModel, "JudgeModel", _shapes, _convert, parser=_outputs, overwrite=True)
    inputs = [("logit", DoubleTensorType([None, 1])), ("embedding", DoubleTensorType([None, EMBEDDING_SIZE]))]
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
    """skl2onnx requires this function, although the output types are declared with the outputs."""


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
    logit, embeddings = (each.full_name for each in operator.inputs)
    emit = Emitter(container)
    double = TensorProto.DOUBLE
    emit.constant("along", np.array([1]), TensorProto.INT64)
    emit.constant("behind", np.array([2]), TensorProto.INT64)
    emit.constant("one", np.array(1.0), double)
    emit.constant("of_first", np.array(model.weights_[0]), double)
    emit.constant("of_head", np.array(model.weights_[1]), double)
    emit.constant("offset", np.array(model.offset_), double)
    emit.constant("least", np.array(-SURE), double)
    emit.constant("most", np.array(SURE), double)
    emit.node("Unsqueeze", [embeddings, "behind"], "numbers")
    for side in ("pitch", "ordinary"):
        emit.constant(f"{side}_coef", model.coef_[side], double)
        emit.constant(f"{side}_bias", model.bias_[side], double)
        emit.node("Mul", ["numbers", f"{side}_coef"], f"{side}_parts")
        emit.node("ReduceSum", [f"{side}_parts", "along"], f"{side}_sums", keepdims=0)
        emit.node("Add", [f"{side}_sums", f"{side}_bias"], f"{side}_logits")
        emit.node("Exp", [f"{side}_logits"], f"{side}_odds")
        emit.node("ReduceSum", [f"{side}_odds", "along"], f"{side}_sum", keepdims=1)
        emit.node("Log", [f"{side}_sum"], side)
    emit.node("Sub", ["pitch", "ordinary"], "apart")
    emit.node("Clip", ["apart", "least", "most"], "head")
    emit.node("Mul", ["head", "of_head"], "head_part")
    emit.node("Mul", [logit, "of_first"], "first_part")
    emit.node("Add", ["first_part", "head_part"], "both")
    emit.node("Add", ["both", "offset"], "logit_")
    emit.node("Neg", ["logit_"], "minus")
    emit.node("Exp", ["minus"], "e")
    emit.node("Add", ["e", "one"], "e1")
    emit.node("Div", ["one", "e1"], "p")
    for ours, output in zip(("p", "logit_"), operator.outputs, strict=True):
        emit.node("Identity", [ours], output.full_name)


def judge_file(judged: Judged, model: str, encoder: str) -> bytes:
    """The file: the graph, and the digests of the model and the encoder it belongs to. The same coefficients give the
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


def parity(judge: Judge, judged: Judged, embeddings: Floats) -> float:
    """Largest difference of a logit between graph and model over `embeddings`, each with another first logit. Raises
    `NotPublished` where it is more than `MAX_DIFFERENCE`."""
    first = np.linspace(-6.0, 6.0, len(embeddings))
    expected = judged.model.logits(first, embeddings)
    found = np.array(
        [
            judge.judge(Score(0.5, float(logit)), each.astype("<f2").tobytes()).logit
            for logit, each in zip(first, embeddings, strict=True)
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
    without, both = judged.trained.cross_calibrated, _at_corpus(judged)
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
        "Held at each strictness; *unlike* is ordinary mail judged by what had seen nothing of its kind either. The",
        "thresholds of what was read twice are chosen so that of it no class is held more often than once:",
        "",
        _HEADINGS.format("strictness"),
        "|---|---|---|---|---|---|",
        *(f"| {strictness.value} | {_held(judged, strictness, True)} |" for strictness in Strictness),
        "",
        "At *normal*, by part:",
        "",
        _HEADINGS.format("part"),
        "|---|---|---|---|---|---|",
        *_parts(judged),
    ]
    return "\n".join(lines) + "\n"


_HEADINGS = "| {} | pitches, once | twice | ordinary mail, once | twice | unlike |"


def _parts(judged: Judged) -> Iterator[str]:
    for of in (attrgetter("finer_class"), attrgetter("language")):
        names = np.array([of(row) for row in judged.trained.judged])
        for name in sorted(set(names)):
            yield f"| {name} | {_held(judged, Strictness.NORMAL, names == name)} |"


def _held(judged: Judged, strictness: Strictness, part: Flags | bool) -> str:
    """What is held of a part, under `_HEADINGS`."""
    ordinary = labels_of(judged.trained.judged) == 0
    once, twice = judged.held_once(strictness), judged.held(strictness, judged.twice)
    unlike = judged.held(strictness, judged.strange)
    columns = [(once, ~ordinary), (twice, ~ordinary), (once, ordinary), (twice, ordinary), (unlike, ordinary)]
    return " | ".join(_share(held, side & part) for held, side in columns)


def _share(held: Flags, among: Flags) -> str:
    return f"{held[among].mean():.1%} of {among.sum()}" if among.any() else "–"


def _at_corpus(judged: Judged) -> Floats:
    """Probabilities at the corpus's own share of pitches, at which its calibration can be seen."""
    offset = at_share(judged.trained.params.share, float(labels_of(judged.trained.judged).mean()))
    twice = np.clip(judged.twice, 1e-12, 1 - 1e-12)
    return np.where(
        judged.doubtful, squash(np.log(twice / (1 - twice)) - offset), judged.trained.cross_calibrated
    )
