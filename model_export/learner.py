"""The model as a scikit-learn estimator: three blocks of tf-idf, a linear margin against each kind of ordinary mail.

The blocks (words; concepts and phrases; form) are scaled to unit length each, so that a long mail does
not drown what its headers say. A pitch must win against every kind of ordinary mail: its logit is the
soft minimum of the margins. All of it stays explainable term by term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from model_export.errands import NOTHING, SALES

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Tokens that share one vector length: those matching `pattern`, as n-grams up to `longest`."""

    name: str
    pattern: str
    longest: int


BLOCKS = (
    Block("words", r"(?u)\b(?![ctf]_)\w\w+\b", 2),
    Block("meaning", r"(?u)\b[ct]_\w+\b", 2),
    # In which language a mail is written says nothing about it; that the language is unknown calls for care.
    Block("form", r"(?u)\b(?:f_(?!language_)\w+|f_language_xx)\b", 1),
)


@dataclass(frozen=True)
class Params:
    """What a training run is made of. The same values over the same corpus give the same bytes.

    `c` is the inverse strength of regularisation, `min_df` and `min_groups` in how many messages and
    in how many files a term must occur, `meaning` and `form` the weights of two blocks against words,
    `steepness` what margins are multiplied with before the soft minimum, `caution` the share of `c` in
    the margin against mail with nothing in it.
    """

    c: float = 1.0
    min_df: int = 2
    min_groups: int = 3
    meaning: float = 0.7
    form: float = 0.3
    steepness: float = 8.0
    caution: float = 0.3
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

    margin_k = x · coef_[:, k] + intercept_[k], one for each kind of ordinary mail;
    logit = slope_ * -log(sum over k of exp(-margin_k)) + offset_. Coefficients and idf are rounded to
    float32 (kept as float64): half the file, and the exported graph computes the very same numbers.
    """

    def __init__(self, params: Params = DEFAULT) -> None:
        self.params = params

    def fit(
        self, texts: Sequence[str], errands: Sequence[str], groups: Sequence[str] | None = None
    ) -> PitchModel:
        """Learn everything. `errands` are `SALES` or the kind of ordinary mail, `groups` the files."""
        return self.solve(self.learn_terms(texts, groups), errands)

    def learn_terms(self, texts: Sequence[str], groups: Sequence[str] | None = None) -> csr_matrix:
        """Learn vocabulary and idf; the texts as rows of term weights, not yet weighted by block."""
        names = ["one"] * len(texts) if groups is None else list(groups)
        blocks = [(block.name, self._vectorizer(block, texts, names)) for block in BLOCKS]
        self.features_ = FeatureUnion(blocks).fit(texts)
        for vectorizer in self.vectorizers:
            vectorizer.idf_ = single(vectorizer.idf_)
        return csr_matrix(self.features_.transform(texts))

    def solve(self, matrix: csr_matrix, errands: Sequence[str]) -> PitchModel:
        """Learn the coefficients over rows made by `learn_terms`."""
        weights = np.repeat(self.params.weights, [len(v.vocabulary_) for v in self.vectorizers])
        weighted = csr_matrix(matrix @ diags(weights))
        labels = np.asarray(errands)
        self.errands_ = sorted(set(errands) - {SALES})
        fitted = [self._margin(weighted, labels, errand) for errand in self.errands_]
        steepness = self.params.steepness
        self.coef_: Floats = single(np.column_stack([coef * weights for coef, _ in fitted]) * steepness)
        self.intercept_: Floats = single(np.array([bias for _, bias in fitted]) * steepness)
        self.slope_, self.offset_ = 1.0, 0.0
        self.classes_ = np.array([0, 1])
        return self

    def _margin(self, matrix: csr_matrix, labels: NDArray[np.str_], errand: str) -> tuple[Floats, float]:
        """Coefficients and intercept of pitches against one kind of ordinary mail."""
        concerned = np.flatnonzero((labels == SALES) | (labels == errand))
        # Mail with nothing in it only has to outweigh pitches with nothing in them: no balance, less force.
        force, weights = (self.params.caution, None) if errand == NOTHING else (1.0, "balanced")
        solver = LinearSVC(
            C=self.params.c * force,
            class_weight=weights,
            dual=True,
            max_iter=20_000,
            random_state=self.params.seed,
        )
        solver.fit(matrix[concerned], labels[concerned] == SALES)
        return solver.coef_[0], float(solver.intercept_[0])

    def _vectorizer(self, block: Block, texts: Sequence[str], groups: Sequence[str]) -> TfidfVectorizer:
        """One block's vectorizer over the terms that enough messages and enough files use.

        A term only one writer uses says more about the writer than about pitches.
        """
        shared: dict[str, Any] = {
            "lowercase": False, "token_pattern": block.pattern, "ngram_range": (1, block.longest),
        }  # fmt: skip
        counter = CountVectorizer(binary=True, **shared)
        present = csr_matrix(counter.fit_transform(texts))
        often = np.asarray(present.sum(axis=0)).ravel() >= self.params.min_df
        files = sorted(set(groups))
        member = np.array(groups)
        spread = sum((np.asarray(present[member == f].sum(axis=0)).ravel() > 0).astype(int) for f in files)
        kept = counter.get_feature_names_out()[often & (spread >= min(self.params.min_groups, len(files)))]
        return TfidfVectorizer(sublinear_tf=True, vocabulary=sorted(kept.tolist()), **shared)

    def calibrate(self, slope: float, offset: float = 0.0) -> PitchModel:
        """From now on logit = slope * uncalibrated logit + offset."""
        self.slope_, self.offset_ = slope, offset
        return self

    def decision_function(self, texts: Sequence[str]) -> Floats:
        """Logits."""
        margins: Floats = self.features_.transform(texts) @ self.coef_ + self.intercept_
        logits: Floats = -np.log(np.exp(-margins).sum(axis=1)) * self.slope_ + self.offset_
        return logits

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
        return [term for v in self.vectorizers for term in v.get_feature_names_out()]


def single(values: Floats) -> Floats:
    """`values` as float32 can hold them, in float64."""
    return np.asarray(values, np.float64).astype(np.float32).astype(np.float64)
