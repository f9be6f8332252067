"""The words of an owner's pages: five languages that say the same, written as each is written."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.datastructures import LanguageAccept

from backend.domain.entry.challenge_wording import LANGUAGES
from backend.web.cards.texts import TEXTS as CARDS
from backend.web.texts import language_of
from backend.web.texts.owner import SECTIONS, words_for
from backend.web.texts.owner.words import Words

OTHERS = [language for language in LANGUAGES if language != "en"]
ALIKE_AT_MOST = 0.15
"""Some words are the same in two languages ("Pause", "Normal"); a page that was not translated has many."""

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_text_with_the_same_blanks(section: str, language: str) -> None:
    english, other = SECTIONS[section]["en"], SECTIONS[section][language]

    assert other.keys() == english.keys()
    for key, text in english.items():
        assert placeholders(other[key]) == placeholders(text), key
        assert other[key].strip(), key


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("language", OTHERS)
def test_no_language_was_left_in_english(section: str, language: str) -> None:
    english, other = SECTIONS[section]["en"], SECTIONS[section][language]
    alike = {key for key, text in english.items() if other[key] == text}

    assert len(alike) <= max(2, ALIKE_AT_MOST * len(english)), alike


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_markup(section: str, language: str) -> None:
    assert not [key for key, text in SECTIONS[section][language].items() if re.search(r"[<>&]", text)]


@pytest.mark.parametrize("section", SECTIONS)
def test_what_is_counted_has_both_forms(section: str) -> None:
    keys = SECTIONS[section]["en"].keys()

    assert {key.removesuffix("_one") for key in keys if key.endswith("_one")} == {
        key.removesuffix("_other") for key in keys if key.endswith("_other")
    }


@pytest.mark.parametrize(
    ("header", "language"),
    [([("de-AT", 1)], "de"), ([("pt-BR", 1), ("en", 0.5)], "pt"), ([("ja", 1)], "en"), ([], "en")],
)
def test_the_browser_chooses(header: list[tuple[str, float]], language: str) -> None:
    assert language_of(LanguageAccept(header)) == language


def test_the_page_comes_before_the_frame_and_the_frame_before_the_cards() -> None:
    t = words_for("frame", LanguageAccept([("de", 1)]))

    assert t("held") == "Zurückgehalten"  # the cards have a word of this name too
    assert t("mode_observe") == words_for("frame", LanguageAccept([("de", 1)]))("mode_observe")
    with pytest.raises(KeyError):
        t("there is no such text")


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_act_has_one_name_on_the_page_and_in_the_sidebar(language: str) -> None:
    t = words_for("review", LanguageAccept([(language, 1)]))

    for act in ("release", "allow", "block", "sales", "undo"):
        assert t(act) == CARDS[language][act]
        assert not [section for section, texts in SECTIONS.items() if act in texts[language]]


def test_numbers_plurals_and_times_are_written_as_the_language_does() -> None:
    texts = {"mails_one": "{count} mail", "mails_other": "{count} mails", "from": "from {who}"}
    english, german, french = (Words(language, texts) for language in ("en", "de", "fr"))

    assert [english.count("mails", n) for n in (0, 1, 2, 12_345)] == [
        "0 mails",
        "1 mail",
        "2 mails",
        "12,345 mails",
    ]
    assert french.count("mails", 0) == "0 mail"  # French counts nothing as one
    assert german.number(1234.5) == "1.234,5"
    assert english.percent(0.123, 1) == "12.3%"
    assert german.ago(NOON - timedelta(hours=3), NOON) == "vor 3 Stunden"
    assert german.moment(NOON).endswith("UTC")
    assert english("from", who="{count}") == "from {count}"  # what is filled in is not filled in again


def test_portuguese_counts_and_writes_as_portugal_does() -> None:
    words = Words("pt", {"mails_one": "{count} mensagem", "mails_other": "{count} mensagens"})

    assert words.count("mails", 0) == "0 mensagens"  # one, in Brazil
    assert words.count("mails", 1) == "1 mensagem"
    assert words.number(12_345.5) == "12\u00a0345,5"  # 12.345,5 in Brazil
