"""A message that is too much for its reader costs itself and nothing else."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from backend.domain.digest import Rereading
from backend.domain.errors import TryLater
from backend.domain.mail.message import Address
from backend.domain.mailbox.message import FailOpenCause, ReadLimit
from backend.domain.reading.score import Reason, Score, SecondReadingTrace
from backend.ports.gmail import Fetched
from backend.ports.system import ReadingFailed
from backend.reader.frames import Limits, SecondReadingLimits, pack_answer
from backend.reader.pool import ReadingPool
from backend.reader.process import ModelUnusable, ReadingProcess, _Pipes
from backend.transactions.records import StoredModel
from tests.contract.reader.test_reader import ANA, fetched
from tests.doubles import in_english
from tests.fakes.reading_process import AGAIN, THRESHOLDS
from tests.unit.pipeline.conftest import letter

LIMITS = Limits(seconds=1.2, memory=150_000_000, timeout=20.0)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems hold no limit of memory")


@pytest.fixture(autouse=sys.platform == "linux")
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter and its imports are most of what a reader costs. tests/contract/reader starts real ones."""
    from tests.machine import begin_reader

    monkeypatch.setattr(asyncio.BaseEventLoop, "subprocess_exec", begin_reader)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "model"
    file.write_text("one")
    return file


@pytest.fixture
async def pool(model: Path) -> AsyncIterator[ReadingPool]:
    async with opened(model) as pool:
        yield pool


def opened(
    model: Path, limits: Limits = LIMITS, processes: int = 1
) -> AbstractAsyncContextManager[ReadingPool]:
    return ReadingPool.open("tests.fakes.reading_process", model, limits, processes)


def mail(text: str) -> Fetched:
    return fetched(letter(text=text))


def of_another(text: str) -> Fetched:
    return fetched(replace(letter(text=text), from_=(Address("eve@other.test"),)))


def stored(version: str) -> StoredModel:
    return StoredModel(version, f"digest-{version}", f"{version}.onnx", version.encode())


def change(model: Path, content: str | None) -> None:
    """Another model file in its place, or none."""
    model.unlink()
    if content is not None:
        model.write_text(content)


async def reads(pool: ReadingPool) -> bool:
    digest = await pool.screen(of_another("a pitchy letter"), ANA)
    return digest.score is not None and digest.score.probability == 0.97


async def model_that_read(pool: ReadingPool) -> str:
    score = (await pool.screen(mail("a pitchy letter"), ANA)).score
    assert score is not None
    return score.model


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("hang", ReadLimit.TIME),
        ("loop", ReadLimit.TIME),
        pytest.param("grow", ReadLimit.MEMORY, marks=linux_only),
        ("die", ReadLimit.BROKEN),
        ("lie", ReadLimit.BROKEN),
        ("flood", ReadLimit.BROKEN),
    ],
)
@pytest.mark.parametrize(("subject", "probability"), [("a quiet word", 0.02), ("a pitchy word", 0.97)])
async def test_what_can_be_read_of_it_is_judged_and_the_next_message_is_read(
    pool: ReadingPool, text: str, limit: ReadLimit, subject: str, probability: float
) -> None:
    costly = fetched(letter(text=text, subject=subject))
    bad, good = await asyncio.gather(pool.screen(costly, ANA), reads(pool))
    assert (bad.read_limit, bad.cause) == (limit, None)
    assert bad.score is not None
    assert bad.score.probability == probability
    assert bad.arrival.message.sender.address == "sam@seller.test"
    assert good
    assert await reads(pool)
    assert len(pool.pids) == 1


async def test_what_did_not_come_whole_is_judged_by_what_came_and_shown_so(pool: ReadingPool) -> None:
    came = replace(fetched(letter(text="hang", subject="a pitchy word")), whole=False)
    read = await pool.screen(came, ANA)
    assert (read.read_limit, read.cause) == (ReadLimit.SIZE, None)
    assert read.score is not None
    assert read.score.probability == 0.97
    assert (await pool.show(came, ANA, read.score)).text == ""


async def test_waiting_by_the_clock_ends_too(model: Path) -> None:
    # A process that uses no processor time is not seen by its own alarm.
    async with opened(model, Limits(seconds=5.0, memory=LIMITS.memory, timeout=2.0)) as pool:
        assert (await pool.screen(mail("wait"), ANA)).read_limit is ReadLimit.TIME
        assert await reads(pool)


async def test_what_takes_long_in_python_costs_no_process_and_its_sender_is_read_cheaply(
    pool: ReadingPool,
) -> None:
    (before,) = pool.pids
    assert (await pool.screen(mail("loop"), ANA)).read_limit is ReadLimit.TIME
    again = await pool.screen(mail("hang"), ANA)
    assert again.read_limit is ReadLimit.TIME
    assert pool.pids == [before], "nothing hung: its sender's mail was read the cheap way at once"
    assert (await pool.screen(of_another("a pitchy letter"), ANA)).read_limit is None
    owner = replace(ANA, email="ben@corp.test")
    assert (await pool.screen(mail("a pitchy letter"), owner)).read_limit is None, (
        "another mailbox's own affair"
    )


async def test_a_model_that_breaks_is_no_limit_of_the_message(pool: ReadingPool) -> None:
    read = await pool.screen(mail("break"), ANA)
    assert (read.read_limit, read.score, read.cause) == (None, None, FailOpenCause.SCORER_BROKEN)


async def test_what_cannot_even_be_opened_is_unread_and_half_an_answer_is_fetched_again(
    pool: ReadingPool,
) -> None:
    with pytest.raises(ReadingFailed) as unread:
        await pool.screen(Fetched(b"nested"), ANA)
    assert unread.value.cause is FailOpenCause.UNREADABLE
    assert unread.value.fault.startswith("RecursionError at ")
    with pytest.raises(TryLater):
        await pool.screen(Fetched(b"half an answ"), ANA)
    with pytest.raises(ReadingFailed):
        await pool.show(Fetched(b"nested"), ANA, Score(0.5, 0.0))


async def test_a_process_somebody_else_ended_costs_no_message(pool: ReadingPool) -> None:
    for _ in range(3):
        os.kill(pool.pids[0], signal.SIGKILL)
        assert await reads(pool)


async def test_what_is_sent_to_the_whole_group_does_not_end_it(pool: ReadingPool) -> None:
    (before,) = pool.pids
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(before, number)
        assert await reads(pool)
    assert pool.pids == [before]


@linux_only
async def test_memory_a_message_took_is_given_back(pool: ReadingPool) -> None:
    before = pool.pids
    assert (await pool.screen(mail("keep"), ANA)).score is not None
    assert await reads(pool)
    assert pool.pids != before


async def test_a_caller_who_goes_away_leaves_no_process_at_work(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.reader.pool.ABANDONED_SECONDS", 0.1)
    async with opened(model, Limits(seconds=5.0, memory=LIMITS.memory, timeout=60.0)) as pool:
        caller = asyncio.create_task(pool.screen(mail("wait"), ANA))
        assert not await reads_first(pool, caller)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert await reads(pool)


async def test_callers_who_give_up_cost_no_process(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine each gave up while one was started, which ended that start: none was ever there."""
    started = []
    start = ReadingProcess.start

    async def slowly(*arguments: Any) -> ReadingProcess:
        process = await start(*arguments)
        started.append(process)
        return process

    async with opened(model) as pool:
        monkeypatch.setattr(ReadingProcess, "start", slowly)
        os.kill(pool.pids[0], signal.SIGKILL)
        while not started:  # in which nobody waits long enough for it
            caller = asyncio.create_task(reads(pool))
            await asyncio.wait({caller}, timeout=0.01)  # far less than a start takes
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
        assert await reads(pool)
        assert len(started) == 1


async def test_a_message_waits_for_a_process_as_for_google(model: Path) -> None:
    """All being busy is no failure of its own, however often it is met."""
    limits = Limits(seconds=5.0, memory=LIMITS.memory, timeout=5.0)
    async with ReadingPool.open("tests.fakes.reading_process", model, limits, 1, wait=0.05) as pool:
        slow = asyncio.create_task(pool.screen(mail("wait"), ANA))
        await asyncio.sleep(0)
        with pytest.raises(TryLater) as later:
            await pool.screen(mail("pitchy"), ANA)
        assert later.value.reason == "reader"
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def reads_first(pool: ReadingPool, caller: asyncio.Task[object]) -> bool:
    """Whether another message is read while the caller's is; one process reads one at a time."""
    other = asyncio.create_task(reads(pool))
    done, _ = await asyncio.wait({other, caller}, timeout=0.2)
    other.cancel()
    return bool(done)


async def test_several_processes_read_at_once(model: Path) -> None:
    async with opened(model, Limits(seconds=5.0, memory=LIMITS.memory, timeout=2.0), processes=2) as pool:
        slow = asyncio.create_task(pool.screen(mail("wait"), ANA))
        assert await reads(pool)
        assert not slow.done()
        assert (await slow).read_limit is ReadLimit.TIME


async def test_it_is_given_none_of_our_secrets(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITCHGATE_SECRET_KEYS", "a key")
    async with opened(model) as pool:
        digest = await pool.screen(mail("pitchy environment"), ANA)
    assert digest.score is not None
    names = [reason.code for reason in digest.score.reasons]
    assert "PATH" in names
    assert not [name for name in names if name.startswith("PITCHGATE_")]


class TestModels:
    async def test_another_model_takes_over_in_idle_processes_too(
        self, pool: ReadingPool, model: Path
    ) -> None:
        before = pool.pids
        change(model, "two")
        assert pool.model_version == "one", "a file is read when it is ordered, not when it changes"
        assert (await pool.switch(None)).version == pool.model_version == "two"
        digest = await pool.screen(mail("pitchy"), ANA)
        assert digest.score is not None
        assert digest.score.model == "two"
        assert len(pool.pids) == 1
        assert pool.pids != before

    async def test_a_stored_one_takes_over_and_must_be_the_one_that_was_added(
        self, pool: ReadingPool
    ) -> None:
        await pool.switch(stored("two"))
        assert pool.model_version == "two"
        with pytest.raises(ModelUnusable):
            await pool.switch(StoredModel("three", "digest-other", "three.onnx", b"three"))
        assert pool.model_version == "two"
        await pool.switch(None)
        assert pool.model_version == "one"

    async def test_a_challenger_scores_beside_the_champion(self, pool: ReadingPool) -> None:
        assert (await pool.switch(None, stored("two"))).challenger_refused is None
        digest = await pool.screen(mail("a pitchy letter"), ANA)
        assert digest.score is not None
        assert digest.challenger is not None
        assert (digest.score.model, digest.challenger.model) == ("one", "two")
        assert digest.challenger_thresholds == digest.thresholds
        await pool.switch(None)
        assert (await pool.screen(mail("pitchy"), ANA)).challenger is None

    async def test_a_challenger_that_is_refused_costs_the_champion_nothing(self, pool: ReadingPool) -> None:
        assert (await pool.switch(None, stored("bad"))).challenger_refused is not None
        assert await reads(pool)

    async def test_processes_are_replaced_one_after_the_other_and_the_rest_read_on(self, model: Path) -> None:
        async with opened(model, processes=3) as pool:
            during: list[str] = []
            switching = asyncio.create_task(pool.switch(stored("two")))
            while not switching.done():
                during.append(await model_that_read(pool))
            await switching
            assert during[0] == "one"
            assert set(during) <= {"one", "two"}
            assert {await model_that_read(pool) for _ in range(6)} == {"two"}

    async def test_one_that_is_refused_changes_nothing(self, pool: ReadingPool, model: Path) -> None:
        change(model, "bad")
        with pytest.raises(ModelUnusable) as refused:
            await pool.switch(None)
        assert in_english(refused.value).endswith("is bad.")
        assert pool.model_version == "one"
        assert await reads(pool)

    async def test_a_process_started_later_has_the_model_that_was_in_use(
        self, pool: ReadingPool, model: Path
    ) -> None:
        change(model, "bad")
        os.kill(pool.pids[0], signal.SIGKILL)
        assert await reads(pool)
        assert pool.model_version == "one"

    @pytest.mark.parametrize("content", ["bad", None])
    async def test_without_a_usable_one_nothing_starts(self, model: Path, content: str | None) -> None:
        change(model, content)
        with pytest.raises(ModelUnusable):
            async with opened(model):
                raise AssertionError("it started")


class TestASecondReading:
    DOUBTFUL = "we would like you to read this and it is doubtful"
    AGAIN = replace(LIMITS, second=SecondReadingLimits("encoder", 0.1, 0.95, 20.0))

    @pytest.fixture
    async def pool(self, model: Path) -> AsyncIterator[ReadingPool]:
        async with opened(model, self.AGAIN) as pool:
            yield pool

    async def test_what_is_in_doubt_is_read_again_and_judged_by_other_thresholds(
        self, pool: ReadingPool
    ) -> None:
        digest = await pool.screen(mail(self.DOUBTFUL), ANA)
        assert digest.score is not None
        assert digest.again is Rereading.READ
        assert (digest.score.probability, digest.score.logit) == (0.9, 2.0)
        assert digest.score.reasons[-1] == Reason("again.pitch", 2.0)
        assert digest.score.trace is not None
        assert digest.score.trace.again == SecondReadingTrace("numbers", "judge", 0.0)
        assert digest.thresholds == AGAIN
        (before,) = pool.pids
        assert await reads(pool)
        assert pool.pids == [before]

    @pytest.mark.parametrize(
        ("text", "limits"),
        [
            ("a pitchy letter for you and it is sure", AGAIN),
            (DOUBTFUL, LIMITS),
            (DOUBTFUL, replace(LIMITS, second=SecondReadingLimits("encoder", 0.1, 0.4, 20.0))),
            (DOUBTFUL, replace(LIMITS, second=SecondReadingLimits("encoder", 0.5, 0.95, 20.0))),
            ("doubtful: ich möchte gerne wissen, ob das für dich und mich ist", AGAIN),
        ],
        ids=["sure", "without", "below", "above", "in another language"],
    )
    async def test_all_else_is_read_once(self, model: Path, text: str, limits: Limits) -> None:
        async with opened(model, limits) as pool:
            digest = await pool.screen(mail(text), ANA)
            assert digest.score is not None
            assert digest.score.probability in (0.4, 0.97)
            assert digest.again is None
            assert digest.thresholds == THRESHOLDS

    @pytest.mark.parametrize(
        ("what", "seconds", "becomes"),
        [
            ("againdie", 60.0, Rereading.LOST),
            ("againhang", 60.0, Rereading.LOST),
            ("againbreak", 60.0, Rereading.LOST),
            pytest.param("againgrow", 60.0, Rereading.LOST, marks=linux_only),
            ("againwait", 0.1, Rereading.LATE),
        ],
    )
    async def test_the_first_one_stands_whatever_becomes_of_it(
        self, model: Path, what: str, seconds: float, becomes: Rereading, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("backend.reader.pool.ABANDONED_SECONDS", 0.1)
        limits = replace(self.AGAIN, second=SecondReadingLimits("encoder", 0.1, 0.95, seconds))
        async with opened(model, limits) as pool:
            digest = await pool.screen(mail(f"{self.DOUBTFUL} {what}"), ANA)
            assert digest.score is not None
            assert (digest.score.probability, digest.again, digest.cause) == (0.4, becomes, None)
            assert digest.thresholds == THRESHOLDS
            assert await reads(pool)
            assert len(pool.pids) == 1

    async def test_one_for_another_model_is_done_without(self, pool: ReadingPool, model: Path) -> None:
        change(model, "other")
        taken = await pool.switch(None)
        assert taken.second_refused is not None
        assert (await pool.screen(mail(self.DOUBTFUL), ANA)).again is None
        change(model, "one")
        assert (await pool.switch(None)).second_refused is None
        assert (await pool.screen(mail(self.DOUBTFUL), ANA)).again is Rereading.READ


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.unit.reader.test_pool import ANA, mail, opened
from tests.doubles import in_english
from tests.fakes.reading_process import AGAIN, THRESHOLDS

async def main():
    async with opened(Path(sys.argv[1])) as pool:
        reading = asyncio.create_task(pool.screen(mail(sys.argv[2]), ANA))
        await asyncio.sleep(0.1)
        print(pool.pids[0], flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


@linux_only
@pytest.mark.parametrize("text", ["an ordinary letter", "hang"])
def test_it_ends_with_its_parent(model: Path, text: str) -> None:
    """At once when it is idle, and by its own alarm when it is deep in a message."""
    command = [sys.executable, "-c", PARENT, str(model), text]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        ended, _, _ = select.select([child], [], [], 30)
        assert ended
    finally:
        os.close(child)


async def test_an_answer_in_pieces_is_one_and_what_nobody_asked_for_is_none() -> None:
    said = pack_answer({"value": 1})

    class Requests:
        def get_pipe_transport(self, _: int) -> Requests:
            return self

        def writelines(self, _: object) -> None: ...

    pipes = _Pipes()
    pipes.connection_made(cast(Any, Requests()))
    for _ in range(2):
        answer = pipes.ask(b"", b"")
        for byte in said:
            pipes.pipe_data_received(1, bytes([byte]))
        assert await answer == said[4:]
    assert pipes.open
    pipes.pipe_data_received(1, said)
    assert not pipes.open
    with pytest.raises(BrokenPipeError):
        pipes.ask(b"", b"")
    pipes = _Pipes()
    pipes.connection_made(cast(Any, Requests()))
    answer = pipes.ask(b"", b"")
    pipes.pipe_data_received(1, said + said)
    assert (await answer, pipes.open) == (b"", False)
