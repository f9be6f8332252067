"""Which models are at work, and what an operator may change about it.

The champion decides. A challenger scores what the champion scores, and nothing follows from it. Either is named by its
version; `FILE` is the model file of the settings, by default the one that ships, and is the first champion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from backend.domain.errors import Refused

FILE = ""


class Act(StrEnum):
    """What was done. The value is stored and logged."""

    ADD = "add"
    SHADOW = "shadow"
    STOP = "stop"
    PROMOTE = "promote"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that was added, kept with its file. `digest` is the file's own, `name` what the file was called."""

    version: str
    digest: str
    name: str
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class AtWork:
    """The models at work since act `number`. `before`: the champion before this one, None if there was none. A trial
    has a `challenger` and began at `since`."""

    number: int = 0
    champion: str = FILE
    before: str | None = None
    challenger: str | None = None
    since: datetime | None = None

    def after(self, act: Act, version: str, now: datetime) -> AtWork:
        """What is at work after an act about the model `version`. Raises `Refused`."""
        following = replace(self, number=self.number + 1)
        if act is Act.ADD:
            return following
        if act is Act.SHADOW:
            if self.challenger is not None:
                raise Refused("models.in_trial", version=self.challenger)
            if version == self.champion:
                raise Refused("models.is_champion", version=version)
            return replace(following, challenger=version, since=now)
        over = replace(following, challenger=None, since=None)
        if act is Act.STOP:
            if self.challenger != version:
                raise Refused("models.no_trial")
            return over
        if act is Act.ROLLBACK and self.before != version:
            raise Refused("models.nothing_before")
        if version == self.champion:
            raise Refused("models.is_champion", version=version)
        return replace(over, champion=version, before=self.champion)


@dataclass(frozen=True, slots=True)
class Done:
    """One act in the log: who did what about which model, and what was at work then."""

    act: Act
    version: str
    by: str
    at: datetime
    at_work: AtWork
