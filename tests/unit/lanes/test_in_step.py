"""A process goes over to the models that the store names, and stays with its own where it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from backend.domain.errors import NotFound, PitchgateError
from backend.domain.watching.trial import Act
from backend.lanes.in_step import ModelFollower
from backend.logs import COUNTED, count_event
from backend.store.opening import open_store
from backend.transactions.records import StoredModel
from backend.transactions.store import Store
from tests.doubles import START

TWO = StoredModel("two", "digest", "two.onnx", b"two")


@dataclass
class Taken:
    version: str
    challenger_refused: dict[str, str] | None = None


class Readers:
    """Takes every champion but a broken one."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str | None]] = []
        self.took = asyncio.Event()
        self.broken = False

    async def switch(self, champion: StoredModel | None, challenger: StoredModel | None = None) -> Taken:
        if self.broken:
            raise PitchgateError("model.lexicon")
        name = "file" if champion is None else champion.version
        self.taken.append((name, challenger and challenger.version))
        self.took.set()
        return Taken(name)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(tmp_path / "store.sqlite3")
    await opened.open()
    yield opened
    await opened.close()


async def test_a_model_whose_file_is_lost_is_an_alarm_and_the_champion_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers, counts = Readers(), dict(COUNTED)
    await store.add_model(TWO, "op", START)
    await store.change_models(Act.SHADOW, "two", "op", START)

    async def lost(version: str) -> StoredModel:
        raise NotFound("not_found.model", version=version)

    monkeypatch.setattr(store, "stored_model", lost)
    with capture_logs(processors=[count_event]) as logs:
        await ModelFollower(store, readers, Path("file.onnx")).look()
    assert readers.taken == [("file", None)]
    assert ("model_refused", "two") in [(line["event"], line["file"]) for line in logs]
    assert COUNTED["model_refused"] == counts["model_refused"] + 1


async def test_it_follows_every_act_and_does_nothing_without_one(store: Store) -> None:
    readers = Readers()
    following = ModelFollower(store, readers, Path("file.onnx"))
    await following.look()
    assert readers.taken == [], "the file is what it began with"
    await store.add_model(TWO, "op", START)
    await following.look()
    assert readers.taken == [], "what is only kept is read with by nobody"
    await store.change_models(Act.SHADOW, "two", "op", START)
    for _ in range(2):
        await following.look()
    await store.change_models(Act.PROMOTE, "two", "op", START)
    await following.look()
    assert readers.taken == [("file", "two"), ("two", None)]
    await following.look(again=True)
    assert readers.taken[-1] == ("two", None)


async def test_a_refused_model_is_tried_again_at_the_next_act_alone(store: Store) -> None:
    readers = Readers()
    following = ModelFollower(store, readers, Path("file.onnx"))
    await store.add_model(TWO, "op", START)
    await store.change_models(Act.PROMOTE, "two", "op", START)
    readers.broken = True
    await following.look()
    readers.broken = False
    await following.look()
    assert readers.taken == []
    await store.change_models(Act.ROLLBACK, "", "op", START)
    await following.look()
    assert readers.taken == [("file", None)]


async def test_it_looks_again_when_the_store_could_not_be_asked_until_it_is_told_to_stop(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.lanes.in_step.LOOKED", 0.01)
    await store.add_model(TWO, "op", START)
    await store.change_models(Act.SHADOW, "two", "op", START)
    readers, asked = Readers(), 0
    look = store.models_in_use

    async def sometimes() -> object:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise PitchgateError("store.away")
        return await look()

    monkeypatch.setattr(store, "models_in_use", sometimes)
    stop = asyncio.Event()
    running = asyncio.create_task(ModelFollower(store, readers, Path("file.onnx")).run(stop))
    await readers.took.wait()
    stop.set()
    await running
    assert readers.taken == [("file", "two")]
