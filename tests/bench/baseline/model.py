"""The article's classifier: words and pairs of words, weighed by a logistic regression, pickled whole."""

from __future__ import annotations

import pickle
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from model_export.rows import corpus


def train(path: Path) -> None:
    """Learn from our corpus, subject and body as they are, and pickle the pipeline to `path`."""
    rows = corpus()
    texts = [f"{row.message.subject}\n{row.message.text}" for row in rows]
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pipeline = make_pipeline(words, LogisticRegression(C=30, max_iter=1_000))
    pipeline.fit(texts, [row.sales for row in rows])
    path.write_bytes(pickle.dumps(pipeline))
