"""What owners' answers say of models: those about a trial's disagreements, and those about the mail of one model."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TypedDict

from backend.domain.watching.strictness_offer import Scored
from backend.domain.watching.trial import CHALLENGER, CHAMPION, QUALITY, Counted, Label, disagreement
from backend.transactions.asking import KEPT
from backend.transactions.statement import Script, each, micros, q


class PairRow(TypedDict):
    """How many messages the champion decided by one row and the challenger by another."""

    policy_row: str
    shadow_row: str
    n: int


def answered(mailbox_id: str, model: str, now: datetime) -> Script[tuple[Scored, ...]]:
    """What was asked in the last year about all mail, scored by `model` and answered with yes or no, as it was
    answered. Messages that are forgotten by now are left out.
    """
    asked = {"kind": QUALITY, "model": model, "since": micros(now - KEPT)}
    return each(Scored, "answered", mailbox_id=mailbox_id, **asked)


def labels_of_model(kind: str, model: str, since: datetime | None = None) -> Script[tuple[Label, ...]]:
    """Everything asked since then of every mailbox, in the order in which it was answered: about all mail that
    `model` decided (`QUALITY`), or in its trial (`TRIAL`).
    """
    return each(Label, "labels_of_model", kind=kind, model=model, since=micros(since) if since else 0)


def trial_counts(challenger: str, since: datetime) -> Script[Counted]:
    """How the models of a trial differ on the messages that are kept."""
    found: list[PairRow] = yield q("trial_pairs", challenger=challenger, since=micros(since))
    counts: Counter[str | None] = Counter()
    for row in found:
        counts[disagreement(row["policy_row"], row["shadow_row"])] += row["n"]
    return Counted(counts.total(), counts[CHAMPION], counts[CHALLENGER])
