"""`python -m tests.journeys.stopping_reader serve`: the server with an encoder and a judge that need not go together.
Its reading process stops half-way through the second reading of a text with `STOP` in it, until it gets a signal."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from backend import reader_process
from backend.scoring.second_reading import Encoder, Judge, SecondReading

STOP = "in two minds"


class _Stopping(Encoder):
    def embedding(self, text: str) -> bytes:
        """See `Encoder`."""
        found = super().embedding(text)
        if STOP in text:
            os.kill(os.getpid(), signal.SIGSTOP)
        return found


def _load_rereader(file: str, model: str) -> SecondReading:
    del model
    return SecondReading(_Stopping.open(Path(file)), Judge.open())


def main() -> None:
    """The reading process."""
    reader_process._load_rereader = _load_rereader
    reader_process.main()


if __name__ == "__main__":
    from backend.__main__ import main as program
    from backend.reader import pool

    pool.ENTRY = "tests.journeys.stopping_reader"
    program()
