"""Words in one language, filled in the way that language does it: plurals, numbers, dates, spans of time.

The texts are ours, a module a language; the rules of grammar and writing are Babel's (from Unicode's CLDR).
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from datetime import date, datetime

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent

from backend.domain.entry.challenge_wording import TAGS


class Words:
    """What templates call `t`.

    `t("key", name="Ana")` is a text with its blanks filled (numbers as the language writes them),
    `t.count("mails", 3)` the text `mails_one` or `mails_other` with {count}. Unknown keys raise `KeyError`: a
    page with a hole is a bug that a test should see. Nothing here is escaped; templates do that.
    """

    def __init__(self, language: str, *texts: Mapping[str, str]) -> None:
        """`texts`: the first that has a key has the word."""
        self.language = language
        self.tag = TAGS[language]
        self._texts = ChainMap(*(dict(part) for part in texts))
        self._locale = Locale.parse(self.tag, sep="-")

    def __call__(self, key: str, **blanks: object) -> str:
        """The text with its blanks filled."""
        filled = {name: self._written(value) for name, value in blanks.items()}
        text = self._texts[key]
        return text.format_map(filled) if filled else text

    def __contains__(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._texts

    def count(self, key: str, count: int, **blanks: object) -> str:
        """The text for this many. Languages have more forms than two, but the five here write them alike."""
        form = "one" if self._locale.plural_form(count) == "one" else "other"
        return self(f"{key}_{form}", count=count, **blanks)

    def number(self, value: float) -> str:
        """1234.5 as 1,234.5 or 1.234,5."""
        return str(format_decimal(value, locale=self._locale))

    def percent(self, share: float, digits: int = 0) -> str:
        """0.123 as 12 %."""
        pattern = format_percent(0, locale=self._locale).replace("0", "0." + "0" * digits if digits else "0")
        return str(format_percent(share, format=pattern, locale=self._locale))

    def day(self, at: date | datetime) -> str:
        """24 Nov 2026, in UTC."""
        return str(format_date(at, "medium", locale=self._locale))

    def short_day(self, at: date) -> str:
        """24 Nov, for where there is little room."""
        return str(format_skeleton("MMMd", at, locale=self._locale))

    def moment(self, at: datetime) -> str:
        """Date and time, said to be UTC: a page does not know its reader's zone."""
        return f"{self.day(at)}, {format_time(at, 'short', locale=self._locale)} UTC"

    def ago(self, at: datetime, now: datetime) -> str:
        """`2 hours ago`, which needs no zone."""
        return str(format_timedelta(at - now, add_direction=True, locale=self._locale))

    def _written(self, value: object) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(format_decimal(value, locale=self._locale))
        return str(value)
