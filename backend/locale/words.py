"""Words in one language, filled in the way that language does it: plurals, numbers, dates, spans of time.

The rules of grammar and writing are Babel's (from Unicode's CLDR).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Protocol, TypeVar

from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent

from backend.locale import Section, catalogue

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
        identifier = self._texts.find(key)
        count = blanks.get("count")
        if isinstance(count, int) and identifier in self._texts.catalogue.plurals:
            return self._filled(self._texts.catalogue.plural(identifier, count), blanks)
        return self._filled(self._texts.catalogue[identifier], blanks)

    def __contains__(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._texts

    def count(self, key: str, number: int, **blanks: object) -> str:
        """The text for this many, in the form the language has for it; {count} is the number unless given."""
        text = self._texts.catalogue.plural(self._texts.find(key), number)
        return self._filled(text, {"count": number, **blanks})

    def form(self, key: str, number: int) -> str:
        """The text, in the form for this many if it has forms, its blanks unfilled."""
        identifier, texts = self._texts.find(key), self._texts.catalogue
        return texts.plural(identifier, number) if identifier in texts.plurals else texts[identifier]

    def _filled(self, text: str, blanks: dict[str, object]) -> str:
        return (
            text.format_map({name: self._written(value) for name, value in blanks.items()})
            if blanks
            else text
        )

    def number(self, value: float) -> str:
        """1234.5 as 1,234.5 or 1.234,5."""
        return str(format_decimal(value, locale=self._locale))

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
            return str(format_decimal(value, locale=self._locale))
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
