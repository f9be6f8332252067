"""The sandbox's clock: real time plus an offset that a test may move forward."""

import time


class Clock:
    """Epoch time. Only `advance` moves it against the real one."""

    def __init__(self) -> None:
        self.offset = 0.0

    def real(self) -> float:
        """Epoch seconds without the offset: signatures are checked by programs whose clock was not moved."""
        return time.time()

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() + self.offset

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return int(self.now() * 1000)

    def advance(self, seconds: float) -> None:
        """Move the clock forward (never back: tokens and watches rely on it)."""
        self.offset += max(0.0, seconds)
