"""In which words a held sender is answered: their language, and the owner's own paragraph where it is in that one."""

from __future__ import annotations

import pytest

from backend.domain.mail.mime import parse
from tests.unit.pipeline.conftest import Fixture, letter

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
