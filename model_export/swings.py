"""How much the score changes if only a habit of the writer changes and the message stays the same.

Each habit turns a record of the corpus into an equivalent one. A model that relied on habits would let a pitch through,
or hold ordinary mail, because of its address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.domain.mailbox.mailbox import Strictness
from backend.scoring.session import ModelSession
from model_export.rows import row_of

Record = dict[str, Any]
_THREAD = ("In-Reply-To", "References")
_LIST = ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Precedence", "Feedback-ID", "X-Mailer")
_TRADES = """
solar fleet, panels vans, electricity diesel, energy transport, grid road, power fuel, battery trailer, tariff toll,
roof depot, heating parking, cleaning catering, offices canteens, windows menus, packaging bedding, cartons sheets,
steel linen, valves towels, pump oven, brochures uniforms, printing sewing, dental legal, clinic chambers
"""
"""Words of one trade, and of another, that can replace each other."""
_PAIRS = [pair.split() for pair in _TRADES.split(",")]
_OTHER_TRADE = {word: other for one, two in _PAIRS for word, other in ((one, two), (two, one))}
_TRADE = re.compile(rf"\b(?:{'|'.join(_OTHER_TRADE)})\b", re.IGNORECASE)
_FIRM = "aldermere-partners.example"


def _sender(record: Record) -> tuple[str, str]:
    """Name and address, split by hand: a parser would end the sender at the first comma of a name without quotes."""
    name, _, address = record["from"].rpartition("<")
    return name.strip().replace('"', ""), address.strip(" >")


def _addressed(record: Record, local: Callable[[str], str], domain: str = "") -> Record:
    name, address = _sender(record)
    before, _, host = address.partition("@")
    sender = f"{local(before)}@{domain or host}"
    return {**record, "from": f'"{name}" <{sender}>' if name else sender}


def _same(local: str) -> str:
    return local


def _plain(local: str) -> str:
    return "".join(letter for letter in local if not letter.isdigit()) or "post"


def _threadless(record: Record) -> Record:
    headers = record.get("headers") or {}
    return {**record, "headers": {name: value for name, value in headers.items() if name not in _THREAD}}


def _signed(record: Record) -> Record:
    name, _ = _sender(record)
    return {**record, "text": f"{record['text']}\n\n-- \n{name}"} if record.get("text") else record


def _asking(record: Record) -> Record:
    return {**record, "text": f"{record['text']}\n\nOK?"} if record.get("text") else record


def _answering(record: Record) -> Record:
    return {**record, "subject": f"Re: {record['subject']}"}


def _listless(record: Record) -> Record:
    headers = record.get("headers") or {}
    return {**record, "headers": {name: value for name, value in headers.items() if name not in _LIST}}


def _fielded(record: Record) -> Record:
    fields = {"List-Id": f"<{_FIRM}>", "Precedence": "bulk", "Auto-Submitted": "auto-replied"}
    return {**record, "headers": {**(record.get("headers") or {}), **fields}}


def _of_another_trade(record: Record) -> Record:
    parts = {
        name: _TRADE.sub(_swapped, record[name]) for name in ("subject", "text", "html") if record.get(name)
    }
    return {**record, **parts}


def _swapped(word: re.Match[str]) -> str:
    other = _OTHER_TRADE[word.group().lower()]
    return other.capitalize() if word.group()[0].isupper() else other


HABITS: Mapping[str, tuple[Callable[[Record], Record], Callable[[Record], Record]]] = {
    "address at free mail, not at a firm": (
        lambda record: _addressed(record, _same, "gmail.com"),
        lambda record: _addressed(record, _same, _FIRM),
    ),
    "digits in the address": (
        lambda record: _addressed(record, lambda local: f"{_plain(local)}84"),
        lambda record: _addressed(record, _plain),
    ),
    "thread headers lost": (_threadless, dict),
    "a signature that only names its sender": (_signed, dict),
    "a question at the end": (_asking, dict),
    "“Re:” before the subject": (_answering, dict),
    "headers of lists lost": (_listless, dict),
    "fields anybody can write": (_fielded, dict),
    "words of one trade for another's": (_of_another_trade, dict),
}
"""Name → a record with the habit, and the same record without it."""
LANGUAGE = "the language not told"


@dataclass(frozen=True)
class Swing:
    """By how much one habit moves probabilities, over the `count` messages that it changes. `mean` is of absolute
    differences, `drift` keeps their sign (positive: the habit looks like a pitch); `crossed` counts messages that cross
    the *hold* threshold of any strictness."""

    habit: str
    count: int
    mean: float
    drift: float
    largest: float
    crossed: int


def swings(session: ModelSession, records: Iterable[tuple[str, Record]]) -> list[Swing]:
    """The swing of each habit, over (group, record) of a corpus."""
    given = list(records)
    found = []
    for habit, (with_it, without) in HABITS.items():
        pairs = [
            tuple(row_of(form(record), group).text for form in (with_it, without)) for group, record in given
        ]
        found.append(_swing(session, habit, pairs))
    # What the model reads ends with the language.
    texts = [row_of(record, group).text for group, record in given]
    pairs = [(f"{text.rpartition('f_language_')[0]}f_language_xx", text) for text in texts]
    return [*found, _swing(session, LANGUAGE, pairs)]


def _swing(session: ModelSession, habit: str, pairs: list[tuple[str, ...]]) -> Swing:
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    if not changed:
        return Swing(habit, 0, 0.0, 0.0, 0.0, 0)
    after, before = (session.probabilities([pair[i] for pair in changed]) for i in (0, 1))
    moved = after - before
    sides = [
        (after >= limit) != (before >= limit) for limit in (session.thresholds(s).hold for s in Strictness)
    ]
    crossed = int(np.logical_or.reduce(sides).sum())
    return Swing(
        habit,
        len(changed),
        float(np.abs(moved).mean()),
        float(moved.mean()),
        float(np.abs(moved).max()),
        crossed,
    )
