"""The main module of the reading process, which wires it as `bootstrap.py` wires the server.

    python -c "from backend.reader_process import main; main()"

It imports only what reading and scoring need: nothing of the web, the store or HTTP.
"""

from __future__ import annotations

from pathlib import Path

from backend.domain.mail.message import Arrival
from backend.gmail import arrivals
from backend.gmail.answers import AnswerUnreadable
from backend.reader.child import IncompleteResponse, LoadedModel, SecondReader, serve
from backend.scoring.model_file import admit
from backend.scoring.session import ModelSession


def main() -> None:
    """Serve requests from standard input until it is closed."""
    serve(_read_message, _load, _load_rereader)


def _read_message(raw: bytes, briefly: bool) -> Arrival:
    try:
        return arrivals.read_briefly(raw) if briefly else arrivals.read_message(raw)
    except AnswerUnreadable as error:
        raise IncompleteResponse from error


def _load(data: bytes, name: str) -> LoadedModel:
    """Raises `ModelRefused`."""
    path = Path(name)
    facts = admit(data, path)
    session = ModelSession(data, facts, path)
    return LoadedModel(
        facts.version,
        facts.digest,
        facts.thresholds,
        facts.costs,
        lambda text, keep: session.score(text, keep_counts=keep),
        session.score_briefly,
        session.score_alone,
    )


def _load_rereader(file: str, model: str) -> SecondReader:
    """Raises `ModelRefused`, `NoSecondReading`."""
    # Imported late: only needed with a second reading.
    from backend.scoring.second_reading import SecondReading

    return SecondReading.open(Path(file), model)
