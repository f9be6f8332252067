"""What the owner decided by moving a message or a label in Gmail itself.

History tells of every label change, ours included. Which is which follows from what our own row says: our hold
finds a row that is meant to be held, our release one that no longer is. Only a held message that leaves
its place against its row, or a label that we never put on, is the owner's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from backend.domain.mailbox.correction import Correction, Decision, Origin
from backend.domain.mailbox.labels import INBOX, Placement
from backend.domain.mailbox.mailbox import LabelIds

_GONE = frozenset({"TRASH", "SPAM"})


class Move(Protocol):
    """One label change as history tells it; `record` is the id of its history record, "" if unknown."""

    @property
    def gmail_id(self) -> str: ...
    @property
    def added(self) -> frozenset[str]: ...
    @property
    def removed(self) -> frozenset[str]: ...
    @property
    def labels(self) -> frozenset[str] | None: ...
    @property
    def record(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Row:
    """What our own row says of a message: where it is meant to be, and the stage still to do (None: done)."""

    placement: str | None
    stage: str | None


@dataclass(slots=True)
class _Story:
    """What one page tells of one message, in order. `held`: our hold was seen in it."""

    held: bool = False
    released: str | None = None
    ordered: tuple[Decision, str] | None = None
    gone: bool = False
    last: frozenset[str] | None = field(default=None)


def decisions(moves: Iterable[Move], rows: Mapping[str, Row], labels: LabelIds) -> tuple[Correction, ...]:
    """The owner's decisions in `moves` (in the order of history), at most one a message.

    Held taken off, or INBOX put on, a held message is RELEASE; Pitchgate/Allow put on is ALLOW,
    Pitchgate/Block BLOCK, and either outranks the release that goes with it. A message without a row in
    `rows` is none of ours. The key of a decision depends on the history record alone, so the same page read
    twice decides once, while the same move made again later counts again.
    """
    stories: dict[str, _Story] = {}
    for move in moves:
        if move.gmail_id in rows:
            _tell(stories.setdefault(move.gmail_id, _Story()), move, labels)
    found = (_decision(gmail_id, story, rows[gmail_id], labels) for gmail_id, story in stories.items())
    return tuple(correction for correction in found if correction is not None)


def _tell(story: _Story, move: Move, labels: LabelIds) -> None:
    if labels.allow and labels.allow in move.added:
        story.ordered = (Decision.ALLOW, move.record)
    elif labels.block and labels.block in move.added:
        story.ordered = (Decision.BLOCK, move.record)
    if labels.held and labels.held in move.added:
        # Held again after it was let go: what went before in this page is history.
        story.held, story.released = True, None
    elif (labels.held and labels.held in move.removed) or INBOX in move.added:
        story.released = move.record
    if move.added & _GONE:
        story.gone = True
    elif move.removed & _GONE:
        story.gone = False
    story.last = move.labels


def _decision(gmail_id: str, story: _Story, row: Row, labels: LabelIds) -> Correction | None:
    if story.ordered is not None:
        decision, record = story.ordered
        return _correction(gmail_id, decision, record)
    if story.released is None or story.gone or row.placement != Placement.HELD:
        return None
    if row.stage == "act" and not story.held:
        # Our hold is not done yet, so there is nothing the owner could have undone: this is the echo of an
        # earlier release of ours that was taken back since.
        return None
    if story.last is not None and labels.held in story.last and INBOX not in story.last:
        return None  # it lies where it is meant to
    return _correction(gmail_id, Decision.RELEASE, story.released)


def _correction(gmail_id: str, decision: Decision, record: str) -> Correction:
    return Correction(f"gmail:{record or 'move'}:{gmail_id}:{decision}", gmail_id, decision, Origin.GMAIL)
