"""The words of the pages: chosen by the browser, written as each language is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.datastructures import LanguageAccept

from backend.locale import LANGUAGES, Words, catalogue
from backend.web.pages import card_words, language_of, words_for

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def of(language: str) -> Words:
    return words_for("review", LanguageAccept([(language, 1)]))


@pytest.mark.parametrize(
    ("header", "language"),
    [([("de-AT", 1)], "de"), ([("pt-BR", 1), ("en", 0.5)], "pt"), ([("ja", 1)], "en"), ([], "en")],
)
def test_the_browser_chooses(header: list[tuple[str, float]], language: str) -> None:
    assert language_of(LanguageAccept(header)) == language


def test_the_page_comes_before_the_frame_and_the_frame_before_the_cards() -> None:
    t = words_for("frame", LanguageAccept([("de", 1)]))

    assert t("search") == catalogue("de")["frame.search"]
    assert t("mode_observe") == catalogue("de")["card.mode_observe"]
    with pytest.raises(KeyError):
        t("there is no such text")


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_act_has_one_name_on_the_page_and_in_the_sidebar(language: str) -> None:
    t = of(language)

    for act in ("release", "allow", "block", "sales", "undo"):
        assert t(act) == card_words(language)[act]
        assert [i for i in catalogue(language).ids if i.endswith(f".{act}")] == [f"card.{act}"]


def test_numbers_plurals_and_times_are_written_as_the_language_does() -> None:
    english, german, french = of("en"), of("de"), of("fr")

    assert english.count("waiting", 1) != english.count("waiting", 2)
    assert "12,345" in english.count("waiting", 12_345)
    assert (
        french.count("waiting", 0).split()[1:] == french.count("waiting", 1).split()[1:]
    )  # nothing counts as one
    assert german.number(1234.5) == "1.234,5"
    assert english.percent(0.123, 1) == "12.3%"
    assert german.ago(NOON - timedelta(hours=3), NOON) == "vor 3 Stunden"
    assert german.moment(NOON).endswith("UTC")
    assert "{count}" in of("en")("drop_rule", subject="{count}")  # what is filled in is not filled in again


def test_portuguese_counts_and_writes_as_portugal_does() -> None:
    words = of("pt")

    assert words.count("waiting", 0).split()[-1] == words.count("waiting", 2).split()[-1]  # one, in Brazil
    assert words.number(12_345.5) == "12\u00a0345,5"  # 12.345,5 in Brazil
    assert words.tag == "pt-PT"


def test_times_are_the_readers_where_their_zone_is_known() -> None:
    at, now = datetime(2026, 11, 25, 23, 30, tzinfo=UTC), datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
    berlin = words_for("frame", LanguageAccept([("de", 1)]), "Europe/Berlin")
    nowhere = words_for("frame", LanguageAccept([("de", 1)]), "../etc/passwd")

    assert berlin.short(at, now) == "00:30"
    assert nowhere.short(at, now) == "25. Nov."
    assert nowhere.moment(at).endswith("23:30 UTC")
