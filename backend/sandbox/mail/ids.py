"""Identifiers as Gmail shows them: 16 lower-case hex digits, rising with time of arrival."""

import random
import re

_HEX16 = re.compile(r"\A[0-9a-f]{1,16}\Z")


class MessageIds:
    """Hands out message ids that rise strictly within one mailbox."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._last = 0

    def next(self, now_ms: int) -> str:
        """The next id for a message arriving at `now_ms` (epoch milliseconds)."""
        value = (now_ms << 20) | self._rng.getrandbits(20)
        if value <= self._last:
            value = self._last + self._rng.randint(1, 4096)
        self._last = value
        return format(value, "016x")

    def reserve(self, message_id: str) -> None:
        """Keep later ids above one that was chosen elsewhere."""
        self._last = max(self._last, int(message_id, 16))


def is_message_id(value: str) -> bool:
    """Whether `value` has the form of a message or thread id (1 to 16 lower-case hex digits)."""
    return _HEX16.match(value) is not None
