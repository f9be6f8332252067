"""Texts in the owner's language: `t("menu.quit")`. They are in `locale/en.po`, `de.po` …, keyed by id.

The catalogues are read with the standard library only (docs/adr/0030-babel-and-catalogues.md).
"""

from __future__ import annotations

import ast
import gettext
import locale
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files

DEFAULT = "en"
_FOLDER = files("tray_app") / "locale"

LANGUAGES: tuple[str, ...] = (
    DEFAULT,
    *sorted(
        name.removesuffix(".po")
        for name in (entry.name for entry in _FOLDER.iterdir())
        if name.endswith(".po") and name != f"{DEFAULT}.po"
    ),
)
"""The languages with a catalogue file, English first."""

_LINE = re.compile(r'(msgid|msgid_plural|msgstr)(?:\[(\d)\])?\s+(".*")')


class Catalogue:
    """The texts of one language. An unknown id raises `KeyError`, so that tests find missing texts."""

    def __init__(self, language: str, text: str) -> None:
        self.language = language
        self.texts = dict(_entries(text))
        header = self.texts.pop("", ("",))[0]
        rule = re.search(r"plural=([^;\n]+)", header)
        self.plural = rule[1] if rule else "(n != 1)"
        self._form: Callable[[int], int] = gettext.c2py(
            self.plural
        )  # raises unless the rule is arithmetic with n

    def form(self, key: str, number: int) -> str:
        """The plural form of a text for this `number`."""
        return self.texts[key][self._form(number)]


def _entries(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(id, plural forms) of each entry. A malformed file raises `ValueError` or `SyntaxError`."""
    key, forms, part = None, [""], ""
    for line in (*text.splitlines(), 'msgid ""'):
        if line.startswith('"'):
            added = str(ast.literal_eval(line))
            if part == "msgstr":
                forms[-1] += added
            elif part == "msgid":
                key = f"{key}{added}"
        elif (found := _LINE.fullmatch(line)) is not None:
            part, number, value = found[1], int(found[2] or 0), str(ast.literal_eval(found[3]))
            if part == "msgid":
                if key is not None:
                    yield key, tuple(forms)
                key, forms = value, [""]
            elif part == "msgstr" and number == len(forms):
                forms.append(value)
            elif part == "msgstr":
                forms[number] = value
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"not a line of a catalogue: {line[:80]!r}")


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of one of `LANGUAGES`."""
    return Catalogue(language, (_FOLDER / f"{language}.po").read_text(encoding="utf-8"))


def t(key: str, **blanks: object) -> str:
    """The text `key` in this computer's language, its {blanks} filled."""
    return catalogue(language()).texts[key][0].format_map(blanks)


def count(key: str, number: int, **blanks: object) -> str:
    """The text `key` in the plural form for `number`, which fills {count}."""
    return catalogue(language()).form(key, number).format_map({"count": number, **blanks})


def section(name: str) -> Mapping[str, tuple[str, ...]]:
    """The texts whose ids begin with `name` and a dot, keyed by the rest of the id, blanks unfilled."""
    texts = catalogue(language()).texts
    return {key.partition(".")[2]: forms for key, forms in texts.items() if key.startswith(f"{name}.")}


@cache
def language() -> str:
    """The two-letter language of this computer if there is a catalogue for it, else English."""
    preferred = (tag.replace("-", "_").partition("_")[0].lower() for tag in _preferred_languages())
    return next((tag for tag in preferred if tag in LANGUAGES), DEFAULT)


def _preferred_languages() -> Iterator[str]:
    """The user's languages, most preferred first: from the environment, else from the system's settings."""
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = next((value for name in names if (value := os.environ.get(name, ""))), "")
    if wanted:
        yield from wanted.split(":")
    elif sys.platform == "win32":
        import ctypes

        yield locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    elif sys.platform == "darwin":
        try:
            from Foundation import NSLocale

            yield from NSLocale.preferredLanguages()
        except ImportError:
            return
