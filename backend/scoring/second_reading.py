"""The second reading at work: a small encoder that knows many languages, and a judge of both readings.

The encoder is a file that `encoder_file` makes, and needs the extra `second-reading`. The judge is published beside the
model and needs nothing more: what was read twice can be judged again anywhere.
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

PIECES = 128
"""Pieces of words that are read of a text, its beginning and its end included."""
LETTERS = 2_000
"""Letters of a text that are looked at: `PIECES` are in fewer of them."""
NUMBERS = 768
_BEGIN, _END = 0, 2
_ASKED = "query: "
"""What the encoder was trained to find before a text."""


@dataclass(frozen=True)
class JudgeFacts:
    """What the judge says of itself: its digest, whose logits it was trained with (`model`), what encoded (`encoder`),
    the languages it may judge, its thresholds."""

    digest: str
    model: str
    encoder: str
    languages: frozenset[str]
    thresholds: Mapping[Strictness, Thresholds]


class Judge:
    """Judges by the logit of the first reading and by what the encoder made of the text."""

    def __init__(self, data: bytes, path: Path = JUDGE_BESIDE) -> None:
        """Raises `ModelRefused`."""
        self.facts = checked(data, JUDGE, _facts, path)
        self._session = session_of(data, path)

    @classmethod
    def open(cls, path: Path = JUDGE_BESIDE) -> Judge:
        """Raises `ModelRefused`."""
        return cls(read_file(path, JUDGE), path)

    def judge(self, first: Score, embedding: bytes) -> Score:
        """`first` judged again. `embedding` holds the encoder's numbers as `packed` wrote them."""
        numbers = np.frombuffer(embedding, "<f2").astype(np.float64).reshape(1, NUMBERS)
        feed = {"logit": np.array([[first.logit]]), "embedding": numbers}
        probability, logit = self._session.run(["probability", "logit_of_both"], feed)
        if not np.isfinite(logit).all():
            raise ValueError("numbers that no encoder makes")
        kept = SecondReadingTrace(sha256(embedding).hexdigest()[:32], self.facts.digest[:32], first.logit, "")
        if first.trace is not None and first.trace.counts:
            kept = replace(kept, numbers=b64encode(embedding).decode())
        return first.read_again(float(probability[0, 0]), float(logit[0, 0]), kept)


def numbers_kept(numbers: str) -> bytes:
    """The numbers of `SecondReadingTrace`. Raises `ValueError`."""
    found = b64decode(numbers, validate=True)
    if len(found) != 2 * NUMBERS:
        raise ValueError(f"{len(found)} bytes are not {NUMBERS} numbers")
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
    """Texts to numbers, one at a time and on one thread, by a graph that nothing rearranges: another order of the same
    sums would be another number."""

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
        letters = clean(_ASKED + text[:LETTERS]).translate(self._letters)
        found: list[int] = self._pieces.encode(letters)
        return [_BEGIN, *found[: PIECES - 2], _END]

    def embedding(self, text: str) -> bytes:
        """What the encoder makes of it: `NUMBERS` of two bytes each, which is all that anybody judges by."""
        return self.encoded(text).astype("<f2").tobytes()

    def encoded(self, text: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """The numbers before they are shortened."""
        found: np.ndarray[tuple[int], np.dtype[np.float32]]
        found = self._session.run(["embedding"], {"pieces": np.array(self.pieces(text), np.int64)})[0][0]
        return found


class NoSecondReading(PitchgateError):
    """There is nothing here to read a second time with."""


class SecondReading:
    """An encoder and its judge, for the scores of one model."""

    def __init__(self, encoder: Encoder, judge: Judge) -> None:
        self.languages, self.thresholds = judge.facts.languages, judge.facts.thresholds
        self._encoder, self._judge = encoder, judge

    @classmethod
    def open(cls, path: Path, model: str) -> SecondReading:
        """With the encoder at `path`, for the model with this digest. Raises `ModelRefused`, `NoSecondReading`."""
        judge = Judge.open()
        if judge.facts.model != model:
            raise NoSecondReading("second.other_model")
        encoder = Encoder.open(path)
        if judge.facts.encoder != encoder.digest:
            raise ModelRefused("second.other_encoder", path=path)
        encoder.embedding("warm")
        return cls(encoder, judge)

    def read(self, text: str, first: Score) -> Score:
        """`first` judged again, now that its text has been read a second time."""
        return self._judge.judge(first, self._encoder.embedding(text))
