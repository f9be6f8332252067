"""The model as a scikit-learn estimator: word n-grams, tf-idf, logistic regression, one calibrator folded in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

TOKEN = r"(?u)\b\w\w+\b"  # noqa: S105 - a pattern, not a secret
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Params:
    """What a training run is made of. The same values over the same corpus give the same bytes."""

    c: float = 10.0
    min_df: int = 2
    seed: int = 20

    def as_dict(self) -> dict[str, Any]:
        """For metadata and card."""
        return asdict(self)


DEFAULT = Params()


class PitchModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Text from `backend.domain.wording.prepare` to the probability of a pitch.

    `calibrate` folds slope and offset into the coefficients, so the decision value is the calibrated
    logit and each term's share of it is exact. Coefficients and idf are rounded to float32 (kept as
    float64): half the file, and the exported graph still computes the very same numbers.
    """

    def __init__(self, params: Params = DEFAULT) -> None:
        self.params = params

    def fit(self, texts: Sequence[str], labels: Sequence[int]) -> PitchModel:
        """Learn vocabulary, idf and coefficients; `labels` are 1 for a pitch."""
        self.vectorizer_ = TfidfVectorizer(
            lowercase=False,
            token_pattern=TOKEN,
            ngram_range=(1, 2),
            sublinear_tf=True,
            min_df=self.params.min_df,
        )
        matrix = self.vectorizer_.fit_transform(texts)
        self.vectorizer_.idf_ = _single(self.vectorizer_.idf_)
        matrix = self.vectorizer_.transform(texts)
        solver = LogisticRegression(
            C=self.params.c, class_weight="balanced", max_iter=5000, tol=1e-6, random_state=self.params.seed
        )
        solver.fit(matrix, np.asarray(labels))
        self.coef_: Floats = _single(solver.coef_[0])
        self.intercept_: float = float(_single(solver.intercept_)[0])
        self.classes_ = np.array([0, 1])
        return self

    def calibrate(self, slope: float, offset: float) -> PitchModel:
        """Scale the decision value: logit = slope * logit + offset."""
        self.coef_ = _single(self.coef_ * slope)
        self.intercept_ = float(_single(np.array([self.intercept_ * slope + offset]))[0])
        return self

    def decision_function(self, texts: Sequence[str]) -> Floats:
        """Logits."""
        product: Floats = self.vectorizer_.transform(texts) @ self.coef_
        return product + self.intercept_

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Two columns: not a pitch, a pitch."""
        pitch = 1.0 / (1.0 + np.exp(-self.decision_function(texts)))
        return np.column_stack([1.0 - pitch, pitch])


def _single(values: Floats) -> Floats:
    return np.asarray(values, np.float64).astype(np.float32).astype(np.float64)
