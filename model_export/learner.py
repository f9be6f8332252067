"""The model as a scikit-learn estimator: three blocks of tf-idf, and linear margins between classes of mail.

The blocks (words; concepts and phrases; form) are scaled to unit length each, so that a long mail does not drown what
its headers say. A pitch must win against every class of ordinary mail (the soft minimum of the margins of all pitches
against each) and be like some class of pitch (the soft maximum of the margins of each against all ordinary mail): so
the knowing seller is not traded for the crude one, nor the newsletter for the colleague. Evidence counts by length,
for fifteen words prove little. All of it stays explainable term by term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from model_export.counts import BLOCKS, Counts
from model_export.errands import NOTHING, ORDINARY, PITCHES

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
KNOWING = "knowing"
LONG = 99
"""The percentage of messages that are no longer than what counts as long."""
FLOOR, SMOOTHING, FEW = 0.5, 0.5, 2.0
"""Of `telling`: the weight of what both sides say alike, what is added to each count, and how many messages are few."""


@dataclass(frozen=True)
class Params:
    """What a training run is made of. The same values over the same corpus give the same bytes.

    `c` is the inverse strength of regularisation, `min_df` and `min_groups` in how many messages and
    in how many files a term must occur, `most` how many terms are kept, `meaning` and `form` the weights of two
    blocks against words, `steepness` and `likeness` what margins are multiplied with before the soft minimum and the
    soft maximum, `balance` the weight of the maximum against the minimum, `caution` the share of `c` in the margin
    against mail with nothing in it, `knowing` the weight of knowing sellers (they read like ordinary mail: trained on
    with full force they make ordinary mail be held), `brevity` how many terms of the words' block halve the evidence,
    `share` the share of pitches at which probabilities are true, `own` how often a message of an owner's mail counts.
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
    """Text from `backend.domain.reading.wording.prepare` to the probability of a pitch.

    margin_k = x · coef_[:, k] + intercept_[k]: first `apart_` margins of pitches against a class of ordinary mail, then
    those of a class of pitch against ordinary mail;
    raw = -(1 - balance) * log(sum of exp(-margin_k) over the first) + balance * log(sum of exp(margin_k) over the
    rest);
    logit = slope_ * raw * trust + offset_, with trust = n / (n + brevity) * longest_ / max(n, longest_), where n counts
    the different terms of the words' block: few prove little, and mail longer than nearly all that was learned from
    (`LONG`) is not judged with more certainty for being so.
    Coefficients and idf are rounded to float16 (kept as float64): a third of the file, and the exported graph computes
    the very same numbers.
    """

    def __init__(self, params: Params = DEFAULT) -> None:
        self.params = params

    def fit(
        self, texts: Sequence[str], errands: Sequence[str], groups: Sequence[str] | None = None
    ) -> PitchModel:
        """Learn everything. `errands` are the classes of the rows, `groups` the files."""
        return self.fit_counts(Counts.of(texts), errands, groups or ["one"] * len(texts))

    def fit_counts(
        self, counts: Counts, errands: Sequence[str], groups: Sequence[str], often: Floats | None = None
    ) -> PitchModel:
        """`fit` over texts whose terms have been counted, each of which weighs as if it were there so `often`. Where
        the terms are too many, once more with the heaviest."""
        vocabularies = counts.shared(groups, self.params.min_df, self.params.min_groups)
        self.solve(self.learn_terms(counts, vocabularies), errands, often)
        if sum(map(len, vocabularies)) > self.params.most:
            self.solve(self.learn_terms(counts, self._heaviest(vocabularies)), errands, often)
        return self

    def _heaviest(self, vocabularies: Sequence[list[str]]) -> list[list[str]]:
        """Of each block the terms that can move some margin furthest, `most` in all; what tells of form stays."""
        reach = np.abs(self.coef_).max(axis=1) * np.concatenate([weigher.idf_ for weigher in self._weighers])
        reach[-len(vocabularies[-1]) :] = np.inf
        kept = np.zeros(len(reach), bool)
        kept[np.argsort(-reach, kind="stable")[: self.params.most]] = True
        flags = np.split(kept, np.cumsum([len(terms) for terms in vocabularies])[:-1])
        return [list(compress(terms, keep)) for terms, keep in zip(vocabularies, flags, strict=True)]

    def learn_terms(self, counts: Counts, vocabularies: Sequence[list[str]]) -> csr_matrix:
        """Learn idf; the texts as rows of term weights, not yet weighted by block."""
        self._vocabularies = vocabularies
        self._weighers = [TfidfTransformer(sublinear_tf=True) for _ in BLOCKS]
        vectorizers = []
        for block, vocabulary, weigher, matrix in zip(
            BLOCKS, self._vocabularies, self._weighers, counts.columns(self._vocabularies), strict=True
        ):
            weigher.fit(matrix)
            weigher.idf_ = half(weigher.idf_)
            vectorizer = TfidfVectorizer(sublinear_tf=True, vocabulary=vocabulary, **block.settings)
            vectorizer.idf_ = weigher.idf_
            vectorizers.append((block.name, vectorizer))
        self.features_ = FeatureUnion(vectorizers)
        return self.weighed(counts)

    def weighed(self, counts: Counts) -> csr_matrix:
        """Counted texts as rows of term weights: what `features_` makes of the same texts."""
        parts = zip(self._weighers, counts.columns(self._vocabularies), strict=True)
        return csr_matrix(hstack([weigher.transform(matrix.astype(np.float64)) for weigher, matrix in parts]))

    def solve(self, matrix: csr_matrix, errands: Sequence[str], often: Floats | None = None) -> PitchModel:
        """Learn the coefficients over rows made by `learn_terms`."""
        weights = np.repeat(self.params.weights, [len(v.vocabulary) for v in self.vectorizers])
        weighted = csr_matrix(matrix @ diags(weights))
        labels = np.asarray(errands)
        ordinary = np.isin(labels, ORDINARY)
        against = [errand for errand in ORDINARY if errand in labels]
        alike = [kind for kind in PITCHES if kind in labels]
        pairs = [(~ordinary, labels == errand) for errand in against]
        pairs += [(labels == kind, ordinary) for kind in alike]
        forces = [self.params.caution if errand == NOTHING else 1.0 for errand in against] + [1.0] * len(
            alike
        )
        weight = np.where(labels == KNOWING, self.params.knowing, 1.0) * (1.0 if often is None else often)
        fitted = [
            self._margin(weighted, weight, *pair, force) for pair, force in zip(pairs, forces, strict=True)
        ]
        steep = np.array([self.params.steepness] * len(against) + [self.params.likeness] * len(alike))
        self.apart_ = len(against)
        self.coef_: Floats = half(np.column_stack([coef * weights for coef, _ in fitted]) * steep)
        self.intercept_: Floats = half(np.array([bias for _, bias in fitted]) * steep)
        self.longest_ = max(1.0, float(np.ceil(np.percentile(self._told(matrix), LONG))))
        self.slope_, self.offset_ = 1.0, 0.0
        self.classes_ = np.array([0, 1])
        return self

    def _margin(
        self, matrix: csr_matrix, weight: Floats, pitches: Flags, ordinary: Flags, force: float
    ) -> tuple[Floats, float]:
        """Coefficients and intercept of some pitches against some ordinary mail."""
        concerned = np.flatnonzero(pitches | ordinary)
        rows, sides = matrix[concerned], pitches[concerned]
        weights = telling(rows, sides)
        # Mail with nothing in it only has to outweigh pitches with nothing in them: no balance, less force.
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
        apart = -np.log(np.exp(-margins[:, : self.apart_]).sum(axis=1)) * (1.0 - self.params.balance)
        if margins.shape[1] > self.apart_:
            apart += np.log(np.exp(margins[:, self.apart_ :]).sum(axis=1)) * self.params.balance
        known = self._told(rows)
        trust = known / (known + self.params.brevity) * (self.longest_ / np.maximum(known, self.longest_))
        logits: Floats = apart * trust * self.slope_ + self.offset_
        return logits

    def _told(self, rows: csr_matrix) -> Floats:
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


def telling(rows: csr_matrix, sides: Flags) -> Floats:
    """The weight of each term while a margin is learned, [term]: high for what one side alone says, low for what both
    say alike or what few messages say.

    It grows with the root of |log(share of pitches with the term / share of ordinary mail with it)|, scaled to a mean
    square of one over all terms of all messages. After Wang and Manning, Baselines and Bigrams (2012).
    """
    said = csr_matrix((np.ones(rows.nnz), rows.indices, rows.indptr), rows.shape)
    ours, theirs = (np.asarray(said[side].sum(axis=0)).ravel() + SMOOTHING for side in (sides, ~sides))
    shares = ours / (sides.sum() + SMOOTHING), theirs / ((~sides).sum() + SMOOTHING)
    apart = np.sqrt(np.abs(np.log(shares[0] / shares[1])))
    often = ours + theirs
    mean = np.sqrt((said @ apart**2).sum() / max(said.nnz, 1)) or 1.0
    scale: Floats = (FLOOR + apart / mean) * np.sqrt(often / (often + FEW))
    return scale


def half(values: Floats) -> Floats:
    """`values` as float16 can hold them, in float64."""
    return np.asarray(values, np.float64).astype(np.float16).astype(np.float64)
