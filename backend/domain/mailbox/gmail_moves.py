"""What the owner decided by moving a message or a label in Gmail itself.

History tells of every label change, ours included. Which is which follows from what our own row says: our hold
finds a row that is meant to be held, our release one that no longer is. Only a held message that leaves
its place against its row, or a label that we never put on, is the owner's word. Spam and bin are theirs in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from backend.domain.mailbox.correction import Correction, Decision, Origin
from backend.domain.mailbox.effects import AWAY, binned, heard
from backend.domain.mailbox.labels import INBOX, SPAM, TRASH, Placement
from backend.domain.mailbox.mailbox import LabelIds
from backend.domain.mailbox.message_record import Stage

_PLACES = {SPAM: Decision.SPAM, TRASH: Decision.BIN}
_SOMEWHERE = "away"


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
    """What our own row says of a message: where it is meant to be, the stage still to do (None: done), who decided."""

    placement: str | None
    stage: str | None
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """A message that the owner took out of spam or bin again. `record` as of a `Move`; `lies_held`: it is among what is
    held now, and not in the inbox."""

    gmail_id: str
    record: str
    lies_held: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What moves amount to. What was `returned` is no longer as it was decided before, which comes before the
    `corrections`."""

    corrections: tuple[Correction, ...]
    returned: tuple[Returned, ...] = ()


@dataclass(slots=True)
class _Story:
    """What one page tells of one message, in order. `held`: our hold was seen in it; `away`: whether it is in spam or
    bin, and in which of them if the page tells; `said`: the owner's words, the latest of each kind, with their
    records."""

    away: str
    held: bool = False
    released: str | None = None
    returned: str | None = None
    said: dict[str, tuple[Decision, str]] = field(default_factory=dict)
    last: frozenset[str] | None = field(default=None)

    def say(self, kind: str, decision: Decision, record: str) -> None:
        self.said.pop(kind, None)
        self.said[kind] = (decision, record)


def decisions(moves: Iterable[Move], rows: Mapping[str, Row], labels: LabelIds) -> Heard:
    """The owner's decisions in `moves` (in the order of history), of each kind at most one a message.

    Held taken off, or INBOX put on, a held message is RELEASE; Pitchgate/Allow put on is ALLOW,
    Pitchgate/Block BLOCK, SPAM put on SPAM, TRASH put on BIN, and each outranks the release that goes with it. A
    message without a row in `rows` is not known to us. The key of a decision depends on the history record alone, so
    the same page read twice decides once, while the same move made again later counts again.
    """
    stories: dict[str, _Story] = {}
    for move in moves:
        if (row := rows.get(move.gmail_id)) is not None:
            away = _SOMEWHERE if row.decided_by in AWAY else ""
            _tell(stories.setdefault(move.gmail_id, _Story(away)), move, labels)
    found: list[Correction] = []
    returned: list[Returned] = []
    for gmail_id, story in stories.items():
        row = rows[gmail_id]
        found += _decided(gmail_id, story, row, labels)
        # One that was never in a place of ours may have been reported all the same.
        if story.returned is not None and (row.decided_by in AWAY or row.placement is None):
            returned.append(Returned(gmail_id, story.returned, _lies_held(story, labels)))
    return Heard(tuple(found), tuple(returned))


def _tell(story: _Story, move: Move, labels: LabelIds) -> None:
    if labels.allow and labels.allow in move.added:
        story.say("order", Decision.ALLOW, move.record)
    elif labels.block and labels.block in move.added:
        story.say("order", Decision.BLOCK, move.record)
    if labels.held and labels.held in move.added:
        # Held again after it was let go: what went before in this page is history.
        story.held, story.released = True, None
    elif (labels.held and labels.held in move.removed) or INBOX in move.added:
        story.released = move.record
    for label, decision in _PLACES.items():
        if label in move.added:
            story.say("place", decision, move.record)
            story.away, story.returned = label, None
    if move.removed & _PLACES.keys() and (story.away in (_SOMEWHERE, "") or story.away in move.removed):
        # A message is in one of the two at most.
        story.away, story.returned = "", move.record
        story.said.pop("place", None)
    story.last = move.labels


def _decided(gmail_id: str, story: _Story, row: Row, labels: LabelIds) -> list[Correction]:
    found = [
        _correction(gmail_id, decision, record)
        for kind, (decision, record) in story.said.items()
        if kind == "order" or _counts(decision, row)
    ]
    if story.said or story.released is None or story.away or row.placement != Placement.HELD:
        return found
    if row.decided_by in AWAY:
        return found  # it has returned: what that means is seen when it is as it was before
    if row.stage == Stage.ACT and not story.held:
        # Our hold is not done yet, so there is nothing the owner could have undone: this is the echo of an
        # earlier release of ours that was taken back since.
        return found
    if story.last is not None and _lies_held(story, labels):
        return found
    return [_correction(gmail_id, Decision.RELEASE, story.released)]


def _counts(place: Decision, row: Row) -> bool:
    """Whether it means anything that the owner put this message there; before it is screened nobody knows."""
    if heard(place, row.decided_by):
        return False
    return place is Decision.SPAM or row.stage == Stage.SCREEN or binned(row.placement, row.stage)


def _lies_held(story: _Story, labels: LabelIds) -> bool:
    if story.last is None:  # Google did not say
        return story.released is None
    return labels.held in story.last and INBOX not in story.last


def _correction(gmail_id: str, decision: Decision, record: str) -> Correction:
    return Correction(f"gmail:{record or 'move'}:{gmail_id}:{decision}", gmail_id, decision, Origin.GMAIL)
