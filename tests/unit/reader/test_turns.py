"""Mail made to cost much costs its own mailbox alone."""

from __future__ import annotations

import asyncio

from backend.reader.pool import (
    LONG_READING,
    MOST_MAILBOXES,
    MOST_SENDERS,
    REMEMBERED,
    WARN_AFTER,
    CostlySenders,
    Turns,
)


class Readings:
    """Mailboxes that want to be read, in the order in which their turns come."""

    def __init__(self, places: int) -> None:
        self.now = 100.0
        self.turns = Turns(places, lambda: self.now)
        self.entered: list[str] = []
        self._taken: list[tuple[str, float]] = []

    async def want(self, *names: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self._take(name)) for name in names]
        await self.settled()
        return tasks

    async def _take(self, name: str) -> None:
        self._taken.append((name, await self.turns.take(name)))
        self.entered.append(name)

    async def end(self, name: str) -> None:
        """The latest reading of a mailbox comes to its end."""
        taken = next(one for one in reversed(self._taken) if one[0] == name)
        self._taken.remove(taken)
        self.turns.give_back(*taken)
        await self.settled()

    async def settled(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


async def test_mailboxes_come_in_turn_however_much_one_has() -> None:
    readings = Readings(1)
    await readings.want("a", "a", "a", "a", "b", "c", "b")
    assert readings.entered == ["a"]
    for _ in range(6):
        await readings.end(readings.entered[-1])
    assert readings.entered == ["a", "b", "c", "a", "b", "a", "a"]


async def test_one_mailbox_has_all_places_while_its_messages_are_read_fast() -> None:
    readings = Readings(3)
    await readings.want("a", "a", "a", "a")
    assert readings.entered == ["a", "a", "a"]
    await readings.end("a")
    assert readings.entered == ["a", "a", "a", "a"]


async def test_beside_a_long_reading_one_place_is_left_for_others() -> None:
    readings = Readings(3)
    await readings.want("a")
    readings.now += 2 * LONG_READING
    await readings.want("a", "a", "a")
    assert readings.entered == ["a", "a"]
    await readings.want("b")
    assert readings.entered == ["a", "a", "b"]
    await readings.end("b")
    assert readings.entered == ["a", "a", "b"], "the place stays free for whose mail comes next"
    await readings.end("a")
    assert readings.entered == ["a", "a", "b", "a"]


async def test_who_goes_away_leaves_no_place_taken() -> None:
    readings = Readings(1)
    _, second, third, _ = await readings.want("a", "b", "c", "b")
    third.cancel()
    await readings.settled()
    readings.turns.give_back(*readings._taken.pop())
    second.cancel()  # its turn has come, and it does not know yet
    await readings.settled()
    assert readings.entered == ["a", "b"]
    await readings.end("b")
    await readings.want("d")
    assert readings.entered == ["a", "b", "d"]


def test_a_sender_is_remembered_for_thirty_days_by_the_mailbox_they_wrote_to() -> None:
    now = [1_000_000.0]
    senders = CostlySenders(lambda: now[0])
    assert not senders.note("ana", "=sam")
    assert senders.of("ana") == {"=sam"}
    assert senders.of("ben") == frozenset()
    now[0] += REMEMBERED - 1
    assert senders.of("ana") == {"=sam"}
    now[0] += 1
    assert senders.of("ana") == frozenset()


def test_the_third_email_of_a_sender_is_told_once() -> None:
    now = [1_000_000.0]
    senders = CostlySenders(lambda: now[0])
    told = [senders.note("ana", "=sam") for _ in range(WARN_AFTER + 2)]
    assert told == [number == WARN_AFTER for number in range(1, WARN_AFTER + 3)]
    now[0] += REMEMBERED
    assert not senders.note("ana", "=sam"), "what is long ago does not count"


def test_no_more_than_a_few_are_remembered() -> None:
    senders = CostlySenders(lambda: 1_000_000.0)
    for number in range(MOST_SENDERS + 5):
        senders.note("ana", f"={number}")
    assert len(senders.of("ana")) == MOST_SENDERS
    assert f"={MOST_SENDERS + 4}" in senders.of("ana")
    for number in range(MOST_MAILBOXES):
        senders.note(f"mailbox {number}", "=sam")
    assert senders.of("ana") == frozenset()
