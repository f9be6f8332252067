"""A checked model in an ONNX Runtime session: scores texts and explains the scores."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Sequence
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from backend.domain.mail.message import clean
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import (
    FINDING_PREFIXES,
    Part,
    Reason,
    Score,
    ScoreTrace,
    Thresholds,
    reasons,
)
from backend.scoring.model_file import (
    ModelFacts,
    ModelRefused,
    packed_counts,
    read_model,
    text_with_counts,
    unpacked_counts,
)

OUTPUTS = ("probability", "logit", "term", "share", "count")
_WARM_UP = "f_language_en quick question about your team"
_TERMS_EXPLAINED = 400
_MOST_CACHED = len(Part)


class ModelSession:
    """Immutable but for a cache. Several threads may call `score` at once."""

    def __init__(self, data: bytes, facts: ModelFacts, path: Path = Path("model.onnx")) -> None:
        """Build the session and run it once. Raises `ModelRefused` if ONNX Runtime does not accept the graph."""
        self.facts = facts
        # A message has a few hundred terms, for which plain Python is faster than numpy.
        self._is_word = bytes(" " not in term for term in facts.vocabulary)
        self._words = frozenset(term for term in facts.vocabulary if " " not in term)
        self._findings = {
            number: term for number, term in enumerate(facts.vocabulary) if term.startswith(FINDING_PREFIXES)
        }
        self._latest: tuple[tuple[str, list[Any]], ...] = ()
        self._session = session_of(data, path)
        try:
            self.score(_WARM_UP)
        except Exception as error:
            raise ModelRefused("model.runtime", path=path, why=type(error).__name__) from error

    @classmethod
    def open(cls, path: Path) -> ModelSession:
        """Check the file at `path` and build its session. Raises `ModelRefused`."""
        data, facts = read_model(path)
        return cls(data, facts, path)

    def score(self, text: str, explain: bool = True, keep_counts: bool = False) -> Score:
        """Score a prepared text (`backend.domain.reading.model_text.prepare`). Thread-safe; takes about 0.1 ms.
        `keep_counts`: the trace has the counts of known terms, from which `score_counts` gives the same score."""
        if not isinstance(text, str):
            raise TypeError(f"text must be str, not {type(text).__name__}")
        text = clean(text)
        probability, logit, terms, shares, often = self._run(text)
        numbers: list[int] = terms.tolist()
        found = self._reasons(numbers, shares.tolist()) if explain else ()
        counts = packed_counts(numbers, often.tolist()) if keep_counts else ""
        trace = self.trace(text, terms, shares, counts)
        return Score(float(probability[0]), float(logit[0]), found, self.facts.version, trace)

    def score_alone(self, text: str) -> Score:
        """Like `score`, but with nothing except probability and logit."""
        feed = {"text": np.array([clean(text)], dtype=object)}
        probability, logit = self._session.run(["probability", "logit"], feed)
        return Score(float(probability[0]), float(logit[0]), model=self.facts.version)

    def score_briefly(self, text: str) -> Score:
        """Like `score`, but without reasons and with only that part of the trace that the test of drift needs. A later
        `score` of the same text needs no second run."""
        text = clean(text)
        probability, logit, *_ = self._run(text)
        words = set(text.split(" "))
        trace = ScoreTrace(self.made_with, "", "", _word_count(words), len(self._words & words))
        return Score(float(probability[0]), float(logit[0]), model=self.facts.version, trace=trace)

    def _run(self, text: str) -> list[Any]:
        """The outputs for a text; those of the latest few texts (a message's passages) are cached."""
        latest = self._latest
        if (cached := next((outputs for other, outputs in latest if other == text), None)) is not None:
            return cached
        outputs: list[Any] = self._session.run(OUTPUTS, {"text": np.array([text], dtype=object)})
        self._latest = ((text, outputs), *latest[: _MOST_CACHED - 1])
        return outputs

    def trace(
        self, text: str, terms: NDArray[np.int64], shares: NDArray[np.float64], counts: str = ""
    ) -> ScoreTrace:
        """What the log of decisions and the test of drift need of a score."""
        words = set(text.split(" "))
        return ScoreTrace(
            made_with=self.made_with,
            text=sha256(text.encode()).hexdigest()[:32],
            shares=sha256(terms.tobytes() + shares.tobytes()).hexdigest()[:16],
            words=_word_count(words),
            known=sum(map(self._is_word.__getitem__, terms.tolist())),
            counts=counts,
        )

    @cached_property
    def made_with(self) -> str:
        """Everything on which the exact bits of a score depend: model file, text preparation, runtime and processor."""
        file, reading = self.facts.digest[:32], self.facts.reading[:32]
        return f"{file} {reading} onnxruntime {ort.__version__} {_processor()}"

    def score_counts(self, counts: str) -> Score:
        """The score of a text from its packed counts. Raises `ValueError` or `IndexError` for invalid ones."""
        terms = {self.facts.vocabulary[term]: often for term, often in unpacked_counts(counts).items()}
        return self.score(text_with_counts(terms), explain=False)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The probabilities of many texts in one run. For measurements; the server scores one text at a time."""
        feed = {"text": np.array([clean(text) for text in texts], dtype=object)}
        result: NDArray[np.float64] = self._session.run(["probability"], feed)[0]
        return result

    def _reasons(self, terms: list[int], shares: list[float]) -> tuple[Reason, ...]:
        weights = list(map(abs, shares))
        strongest = sorted(range(len(terms)), key=weights.__getitem__, reverse=True)[:_TERMS_EXPLAINED]
        findings, words = [], []
        for place in strongest:
            if name := self._findings.get(terms[place]):
                findings.append((name, shares[place]))
            else:
                words.append(place)
        net = sum(map(shares.__getitem__, words))
        term = self.facts.vocabulary.__getitem__
        same_sign = ((term(terms[place]), shares[place]) for place in words if shares[place] * net > 0)
        return reasons(findings, same_sign, net)

    def thresholds(self, strictness: Strictness) -> Thresholds:
        """The thresholds this model was published with."""
        return self.facts.thresholds[strictness]


def _word_count(words: set[str]) -> int:
    """How many of the words the model looks up: those with two letters or more."""
    return len(words) - list(map(len, words)).count(1) - ("" in words)


def session_of(data: bytes, path: Path, as_it_is: bool = False) -> ort.InferenceSession:
    """A session on one thread for a checked file. `as_it_is`: ONNX Runtime does not optimise the graph. Raises
    `ModelRefused`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # With the memory arena, a session's threads wait for the arena's lock: two score no faster than one.
    options.enable_cpu_mem_arena = False
    if as_it_is:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises many kinds of errors; all mean the same here
        raise ModelRefused("model.runtime", path=path, why=type(error).__name__) from error
    # The Python wrapper keeps the file, to build the session again on other hardware. We never do that: free it.
    vars(session)["_model_bytes"] = None
    return session


@cache
def _processor() -> str:
    """The processor's architecture and, if the system says it, its model."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{platform.machine()} {line.partition(':')[2].strip()}"[:80]
    return f"{platform.machine()} {platform.processor()}".strip()[:80]
