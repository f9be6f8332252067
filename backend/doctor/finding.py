"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from backend.domain.errors import PitchgateError
from backend.locale.words import error_words
from backend.terminal import language, words


class State(StrEnum):
    """How it stands."""

    WELL = "well"
    WARNING = "warning"  # works, and should be looked at
    BROKEN = "broken"
    SKIPPED = "skipped"  # could not be looked at, or there is nothing to look at


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what it looked at, what it found by its key, how it stands in a sentence, and what mends it ("" if
    nothing is wrong). Holds no secret and no mail."""

    name: str
    state: State
    key: str
    text: str
    mend: str = ""


def found(name: str, key: str, /, *, state: State, **blanks: object) -> Finding:
    """What the catalogue has under `doctor.<name>.<key>`, and under that with `_mend` behind it if there is."""
    texts, place = words("doctor"), f"{name.replace(' ', '_')}.{key}"
    mend = texts(f"{place}_mend", **blanks) if f"{place}_mend" in texts else ""
    return Finding(name, state, key, texts(place, **blanks), mend)


well = partial(found, state=State.WELL)
warning = partial(found, state=State.WARNING)
broken = partial(found, state=State.BROKEN)
skipped = partial(found, state=State.SKIPPED)


def refused(name: str, error: PitchgateError, before: str = "", mend: str = "") -> Finding:
    """An error says why it does not work. `before` and `mend` stand around its words."""
    title, remedy = error_words(language(), error)
    return Finding(name, State.BROKEN, error.key, before + title, f"{remedy} {mend}".strip())
