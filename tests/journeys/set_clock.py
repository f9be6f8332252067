"""`python -m tests.journeys.set_clock serve`: the server on a machine whose clock a test sets, by as many seconds as
stand in the file that MACHINE_CLOCK names. Nothing but the machine's own time is another."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backend.system import SystemClock

FILE = Path(os.environ["MACHINE_CLOCK"])


def _machine(_: SystemClock) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=float(FILE.read_text()))


if __name__ == "__main__":
    SystemClock.now = _machine  # type: ignore[method-assign]
    from backend.__main__ import main

    main()
