"""Years of mailboxes drawn from the corpus: how often the test of drift rings for nothing, how soon it finds a change.

    python -m tests.simulations.drift --seeds 50

The logits are the shipped model's own on the corpus it was trained on, for no file of logits with the writer left out
is kept: pitches and ordinary mail lie further apart in them than in mail of strangers. Prints one JSON object as its
last line.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from backend.domain.reading.score import Score, ScoreTrace
from backend.domain.watching.drift import REFERENCE_WEEKS, class_line, find_change, week_counts
from backend.scoring.session import ModelSession
from backend.settings import MODELS
from model_export import rows

WEEKS = 52
AT = 26
WOBBLE = 0.15
"""Spread of the logarithm of a class of mail's share from week to week."""
MONTH = 365.25 / 12 / 7
"""Weeks."""
FALSE = ("nothing", "restless")
TRUE = {
    "broken": {"unknown"},
    "mojibake": {"unknown"},
    "language": {"language"},
    "pitches": {"pitches"},
    "evading": {"fewer_pitches", "scores"},
    "sinking": {"fewer_pitches", "scores"},
}
"""What changes, and the causes that are true of it."""


class Mail(NamedTuple):
    """What is counted of one message."""

    logit: float
    unknown: float
    language: str


@cache
def line(mail: Mail, sunk: float = 0.0) -> str:
    """Its classes, with a logit lower by this much."""
    trace = ScoreTrace("model", "", "", 10_000, round(10_000 * (1 - mail.unknown)))
    return class_line(Score(0.5, mail.logit - sunk, trace=trace), mail.language)


Pool = dict[str, dict[tuple[bool, str], list[Mail]]]
"""Messages by variant, and by whether they are pitches and the language they are written in."""


def misread(record: dict[str, Any]) -> dict[str, Any]:
    """UTF-8 read as Windows-1252."""
    return _with(record, lambda text: text.encode().decode("cp1252", "replace"))


def unreadable(record: dict[str, Any]) -> dict[str, Any]:
    """No word is left as it was."""
    return _with(record, lambda text: " ".join(word[::-1] + "x" for word in text.split()))


def _with(record: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    return record | {key: change(record[key]) for key in ("subject", "text") if record.get(key)}


VARIANTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "plain": dict,
    "broken": unreadable,
    "mojibake": misread,
}


def pool() -> Pool:
    """A quarter of the corpus's messages as they come, and as what changes makes of them."""
    session = ModelSession.open(MODELS / "pitchgate.onnx")
    records = [record for path in sorted(rows.CORPUS.glob("*.jsonl")) for record in rows.records(path)]
    records = [record for record in records[::4] if record["label"] in ("sales", "legit")]
    plain = [rows.row_of(record, "") for record in records]
    loud = _loudest(session, plain)
    found: Pool = {name: defaultdict(list) for name in (*VARIANTS, "evading")}
    for record, row in zip(records, plain, strict=True):
        key = (row.label == "sales", row.language)
        for name, turn in VARIANTS.items():
            changed = row if name == "plain" else rows.row_of(turn(record), "")
            found[name][key].append(_mail(session, changed.text, changed.language))
        text = " ".join(word for word in row.text.split(" ") if not key[0] or word not in loud)
        found["evading"][key].append(_mail(session, text, row.language))
    return found


def _mail(session: ModelSession, text: str, language: str) -> Mail:
    score = session.score(text, explain=False)
    assert score.trace is not None
    return Mail(score.logit, 1 - score.trace.known / max(score.trace.words, 1), language)


def _loudest(session: ModelSession, emails: Sequence[rows.Row]) -> frozenset[str]:
    """The eight words that add most to the logits of some pitches."""
    added: Counter[str] = Counter()
    for row in (row for row in emails[::7] if row.label == "sales"):
        _, _, terms, shares, _ = session._run(row.text)  # a score tells only the strongest
        for term, share in zip(map(session.facts.vocabulary.__getitem__, terms), shares, strict=True):
            added[term] += float(share)
    return frozenset([term for term, _ in added.most_common() if " " not in term][:8])


def year(emails: Pool, size: int, what: str, numbers: random.Random, wobble: float) -> tuple[int, str] | None:
    """The week of the first alarm and its cause; None if there was none. `what` begins in week `AT`."""
    weeks = []
    tongues = sorted({tongue for _, tongue in emails["plain"]})
    home = {
        tongue: 1.0 / (place + 1) ** 1.5
        for place, tongue in enumerate(["en", *[t for t in tongues if t != "en"]])
    }
    for number in range(WEEKS):
        late = number >= AT
        pitches = 0.4 if late and what == "pitches" else 0.2
        pitches = min(0.95, pitches * math.exp(numbers.gauss(0, wobble)))
        shares = {tongue: share * math.exp(numbers.gauss(0, wobble)) for tongue, share in home.items()}
        rest = sum(share for tongue, share in shares.items() if tongue != "pl")
        shares["pl"] = (
            rest * (1.5 if late and what == "language" else 0.11) * math.exp(numbers.gauss(0, wobble))
        )
        lines: Counter[str] = Counter()
        arrived = max(0, round(numbers.gauss(size, math.sqrt(size))))
        for tongue in numbers.choices(list(shares), list(shares.values()), k=arrived):
            pitch = numbers.random() < pitches
            variant = what if late and what in emails else "plain"
            kind = emails[variant].get((pitch, tongue)) or emails[variant][pitch, "en"]
            sunk = (number - AT + 1) / MONTH if late and pitch and what == "sinking" else 0.0
            lines[line(numbers.choice(kind), sunk)] += 1
        weeks.append(week_counts(number, lines.items()).counts if lines else {})
        if number >= REFERENCE_WEEKS and (found := find_change(weeks)) is not None:
            return number, found.cause
    return None


def told(rung: Sequence[tuple[int, str] | None], what: str) -> dict[str, Any]:
    """Of so many years: those with a false alarm; or those in which the change was found in time, and its causes."""
    if what in FALSE:
        return {"false": sum(found is not None for found in rung) / len(rung)}
    late = [found for found in rung if found and found[0] >= AT]
    within = {f"within_{n}": sum(week < AT + n for week, _ in late) / len(rung) for n in (2, 4, 8, 10)}
    causes = Counter(cause for _, cause in late)
    right = sum(n for cause, n in causes.items() if cause in TRUE[what])
    return within | {"right": round(right / len(late), 3) if late else None, "causes": dict(causes)}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--sizes", type=int, nargs="+", default=[35, 140, 700])
    parser.add_argument("--changes", nargs="+", choices=(*FALSE, *TRUE), default=(*FALSE, *TRUE))
    options, began, emails, report = parser.parse_args(), time.perf_counter(), pool(), {}
    for size in options.sizes:
        for what in options.changes:
            wobble = 2 * WOBBLE if what == "restless" else WOBBLE
            seeds = (random.Random(f"{seed} {size} {what}") for seed in range(options.seeds))
            report[f"{what}_{size}"] = told([year(emails, size, what, seed, wobble) for seed in seeds], what)
            print(size, what, report[f"{what}_{size}"], flush=True)
    report["seconds"] = {"all": round(time.perf_counter() - began, 1)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
