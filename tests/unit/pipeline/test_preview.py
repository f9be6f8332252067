"""An owner looks into a mail again: its text, and what weighed in it."""

from __future__ import annotations

import pytest

from backend.domain.errors import Gone
from backend.domain.reasons import PITCH_WORDS
from backend.domain.score import Reason, Score
from backend.pipeline.preview import preview
from tests.unit.pipeline.conftest import House, letter


async def test_a_preview_marks_what_weighed_and_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def score(text: str) -> Score:
        return Score(
            0.9, 2.0, (Reason(PITCH_WORDS, 2.0, ("pitchy",)), Reason("asks for a call or a meeting", 1.0))
        )

    monkeypatch.setattr(house.scorer, "score", score)
    written = "A pitchy letter. Would you have time for a quick call?"
    gmail_id = house.gmail.deliver(letter(text=written))
    before = house.gmail.labels_of(gmail_id)
    found = await preview(house.kit, await house.mailbox(), gmail_id)

    assert found.text == written
    marked = [written[mark.start : mark.end] for mark in found.marks]
    assert marked[0] == "pitchy"
    assert any("quick call" in words for words in marked)
    assert found.score is not None
    assert any("quick call" in word for reason in found.score.reasons for word in reason.words)
    assert house.gmail.labels_of(gmail_id) == before
    assert await house.store.messages(house.mailbox_id) == ()


async def test_a_mail_that_cannot_be_scored_is_still_shown(house: House) -> None:
    house.scorer.broken = True
    gmail_id = house.gmail.deliver(letter())
    found = await preview(house.kit, await house.mailbox(), gmail_id)
    assert found.score is None
    assert found.marks == ()
    assert "pitchy" in found.text


async def test_a_deleted_mail_is_gone(house: House) -> None:
    with pytest.raises(Gone):
        await preview(house.kit, await house.mailbox(), "dead")


async def test_stored_reasons_hold_the_mails_own_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def score(text: str) -> Score:
        return Score(0.97, 2.0, (Reason("asks for a call or a meeting", 1.0),), "fake")

    monkeypatch.setattr(house.scorer, "score", score)
    house.gmail.deliver(letter(text="Would you have time for a quick call?"))
    await house.push()
    await house.settle()
    (view,) = await house.store.messages(house.mailbox_id)
    assert any("quick call" in word for word in view.reasons[0]["words"])
