"""What a second email tells beside the first: the corpus judged by models that read nothing of its writers.

    python -m tests.simulations.sequences [--seed 1]

A sequence is the mail of one sender to one owner: ids that end in sequence and step (`t70-012-2`), or an address that
recurs in a file. For each rule: how many second emails of sellers are caught where it catches one of a hundred ordinary
ones, and of sellers whose first email was missed, how many the second finds there. Then the policy table itself, each
sequence in its order: later emails held, by their score alone and with the evidence. Last a correspondent of 90
ordinary emails, one of them held by mistake. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log

from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import Mode, Preferences, Strictness
from backend.domain.mailbox.message import LabelIds
from backend.domain.policy.evidence import combined_probability, evidence_of
from backend.domain.policy.preview import PreviewedMail, preview_verdicts
from backend.domain.reading.score import Score, Thresholds
from model_export.rows import UNKNOWN, Row, corpus
from model_export.training import train

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SELDOM, OFTEN = timedelta(days=4), timedelta(hours=8)
FREQUENT = 90
STEP = re.compile(r"(.+-\d+)-\d+")

Rule = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Judged:
    """What models say that read nothing of its writer: a probability a row, and their thresholds."""

    rows: Sequence[Row]
    probabilities: Sequence[float]
    thresholds: dict[Strictness, Thresholds]


def left_out() -> Judged:
    """The corpus, each file left out once."""
    trained = train(corpus(), progress=lambda step: print(step, flush=True))
    return Judged(trained.judged, trained.probabilities.tolist(), trained.thresholds)


def sequences(judged: Judged) -> dict[str, list[list[float]]]:
    """The probabilities of each sequence in its order, by label."""
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row, probability in zip(judged.rows, judged.probabilities, strict=True):
        step = STEP.fullmatch(row.id)
        whose = (row.label, step[1]) if step else (row.label, row.group, row.sender, row.owner.email)
        found[whose].append(probability)
    by_label = defaultdict(list)
    for (label, *_), mails in found.items():
        if len(mails) > 1:
            by_label[label].append(mails)
    return by_label


def _logit(probability: float) -> float:
    return log(probability / (1 - probability))


RULES: dict[str, Rule] = {
    "the second email alone": lambda mails: mails[-1],
    "the surer of both": max,
    "the sum of both logits": lambda mails: sum(map(_logit, mails)),
    "the evidence": lambda mails: combined_probability(mails[-1], sum(map(evidence_of, mails[:-1]))),
}


def ranked(
    pitches: list[list[float]], ordinary: list[list[float]], hold: float
) -> dict[str, dict[str, float]]:
    """By rule, where it catches one of a hundred ordinary second emails."""
    told = {}
    for name, rule in RULES.items():
        ordered = sorted((rule(mails[:2]) for mails in ordinary), reverse=True)
        limit = ordered[len(ordered) // 100]
        caught = [rule(mails[:2]) > limit for mails in pitches]
        missed = [found for found, mails in zip(caught, pitches, strict=True) if mails[0] < hold]
        told[name] = {"caught": _share(caught), "missed_found": _share(missed)}
    return told


def _share(flags: Sequence[bool]) -> float:
    return round(sum(flags) / len(flags), 3)


def judged_in_order(mails: Sequence[float], limits: Thresholds, every: timedelta = SELDOM) -> list[bool]:
    """Which of a sender's emails the policy holds."""
    kept = [_mail(place, mail, every) for place, mail in enumerate(mails)]
    verdicts = preview_verdicts(
        kept, Owner("ana@corp.test"), Preferences(mode=Mode.QUARANTINE), limits, LabelIds()
    )
    return [verdict.holds for verdict in verdicts]


def _mail(place: int, probability: float, every: timedelta) -> PreviewedMail:
    return PreviewedMail(
        gmail_id=f"{place:03}",
        thread_id=f"{place:03}",
        sender="bo@pitch.test",
        sender_name="Bo",
        sender_domain="pitch.test",
        subject="",
        received_at=START + place * every,
        labels=frozenset({"INBOX"}),
        authenticated=True,
        form=MailForm.PERSON,
        guards=(),
        score=Score(probability, 0.0),
    )


def later(found: list[list[float]], limits: Thresholds) -> dict[str, float]:
    """Of the emails that follow a first one, the share that is held: by their score alone, and by the policy."""
    alone = [mail >= limits.hold for mails in found for mail in mails[1:]]
    held = [flag for mails in found for flag in judged_in_order(mails, limits)[1:]]
    return {"emails": len(alone), "alone": _share(alone), "with_evidence": _share(held)}


def frequent(judged: Judged, limits: Thresholds, numbers: random.Random) -> dict[str, float]:
    """Of a correspondent of 90 ordinary emails: how many more are held for each that a mistake holds, at whatever place
    it stands."""
    strangers = [
        probability
        for row, probability in zip(judged.rows, judged.probabilities, strict=True)
        if row.finer_class in UNKNOWN
    ]
    wrong = [probability for probability in strangers if probability >= limits.hold]
    others = [probability for probability in strangers if probability < limits.hold]
    more = []
    for mistake in wrong:
        for place in range(0, FREQUENT, 7):
            mails = numbers.choices(others, k=FREQUENT)
            mails[place] = mistake
            more.append(sum(judged_in_order(mails, limits, OFTEN)) - 1)
    return {"cases": len(more), "mean": round(sum(more) / len(more), 3), "most": max(more)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    judged = left_out()
    found = sequences(judged)
    pitches, ordinary = found["sales"], found["legit"]
    told = {
        "sequences": {"pitches": len(pitches), "ordinary": len(ordinary)},
        "at_one_percent": ranked(pitches, ordinary, judged.thresholds[Strictness.NORMAL].hold),
        "held": {
            strictness: {"pitches": later(pitches, limits), "ordinary": later(ordinary, limits)}
            for strictness, limits in judged.thresholds.items()
        },
        "frequent": frequent(judged, judged.thresholds[Strictness.NORMAL], random.Random(seed)),
    }
    for name, figures in told["at_one_percent"].items():
        print(f"{name:24} {figures}", flush=True)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
