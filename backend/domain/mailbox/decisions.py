"""What an owner may decide, from a page or by moving mail in Gmail; what each decision means, and taking it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NotRequired, Protocol, TypedDict

from backend.domain.entry.challenge import ChallengeState
from backend.domain.errors import Refused
from backend.domain.mail.sender import is_free_mail
from backend.domain.mailbox.message import INBOX, SPAM, TRASH, LabelIds, Placement, Stage

# ---- The decisions an owner can make
# What follows from each is in `effects`.


class Decision(StrEnum):
    """The owner's decision about one held or passed message."""

    RELEASE = "release"  # let this message in; no rule
    ALLOW = "allow"  # let the sender's held mail in, and always let this address in
    ALLOW_DOMAIN = "allow_domain"
    BLOCK = "block"  # keep the sender's held mail held for good, and hold this address silently from now on
    BLOCK_DOMAIN = "block_domain"
    KEEP = "keep"  # seen, with what came before it: off the list, nobody blocked; its sender may still pass the check
    SALES = "sales"  # it slipped through: hold it after all
    REPLIED = "replied"  # the owner answered the sender, who is let in by that
    SPAM = "spam"  # reported in Gmail: block the sender, take their credits
    BIN = "bin"  # put into Gmail's bin: this message is never delivered; it says nothing of its sender


ONLY_IN_GMAIL = frozenset({Decision.REPLIED, Decision.SPAM, Decision.BIN})
"""Decisions an owner can make only in Gmail."""

OFFERED = tuple(decision for decision in Decision if decision not in ONLY_IN_GMAIL)
"""Decisions an owner makes with our buttons."""


class Origin(StrEnum):
    """Where a decision was made."""

    TRAY = "tray"
    PAGE = "page"
    CARD = "card"
    GMAIL = "gmail"
    COMMAND = "command"


class WhenPointless(StrEnum):
    """What becomes of an order where there is nothing to decide about a message of it: we do not know the message, its
    owner has put it into spam or bin, or the order's key was used for another decision."""

    REFUSED = "refused"  # the order is about this one message
    COUNTED = "counted"  # one of many on a page that may be old; so is one that Gmail no longer has
    PASSED_OVER = "passed over"  # in Gmail owners deal with mail we never saw


WHEN_POINTLESS: Mapping[Origin, WhenPointless] = {
    Origin.TRAY: WhenPointless.REFUSED,
    Origin.CARD: WhenPointless.REFUSED,
    Origin.COMMAND: WhenPointless.REFUSED,
    Origin.PAGE: WhenPointless.COUNTED,
    Origin.GMAIL: WhenPointless.PASSED_OVER,
}
"""All in which the ways to decide differ. A digest's link orders as a page does."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One decision about one message, as it is kept. The same `key` is applied once."""

    key: str
    gmail_id: str
    decision: Decision
    origin: Origin

    @property
    def order(self) -> Order:
        """It alone."""
        return Order(self.key, self.decision, (self.gmail_id,), self.origin)


@dataclass(frozen=True, slots=True)
class Given:
    """When an order was given that comes late, and the keys of its browser's earlier ones: what those decided since is
    nothing that the owner did not know."""

    at: datetime
    earlier: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """One decision about some messages. `key` is the caller's: the same order sent twice is one. Each message that is
    among `whole` stands for what its sender has waiting from before it, too. `given`: when, if it comes late."""

    key: str
    decision: Decision
    gmail_ids: Sequence[str]
    origin: Origin
    whole: Collection[str] = ()
    given: Given | None = None

    @property
    def when_pointless(self) -> WhenPointless:
        """What becomes of it where there is nothing to decide."""
        return WHEN_POINTLESS[self.origin]

    def about(self, gmail_id: str) -> Correction:
        """What it says of one of its messages."""
        key = f"{self.key}.{gmail_id}" if self.when_pointless is WhenPointless.COUNTED else self.key
        return Correction(key, gmail_id, self.decision, self.origin)


@dataclass(frozen=True, slots=True)
class OrderResult:
    """What an order did: the messages it was applied to, those that move, how many are gone, and about how many the
    owner has decided since they gave it."""

    applied: tuple[str, ...]
    moved: tuple[str, ...]
    lost: int
    overruled: int = 0


class RuleKind(StrEnum):
    """Owner's rules. `subject` of a rule is an address or a bare domain, lower-case."""

    ALLOW = "allow"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """The rules that match a sender. The one for their address outranks the one for their domain."""

    address: RuleKind | None = None
    domain: RuleKind | None = None

    @property
    def kind(self) -> RuleKind | None:
        """The rule that counts."""
        return self.address or self.domain


def rule_domain(sender: str) -> str:
    """The sender's domain if a rule for all of it makes sense, else ""."""
    domain = sender.rpartition("@")[2] if "@" in sender else ""
    return "" if not domain or is_free_mail(domain) else domain


def refuse_shared_domain(decision: Decision, sender: str) -> None:
    """Raise `Refused` (malformed) for a decision about a whole domain where anybody gets an address."""
    if decision in (Decision.ALLOW_DOMAIN, Decision.BLOCK_DOMAIN) and not rule_domain(sender):
        raise Refused("malformed.everybody", field="decision")


# ---- Effects of decisions, and of undoing them
# The transactions carry out what is said here.


Teaches = Literal["sales", "legit", ""]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a decision means. `lets_in`: to the inbox, else to be held. `whose`: how far it reaches, to the message, to
    what is held of its sender from before it too (earlier), all of its sender's, or all of their domain's; a `rule` is
    about as many. `voids`: open challenges about them end.
    `refunds`: a credit that the message cost is given back; `forfeits`: the sender loses all they have. `proven`: where
    Gmail does not vouch for the sender it reaches the message alone. `teaches`: what the message is an example of, to a
    model trained on the owner's own mail ("": of nothing). `by` is noted as who decided."""

    lets_in: bool
    whose: str = "message"
    rule: RuleKind | None = None
    voids: bool = True
    refunds: bool = False
    forfeits: bool = False
    proven: bool = False
    teaches: Teaches = "legit"
    by: str = "owner"


KEPT = "kept"
WAITS = ("", KEPT)
"""Deciders that a sender's check, or a decision about the sender, may still override."""

AWAY = (str(Decision.SPAM), str(Decision.BIN))
"""Deciders of a message that the owner put into Gmail's spam or bin. We never take it out again."""

EFFECTS: Mapping[Decision, Effect] = {
    Decision.RELEASE: Effect(True, refunds=True),
    Decision.ALLOW: Effect(True, "sender", RuleKind.ALLOW, refunds=True),
    Decision.ALLOW_DOMAIN: Effect(True, "domain", RuleKind.ALLOW, refunds=True),
    Decision.REPLIED: Effect(True, "sender", by="replied"),
    Decision.BLOCK: Effect(False, "sender", RuleKind.BLOCK, teaches="sales"),
    Decision.BLOCK_DOMAIN: Effect(False, "domain", RuleKind.BLOCK, teaches="sales"),
    Decision.KEEP: Effect(False, "earlier", voids=False, teaches="sales", by=KEPT),
    Decision.SALES: Effect(False, voids=False, teaches="sales"),
    # Who put their address on forged mail is not known: it blocks nobody.
    Decision.SPAM: Effect(
        False, "sender", RuleKind.BLOCK, forfeits=True, proven=True, teaches="sales", by=Decision.SPAM
    ),
    # People throw away what they have read: what was delivered is not concerned, and nothing is learned from it.
    Decision.BIN: Effect(False, refunds=True, teaches="", by=Decision.BIN),
}


class MessageState(TypedDict):
    """The state of a message: where it belongs, who decided that, and which stage is still to run."""

    placement: str | None
    decided_by: str
    stage: str | None


class StateBefore(TypedDict):
    """One message's state before a decision, for undo. `revision` is the one after the decision."""

    gmail_id: str
    placement: str | None
    decided_by: str
    revision: int
    moved: bool
    stage: NotRequired[str | None]  # what was still to be done for it; records made before 0.2.0 do not say


@dataclass(frozen=True, slots=True)
class Change:
    """The new state of a message. `moves`: it is not there yet; `noted`: only who decided changes."""

    stage: str | None
    placement: Placement
    decided_by: str
    moves: bool
    noted: bool


def binned(placement: str | None, stage: str | None) -> bool:
    """Whether binning a message in this state is a decision: it was kept out of the inbox, or is not back there
    yet."""
    return placement == Placement.HELD or stage == Stage.RELEASE


def already_recorded(decision: Decision, decided_by: str) -> bool:
    """Whether the row already says so: the owner put the message into spam or the bin. Binning a reported message
    keeps it reported."""
    return decision in AWAY and (decided_by == decision or (decided_by, decision) == AWAY)


def out_of_reach(decision: Decision, decided_by: str) -> bool:
    """Whether a decision about this message alone is ignored, since it is in spam or the bin."""
    effect = EFFECTS[decision]
    return decided_by in AWAY and effect.whose in ("message", "earlier") and effect.by not in AWAY


def change_of(effect: Effect, message: MessageState, *, meant: bool, authenticated: bool) -> Change | None:
    """The effect of a decision on a message it reaches; None: no change. `meant`: it was made about this message."""
    if meant and effect.by in AWAY:
        return _put_away(effect, message)
    if message["decided_by"] in AWAY:
        return None
    if effect.lets_in:
        # A forged From profits from nobody's kindness; the message the owner pointed at is their own choice.
        trusted = meant or authenticated
        return _change(message, Stage.RELEASE, Placement.INBOX, effect.by) if trusted else None
    waits = message["decided_by"] in WAITS
    if effect.by == KEPT:
        # Off the list, and nothing else: a check may deliver it as before.
        held = message["placement"] == Placement.HELD and not message["decided_by"]
        return _change(message, message["stage"], Placement.HELD, KEPT) if held else None
    if meant and message["placement"] != Placement.HELD:
        return _change(message, Stage.ACT, Placement.HELD, effect.by)
    # Held already and now decided: what is still to be done for it stays, except to answer it. Whom the owner blocks
    # they have decided about: none of it waits for their word any more.
    if effect.voids if meant else waits:
        stage = None if message["stage"] == Stage.CHALLENGE else message["stage"]
        return _change(message, stage, Placement.HELD, "owner" if effect.by in AWAY else effect.by)
    return None


def _put_away(effect: Effect, message: MessageState) -> Change | None:
    """The owner has moved it themselves: our pending stages are dropped."""
    placement, stage = message["placement"], message["stage"]
    if placement is None or (effect.by == Decision.BIN and not binned(placement, stage)):
        return None
    return Change(None, Placement.HELD, effect.by, placement != Placement.HELD, noted=False)


def _change(message: MessageState, stage: str | None, placement: Placement, by: str) -> Change:
    # Mail that was left alone was never taken out of the inbox.
    moves = (message["placement"] or Placement.INBOX) != placement
    return Change(stage, placement, by, moves, noted=not moves and stage in (message["stage"], Stage.RELEASE))


def put_back(was: StateBefore, *, there: bool = False) -> Change:
    """The effect of undo on a message unchanged since the decision. `there`: the owner has taken it out of spam or
    the bin, so only unfinished stages remain."""
    placement = Placement(was["placement"] or Placement.INBOX)
    if there:
        left = was.get("stage")
        stage = left if left in (Stage.ACT, Stage.RELEASE) else None
        return Change(stage, placement, was["decided_by"], was["moved"], noted=False)
    stage = Stage.RELEASE if placement is Placement.INBOX else Stage.ACT
    return Change(stage, placement, was["decided_by"], was["moved"], noted=not was["moved"])


def ends_with_its_message(state: str, waits_beside: bool) -> bool:
    """Whether an open challenge in `state` ends when its message is decided about. One that left stays open while it
    has other mail of its sender to deliver, and a used one in any case: it is no longer about this message."""
    return state != ChallengeState.SOLVED and not (state == ChallengeState.SENT and waits_beside)


def sends_again(state: str, message: MessageState) -> bool:
    """Whether undo sends a challenge that was voided in `state` before it left."""
    unsent = state in (ChallengeState.INTENDED, ChallengeState.SENDING)
    return unsent and message["placement"] == Placement.HELD and message["stage"] is None


# ---- Decisions made in Gmail itself
# History tells of every label change, ours included. Which is which follows from what our own row says: our hold
# finds a row that is meant to be held, our release one that no longer is. Only a held message that leaves its place
# against its row, or a label that we never put on, is the owner's word. Spam and bin are theirs in any case.


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
class RowState:
    """What our own row says of a message: where it belongs, the stage still to run (None: done), who decided."""

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
class GmailDecisions:
    """The decisions found in moves. `returned` messages left spam or the bin: apply these first, then
    `corrections`."""

    corrections: tuple[Correction, ...]
    returned: tuple[Returned, ...] = ()


@dataclass(slots=True)
class _MovesOfMessage:
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


def decisions(moves: Iterable[Move], rows: Mapping[str, RowState], labels: LabelIds) -> GmailDecisions:
    """The owner's decisions in `moves` (in the order of history), of each kind at most one a message.

    Held taken off, or INBOX put on, a held message is RELEASE; Pitchgate/Allow put on is ALLOW,
    Pitchgate/Block BLOCK, SPAM put on SPAM, TRASH put on BIN, and each outranks the release that goes with it. A
    message without a row in `rows` is not known to us. The key of a decision depends on the history record alone, so
    the same page read twice decides once, while the same move made again later counts again.
    """
    stories: dict[str, _MovesOfMessage] = {}
    for move in moves:
        if (row := rows.get(move.gmail_id)) is not None:
            away = _SOMEWHERE if row.decided_by in AWAY else ""
            _note_move(stories.setdefault(move.gmail_id, _MovesOfMessage(away)), move, labels)
    found: list[Correction] = []
    returned: list[Returned] = []
    for gmail_id, story in stories.items():
        row = rows[gmail_id]
        found += _decided(gmail_id, story, row, labels)
        # A message we never placed may have been reported all the same.
        if story.returned is not None and (row.decided_by in AWAY or row.placement is None):
            returned.append(Returned(gmail_id, story.returned, _lies_held(story, labels)))
    return GmailDecisions(tuple(found), tuple(returned))


def _note_move(story: _MovesOfMessage, move: Move, labels: LabelIds) -> None:
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


def _decided(gmail_id: str, story: _MovesOfMessage, row: RowState, labels: LabelIds) -> list[Correction]:
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
        # Our hold is not done yet, so there is nothing the owner could have undone: this is the echo of
        # our own earlier release, which was taken back since.
        return found
    if story.last is not None and _lies_held(story, labels):
        return found
    return [_correction(gmail_id, Decision.RELEASE, story.released)]


def _counts(place: Decision, row: RowState) -> bool:
    """Whether it means anything that the owner put this message there; before it is screened nobody knows."""
    if already_recorded(place, row.decided_by):
        return False
    return place is Decision.SPAM or row.stage == Stage.SCREEN or binned(row.placement, row.stage)


def _lies_held(story: _MovesOfMessage, labels: LabelIds) -> bool:
    if story.last is None:  # Google did not say
        return story.released is None
    return labels.held in story.last and INBOX not in story.last


def _correction(gmail_id: str, decision: Decision, record: str) -> Correction:
    return Correction(f"gmail:{record or 'move'}:{gmail_id}:{decision}", gmail_id, decision, Origin.GMAIL)
