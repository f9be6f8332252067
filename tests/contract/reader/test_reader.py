"""What every reader keeps: the real processes, and the twin in memory that other tests use."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.domain.digesting import read_and_score, show, unscored_digest
from backend.domain.mail.message import Address, Arrival, Headers, Message, Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpenCause
from backend.domain.reading.score import Reason, Score
from backend.ports.gmail import Fetched
from backend.ports.system import Reader
from backend.reader.frames import Limits
from backend.reader.pool import ReadingPool
from tests.doubles import START
from tests.fakes.reader import FakeReader
from tests.fakes.reading_process import COSTS, THRESHOLDS, _score
from tests.unit.pipeline.conftest import letter


def briefly(text: str) -> Score:
    return replace(_score(text, "fake"), reasons=())


ANA = Owner("ana@corp.test", "Ana Ruiz", frozenset({"ana@corp.test"}))
LIMITS = Limits(seconds=5.0, memory=200_000_000, timeout=30.0)


def arrival(message: Message, *labels: str) -> Arrival:
    return Arrival("m1", "t1", frozenset(labels or ("INBOX",)), START, message)


def fetched(message: Message, *labels: str) -> Fetched:
    return Fetched(pickle.dumps(arrival(message, *labels)))


@pytest.fixture(params=["twin", "processes"])
async def reader(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reader]:
    if request.param == "twin":
        yield FakeReader(lambda text: _score(text, "fake"), THRESHOLDS.__getitem__)
        return
    model = tmp_path / "model"
    model.write_text("fake")
    async with ReadingPool.open("tests.fakes.reading_process", model, LIMITS, 1) as pool:
        yield pool


async def test_a_message_is_read_and_scored_as_the_domain_does_it(reader: Reader) -> None:
    for message in (letter(), letter(List_Id="<l.corp.test>", References="<a@b> <c@d>"), Message()):
        expected = read_and_score(
            arrival(message), ANA, lambda text: _score(text, "fake"), THRESHOLDS, briefly=briefly
        )
        assert await reader.screen(fetched(message), ANA) == expected


async def test_reasons_come_at_a_threshold_and_below_them_all_when_somebody_looks(reader: Reader) -> None:
    pitch = await reader.screen(fetched(letter(text="pitchy")), ANA)
    assert pitch.score is not None
    assert [reason.code for reason in pitch.score.reasons] == ["a word"]
    mail = fetched(letter(text="see you at eight"))
    fine = await reader.screen(mail, ANA)
    assert fine.score is not None
    assert fine.score.reasons == ()
    shown = await reader.show(mail, ANA, fine.score)
    assert [reason.code for reason in shown.reasons] == ["a word"]
    of_another_model = await reader.show(mail, ANA, replace(fine.score, model="another"))
    assert of_another_model.reasons == ()


async def test_nothing_of_body_and_headers_comes_back(reader: Reader) -> None:
    message = letter(text="a secret sentence of Sam's " * 200, X_Odd="an odd header")
    read = repr(await reader.screen(fetched(message), ANA))
    assert "secret sentence" not in read
    assert "odd header" not in read


async def test_what_comes_back_is_bounded_and_no_address_is_cut_short(reader: Reader) -> None:
    long = "x" * 100_000
    message = Message(
        from_=tuple(Address(f"{long}@a.test", long) for _ in range(50)),
        reply_to=(Address(f"{long}@a.test"),),
        subject=long,
        message_id=long,
        references=(long, "<kept@a.test>") * 500,
        text="hello",
        defects=(long,) * 50,
    )
    read = await reader.screen(fetched(message), ANA)
    assert len(repr(read)) < 20_000
    assert read.arrival.message.sender.address == read.reply_to == ""
    assert read.arrival.message.references == ("<kept@a.test>",) * 20


async def test_a_model_that_breaks_is_told_with_its_place_and_none_of_the_text(reader: Reader) -> None:
    read = await reader.screen(fetched(letter(text="break it")), ANA)
    assert (read.score, read.cause) == (None, FailOpenCause.SCORER_BROKEN)
    assert read.fault.startswith("RuntimeError at reading_process.py:")
    assert read.arrival.message.sender.address == "sam@seller.test"


async def test_what_the_owner_wrote_is_not_scored_but_tells_whom_they_know(reader: Reader) -> None:
    mine = letter("ana@corp.test", "break this too, dear Bea", to="bea@firm.test")
    read = await reader.screen(fetched(mine, "SENT"), ANA)
    assert (read.score, read.cause, read.correspondents) == (
        None,
        None,
        ("bea@firm.test",),
    )
    assert await reader.correspondents(fetched(mine), ANA) == ("bea@firm.test",)
    automatic = replace(mine, headers=Headers((("Auto-Submitted", "auto-replied"),)))
    assert await reader.correspondents(fetched(automatic), ANA) == ()


async def test_a_message_is_shown_with_its_marks(reader: Reader) -> None:
    message = letter(text="Do you have time for a pitchy call?\r\n\r\n\r\n\r\nSam\u202e")
    score = Score(0.9, 2.0, (Reason("pitch_words", 1.0, ("pitchy",)),))
    read = await reader.show(fetched(message), ANA, score)
    assert read == show(message, ANA, score)
    assert [read.text[mark.start : mark.end] for mark in read.marks] == ["pitchy"]
    assert read.text.endswith("call?\n\nSam")


async def test_an_offer_to_unsubscribe_is_read(reader: Reader) -> None:
    assert (await reader.offer(fetched(letter()))).cause == "no_offer"


async def test_facts_are_those_of_the_score(reader: Reader) -> None:
    read = await reader.screen(fetched(letter()), ANA)
    known = unscored_digest(arrival(letter()), ANA)
    assert replace(read, score=None, thresholds={}, language=known.language) == known
    assert {strictness: reader.thresholds(strictness) for strictness in Strictness} == read.thresholds
    assert {strictness: reader.cost(strictness) for strictness in Strictness} == COSTS
    assert reader.model_version == "fake"
