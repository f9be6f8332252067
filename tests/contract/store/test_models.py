"""Models that operators add, and the log of what they do with them."""

from __future__ import annotations

import asyncio

import pytest

from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.message import Outcome, PolicyRow, Shadow, Verdict
from backend.domain.reading.score import Score
from backend.domain.watching.trial import CONFIGURED_MODEL, Act, ModelsInUse
from backend.transactions.records import StoredModel
from backend.transactions.script import EVERY
from tests.contract.store.stories import Story

TWO = StoredModel("two", "2" * 64, "two.onnx", bytes(range(256)) * 4_000)
BY = "op@host"


async def test_before_anybody_did_anything_the_file_judges(story: Story) -> None:
    assert await story.store.models_in_use() == ModelsInUse()
    assert await story.store.known_models() == ()


async def test_a_model_is_kept_with_its_bytes_once(story: Story) -> None:
    assert await story.store.add_model(TWO, BY, story.now)
    assert not await story.store.add_model(TWO, "somebody else", story.now)
    assert await story.store.stored_model("two") == TWO
    (known,) = await story.store.known_models()
    assert (known.version, known.digest, known.added_by, known.added_at) == ("two", "2" * 64, BY, story.now)
    for other in (StoredModel("two", "3" * 64, "x", b"x"), StoredModel("three", "2" * 64, "x", b"x")):
        with pytest.raises(Refused):
            await story.store.add_model(other, BY, story.now)
    with pytest.raises(NotFound):
        await story.store.stored_model("three")


async def test_every_act_is_written_down_with_who_did_it(story: Story) -> None:
    await story.store.add_model(TWO, BY, story.now)
    for act, version in ((Act.SHADOW, "two"), (Act.PROMOTE, "two"), (Act.ROLLBACK, CONFIGURED_MODEL)):
        story.pass_time(minutes=1)
        await story.store.change_models(act, version, f"{act} person", story.now)
    acts = await story.store.model_acts()
    assert [(done.act, done.version, done.by, done.in_use.champion) for done in acts] == [
        (Act.ADD, "two", BY, CONFIGURED_MODEL),
        (Act.SHADOW, "two", "shadow person", CONFIGURED_MODEL),
        (Act.PROMOTE, "two", "promote person", "two"),
        (Act.ROLLBACK, CONFIGURED_MODEL, "rollback person", CONFIGURED_MODEL),
    ]
    assert (
        await story.store.models_in_use()
        == acts[-1].in_use
        == ModelsInUse(4, CONFIGURED_MODEL, None, None, None)
    )
    with pytest.raises(NotFound):
        await story.store.change_models(Act.PROMOTE, "three", BY, story.now)
    with pytest.raises(Refused):
        await story.store.change_models(Act.STOP, "two", BY, story.now)
    assert len(await story.store.model_acts()) == 4


async def test_a_server_that_listens_is_told_of_an_act(story: Story, address: str) -> None:
    if not address.startswith("postgresql:"):
        return  # of the one file there is one server, which looks every few seconds
    notifier = story.store.changed(EVERY)
    heard = notifier.rings
    waiting = asyncio.create_task(notifier.rung(20.0, heard))
    await story.store.add_model(TWO, BY, story.now)
    assert await waiting


async def test_what_a_challenger_would_have_decided_is_kept_and_moves_nothing(story: Story) -> None:
    await story.mailbox()
    await story.arrive("ana", "m1", "m2")
    for job, row in zip(await story.due(), (PolicyRow.CHALLENGE, PolicyRow.BELOW_HOLD), strict=True):
        verdict = Verdict(
            Outcome.INBOX, PolicyRow.BELOW_HOLD, Score(0.1, -2.0), shadow=Shadow("two", row, 0.9)
        )
        await story.store.record_verdict(job, verdict, story.screened(), None, story.now)
    assert await story.work() == []
    rows = await story.store.archive_page("ana", "messages", "", 10)
    assert [(row["shadow_model"], row["shadow_row"], row["shadow_score"]) for row in rows] == [
        ("two", "challenge", 0.9),
        ("two", "below_hold", 0.9),
    ]
