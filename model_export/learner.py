"""The model as a scikit-learn estimator: three blocks of tf-idf, and linear margins between classes of mail.

The blocks (words; concepts and phrases; form) are scaled to unit length each, so that a long text does not outweigh the
headers. A pitch must win against every class of ordinary mail (the soft minimum of the margins of all pitches against
each class) and resemble some class of pitch (the soft maximum of the margins of each class against all ordinary mail),
so good results on the easy classes cannot hide bad ones on the hard classes. A short text counts for less, because
fifteen words prove little. Every score can be explained term by term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from model_export.rows import NOTHING, ORDINARY, PITCHES

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
KNOWING = "knowing"
"""The class of sellers who know the owner's field and hardly ask for anything."""
LONG = 99
"""Texts above this percentile of the training mail's lengths count as long."""
FLOOR, SMOOTHING, FEW = 0.5, 0.5, 2.0
"""For `term_weights`: the weight of a term that pitches and ordinary mail use alike; what is added to each count; a
term in `FEW` messages gets about 0.7 of its weight."""


@dataclass(frozen=True)
class Params:
    """What a training run is made of. The same values over the same corpus give the same bytes.

    `c` is the inverse strength of regularisation, `min_df` and `min_groups` in how many messages and
    in how many files of the corpus a term must occur, `most` how many terms are kept, `meaning` (concepts and phrases)
    and `form` the weights of two blocks against words, `steepness` and `likeness` what margins are multiplied with
    before the soft minimum and the soft maximum, `balance` the weight of the maximum against the minimum, `caution` the
    share of `c` in the margin against mail with too little text to judge by, `knowing` the weight of pitches of that
    class (they read like ordinary mail: with their full weight ordinary mail would be held), `brevity` how many
    different words halve the evidence, `share` the share of pitches in the mail that probabilities are calibrated for,
    `own` the weight of a message of an owner's own mail against one of the corpus.
    """

    c: float = 8.0
    min_df: int = 2
    min_groups: int = 9
    most: int = 36_000
    meaning: float = 0.5
    form: float = 0.2
    steepness: float = 4.0
    likeness: float = 3.0
    balance: float = 0.5
    caution: float = 0.3
    knowing: float = 0.6
    brevity: float = 6.0
    share: float = 0.1
    own: float = 1.0
    seed: int = 20

    def as_dict(self) -> dict[str, Any]:
        """For metadata and card."""
        return asdict(self)

    @property
    def weights(self) -> tuple[float, float, float]:
        """Weights of the blocks, in their order."""
        return (1.0, self.meaning, self.form)


DEFAULT = Params()


class PitchModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Text from `backend.domain.reading.model_text.prepare` to the probability of a pitch.

    margin_k = x · coef_[:, k] + intercept_[k]: first one margin of all pitches against each class of ordinary mail
    (`ordinary_classes_` of them), then one of each class of pitch against all ordinary mail;
    raw = -(1 - balance) * log(sum of exp(-margin_k) over the first) + balance * log(sum of exp(margin_k) over the
    rest);
    logit = slope_ * raw * trust + offset_, with trust = n / (n + brevity) * longest_ / max(n, longest_), where n is the
    number of different words: a few prove little, and mail longer than nearly all training mail (`LONG`) must not look
    more certain for its length.
    Coefficients and idf are rounded to float16 (kept as float64): the file is a third of the size, and the exported
    graph computes the very same numbers.
    """

    def __init__(self, params: Params = DEFAULT) -> None:
        self.params = params

    def fit(
        self, texts: Sequence[str], classes: Sequence[str], groups: Sequence[str] | None = None
    ) -> PitchModel:
        """Learn everything. `classes` are those of the rows (`rows.CLASSES`), `groups` their corpus files."""
        return self.fit_counts(Counts.of(texts), classes, groups or ["one"] * len(texts))

    def fit_counts(
        self, counts: Counts, classes: Sequence[str], groups: Sequence[str], weights: Floats | None = None
    ) -> PitchModel:
        """`fit` over texts whose terms have been counted; `weights` are those of the texts. If there are more terms
        than `most`, fit again with the strongest."""
        vocabularies = counts.shared(groups, self.params.min_df, self.params.min_groups)
        self.solve(self.learn_terms(counts, vocabularies), classes, weights)
        if sum(map(len, vocabularies)) > self.params.most:
            self.solve(self.learn_terms(counts, self._strongest(vocabularies)), classes, weights)
        return self

    def _strongest(self, vocabularies: Sequence[list[str]]) -> list[list[str]]:
        """The terms of each block that can move a margin furthest, `most` in all; all terms about form are kept."""
        reach = np.abs(self.coef_).max(axis=1) * np.concatenate([idf.idf_ for idf in self._idfs])
        reach[-len(vocabularies[-1]) :] = np.inf
        kept = np.zeros(len(reach), bool)
        kept[np.argsort(-reach, kind="stable")[: self.params.most]] = True
        flags = np.split(kept, np.cumsum([len(terms) for terms in vocabularies])[:-1])
        return [list(compress(terms, keep)) for terms, keep in zip(vocabularies, flags, strict=True)]

    def learn_terms(self, counts: Counts, vocabularies: Sequence[list[str]]) -> csr_matrix:
        """Learn idf. Returns the texts as rows of term weights, without the weights of the blocks."""
        self._vocabularies = vocabularies
        self._idfs = [TfidfTransformer(sublinear_tf=True) for _ in BLOCKS]
        vectorizers = []
        for block, vocabulary, idf, matrix in zip(
            BLOCKS, self._vocabularies, self._idfs, counts.columns(self._vocabularies), strict=True
        ):
            idf.fit(matrix)
            idf.idf_ = half(idf.idf_)
            vectorizer = TfidfVectorizer(sublinear_tf=True, vocabulary=vocabulary, **block.settings)
            vectorizer.idf_ = idf.idf_
            vectorizers.append((block.name, vectorizer))
        self.features_ = FeatureUnion(vectorizers)
        return self.weighed(counts)

    def weighed(self, counts: Counts) -> csr_matrix:
        """Counted texts as rows of term weights: what `features_` makes of the same texts."""
        parts = zip(self._idfs, counts.columns(self._vocabularies), strict=True)
        return csr_matrix(hstack([idf.transform(matrix.astype(np.float64)) for idf, matrix in parts]))

    def solve(self, matrix: csr_matrix, classes: Sequence[str], weights: Floats | None = None) -> PitchModel:
        """Learn the coefficients over rows made by `learn_terms`."""
        block_weights = np.repeat(self.params.weights, [len(v.vocabulary) for v in self.vectorizers])
        weighted = csr_matrix(matrix @ diags(block_weights))
        labels = np.asarray(classes)
        ordinary = np.isin(labels, ORDINARY)
        against = [one for one in ORDINARY if one in labels]
        alike = [kind for kind in PITCHES if kind in labels]
        pairs = [(~ordinary, labels == one) for one in against]
        pairs += [(labels == kind, ordinary) for kind in alike]
        forces = [self.params.caution if one == NOTHING else 1.0 for one in against] + [1.0] * len(alike)
        weight = np.where(labels == KNOWING, self.params.knowing, 1.0) * (1.0 if weights is None else weights)
        fitted = [
            self._margin(weighted, weight, *pair, force) for pair, force in zip(pairs, forces, strict=True)
        ]
        steep = np.array([self.params.steepness] * len(against) + [self.params.likeness] * len(alike))
        self.ordinary_classes_ = len(against)
        self.coef_: Floats = half(np.column_stack([coef * block_weights for coef, _ in fitted]) * steep)
        self.intercept_: Floats = half(np.array([bias for _, bias in fitted]) * steep)
        self.longest_ = max(1.0, float(np.ceil(np.percentile(self._distinct_words(matrix), LONG))))
        self.slope_, self.offset_ = 1.0, 0.0
        self.classes_ = np.array([0, 1])
        return self

    def _margin(
        self, matrix: csr_matrix, weight: Floats, pitches: Flags, ordinary: Flags, force: float
    ) -> tuple[Floats, float]:
        """Coefficients and intercept of a margin between pitches and ordinary mail; `force` is a share of `c`."""
        concerned = np.flatnonzero(pitches | ordinary)
        rows, sides = matrix[concerned], pitches[concerned]
        weights = term_weights(rows, sides)
        # Not balanced for mail with too little text (`force` below 1): it need only win against pitches with as little.
        solver = LogisticRegression(
            C=self.params.c * force,
            class_weight="balanced" if force == 1.0 else None,
            solver="liblinear",
            dual=True,
            max_iter=1_000,
            random_state=self.params.seed,
        )
        solver.fit(csr_matrix(rows @ diags(weights)), sides, sample_weight=weight[concerned])
        return solver.coef_[0] * weights, float(solver.intercept_[0])

    def calibrate(self, slope: float, offset: float = 0.0) -> PitchModel:
        """From now on logit = slope * uncalibrated logit + offset."""
        self.slope_, self.offset_ = slope, offset
        return self

    def decision_function(self, texts: Sequence[str]) -> Floats:
        """Logits."""
        return self.logits(csr_matrix(self.features_.transform(texts)))

    def logits(self, rows: csr_matrix) -> Floats:
        """Logits of rows of term weights."""
        margins: Floats = rows @ self.coef_ + self.intercept_
        raw = -np.log(np.exp(-margins[:, : self.ordinary_classes_]).sum(axis=1)) * (1.0 - self.params.balance)
        if margins.shape[1] > self.ordinary_classes_:
            raw += np.log(np.exp(margins[:, self.ordinary_classes_ :]).sum(axis=1)) * self.params.balance
        n = self._distinct_words(rows)
        trust = n / (n + self.params.brevity) * (self.longest_ / np.maximum(n, self.longest_))
        logits: Floats = raw * trust * self.slope_ + self.offset_
        return logits

    def _distinct_words(self, rows: csr_matrix) -> Floats:
        """How many different terms of the words' block each row has."""
        counts: Floats = np.diff(rows[:, : len(self.vectorizers[0].vocabulary)].indptr).astype(np.float64)
        return counts

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Two columns: not a pitch, a pitch."""
        pitch = 1.0 / (1.0 + np.exp(-self.decision_function(texts)))
        return np.column_stack([1.0 - pitch, pitch])

    @property
    def vectorizers(self) -> list[TfidfVectorizer]:
        """The blocks' vectorizers, in the order of `BLOCKS`."""
        return [vectorizer for _, vectorizer in self.features_.transformer_list]

    def terms(self) -> list[str]:
        """Every term by its feature number."""
        return [term for v in self.vectorizers for term in v.vocabulary]


def term_weights(rows: csr_matrix, sides: Flags) -> Floats:
    """The weight of each term while a margin is learned, [term]: high for a term that only one side uses, low for one
    that both use alike or that few messages have. `sides`: True for a pitch.

    It grows with the root of |log(share of pitches with the term / share of ordinary mail with it)|, scaled so that its
    mean square is one over all terms of all messages. After Wang and Manning, Baselines and Bigrams (2012)."""
    used = csr_matrix((np.ones(rows.nnz), rows.indices, rows.indptr), rows.shape)
    pitches, ordinary = (np.asarray(used[side].sum(axis=0)).ravel() + SMOOTHING for side in (sides, ~sides))
    shares = pitches / (sides.sum() + SMOOTHING), ordinary / ((~sides).sum() + SMOOTHING)
    contrast = np.sqrt(np.abs(np.log(shares[0] / shares[1])))
    messages = pitches + ordinary
    mean = np.sqrt((used @ contrast**2).sum() / max(used.nnz, 1)) or 1.0
    scale: Floats = (FLOOR + contrast / mean) * np.sqrt(messages / (messages + FEW))
    return scale


def half(values: Floats) -> Floats:
    """`values` rounded to float16, in float64."""
    return np.asarray(values, np.float64).astype(np.float16).astype(np.float64)


# ---- How often each term occurs in each text, counted once: leaving files out then only selects rows and columns.


@dataclass(frozen=True)
class Block:
    """Tokens that share one vector length: those that match `pattern`, as n-grams up to `longest`."""

    name: str
    pattern: str
    longest: int

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments for every vectorizer of this block."""
        return {"lowercase": False, "token_pattern": self.pattern, "ngram_range": (1, self.longest)}


FREE = ("automatic", "bulk_header", "mailing_list", "no_reply_sender", "quotes_owner")
"""Findings of form that the model does not learn from: any sender can have them at no cost, and they are more frequent
in ordinary mail."""
BLOCKS = (
    Block("words", r"(?u)\b(?![ctf]_)\w\w+\b", 2),
    Block("meaning", r"(?u)\b[ct]_\w+\b", 2),
    # The language of a mail says nothing about it, but an unknown one calls for care. Left out too is what
    # anybody can write: fields of a list or an automatic answer, an address that takes no answer, a quoted "you".
    Block("form", rf"(?u)\b(?:f_(?!language_|(?:{'|'.join(FREE)})\b)\w+|f_language_xx)\b", 1),
)
FORM_GROUPS = 3
"""A finding of form must occur in at least this many files."""


@dataclass(frozen=True)
class Counts:
    """For each block, the counts [text, term], and the terms, sorted."""

    blocks: tuple[tuple[csr_matrix, NDArray[np.str_]], ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Counts:
        """Count the terms of all blocks."""
        found = []
        for block in BLOCKS:
            counter = CountVectorizer(**block.settings)
            matrix = csr_matrix(counter.fit_transform(texts))
            found.append((matrix, counter.get_feature_names_out()))
        return cls(tuple(found))

    def take(self, places: Sequence[int] | NDArray[np.int64]) -> Counts:
        """The counts of some of the texts, with the same terms."""
        return Counts(tuple((matrix[places], terms) for matrix, terms in self.blocks))

    def columns(self, vocabularies: Sequence[Sequence[str]]) -> list[csr_matrix]:
        """The counts of these terms only, which must all have been counted."""
        return [
            matrix[:, np.searchsorted(terms, np.array(vocabulary, terms.dtype))]
            if len(vocabulary)
            else matrix[:, :0]
            for (matrix, terms), vocabulary in zip(self.blocks, vocabularies, strict=True)
        ]

    def shared(self, groups: Sequence[str], min_df: int, min_groups: int) -> list[list[str]]:
        """The terms of each block that occur in enough texts and enough groups (files).

        A term that only one writer uses says more about the writer than about pitches; findings of form are few, and
        our own."""
        member = np.array(groups)
        files = sorted(set(groups))
        kept = []
        for block, (matrix, terms) in zip(BLOCKS, self.blocks, strict=True):
            least = min(min_groups, FORM_GROUPS if block.name == "form" else min_groups, len(files))
            present = (matrix > 0).astype(np.int32)
            frequent = np.asarray(present.sum(axis=0)).ravel() >= min_df
            spread = sum(
                (np.asarray(present[member == f].sum(axis=0)).ravel() > 0).astype(int) for f in files
            )
            kept.append(terms[frequent & (spread >= least)].tolist())
        return kept
