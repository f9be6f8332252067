"""Every word a person sees, in one catalogue a language: `en.po`, `de.po`, … beside this file.

A text has an id, `section.key`, and stands under it in every catalogue, English included. To add a language, add its
file; nothing else names it. Catalogues are read when they are first needed (about 20 ms each) and kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from gettext import c2py
from importlib.resources import files
from typing import Protocol, TypeVar

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_timezone_location
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

# ---- Catalogues


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
        self._texts = {
            message.id if isinstance(message.id, str) else message.id[0]: message.string or ""
            for message in parsed
            if message.id
        }
        self._form = c2py(parsed.plural_expr)
        self.ids = frozenset(self._texts)
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


def reason_sentence(language: str, code: str, quotes: Sequence[str], speaks_for: bool) -> str:
    """A reason as a sentence: which way it speaks, what it is, and the words of the mail that say so."""
    words, text = catalogue(language), reason(language, code)
    if quotes:
        text = words["reason.quoting"].format(reason=text, quote=quotes[0])
    return words["reason.for_pitch" if speaks_for else "reason.for_ordinary"].format(reason=text)


# ---- Words in one language
# Filled in the way that language does it: plurals, numbers, dates, spans of time. The rules of grammar and writing are
# Babel's (from Unicode's CLDR).


When = TypeVar("When", date, datetime)


class Words:
    """What templates call `t`.

    `t("key", name="Ana")` is a text with its blanks filled (numbers as the language writes them),
    `t.count("waiting", 3)` the form for three, with {count}. Unknown keys raise `KeyError`: a page with a hole is
    a bug that a test should see. Nothing here is escaped; templates do that.
    """

    def __init__(self, texts: Section, zone: tzinfo | None = None) -> None:
        self.zone = zone
        """The reader's time zone, if it is known. Else times are said to be UTC."""
        self._texts = texts
        self.language = texts.catalogue.language
        self.tag = texts.catalogue.tag
        self._locale = texts.catalogue.locale

    def __call__(self, key: str, **blanks: object) -> str:
        """The text with its blanks filled; where it has plural forms, the one for the blank {count}."""
        count = blanks.get("count")
        return self._filled(self.form(key, count if isinstance(count, int) else 1), blanks)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def count(self, key: str, number: int, **blanks: object) -> str:
        """The text for this many, in the form the language has for it; {count} is the number unless given."""
        return self._filled(self.form(key, number), {"count": number, **blanks})

    def form(self, key: str, number: int) -> str:
        """The text, in the form for this many if it has forms, its blanks unfilled."""
        return self._texts.catalogue.plural(self._texts.find(key), number)

    def _filled(self, text: str, blanks: dict[str, object]) -> str:
        written = {name: self._written(value) for name, value in blanks.items()}
        return text.format_map(written) if blanks else text

    def number(self, value: float) -> str:
        """1234.5 as 1,234.5 or 1234,5."""
        # CLDR parts four digits in neither of these, as their catalogues write it; Babel does not read that rule.
        grouped = abs(value) >= 10_000 or self.language not in ("es", "pt")
        return str(format_decimal(value, locale=self._locale, group_separator=grouped))

    def percent(self, share: float, digits: int = 0) -> str:
        """0.123 as 12 %."""
        pattern = format_percent(0, locale=self._locale).replace("0", "0." + "0" * digits if digits else "0")
        return str(format_percent(share, format=pattern, locale=self._locale))

    def day(self, at: date | datetime) -> str:
        """24 Nov 2026."""
        return str(format_date(self._here(at), "medium", locale=self._locale))

    def short_day(self, at: date) -> str:
        """24 Nov, for where there is little room."""
        return str(format_skeleton("MMMd", self._here(at), locale=self._locale))

    def short(self, at: datetime, now: datetime) -> str:
        """As lists say when: 09:42 today, 24 Nov before, 24 Nov 2025 in another year."""
        then, today = self._here(at), self._here(now)
        if then.date() == today.date():
            return self._time(at)
        return self.short_day(at) if then.year == today.year else self.day(at)

    def month(self, at: date, today: date) -> str:
        """March, with its year once it could be another's."""
        if (today - at).days < 300:
            return str(format_date(at, "LLLL", locale=self._locale))
        return str(format_skeleton("yMMMM", at, locale=self._locale))

    def tongue(self, code: str) -> str:
        """The name of a language, Polish for pl; one without a name is called by its code."""
        return str(self._locale.languages.get(code, code))

    def place(self, zone: str) -> str:
        """The city that a time zone is named after: Lissabon for Europe/Lisbon."""
        city = "/" in zone and get_timezone_location(zone, locale=self._locale, return_city=True)
        return str(city) if city else zone

    def moment(self, at: datetime) -> str:
        """24 Nov 2026, 09:42 in the reader's zone, or said to be UTC."""
        return f"{self.day(at)}, {self._time(at)}"

    def ago(self, at: datetime, now: datetime) -> str:
        """`2 hours ago`, which needs no zone."""
        return str(format_timedelta(at - now, add_direction=True, locale=self._locale))

    def span(self, length: timedelta) -> str:
        """`2 hours`."""
        return str(format_timedelta(length, locale=self._locale))

    def _time(self, at: datetime) -> str:
        written = format_time(self._here(at).timetz(), "short", locale=self._locale)
        return str(written) if self.zone else f"{written} UTC"

    def _here(self, at: When) -> When:
        return at.astimezone(self.zone or UTC) if isinstance(at, datetime) else at

    def _written(self, value: object) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.number(value)
        return str(value)


class Error(Protocol):
    """What is known of an error: `backend.domain.errors.PitchgateError`."""

    key: str
    blanks: dict[str, object]


def error_words(language: str, error: Error) -> tuple[str, str]:
    """What happened, and what to do about it ("" for nothing). What has no sentence of its own has the one of what is
    more general: `error.model.title` stands for `model.damaged` too. An unknown key is its own title."""
    words = Words(catalogue(language).section("error"))
    names = error.key.split(".")
    groups = [".".join(names[:count]) for count in range(len(names), 0, -1)]
    title, remedy = (
        next((words(f"{group}.{part}", **error.blanks) for group in groups if f"{group}.{part}" in words), "")
        for part in ("title", "remedy")
    )
    return title or error.key, remedy
