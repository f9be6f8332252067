"""The catalogues: every language says the same, and no code asks for a text that is not there."""

from __future__ import annotations

import re
import shutil
import string
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

import backend
from backend.domain.reading import lexicon, score
from backend.locale import DEFAULT, LANGUAGES, catalogue, reason, reason_sentence
from backend.scoring import SHIPPED
from backend.scoring.session import ModelSession
from backend.settings import Settings
from backend.web.google import SCOPES

HERE = Path(backend.__file__).parent
OTHERS = [language for language in LANGUAGES if language != DEFAULT]
ELSEWHERE = ("reason", "error", "cli", "help", "doctor", "click")
"""Sections whose uses are looked at by `test_every_reason_has_words` and the tests beside this one."""
ALIKE_AT_MOST = 0.15
"""Some words are the same in two languages ("Pause", "Normal"); a section that was not translated has many."""


def po(language: str) -> Path:
    return HERE / "locale" / f"{language}.po"


@cache
def entries(language: str) -> dict[str, Message]:
    with po(language).open("rb") as file:
        return {
            m.id if isinstance(m.id, str) else m.id[0]: m for m in read_po(file, abort_invalid=True) if m.id
        }


COUNTED = re.compile(r"(?<![:(+] )\{count\} (?!mehr|weitere|zurück|more|de plus|más|mais)\w{3,}")
MANY = {"check.done_many", "check.accepted_many", "review.waiting_many"}
"""Only ever said of two and more."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_counted_has_the_forms_of_its_language(language: str) -> None:
    wrong = [
        name
        for name, message in entries(language).items()
        if isinstance(message.id, str) and COUNTED.search(forms(message)[0]) and name not in MANY
    ]
    assert wrong == []


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_with_the_same_blanks(language: str) -> None:
    english, own = entries(DEFAULT), entries(language)

    assert own.keys() == english.keys()
    for identifier, message in own.items():
        wanted = set().union(*(blanks(text) for text in forms(english[identifier])))
        for text in forms(message):
            assert text.strip(), identifier
            assert blanks(text) <= wanted, identifier
        assert set().union(*(blanks(text) for text in forms(message))) == wanted, identifier


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_counted_has_every_form_the_language_needs(language: str) -> None:
    with po(language).open("rb") as file:
        number = read_po(file).num_plurals
    for identifier, message in entries(language).items():
        assert isinstance(message.id, str) or len(forms(message)) == number, identifier
        assert isinstance(message.id, str) == isinstance(entries(DEFAULT)[identifier].id, str), identifier


@pytest.mark.parametrize("language", OTHERS)
def test_no_section_was_left_in_english(language: str) -> None:
    english, own = entries(DEFAULT), entries(language)
    for section in {identifier.partition(".")[0] for identifier in english}:
        there = [identifier for identifier in english if identifier.startswith(f"{section}.")]
        alike = [identifier for identifier in there if forms(own[identifier]) == forms(english[identifier])]
        assert len(alike) <= max(2, ALIKE_AT_MOST * len(there)), alike


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_markup(language: str) -> None:
    assert not [
        i for i, message in entries(language).items() for text in forms(message) if re.search(r"[<>&]", text)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_standard_tools_read_it(language: str, tmp_path: Path) -> None:
    tool = shutil.which("msgfmt")
    if tool is None:
        pytest.skip("msgfmt (Debian: gettext) is not installed")
    result = subprocess.run(
        [tool, "--check", "-o", str(tmp_path / "x.mo"), str(po(language))], capture_output=True, text=True
    )
    complaints = [line for line in result.stderr.splitlines() if "header field" not in line]
    assert result.returncode == 0, result.stderr
    assert not complaints


def asked_for() -> Iterator[tuple[str, str]]:
    """Every key that a template names in so many letters, with the file it stands in."""
    for path in (HERE / "commands" / "watch.html", *sorted((HERE / "web" / "templates").glob("*.html"))):
        text = path.read_text(encoding="utf-8")
        for key in re.findall(r"""\bt(?:\.count)?\(\s*["'](\w+)["']\s*[,)]""", text):
            yield path.name, key
        for key in re.findall(r"""\bwords\.(\w+)\b(?!\()|\bsay\(["'](\w+)["']""", text):
            yield path.name, "".join(key)


def test_no_template_asks_for_a_text_that_is_not_there() -> None:
    keys = {identifier.partition(".")[2] for identifier in catalogue(DEFAULT).ids}
    found = list(asked_for())

    assert len(found) > 200
    assert {(file, key) for file, key in found if key not in keys | {"catalogue"}} == set()


def test_every_text_is_used_somewhere() -> None:
    """By its key in so many letters, or by a key that is put together from its first part."""
    sources = [
        *HERE.glob("web/**/*.py"),
        *HERE.glob("web/**/*.html"),
        *HERE.glob("commands/watch.*"),
        *HERE.glob("domain/**/*.py"),
        *HERE.glob("ports/*.py"),
        *HERE.glob("transactions/*.py"),
        *HERE.glob("pipeline/*.py"),
        *HERE.glob("captcha/*.py"),
        HERE / "public_post.py",
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    words = set(re.findall(r"[a-z][a-z0-9_]*", text.lower()))
    stems = set(re.findall(r"""["']([a-z_]+_)(?:["'{])""", text))
    endings = set(re.findall(r"""["'}](_[a-z_]+)["']""", text))

    def put_together(key: str) -> bool:
        key = re.sub(r"_\d$", "", key)  # one of a row of numbered texts
        return key in words or any(key.startswith(stem) for stem in stems)

    unused = [
        identifier
        for identifier, key in (
            (i, i.partition(".")[2]) for i in catalogue(DEFAULT).ids if i.partition(".")[0] not in ELSEWHERE
        )
        if not put_together(key)
        and not any(key.endswith(end) and put_together(key.removesuffix(end)) for end in endings)
    ]
    assert unused == []


def test_a_language_nobody_has_written_is_answered_in_english() -> None:
    assert catalogue("xx").language == DEFAULT
    with pytest.raises(KeyError):
        catalogue(DEFAULT)["check.no_such_text"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words(language: str) -> None:
    known = catalogue(language)
    phrases = {name for code in lexicon.LANGUAGES for name, _ in lexicon.lexicon(code).phrases}
    codes = {f"phrase.{name}" for name in phrases}
    codes |= {
        score.reason_code(term)
        for term in ModelSession.open(SHIPPED).facts.vocabulary
        if term.startswith("f_")
    }
    codes |= {score.PITCH_WORDS, score.ORDINARY_WORDS}

    assert len(codes) > 100
    assert {code for code in codes if f"reason.{code}" not in known} == set()


def test_a_reason_of_another_model_is_named_by_its_code() -> None:
    assert reason("de", "form.never_heard_of") == "never heard of"


def test_a_reason_is_a_sentence_with_the_words_that_say_so() -> None:
    said = ("15 {0.x}", "minutes")
    assert reason_sentence("en", "phrase.asks_call", said, True) == (
        "Looks like a pitch: asks for a call or a meeting (“15 {0.x}”)"
    )
    assert reason_sentence("en", "phrase.asks_call", (), False) == (
        "Looks ordinary: asks for a call or a meeting"
    )


def test_an_owner_is_told_of_every_permission() -> None:
    assert set(SCOPES) == set(Settings().scopes)
