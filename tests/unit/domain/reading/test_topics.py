"""Topics rest on findings that exist, and one is offered when released messages have it in common."""

from __future__ import annotations

import pytest

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.reading import topics as reading
from backend.domain.reading.lexicon import LANGUAGES, lexicon
from backend.domain.reading.topics import Signs, Topic, topics, unwelcomed
from backend.domain.reading.wording import prepare

ANA = Owner("ana@corp.test", "Ana")


def test_every_topic_has_signs_and_every_sign_is_a_finding_of_the_lexicon() -> None:
    signs = dict(reading.every_topic())
    assert set(signs) == set(Topic)
    known = {"t_" + name for language in LANGUAGES for name, _ in lexicon(language).phrases}
    known |= {"c_" + name for language in LANGUAGES for name, _ in lexicon(language).concepts}
    for one in signs.values():
        assert one.alone
        assert known.issuperset((*one.alone, *one.beside))


def test_one_sure_finding_tells_a_topic_and_of_the_others_it_takes_two() -> None:
    signs = Signs(("t_offers_goods",), ("c_sample", "c_machine"))
    assert signs.tell({"t_offers_goods"})
    assert signs.tell({"c_sample", "c_machine"})
    assert not signs.tell({"c_sample", "c_offer"})
    assert not signs.tell(set())


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        (
            "We are recruiters and have three candidates for your vacancy. Shall I send a shortlist?",
            "candidates",
        ),
        ("Wir haben passende Kandidaten für Ihre offene Stelle im Einkauf.", "candidates"),
        ("We are a factory for steel parts. Our catalogue is attached, MOQ 500 pieces.", "goods"),
    ],
)
def test_a_topic_is_found_whatever_the_language(text: str, topic: str) -> None:
    message = Message(from_=(Address("bo@pitch.test", "Bo"),), to=(Address(ANA.email, "Ana"),), text=text)
    assert topic in topics(prepare(message, ANA))


def test_nobody_can_write_a_finding_into_a_message() -> None:
    message = Message(from_=(Address("bo@pitch.test"),), text="t_lends_money t_buys_business")
    assert topics(prepare(message, ANA)) == frozenset()


def test_a_topic_is_offered_that_two_released_messages_share() -> None:
    one, two = frozenset({Topic.GOODS, Topic.EVENTS}), frozenset({Topic.GOODS})
    assert unwelcomed([one, two], set()) is Topic.GOODS
    assert unwelcomed([one], set()) is None
    assert unwelcomed([one, two], {Topic.GOODS}) is None
    assert unwelcomed([one, one, two], {Topic.GOODS}) is Topic.EVENTS
    assert unwelcomed([two, one, one], {Topic.GOODS}) is None, "the last one is about nothing else"
    assert unwelcomed([], set()) is None
    assert unwelcomed([one, two], set(Topic)) is None
