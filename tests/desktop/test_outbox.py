"""Decisions on their way: in order, each once, whatever the owner and the server do in between."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tray_app.connection import Outbox
from tray_app.errors import BackendError, Refused, Unreachable
from tray_app.memory import Memory
from tray_app.state import Decision


@dataclass
class Server:
    """Applies each key once. `broken` fails before, `mute` after applying (the answer is lost)."""

    broken: bool = False
    mute: bool = False
    refused: set[str] = field(default_factory=set)
    applied: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    calls: int = 0

    async def correct(self, key: str, gmail_id: str, decision: Decision) -> tuple[str, ...]:
        self._arrive()
        if gmail_id in self.refused:
            raise Refused("There is no such message")
        if key not in self.applied:
            self.applied.append(key)
        self._answer()
        return (gmail_id,)

    async def undo(self, key: str) -> None:
        self._arrive()
        assert key in self.applied, "an undo never overtakes its decision"
        if key not in self.undone:
            self.undone.append(key)
        self._answer()

    def _arrive(self) -> None:
        self.calls += 1
        if self.broken:
            raise Unreachable("No connection")

    def _answer(self) -> None:
        if self.mute:
            raise Unreachable("The answer was lost")


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(tmp_path: Path) -> None:
    server, outbox = Server(mute=True), Outbox(Memory(tmp_path / "s.json"))
    key = outbox.decide("m1", Decision.ALLOW, "Allowed")
    with pytest.raises(Unreachable):
        await outbox.flush(server)  # type: ignore[arg-type]
    server.mute = False
    await Outbox(Memory(tmp_path / "s.json")).flush(server)  # type: ignore[arg-type]
    assert (server.applied, server.calls) == ([key], 2)


async def test_a_refusal_is_reported_and_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    server, outbox = Server(refused={"m1"}), Outbox(Memory(tmp_path / "s.json"))
    outbox.decide("m1", Decision.ALLOW, "Allowed one")
    key = outbox.decide("m2", Decision.BLOCK, "Blocked two")
    refusals = (await outbox.flush(server)).refusals  # type: ignore[arg-type]
    assert [refusal.item.text for refusal in refusals] == ["Allowed one"]
    assert server.applied == [key]
    assert len(outbox) == 0


async def test_what_reaches_less_far_than_foreseen_is_looked_at_again(tmp_path: Path) -> None:
    server, outbox = Server(), Outbox(Memory(tmp_path / "s.json"))
    outbox.decide("m1", Decision.ALLOW, "Allowed one", 1)
    assert not (await outbox.flush(server)).refetch  # type: ignore[arg-type]
    outbox.decide("m2", Decision.ALLOW, "Allowed two", 2)
    again = Outbox(Memory(tmp_path / "s.json"))
    assert (await again.flush(server)).refetch  # type: ignore[arg-type]


async def test_two_flushes_at_once_send_each_once(tmp_path: Path) -> None:
    server, outbox = Server(), Outbox(Memory(tmp_path / "s.json"))
    for number in range(5):
        outbox.decide(f"m{number}", Decision.ALLOW, "Allowed")
    await asyncio.gather(outbox.flush(server), outbox.flush(server))  # type: ignore[arg-type]
    assert server.calls == 5


class Life(RuleBasedStateMachine):
    """Decide, undo, lose the network or the answer, restart the app, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.server = Server()
        self.decided: list[str] = []
        self.taken_back: set[str] = set()
        self.restart()

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            shutil.rmtree(self.folder)

    def settle(self) -> None:
        self.server.broken = self.server.mute = False
        self.flush()
        assert len(self.outbox) == 0
        kept = [key for key in self.decided if key not in self.taken_back]
        assert [key for key in self.server.applied if key not in self.taken_back] == kept, (
            "in order, each once"
        )
        assert all(key in self.taken_back for key in self.server.undone)
        assert set(self.server.applied) & self.taken_back == set(self.server.undone)

    @rule()
    def restart(self) -> None:
        self.outbox = Outbox(Memory(self.folder / "s.json"))

    @rule(decision=st.sampled_from(list(Decision)))
    def decide(self, decision: Decision) -> None:
        self.decided.append(self.outbox.decide(f"m{len(self.decided)}", decision, "x"))

    @precondition(lambda self: set(self.decided) - self.taken_back)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(set(self.decided) - self.taken_back)))
        self.outbox.undo(key, "Undo")
        self.taken_back.add(key)

    @rule()
    def flush(self) -> None:
        async def go() -> None:
            with contextlib.suppress(BackendError):
                await self.outbox.flush(self.server)  # type: ignore[arg-type]

        asyncio.run(go())

    @rule(broken=st.booleans(), mute=st.booleans())
    def weather(self, broken: bool, mute: bool) -> None:
        self.server.broken, self.server.mute = broken, mute

    @invariant()
    def nothing_twice(self) -> None:
        assert len(set(self.server.applied)) == len(self.server.applied)


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestLife = Life.TestCase
