"""An owner's own mail: what training on it gains, and how it is read from archives with Gmail's labels or corrections.

A model trained on part of it and one trained on none are compared on the same messages, which neither was trained on.
Google's policy forbids training general models on Gmail data. What is read here may only train the model of its own
mailbox; `pitchgate-model` says so wherever it takes such mail."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from backend.domain.mail.message import Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.mailbox.archive import FORMAT as EXPORT
from backend.domain.mailbox.decisions import EFFECTS
from backend.domain.mailbox.mailbox import Strictness
from backend.locale import error_words
from backend.offline.archives import Archive
from backend.offline.mbox import names_in, system_labels
from backend.scoring.session import ModelSession
from model_export.learner import Counts, Floats, Params
from model_export.metrics import auc
from model_export.rows import OWN_MAIL, SALES, BadRow, Row, owner_of
from model_export.training import (
    FOLDS,
    Progress,
    Trained,
    fit,
    groups_of,
    judged_and_train_only,
    labels_of,
    scores_of,
    silent,
    squash,
)

WEIGHTS = (1.0, 3.0, 10.0)
"""Possible weights of an owner's message, compared with one of the corpus."""
SURE = 2.0
"""A gain counts only if it is this many standard errors above zero."""


@dataclass(frozen=True)
class Gain:
    """What an owner's other mail gained, on `count` of their messages, `pitches` of them pitches. Without it and with
    it: AUC, mean log loss, and how many ordinary messages are held at *normal*. `gain` is that of the loss, with its
    standard error."""

    count: int
    pitches: int
    auc: tuple[float, float]
    loss: tuple[float, float]
    held: tuple[int, int]
    gain: float
    error: float

    @property
    def better(self) -> bool:
        """Whether training on the owner's mail surely helped, without holding more ordinary mail."""
        return self.gain > SURE * self.error and self.held[1] <= self.held[0]

    @property
    def words(self) -> str:
        """The result in a sentence."""
        verdict = "better" if self.better else "no better"
        return (
            f"On {self.count} messages of its owner that neither had read ({self.pitches} pitches) the model that read "
            f"others of them is {verdict}: AUC {self.auc[0]:.3f} without them and {self.auc[1]:.3f} with them, "
            f"ordinary mail held at normal {self.held[0]} and {self.held[1]}."
        )

    def as_dict(self) -> dict[str, Any]:
        """For a model's metadata."""
        return {name: np.round(value, 6).tolist() for name, value in asdict(self).items()}


def own_mail_gain(trained: Trained, other: Path) -> Gain | None:
    """What `trained` gains over the model in `other` on the owner's mail; None if none of it could be left out."""
    places = [i for i, row in enumerate(trained.judged) if row.own]
    if not places:
        return None
    without = ModelSession.open(other)
    rows = [trained.judged[i] for i in places]
    labels, sales = labels_of(rows), np.array([row.sales == 1 for row in rows])
    stated = (scores_of(without, rows), trained.probabilities[places])
    limits = (without.thresholds(Strictness.NORMAL).hold, trained.thresholds[Strictness.NORMAL].hold)
    losses = [_losses(labels, probabilities) for probabilities in stated]
    gains = losses[0] - losses[1]
    held = [int((one >= limit)[~sales].sum()) for one, limit in zip(stated, limits, strict=True)]
    return Gain(
        len(rows),
        int(sales.sum()),
        (auc(labels, stated[0]), auc(labels, stated[1])),
        (float(losses[0].mean()), float(losses[1].mean())),
        (held[0], held[1]),
        float(gains.mean()),
        float(gains.std() / np.sqrt(len(gains))),
    )


def weighed(rows: Sequence[Row], params: Params, progress: Progress = silent) -> Params:
    """`params` with the weight for the owner's mail that has the lowest loss on left-out mail, both theirs and the
    corpus's: the model must not get worse on pitches that this owner has not received yet."""
    judged, train_only = judged_and_train_only(rows)
    parts = groups_of([row for row in judged if row.own])
    files = groups_of([row for row in judged if not row.own])
    every = [*judged, *train_only]
    counts = Counts.of([row.text for row in every])
    losses = np.zeros(len(WEIGHTS))
    for place, part in enumerate(parts):
        left_out = {part, *files[place::FOLDS]}
        outside = [i for i, row in enumerate(judged) if row.group in left_out]
        inside = [i for i, row in enumerate(every) if row.group not in left_out]
        held_out, own = [every[i] for i in outside], np.array([every[i].own for i in outside])
        for i, weight in enumerate(WEIGHTS):
            progress(f"{part}, weight {weight:g}")
            model = fit([every[k] for k in inside], replace(params, own=weight), counts.take(inside))
            stated = squash(model.logits(model.weighed(counts.take(outside))))
            found = _losses(labels_of(held_out), stated)
            losses[i] += sum(found[which].mean() for which in (own, ~own) if which.any())
    return replace(params, own=WEIGHTS[int(np.argmin(losses))]) if parts else params


def _losses(labels: Floats, probabilities: Floats) -> Floats:
    likely = np.where(labels == 1, probabilities, 1 - probabilities)
    return np.asarray(-np.log(np.clip(likely, 1e-9, 1)))


# ---- Labelled messages from archives

PARTS = 5
"""An owner's mail is divided into this many parts to be left out; all mail of a sender is in one part."""
_BULK = frozenset({"f_unsubscribe_header", "f_automatic", "f_bulk_header", "f_mailing_list"})
_TAUGHT = {str(decision): effect.teaches for decision, effect in EFFECTS.items()}


def labelled_mail(path: Path, me: str, sales_labels: set[str]) -> list[Row]:
    """A Takeout archive in which one of `sales_labels` (ignoring case) marks a pitch. Drafts, chats, spam and trash are
    left out, because Gmail judged those and not the owner."""
    wanted = {label.lower() for label in sales_labels}
    rows = []
    for name, message in _received(path, me):
        labels = {name.lower() for name in names_in(message)}
        if system_labels(message) & {"SPAM", "TRASH", "DRAFT", "CHAT"}:
            continue
        rows.append(_row(name, message, me, "sales" if labels & wanted else "legit", path.stem))
    return rows


def corrected_mail(export: Path, path: Path, me: str) -> list[Row]:
    """What an owner decided about their mail: their own data export, joined with their mail by Message-ID.

    These fields of the export (`backend.domain.mailbox.archive`) are read: `format`; of `messages`, `gmail_id` and
    `message_id`; of `corrections`, `gmail_id`, `decision`, `decided_at` and `undone_at`. It contains no bodies, so only
    decisions whose mail is in `path` (mbox, Takeout, .eml) become examples. Undone decisions do not count, and of
    several about a message the latest does. A decision about a sender labels only the message it was made on. Raises
    `BadRow` if the file is not such an export."""
    decided = _decisions(export)
    rows = []
    for name, message in _received(path, me):
        label = _TAUGHT.get(decided.get(message.message_id, ""), "")
        if label:
            rows.append(_row(name, message, me, label, "corrections"))
    return rows


def _decisions(export: Path) -> dict[str, str]:
    """The latest decision by Message-ID."""
    try:
        data = json.loads(export.read_text(encoding="utf-8"))
        if data["format"] != EXPORT:
            raise ValueError(f"its format is {data['format']!r}")
        identity = {m["gmail_id"]: m["message_id"] for m in data["messages"] if m.get("message_id")}
        standing = [c for c in data["corrections"] if c.get("undone_at") is None]
        latest = sorted(standing, key=lambda c: datetime.fromisoformat(c["decided_at"]))
        return {identity[c["gmail_id"]]: c["decision"] for c in latest if c["gmail_id"] in identity}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRow(
            f"{export.name} is no data export of a mailbox ({type(error).__name__}: {error})"
        ) from error


def _received(path: Path, me: str) -> Iterator[tuple[str, Message]]:
    filed = Archive(path)
    for mail in filed:
        message = parse(mail.raw)
        if not me or message.sender.address != me.lower():
            yield mail.file, message
    filed.check()
    for unread in filed.unread.values():
        sys.stderr.write(f"Not read ({unread.count}): {' '.join(error_words('en', unread.first))}\n")


def _row(name: str, message: Message, me: str, label: str, group: str) -> Row:
    owner = Owner(me.lower()) if me else owner_of(message)
    part = zlib.crc32(message.sender.address.encode()) % PARTS
    row = Row(name, label, OWN_MAIL, SALES, f"{group}, part {part + 1}", message, owner)
    if label == SALES:
        return row
    return replace(row, finer_class="known" if _BULK.isdisjoint(row.text.split(" ")) else "bulk")
