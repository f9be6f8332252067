"""How well an offer's topic can be told, on mail of writers that nothing was learned from.

    python -m tests.simulations.topics [--seed 1] [--encoder]

`topics.tsv` gives 1,800 pitches of the corpus, drawn at random, the topics of their offers, each as a reader of the
email gave them. A linear model of words and parts of words, or of the second reading's numbers (`--encoder`), is
learned for each topic, a tenth of the corpus's files left out in turn. A topic would let in at least 80% rightly and
leave out at most 20% of what is about it. The last line is JSON: by topic how many `pitches`, the share `right` of what
is let in where 80% of it is, and the share `let_in` where 80% of it is right; `reached` counts topics that reach both.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from backend.scoring.encoder_file import encoder_file, found_weights
from backend.scoring.second_reading import Encoder
from model_export import rows
from model_export.second_reading import embedded

ENOUGH, FOLDS, FEWEST = 0.8, 10, 5
GIVEN = Path(__file__).with_suffix(".tsv")


def words() -> Any:
    """Words and pairs of them, and parts of words, which other forms of a word share."""
    return make_union(
        TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2), max_features=60_000),
        TfidfVectorizer(
            sublinear_tf=True, min_df=3, analyzer="char_wb", ngram_range=(3, 5), max_features=80_000
        ),
    )


def numbers_of(some: list[rows.Row]) -> NDArray[np.float64]:
    """The second reading's numbers of each. Raises `NoWeights` where it is not installed."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "encoder.onnx"
        file.write_bytes(encoder_file(found_weights()))
        return embedded(some, Encoder.open(file), Path(folder))


def told_apart(about: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[str, float]:
    """See the module."""
    right = np.cumsum(about[np.argsort(-score)])
    recall, precision = right / about.sum(), right / np.arange(1, len(right) + 1)
    sure = recall[(precision >= ENOUGH) & (np.arange(len(right)) >= FEWEST)]
    return {
        "pitches": int(about.sum()),
        "right": round(float(precision[np.argmax(recall >= ENOUGH)]), 2),
        "let_in": round(float(sure.max(initial=0.0)), 2),
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--encoder", action="store_true", help="judge the second reading's numbers, not words"
    )
    options = parser.parse_args()
    given = dict(line.split("\t") for line in GIVEN.read_text(encoding="utf-8").splitlines())
    some = [row for row in rows.corpus() if row.id in given]
    topics = [{*given[row.id].split(",")} for row in some]
    files = np.array([row.group for row in some])
    parts = np.random.default_rng(options.seed).permutation(np.unique(files))
    seen: Any = numbers_of(some) if options.encoder else np.array([row.said for row in some], dtype=object)
    found = {}
    scores = {name: np.zeros(len(some)) for name in sorted(set().union(*topics) - {"other"})}
    for part in range(FOLDS):
        out = np.isin(files, parts[part::FOLDS])
        first = StandardScaler() if options.encoder else words()
        inside: csr_matrix = first.fit_transform(seen[~out])
        outside: csr_matrix = first.transform(seen[out])
        for name, score in scores.items():
            about = np.array([name in each for each in topics])[~out]
            strength = 0.01 if options.encoder else 30.0
            model = make_pipeline(LogisticRegression(C=strength, max_iter=500, class_weight="balanced"))
            score[out] = model.fit(inside, about).decision_function(outside)
    for name, score in scores.items():
        found[name] = told_apart(np.array([name in each for each in topics]), score)
        print(name, found[name], flush=True)
    reached = sum(each["right"] >= ENOUGH or each["let_in"] >= ENOUGH for each in found.values())
    print(json.dumps({"topics": found, "reached": reached}))


if __name__ == "__main__":
    main()
