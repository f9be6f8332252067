"""A real reading process with a model that obeys words in the text: hang, grow, die, lie, break and others. A text with
the word "doubtful" gets a second reading, which obeys the words with the prefix "again".

It opens messages of `tests.fakes.gmail.FakeGmail`. The content of a model file is its version; "bad" is refused.
"""

from __future__ import annotations

import os
import pickle
import re
import signal
from dataclasses import replace

from backend.domain.errors import PitchgateError
from backend.domain.mail.message import Arrival
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import (
    Reason,
    Score,
    ScoreTrace,
    SecondReadingTrace,
    StrictnessCost,
    Thresholds,
)
from backend.reader.child import IncompleteResponse, LoadedModel, serve

THRESHOLDS = {strictness: Thresholds(0.1, 0.5, 0.8, 0.3) for strictness in Strictness}
AGAIN = {strictness: Thresholds(0.1, 0.6, 0.9, 0.4) for strictness in Strictness}
COSTS = {
    Strictness.RELAXED: StrictnessCost(4, 61),
    Strictness.NORMAL: StrictnessCost(12, 72),
    Strictness.STRICT: StrictnessCost(40, 83),
}


def main() -> None:
    """Read until standard input is closed."""
    serve(_opened, _load, _load_rereader)


def _opened(raw: bytes, briefly: bool) -> Arrival:
    if raw == b"half an answ":
        raise IncompleteResponse
    if raw == b"nested":
        raise RecursionError
    arrival: Arrival = pickle.loads(raw)
    # A message that is read in part has only its subject.
    return replace(arrival, message=replace(arrival.message, text="", html=None)) if briefly else arrival


def _load(data: bytes, name: str) -> LoadedModel:
    version = data.decode()
    if version == "bad":
        raise PitchgateError(f"The model file {name} is bad.")
    return LoadedModel(
        version,
        f"digest-{version}",
        THRESHOLDS,
        COSTS,
        lambda text, _: _score(text, version),
        lambda text: replace(_score(text, version), reasons=()),
        lambda text: replace(_score(text, version), reasons=()),
    )


class _Rereader:
    languages = frozenset({"en"})
    thresholds = AGAIN

    def read(self, text: str, first: Score) -> Score:
        _do([word.removeprefix("again") for word in text.split() if word.startswith("again")])
        return first.read_again(0.9, 2.0, SecondReadingTrace("numbers", "judge", first.logit))


def _load_rereader(file: str, model: str) -> _Rereader:
    if model == "digest-other":
        raise PitchgateError("second.other_model")
    return _Rereader()


def _score(text: str, version: str) -> Score:
    words = text.split()
    _do(words)
    if "lie" in words:
        return Score(0.5, 0.0, (), 7)  # type: ignore[arg-type]
    if "flood" in words:
        return Score(0.5, 0.0, (Reason("x" * 2_000_000, 1.0),))
    names = sorted(os.environ) if "environment" in words else ["a word"]
    probability = 0.4 if "doubtful" in words else 0.97 if "pitchy" in words else 0.02
    trace = ScoreTrace("", "", "", 0, 0)
    return Score(probability, 0.0, tuple(Reason(name, 1.0) for name in names), version, trace)


def _do(words: list[str]) -> None:
    if "hang" in words:
        re.match("(a*)*b", "a" * 200)  # never ends, and never releases the interpreter lock
    while "loop" in words:
        pass
    if "wait" in words:
        signal.pause()
    if "grow" in words:
        bytearray(4_000_000_000)
    if "keep" in words:
        kept.append(b"x" * 50_000_000)
    if "die" in words:
        os._exit(0)
    if "break" in words:
        raise RuntimeError(f"could not take {words}")


kept: list[bytes] = []
