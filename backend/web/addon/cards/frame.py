"""What every card is told beside its own subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from backend.domain.reading.score import likeness, points
from backend.locale import Section
from backend.locale.words import Words
from backend.web.addon.cards import widgets
from backend.web.addon.cards.widgets import Json


@dataclass(frozen=True, slots=True)
class Frame:
    """`base` is our public address, `offset` the owner's distance from UTC, `version` what stands in the
    parameters of acts on the mailbox's settings, `challenges` whether senders can open the links of challenges."""

    words: Section
    language: str
    base: str
    now: datetime
    offset: timedelta
    version: str = ""
    challenges: bool = True

    @property
    def zone(self) -> timezone:
        """The owner's zone, as far as Gmail told it."""
        return timezone(self.offset)

    @property
    def midnight(self) -> datetime:
        """Where the owner's day began, in UTC."""
        local = self.now.astimezone(self.zone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)

    @property
    def no_challenges(self) -> str:
        """Why challenge mode is not offered."""
        return f"{self.words['mode_challenge']}: {self.words['no_challenges']}."

    @property
    def t(self) -> Words:
        """The words, filled in with numbers and times as the pages write them, in the owner's zone."""
        return Words(self.words, self.zone)

    def score(self, share: float) -> str:
        """A score with its word: 96 Pitch."""
        number = points(share)
        return f"{number} {self.words[f'score_{likeness(number)}']}"

    def act(self, key: str, parameters: dict[str, str], kind: str = "OUTLINED") -> Json:
        """A button with the words of `key` that posts `parameters` to us."""
        return widgets.button(self.words[key], self._acts, parameters, kind)

    def click(self, parameters: dict[str, str]) -> Json:
        """The same for something that is no button."""
        return widgets.posting(self._acts, parameters)

    @property
    def _acts(self) -> str:
        return f"{self.base}/addon/act"
