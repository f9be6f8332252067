"""The sandbox's clock: real time plus an offset that a test may move forward, and what it shows to others."""

import time

LARGEST_SKEW = 86_400.0


class Clock:
    """Epoch time. Only `advance` moves it against the real one.

    `skew` (seconds, negative: behind) is how far the time Google *tells* is off: dates of mail, ends of watches,
    times to come back at, the Date of answers, times in signed tokens. The sandbox's own waits never see it.
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self.skew = 0.0

    def real(self) -> float:
        """Epoch seconds for signed tokens: without the offset, for programs whose clock was not moved check them."""
        return time.time() + self.skew

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() + self.offset

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return int(self.now() * 1000)

    def shown(self) -> float:
        """Epoch seconds as others are told them."""
        return self.now() + self.skew

    def shown_ms(self) -> int:
        """Epoch milliseconds as others are told them."""
        return int(self.shown() * 1000)

    def set_skew(self, seconds: float) -> None:
        """Tell times that are off by so much. Raises ValueError beyond a day."""
        if not -LARGEST_SKEW <= seconds <= LARGEST_SKEW:
            raise ValueError(
                f"A clock's skew must be from {-LARGEST_SKEW:.0f} to {LARGEST_SKEW:.0f} seconds."
            )
        self.skew = float(seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward (never back: tokens and watches rely on it)."""
        self.offset += max(0.0, seconds)
