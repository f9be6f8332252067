"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.domain.errors import PitchgateError
from backend.locale.words import told
from backend.terminal import language


class State(StrEnum):
    """How it stands."""

    WELL = "well"
    WARNING = "warning"  # works, and should be looked at
    BROKEN = "broken"
    SKIPPED = "skipped"  # could not be looked at, or there is nothing to look at


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what it looked at, how it stands in a sentence, and what mends it ("" if nothing is wrong). Holds no
    secret and no mail."""

    name: str
    state: State
    text: str
    mend: str = ""


def refused(name: str, error: PitchgateError, before: str = "", mend: str = "") -> Finding:
    """An error says why it does not work."""
    title, remedy = told(language(), error)
    return broken(name, before + title, f"{remedy} {mend}".strip())


def well(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(name, State.WELL, text)


def warning(name: str, text: str, mend: str) -> Finding:
    """It works, but."""
    return Finding(name, State.WARNING, text, mend)


def broken(name: str, text: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(name, State.BROKEN, text, mend)


def skipped(name: str, text: str) -> Finding:
    """It was not looked at."""
    return Finding(name, State.SKIPPED, text)
