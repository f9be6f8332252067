"""Whatever the store says and whatever a mail contains: every card is one Gmail takes."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import AccessState, Condition, NoticeMode
from backend.domain.mailbox.message import MessageView, Outcome, Placement, PolicyRow, Stage
from backend.locale import LANGUAGES
from backend.pipeline.addon import Home
from backend.sandbox.addon_cards import answer_problems, card_problems
from backend.transactions.records import HeldSender
from backend.web.addon_cards import (
    Json,
    ask_connection,
    ask_scopes,
    first_card,
    home_card,
    message_card,
    message_version,
    note_card,
    settings_card,
    shown,
    updated_card,
)
from backend.web.pages import card_words, state_of
from tests.doubles import START as NOW
from tests.values import message
from tests.web.addon.gallery import GROUPS, HOSTILE, active, boxes, frame, reading
from tests.web.addon.schema import CARD, SECTION, WIDGET, check_answer, validator

ANY_TEXT = st.text(max_size=300)


CHECKED: set[str] = set()
"""Cards and widgets that were found to be right: many states show the same ones, and the validator is slow."""


def check(card: Json) -> Json:
    """Against Google's schema and the limits: each widget by itself, each section with its first widget, and the card
    with its first section."""
    if (written := json.dumps(card)) in CHECKED:
        return card
    short = []
    for section in card["sections"]:
        for widget in section["widgets"]:
            _check(WIDGET, widget)
        short.append(section | {"widgets": section["widgets"][:1]})
        _check(SECTION, short[-1])
    _check(CARD, card | {"sections": short[:1]})
    assert card_problems(card) == []
    CHECKED.add(written)
    return card


def _check(name: str, part: Json) -> None:
    if (written := json.dumps(part)) not in CHECKED:
        wrong = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator(name).iter_errors(part)]
        assert wrong == []
        CHECKED.add(written)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_of_a_message_has_a_card(language: str) -> None:
    states = product(
        PolicyRow,
        (*Placement, None),
        (None, Stage.ACT, Stage.SCREEN, Stage.RELEASE),
        ("", "owner", "solve", "replied"),
    )
    for row, placement, stage, by in states:
        view = message(row=row, placement=placement, stage=stage, decided_by=by)
        check(message_card(frame(language), active(), "m1", reading(view)))
    check(message_card(frame(language), active(), "m1", reading(message(row="", outcome="", score=None))))
    check(message_card(frame(language), active(), "m1", reading(message(dead_letter=True, cause="x"))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_of_a_mailbox_has_a_card(language: str) -> None:
    assert set(boxes()) == set(Condition)
    for condition, box in boxes().items():
        assert box.condition(NOW) is condition
        text = state_of(box, language, NOW, frame(language).t.moment).line
        assert text in json.dumps(home_card(frame(language), box, Home(0, 0, ())), ensure_ascii=False)
        check(settings_card(frame(language), box))
    for note in (key for key in card_words("en") if key.startswith("note_")):
        check(note_card(frame(language), active(), "m1", note))
        check(note_card(frame(language), active(link=AccessState.NEEDS_RECONNECT), "", note))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("group", GROUPS)
def test_every_card_of_the_gallery_is_one_gmail_takes(group: str, language: str) -> None:
    english, cards = GROUPS[group]("en"), GROUPS[group](language)
    for name, card in cards.items():
        check(card)
        assert json.dumps(card["sections"]).count('"FILLED"') <= 1, name
        # The same widgets and clicks, other words.
        assert _acts(card) == _acts(english[name]), name


@pytest.mark.parametrize("notices", list(NoticeMode))
def test_cards_say_how_news_comes_and_what_keeps_it_from_coming(notices: NoticeMode) -> None:
    box = active(notices=notices, unheard_since=NOW - timedelta(hours=1))
    for card in (home_card(frame(), box, Home(0, 0, ())), settings_card(frame(), box)):
        assert "No notice of new email has arrived from Gmail since" in json.dumps(check(card))
    assert card_words("en")[f"news_{notices}"] in json.dumps(card, ensure_ascii=False)


@pytest.mark.parametrize(("senders", "heading"), [(1, "Latest"), (7, "Latest 1 of 7")])
def test_the_home_card_says_when_more_wait_than_it_shows(senders: int, heading: str) -> None:
    held = (HeldSender("a@b.test", 1, NOW, (message(),)),)
    sections = home_card(frame(), active(), Home(9, senders, held))["sections"]
    assert heading in [section.get("header") for section in sections]


def test_while_it_observes_the_home_card_shows_what_it_would_hold_and_lets_nothing_in() -> None:
    card = home_card(frame(), active(), Home(0, 0, (), (message(placement=Placement.MARKED),)))
    assert "Would be held" in json.dumps(card)
    assert _acts(card) == ["show", "pause", "pause", "settings"]


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_whatever_a_mail_says_its_cards_are_valid(name: str, sender: str, subject: str, word: str) -> None:
    reasons = tuple({"text": word, "weight": (-1) ** n, "words": [word] * 9} for n in range(12))
    view = message(sender_name=name, sender=sender, subject=subject, reasons=reasons)
    check_answer(first_card(check(message_card(frame(), active(), "m1", reading(view)))), clicked=False)
    held = tuple(message(f"m{n}", sender_name=name, subject=subject) for n in range(6))
    piles = tuple(HeldSender(sender, 9, NOW, (pitch,)) for pitch in held)
    check_answer(
        updated_card(check(home_card(frame(), active(), Home(10_000, 77, piles, held))), "Done.", moved=True),
        clicked=True,
    )


@given(ANY_TEXT)
def test_mail_text_is_one_escaped_line_without_direction_marks(text: str) -> None:
    made = shown(text)
    assert not set("<>\"'\n\r\u202e\u2066\x00") & set(made)
    assert len(made) <= 200 * len("&quot;")


def test_hostile_text_stays_text() -> None:
    view = message(sender_name=HOSTILE, sender="a@b.test", subject=HOSTILE)
    made = json.dumps(
        [
            message_card(frame(), active(), "m1", reading(view)),
            home_card(frame(), active(), Home(1, 1, (HeldSender("a@b.test", 1, NOW, (view,)),))),
        ],
        ensure_ascii=False,
    )
    assert "<script" not in made
    assert "<a href" not in made
    assert "&lt;script&gt;" in made


def test_what_is_offered_follows_from_what_is() -> None:
    def offered(view: MessageView, **standing: Any) -> list[str]:
        card = message_card(frame(), active(), "m1", reading(view, **standing))
        return _acts(card)

    everyone = ["allow_domain", "block_domain"]
    assert offered(message()) == ["release", "allow", "block", "keep", "credit", *everyone]
    assert "keep" not in offered(message(decided_by="kept"))
    inbox = message(placement=Placement.INBOX, outcome=Outcome.INBOX, row=PolicyRow.BELOW_HOLD)
    assert offered(inbox) == ["sales", "allow", "block", "credit", *everyone]
    allowed = offered(message(), rules=RuleMatch(address=RuleKind.ALLOW))
    assert "allow" not in allowed
    assert "block" in allowed
    assert "block_domain" not in offered(message(), rules=RuleMatch(domain=RuleKind.BLOCK))
    free = offered(message(sender="max@gmail.com"))  # everybody has an address there
    assert not {*everyone} & {*free}
    assert offered(message(outcome=Outcome.IGNORE, row=PolicyRow.NOT_INCOMING, placement=None)) == []


def test_an_act_is_tied_to_what_was_shown() -> None:
    before = message_version(reading(message()))
    assert message_version(reading(message(changed_at=NOW + timedelta(microseconds=1)))) != before
    assert message_version(reading(message(), credits=1)) != before


def test_prompts_are_alone() -> None:
    check_answer(ask_scopes(["https://www.googleapis.com/auth/userinfo.email"]), clicked=True)
    check_answer(ask_connection("https://gate.test"), clicked=False)


BROKEN: dict[str, Json] = {
    "no widget": {"sections": [{"widgets": []}]},
    "at most 100": {"sections": [{"widgets": [{"divider": {}}] * 101}]},
    "card actions": {"sections": [{"widgets": [{"divider": {}}]}], "cardActions": [{}] * 11},
    "no primary button": {"sections": [{"widgets": [{"divider": {}}]}], "fixedFooter": {}},
    "not escaped": {"sections": [{"widgets": [{"textParagraph": {"text": "<script>"}}]}]},
    "ampersand": {"sections": [{"widgets": [{"textParagraph": {"text": "R&D"}}]}]},
    "no HTTPS": {"sections": [{"widgets": [{"image": {"imageUrl": "http://evil.test/a.png"}}]}]},
    "one thing": {"sections": [{"widgets": [{"divider": {}, "textParagraph": {"text": "x"}}]}]},
    "columns": {"sections": [{"widgets": [{"columns": {"columnItems": [{}, {}, {}]}}]}]},
    "100 items": {"sections": [{"widgets": [{"selectionInput": {"name": "n", "items": [{}] * 101}}]}]},
    "hyphens": {"sections": [{"id": "a_b", "widgets": [{"divider": {}}]}]},
    "both text": {
        "sections": [{"widgets": [{"buttonList": {"buttons": [{"text": "x", "onClick": {
            "action": {"function": "https://gate.test/", "parameters": [{"key": "n", "value": 1}]}}}]}}]}]
    },
    "bytes": {"sections": [{"widgets": [{"textParagraph": {"text": "x" * 40_000}}]}]},
}  # fmt: skip


@pytest.mark.parametrize("problem", BROKEN)
def test_the_limits_find_what_breaks_them(problem: str) -> None:
    assert any(problem in found for found in card_problems(BROKEN[problem]))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"requesting_google_scopes": {"scopes": []}}, "no scope"),
        (ask_scopes(["a"]) | {"action": {}}, "stands alone"),
        (ask_connection("http://gate.test"), "HTTPS"),
        ({"basic_authorization_prompt": {"authorization_url": "https://gate.test/connect"}}, "a resource"),
    ],
)
def test_the_limits_find_a_prompt_google_could_not_follow(answer: Json, problem: str) -> None:
    assert any(problem in found for found in answer_problems(answer, clicked=False))


def _acts(node: Any) -> list[str]:
    if isinstance(node, list):
        return [act for item in node for act in _acts(item)]
    if not isinstance(node, dict):
        return []
    own = [item["value"] for item in node.get("parameters", ()) if item["key"] == "act"]
    return own + [act for value in node.values() for act in _acts(value)]
