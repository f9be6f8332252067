"""Every word a person sees, in one catalogue a language: `en.po`, `de.po`, … beside this file.

A text has an id, `section.key`, and stands under it in every catalogue, English included. To add a language, add its
file; nothing else names it. Catalogues are read when they are first needed (about 20 ms each) and kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from gettext import c2py
from importlib.resources import files

from babel import Locale
from babel.messages.pofile import read_po

DEFAULT = "en"

LANGUAGES: tuple[str, ...] = (
    DEFAULT,
    *sorted(
        name.removesuffix(".po")
        for name in (entry.name for entry in files(__name__).iterdir())
        if name.endswith(".po") and name != f"{DEFAULT}.po"
    ),
)
"""The languages there are: the names of the files, English first."""


class Catalogue:
    """The texts of one language. Unknown ids raise `KeyError`: a page with a hole is a bug that a test should see."""

    def __init__(self, language: str) -> None:
        self.language = language
        with files(__name__).joinpath(f"{language}.po").open("rb") as file:
            parsed = read_po(file)
        self.locale = parsed.locale or Locale.parse(language)
        entries = [(message.id, message.string or "") for message in parsed if message.id]
        self._texts = {
            identifier if isinstance(identifier, str) else identifier[0]: forms
            for identifier, forms in entries
        }
        self._form = c2py(parsed.plural_expr)
        self.ids = frozenset(self._texts)
        self.plurals = frozenset(
            identifier[0] for identifier, _ in entries if not isinstance(identifier, str)
        )
        self.tag = str(self.locale).replace("_", "-")

    def __contains__(self, identifier: object) -> bool:
        return identifier in self.ids

    def __getitem__(self, identifier: str) -> str:
        """The text, its {blanks} unfilled. Raises `KeyError`."""
        return self.plural(identifier, 1)

    def plural(self, identifier: str, count: int) -> str:
        """The form of the text for this many, by the language's own rule. Raises `KeyError`."""
        forms = self._texts[identifier]
        return forms if isinstance(forms, str) else forms[self._form(count)]

    def section(self, *names: str) -> Section:
        """The texts of these sections by their keys; the first section that has a key has the word."""
        return Section(self, names)


class Section(Mapping[str, str]):
    """Some sections of a catalogue, read by the part of the id behind the dot."""

    def __init__(self, catalogue: Catalogue, names: tuple[str, ...]) -> None:
        self.catalogue = catalogue
        self._names = names

    def find(self, key: str) -> str:
        """The whole id of `key`. Raises `KeyError`."""
        for name in self._names:
            if f"{name}.{key}" in self.catalogue:
                return f"{name}.{key}"
        raise KeyError(f"no text {'|'.join(self._names)}.{key} in {self.catalogue.language}.po")

    def __getitem__(self, key: str) -> str:
        return self.catalogue[self.find(key)]

    def __iter__(self) -> Iterator[str]:
        seen = (i.partition(".") for i in sorted(self.catalogue.ids))
        return iter(dict.fromkeys(key for name, _, key in seen if name in self._names))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def spoken(language: str) -> str:
    """A two-letter language if there is a catalogue for it, else English."""
    return language if language in LANGUAGES else DEFAULT


def catalogue(language: str) -> Catalogue:
    """The catalogue of a two-letter language; English for one we do not have."""
    return _read(spoken(language))


@cache
def _read(language: str) -> Catalogue:
    return Catalogue(language)


def reason(language: str, code: str) -> str:
    """The words for the code of a reason; for one without words, the code's own name."""
    words = catalogue(language)
    return words[f"reason.{code}"] if f"reason.{code}" in words else code.rpartition(".")[2].replace("_", " ")


def reason_words(language: str, text: str) -> str:
    """Words of a message beside a reason, with the words for a class, `{n_money}`, filled in."""
    for identifier, token in _classes() if "{" in text else ():
        text = text.replace(token, catalogue(language)[identifier])
    return text


@cache
def _classes() -> tuple[tuple[str, str], ...]:
    known = (i for i in catalogue(DEFAULT).ids if i.startswith("reason.class."))
    return tuple((identifier, f"{{{identifier.rpartition('.')[2]}}}") for identifier in known)
