"""The desktop app's catalogues: every language says the same, and the app's own reader reads what standard tools do."""

from __future__ import annotations

import ast
import re
import shutil
import string
import subprocess
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import tray_app
from tray_app import words
from tray_app.state import Decision
from tray_app.words import DEFAULT, LANGUAGES, catalogue

HERE = Path(tray_app.__file__).parent
OTHERS = [language for language in LANGUAGES if language != DEFAULT]
ALIKE_AT_MOST = 0.15


def po(language: str) -> Path:
    return HERE / "locale" / f"{language}.po"


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture(autouse=True)
def forget_the_language() -> None:
    words.language.cache_clear()


def test_all_five_languages_are_there() -> None:
    assert set(LANGUAGES) >= {"en", "de", "fr", "es", "pt"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_with_the_same_blanks(language: str) -> None:
    english, own = catalogue(DEFAULT).texts, catalogue(language).texts

    assert own.keys() == english.keys()
    for key, forms in own.items():
        wanted = set().union(*(blanks(text) for text in english[key]))
        assert all(text.strip() for text in forms), key
        assert set().union(*(blanks(text) for text in forms)) == wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_apps_reader_reads_what_babel_reads(language: str) -> None:
    with po(language).open("rb") as file:
        parsed = read_po(file, abort_invalid=True)
    read = {
        message.id if isinstance(message.id, str) else message.id[0]: (
            (message.string,) if isinstance(message.string, str) else tuple(message.string)
        )
        for message in parsed
        if message.id
    }
    assert catalogue(language).texts == read
    counted = [key for key, forms in read.items() if len(forms) > 1]
    assert all(len(read[key]) == parsed.num_plurals for key in counted)


@pytest.mark.parametrize("language", LANGUAGES)
def test_standard_tools_read_it(language: str, tmp_path: Path) -> None:
    tool = shutil.which("msgfmt")
    if tool is None:
        pytest.skip("msgfmt (Debian: gettext) is not installed")
    ended = subprocess.run(
        [tool, "--check", "-o", str(tmp_path / "x.mo"), str(po(language))], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("language", OTHERS)
def test_no_section_was_left_in_english(language: str) -> None:
    english, own = catalogue(DEFAULT).texts, catalogue(language).texts
    for section in {key.partition(".")[0] for key in english}:
        there = [key for key in english if key.startswith(f"{section}.")]
        alike = [key for key in there if own[key] == english[key]]
        assert len(alike) <= max(2, ALIKE_AT_MOST * len(there)), alike


def asked_for() -> set[str]:
    """Every id that the code or the page names in so many letters."""
    found: set[str] = set()
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    page = (HERE / "page" / "review.html").read_text(encoding="utf-8")
    script = (HERE / "page" / "review.js").read_text(encoding="utf-8")
    found |= {f"page.{key}" for key in re.findall(r"\{\{t:(\w+)\}\}", page)}
    found |= {f"page.{key}" for key in re.findall(r'"([a-z_]+)"', script)}
    return found


def test_every_text_that_is_asked_for_is_there_and_none_is_there_for_nothing() -> None:
    known, found = set(catalogue(DEFAULT).texts), asked_for()
    page = (HERE / "page" / "review.html").read_text(encoding="utf-8")
    script = (HERE / "page" / "review.js").read_text(encoding="utf-8")
    sections = {key.partition(".")[0] for key in known}
    named = {
        key for key in found if re.fullmatch(r"[a-z]+\.[a-z_]+", key) and key.partition(".")[0] in sections
    }
    put_together = {f"done.{decision}" for decision in Decision}
    put_together |= {f"menu.{key}" for key in ("pause_hour", "pause_tomorrow", "relaxed", "normal", "strict")}
    put_together |= {f"menu.answer_{answer}" for answer in ("yes", "no", "unsure")}

    assert {key for key in re.findall(r"\{\{t:(\w+)\}\}", page) if f"page.{key}" not in known} == set()
    assert {key for key in re.findall(r'\bt\("(\w+)"', script) if f"page.{key}" not in known} == set()
    assert {key for key in named if not key.startswith("page.") and not key.endswith("_")} - known == set()
    assert known - found - put_together == set()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "pt_BR"}, "pt"),
        ({"LANGUAGE": "xx:fr", "LANG": "es"}, "fr"),
        ({"LANG": "xx"}, "en"),
    ],
)
def test_the_language_is_that_of_the_computer(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert words.language() == language
    assert words.t("menu.quit") == catalogue(language).texts["menu.quit"][0]
    words.language.cache_clear()


def test_a_counted_text_has_the_languages_own_forms() -> None:
    assert catalogue("fr").form("menu.waiting", 0).startswith("{count} décision attend")
    assert catalogue("de").form("menu.waiting", 0).startswith("{count} Entscheidungen")


def test_a_file_that_is_not_in_order_is_refused() -> None:
    with pytest.raises(ValueError, match="not a line of a catalogue"):
        words.Catalogue("xx", 'msgid "a"\nnonsense')


def test_the_page_is_filled_in_and_its_words_cannot_end_the_script() -> None:
    from tray_app.window import local_page

    page = local_page()
    assert "{{" not in page
    assert page.count("</script>") == 1
