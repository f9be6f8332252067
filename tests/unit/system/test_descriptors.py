"""Who gets how many of the files that may be open."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from backend.serving import Callers
from backend.system import NEEDED, OWN, for_callers, for_google


@given(st.integers(64, 100_000))
def test_those_that_come_in_leave_us_ours(limit: int) -> None:
    assert for_callers(limit) >= 8
    assert for_callers(limit) + for_google(limit) + OWN <= max(limit, 64)
    assert for_google(NEEDED) == 200


class Line(asyncio.Protocol):
    """One connection."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_one_too_many_is_hung_up_on_and_one_that_ends_makes_room() -> None:
    ended = []

    class Talk(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            ended.append(exc)

    callers = Callers(Talk, 2)
    first, second, third = callers(), callers(), callers()
    assert isinstance(first, Talk)
    assert isinstance(second, Talk)
    line = Line()
    third.connection_made(line)  # type: ignore[arg-type]
    assert line.closed
    third.connection_lost(None)
    assert not isinstance(callers(), Talk)
    first.connection_lost(None)
    assert ended == [None]
    assert isinstance(callers(), Talk)
