"""The reading process put together: the twin of `bootstrap.py` for the only other process we start.

    python -c "from backend.reader_process import main; main()"

It imports what reading and scoring need and nothing of the web, the store or HTTP.
"""

from __future__ import annotations

from pathlib import Path

from backend.domain.mail.message import Arrival
from backend.gmail import arrivals
from backend.gmail.answers import AnswerUnreadable
from backend.reader.child import Model, NoAnswer, Rereader, serve
from backend.scoring.model_file import admit
from backend.scoring.session import ModelSession


def main() -> None:
    """Read until standard input is closed."""
    serve(_opened, _load, _load_rereader)


def _opened(raw: bytes, briefly: bool) -> Arrival:
    try:
        return arrivals.opened_briefly(raw) if briefly else arrivals.opened(raw)
    except AnswerUnreadable as error:
        raise NoAnswer from error


def _load(data: bytes, name: str) -> Model:
    """Raises `ModelRefused`."""
    path = Path(name)
    facts = admit(data, path)
    session = ModelSession(data, facts, path)
    return Model(
        facts.version,
        facts.digest,
        facts.thresholds,
        facts.costs,
        lambda text, keep: session.score(text, keep_counts=keep),
        session.score_briefly,
        session.score_alone,
    )


def _load_rereader(file: str, model: str) -> Rereader:
    """Raises `ModelRefused`, `NoSecondReading`."""
    from backend.scoring.second_reading import (
        SecondReading,
    )  # here: who has no second reading imports nothing of it

    return SecondReading.open(Path(file), model)
