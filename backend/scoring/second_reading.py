"""The second reading: an encoder (a small multilingual language model), and a judge that makes one score of both
readings.

The encoder is a file made by `encoder_file`, and needs the extra `second-reading`. The judge is published beside the
model and needs nothing else, so stored second readings can be judged again anywhere.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from backend.domain.errors import PitchgateError
from backend.domain.mail.message import clean
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Score, SecondReadingTrace, Thresholds
from backend.scoring import JUDGE_BESIDE
from backend.scoring.model_file import ENCODER, JUDGE, ModelRefused, checked, read_file, thresholds_of
from backend.scoring.session import session_of

MAX_PIECES = 128
"""Word pieces of a text that are read, with the marks of its beginning and end."""
MAX_LETTERS = 2_000
"""Characters of a text that are read; they always have more than `MAX_PIECES` pieces."""
EMBEDDING_SIZE = 768
_BEGIN, _END = 0, 2
_PREFIX = "query: "
"""The encoder was trained on texts with this prefix."""


@dataclass(frozen=True)
class JudgeFacts:
    """The judge's metadata: its digest, the digests of the model and the encoder it was trained with, the languages it
    can judge, and its thresholds."""

    digest: str
    model: str
    encoder: str
    languages: frozenset[str]
    thresholds: Mapping[Strictness, Thresholds]


class Judge:
    """Scores a text from the logit of the first reading and the encoder's embedding."""

    def __init__(self, data: bytes, path: Path = JUDGE_BESIDE) -> None:
        """Raises `ModelRefused`."""
        self.facts = checked(data, JUDGE, _facts, path)
        self._session = session_of(data, path)

    @classmethod
    def open(cls, path: Path = JUDGE_BESIDE) -> Judge:
        """Raises `ModelRefused`."""
        return cls(read_file(path, JUDGE), path)

    def judge(self, first: Score, embedding: bytes) -> Score:
        """The score of both readings. `embedding` has the encoder's numbers, two bytes each."""
        numbers = np.frombuffer(embedding, "<f2").astype(np.float64).reshape(1, EMBEDDING_SIZE)
        feed = {"logit": np.array([[first.logit]]), "embedding": numbers}
        probability, logit = self._session.run(["probability", "logit_of_both"], feed)
        if not np.isfinite(logit).all():
            raise ValueError("numbers that no encoder makes")
        kept = SecondReadingTrace(sha256(embedding).hexdigest()[:32], self.facts.digest[:32], first.logit, "")
        if first.trace is not None and first.trace.counts:
            kept = replace(kept, numbers=b64encode(embedding).decode())
        return first.read_again(float(probability[0, 0]), float(logit[0, 0]), kept)


def unpacked_numbers(numbers: str) -> bytes:
    """The embedding in the `numbers` of a `SecondReadingTrace`. Raises `ValueError`."""
    found = b64decode(numbers, validate=True)
    if len(found) != 2 * EMBEDDING_SIZE:
        raise ValueError(f"{len(found)} bytes are not {EMBEDDING_SIZE} numbers")
    return found


def _facts(metadata: Mapping[str, str]) -> JudgeFacts:
    return JudgeFacts(
        digest=metadata["digest"],
        model=metadata["model"],
        encoder=metadata["encoder"],
        languages=frozenset(metadata["languages"].split()),
        thresholds=thresholds_of(metadata),
    )


class Encoder:
    """Makes embeddings, one text at a time, on one thread and without graph optimisations: sums in another order would
    give other numbers."""

    def __init__(self, data: bytes, path: Path) -> None:
        """Raises `ModelRefused`, `NoSecondReading`."""
        try:
            from sentencepiece import SentencePieceProcessor
        except ImportError as error:
            raise NoSecondReading("second.no_extra") from error
        about = checked(data, ENCODER, dict, path)
        self.digest: str = about["digest"]
        self._letters: dict[int, str] = {int(k): v for k, v in json.loads(about["letters"]).items()}
        self._pieces = SentencePieceProcessor(model_proto=b64decode(about["tokenizer"]))
        self._session = session_of(data, path, as_it_is=True)

    @classmethod
    def open(cls, path: Path) -> Encoder:
        """Raises `ModelRefused`, `NoSecondReading`."""
        if not path.exists():
            raise NoSecondReading("second.no_file", path=path)
        return cls(read_file(path, ENCODER), path)

    def pieces(self, text: str) -> list[int]:
        """The numbers of a text's first pieces."""
        letters = clean(_PREFIX + text[:MAX_LETTERS]).translate(self._letters)
        found: list[int] = self._pieces.encode(letters)
        return [_BEGIN, *found[: MAX_PIECES - 2], _END]

    def embedding(self, text: str) -> bytes:
        """The embedding of a text: `EMBEDDING_SIZE` numbers of two bytes each, in which form the judge uses it."""
        return self.encoded(text).astype("<f2").tobytes()

    def encoded(self, text: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """The embedding with full precision."""
        found: np.ndarray[tuple[int], np.dtype[np.float32]]
        found = self._session.run(["embedding"], {"pieces": np.array(self.pieces(text), np.int64)})[0][0]
        return found


class NoSecondReading(PitchgateError):
    """The second reading is not installed or does not fit the model."""


class SecondReading:
    """An encoder and its judge, for the scores of one model."""

    def __init__(self, encoder: Encoder, judge: Judge) -> None:
        self.languages, self.thresholds = judge.facts.languages, judge.facts.thresholds
        self._encoder, self._judge = encoder, judge

    @classmethod
    def open(cls, path: Path, model: str) -> SecondReading:
        """Load the encoder at `path` and the judge, for the model with this digest. Raises `ModelRefused`,
        `NoSecondReading`."""
        judge = Judge.open()
        if judge.facts.model != model:
            raise NoSecondReading("second.other_model")
        encoder = Encoder.open(path)
        if judge.facts.encoder != encoder.digest:
            raise ModelRefused("second.other_encoder", path=path)
        encoder.embedding("warm up")
        return cls(encoder, judge)

    def read(self, text: str, first: Score) -> Score:
        """The score of a text after a second reading; `first` is that of the first."""
        return self._judge.judge(first, self._encoder.embedding(text))
