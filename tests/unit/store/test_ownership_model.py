"""A model of ownership and commits, tried in every order: two replicas, one mailbox, sessions that end, answers that do
not come, commits that arrive late, crashes anywhere.

A replica looks from the cursor in its memory, which it read when it took the mailbox. That is right only if nobody
else can have committed since: the cursor that is stored is not compared, so that nothing but ownership keeps order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

import pytest

MESSAGES = 2
SESSIONS = 3
"""Of both replicas, one after the other, in one history."""


class Flaw(Enum):
    """What a careless server would do; the search must find what comes of it."""

    NONE = "none"
    ANY_SESSION = "the commit goes over a connection of a pool, and not over the session that holds the lock"
    OLD_MEMORY = "the mailbox is taken again, and what was in memory is believed"
    SENT_AGAIN = "a commit without an answer is sent again over the next session"


@dataclass(frozen=True)
class Replica:
    """What a replica believes. `memory` is the cursor it goes on from, None before it has read one."""

    session: int | None = None
    owns: bool = False
    memory: int | None = None
    sent: tuple[int, int] | None = None
    """A commit that has no answer yet: it moves the cursor from one to the other."""


@dataclass(frozen=True)
class World:
    """What is in the database, on the wires, and in two heads."""

    replicas: tuple[Replica, Replica] = (Replica(), Replica())
    cursor: int = 0
    rows: tuple[int, ...] = (0,) * MESSAGES
    """How often each message was written."""
    opened: int = 0
    alive: frozenset[int] = frozenset()
    lock: int | None = None
    wire: tuple[tuple[int, int, int], ...] = ()
    """Commits that have not arrived: session, from, to."""
    answers: frozenset[int] = frozenset()
    """Sessions on which an answer is on its way."""

    def knows(self, number: int, **facts: object) -> World:
        """With a replica that believes something else."""
        some = list(self.replicas)
        some[number] = replace(some[number], **facts)  # type: ignore[arg-type]
        return replace(self, replicas=(some[0], some[1]))


def steps(world: World, flaw: Flaw) -> Iterator[World]:
    """Everything that can happen next."""
    for number, one in enumerate(world.replicas):
        yield from _replica(world, number, one, flaw)
        yield world.knows(number, session=None, owns=False, memory=None, sent=None)  # it crashes
    for session in world.alive:  # the server ends it: a pause, a cut, an order
        lock = None if world.lock == session else world.lock
        yield replace(world, alive=world.alive - {session}, lock=lock, answers=world.answers - {session})
        yield replace(world, answers=world.answers - {session})  # its answer is lost on the way
    for place, (session, start, end) in enumerate(world.wire):
        rest = replace(world, wire=world.wire[:place] + world.wire[place + 1 :])
        if session in world.alive or flaw is Flaw.ANY_SESSION:
            rows = tuple(n + (start <= place < end) for place, n in enumerate(world.rows))
            yield replace(rest, cursor=end, rows=rows, answers=world.answers | {session})
        else:
            yield rest


def _replica(world: World, number: int, one: Replica, flaw: Flaw) -> Iterator[World]:
    if one.session is None:
        if world.opened < SESSIONS:
            session = world.opened
            opened = replace(world, opened=session + 1, alive=world.alive | {session})
            yield opened.knows(number, session=session)
        return
    if one.session not in world.alive:  # it notices
        kept = {} if flaw in (Flaw.OLD_MEMORY, Flaw.SENT_AGAIN) else {"memory": None}
        sent = one.sent if flaw is Flaw.SENT_AGAIN else None
        yield world.knows(number, session=None, owns=False, sent=sent, **kept)
    elif not one.owns and world.lock is None:
        taken = replace(world, lock=one.session)
        yield taken  # and the answer does not come
        memory = world.cursor if one.memory is None else one.memory
        yield taken.knows(number, owns=True, memory=memory)
    if one.session in world.answers and one.sent is not None:
        heard = replace(world, answers=world.answers - {one.session})
        yield heard.knows(number, memory=one.sent[1], sent=None)
    if not one.owns or one.memory is None:
        return
    if one.sent is None:
        for end in range(one.memory + 1, MESSAGES + 1):  # mail comes one by one, or together
            commit = (one.memory, end)
            yield replace(world, wire=(*world.wire, (one.session, *commit))).knows(number, sent=commit)
        if one.session in world.alive:  # it gives the mailbox back
            yield replace(world, lock=None).knows(number, owns=False, memory=None)
    elif flaw is Flaw.SENT_AGAIN and one.session not in {session for session, *_ in world.wire}:
        yield replace(world, wire=(*world.wire, (one.session, *one.sent)))


def wrong(world: World) -> bool:
    """Whether a message was written twice, or passed over."""
    return any(n > 1 for n in world.rows) or any(n != 1 for n in world.rows[: world.cursor])


def search(flaw: Flaw, found: Callable[[World], bool]) -> tuple[dict[World, list[World]], World | None]:
    """Every world there can be, with those from which it can come, until one is `found`."""
    seen: dict[World, list[World]] = {World(): []}
    waiting = deque(seen)
    while waiting:
        world = waiting.popleft()
        if found(world):
            return seen, world
        for after in steps(world, flaw):
            if after not in seen:
                seen[after] = []
                waiting.append(after)
            seen[after].append(world)
    return seen, None


def test_nothing_is_written_twice_or_passed_over_whatever_happens() -> None:
    seen, found = search(Flaw.NONE, wrong)
    assert found is None, found
    assert len(seen) > 10_000
    # It would also be right if nothing ever happened: while a session can be had, the work can be done.
    able = {world for world in seen if world.rows == (1,) * MESSAGES}
    waiting = [*able]
    while waiting:
        for world in seen[waiting.pop()]:
            if world not in able:
                able.add(world)
                waiting.append(world)
    assert able >= {world for world in seen if world.opened < SESSIONS}


@pytest.mark.parametrize("flaw", [flaw for flaw in Flaw if flaw is not Flaw.NONE])
def test_what_a_careless_server_does_wrong_is_found(flaw: Flaw) -> None:
    assert search(flaw, wrong)[1] is not None
