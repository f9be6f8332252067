"""Exactly one challenge, whatever becomes of its sending: whoever works on it dies, answers are lost, ids rewritten."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.challenge import ChallengeState
from backend.domain.challenge_mail import reply_subject
from backend.domain.errors import FINAL_REFUSALS, SendUncertain, TryLater, Unexplained
from backend.domain.mail.mime import parse
from backend.ports.gmail import OutgoingMail
from tests.unit.pipeline.conftest import Fixture, letter, open_fixture

LOST = SendUncertain("The connection broke.", reason="ServerDisconnectedError")
BUSY = TryLater("Google is having problems.", reason="backendError")
PAGE = Unexplained("later.unexplained", reason="failedPrecondition")

AROUND_A_SEND = st.sampled_from(
    ["lost before", "lost after", "dies before", "dies after", "busy", "a page", "search busy", "search dies"]
)


class Spoilt:
    """Sends and searches of a house meet these troubles, one each, and then none."""

    def __init__(self, fixture: Fixture, troubles: list[str]) -> None:
        self._fixture, self._left = fixture, list(troubles)
        self._send, self._find = fixture.gmail.send, fixture.gmail.find_sent
        fixture.gmail.send, fixture.gmail.find_sent = self.send, self.find  # type: ignore[method-assign]

    async def send(self, mailbox_id: str, raw: bytes, thread_id: str) -> str:
        trouble = self._next("search")
        if trouble in ("dies before", "dies after"):
            getattr(self._fixture.gmail, trouble.replace("dies", "die").replace(" ", "_")).add("send")
        if trouble in ("lost before", "busy", "a page"):
            raise {"lost before": LOST, "busy": BUSY, "a page": PAGE}[trouble]
        sent = await self._send(mailbox_id, raw, thread_id)
        if trouble == "lost after":
            raise LOST
        return sent

    async def find(self, mailbox_id: str, mail: OutgoingMail) -> str:
        trouble = self._left.pop(0) if self._left and self._left[0].startswith("search") else ""
        if trouble == "search busy":
            raise BUSY
        if trouble == "search dies":
            self._fixture.gmail.die_after.add("find_sent")
        return await self._find(mailbox_id, mail)

    def _next(self, other: str) -> str:
        return self._left.pop(0) if self._left and not self._left[0].startswith(other) else ""


# A parsed subject has no controls in it.
SUBJECTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=120)


@given(troubles=st.lists(AROUND_A_SEND, max_size=8), subject=SUBJECTS)
@settings(max_examples=40)
def test_one_leaves_and_is_recorded(troubles: list[str], subject: str) -> None:
    async def story(folder: Path) -> None:
        async with open_fixture(folder) as fixture:
            Spoilt(fixture, troubles)
            pitch = fixture.gmail.deliver(letter(subject=subject))
            await fixture.push()
            await fixture.settle(turns=400)
            challenge = await fixture.store.challenge_of(fixture.mailbox_id, pitch)
            assert challenge is not None
            # A refusal that stays is believed, and then nothing may leave.
            refused = troubles.count("a page") >= FINAL_REFUSALS
            assert len(fixture.gmail.sent) == 1 or (refused and not fixture.gmail.sent)
            state = ChallengeState.SENT if fixture.gmail.sent else ChallengeState.FAILED
            assert challenge.state is state
            assert all(parse(sent.raw).subject == reply_subject(subject) for sent in fixture.gmail.sent)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder)))


async def test_a_process_that_may_have_lost_the_mailbox_sends_nothing(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, sent_then = iter([True]), []

    def may_be_lost(_: str) -> bool:
        sent_then.append(len(fixture.gmail.sent))
        return next(lost, False)

    monkeypatch.setattr(fixture.store.ownership, "may_be_lost", may_be_lost)
    fixture.gmail.deliver(letter(text="pitchy"))
    await fixture.push()
    await fixture.settle()
    assert sent_then == [0, 0], "asked before each send, the second of which looked for the first"
    assert "find_sent" in fixture.gmail.calls
    assert len(fixture.gmail.sent) == 1


# ---- In which words a held sender is answered: their language, and the owner's own paragraph where it is in that one


GERMAN = (
    "a pitchy letter. Guten Tag, ich wollte fragen, ob Sie diese Woche Zeit für ein kurzes Gespräch haben."
)
DUTCH = "a pitchy letter. Ik wil graag weten of u deze week even tijd heeft voor een gesprek met ons over de vraag."


@pytest.mark.parametrize(
    ("text", "expected", "own"),
    [
        (GERMAN, "Automatisch gesendet", "Nur freitags."),
        (DUTCH, "Sent automatically", "On Fridays only."),
        ("pitchy", "Sent automatically", "On Fridays only."),
    ],
)
async def test_a_challenge_is_in_the_senders_language_else_in_english(
    fixture: Fixture, text: str, expected: str, own: str
) -> None:
    await fixture.save_preferences(wording={"de": "Nur freitags.", "en": "On Fridays only."})
    fixture.gmail.deliver(letter(text=text))
    await fixture.push()
    await fixture.settle()

    (sent,) = fixture.gmail.sent
    answer = parse(sent.raw).text
    assert expected.lower() in answer.lower()
    assert own in answer
    assert ("freitags" in answer) == (own == "Nur freitags.")
