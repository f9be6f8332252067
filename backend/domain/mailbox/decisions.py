"""The decisions an owner can make, with our buttons or by moving mail in Gmail; the effects of each, and undo."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NotRequired, Protocol, TypedDict

from backend.domain.challenge import ChallengeState
from backend.domain.errors import Refused
from backend.domain.mail.sender import is_free_mail
from backend.domain.mailbox.message import INBOX, SPAM, TRASH, LabelIds, Placement, Stage

# ---- The decisions


class Decision(StrEnum):
    """The owner's decision about one held or passed message."""

    RELEASE = "release"  # let this message in; no rule
    ALLOW = "allow"  # let the sender's held mail in, and always let this address in
    ALLOW_DOMAIN = "allow_domain"
    BLOCK = "block"  # keep the sender's held mail held for good, and hold this address silently from now on
    BLOCK_DOMAIN = "block_domain"
    KEEP = "keep"  # off the list, with the sender's earlier mail, but nobody is blocked; the sender's check still works
    SALES = "sales"  # a pitch that was not held: hold it after all
    REPLIED = "replied"  # the owner replied to the sender, whose mail is let in
    SPAM = "spam"  # reported in Gmail: block the sender, take their credits
    BIN = "bin"  # put into Gmail's bin: never deliver this message; it says nothing about the sender


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


class InapplicableOrder(StrEnum):
    """What to do if an order cannot be applied to one of its messages: we do not know the message, the owner has put it
    into spam or the bin, or the order's key was used for another decision."""

    REFUSED = "refused"  # raise an error: the order is about this message alone
    COUNTED = "counted"  # count it: it is one of many on a page that may be old, like a message that Gmail has deleted
    IGNORED = "ignored"  # ignore it: in Gmail owners move mail that we never saw


IF_INAPPLICABLE: Mapping[Origin, InapplicableOrder] = {
    Origin.TRAY: InapplicableOrder.REFUSED,
    Origin.CARD: InapplicableOrder.REFUSED,
    Origin.COMMAND: InapplicableOrder.REFUSED,
    Origin.PAGE: InapplicableOrder.COUNTED,
    Origin.GMAIL: InapplicableOrder.IGNORED,
}
"""The only difference between the places where decisions are made. A digest's link counts as a page."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One decision about one message, as stored. Each `key` is applied only once."""

    key: str
    gmail_id: str
    decision: Decision
    origin: Origin

    @property
    def order(self) -> Order:
        return Order(self.key, self.decision, (self.gmail_id,), self.origin)


@dataclass(frozen=True, slots=True)
class LateOrder:
    """An order that arrives late, from a browser that was offline. It does not override decisions that the owner made
    after `at`, except those of this browser's `earlier` orders (their keys), which the owner knew of."""

    at: datetime
    earlier: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """One decision about some messages. The caller chooses `key`: an order sent twice is applied once. For messages in
    `whole`, it also applies to the sender's earlier held mail. `late` is set if the order arrives late."""

    key: str
    decision: Decision
    gmail_ids: Sequence[str]
    origin: Origin
    whole: Collection[str] = ()
    late: LateOrder | None = None

    @property
    def if_inapplicable(self) -> InapplicableOrder:
        """What to do if it cannot be applied to a message."""
        return IF_INAPPLICABLE[self.origin]

    def about(self, gmail_id: str) -> Correction:
        key = f"{self.key}.{gmail_id}" if self.if_inapplicable is InapplicableOrder.COUNTED else self.key
        return Correction(key, gmail_id, self.decision, self.origin)


@dataclass(frozen=True, slots=True)
class OrderResult:
    """What an order did: the messages it was `applied` to, those that are `moved`, how many were `lost` (unknown or
    deleted), and how many were `overruled` by the owner's later decisions."""

    applied: tuple[str, ...]
    moved: tuple[str, ...]
    lost: int
    overruled: int = 0


class RuleKind(StrEnum):
    """What a rule does with mail of an address or a domain."""

    ALLOW = "allow"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """The rules that match a sender: for their address, and for their domain."""

    address: RuleKind | None = None
    domain: RuleKind | None = None

    @property
    def kind(self) -> RuleKind | None:
        """What counts: the rule for the address wins over the one for the domain."""
        return self.address or self.domain


def rule_domain(sender: str) -> str:
    """The sender's domain, or "" at a mail provider, where a rule for the domain would hit strangers."""
    domain = sender.rpartition("@")[2] if "@" in sender else ""
    return "" if not domain or is_free_mail(domain) else domain


def refuse_shared_domain(decision: Decision, sender: str) -> None:
    """Raise `Refused` (malformed) for a decision about the whole domain of a mail provider."""
    if decision in (Decision.ALLOW_DOMAIN, Decision.BLOCK_DOMAIN) and not rule_domain(sender):
        raise Refused("malformed.everybody", field="decision")


# ---- Effects of decisions, and of undo
# `backend.transactions.decide` carries them out.


Teaches = Literal["sales", "legit", ""]


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a decision.

    `lets_in`: mail goes to the inbox, otherwise it is held. `whose`: which mail it reaches: "message" (this one),
    "earlier" (also held mail of its sender from before it), "sender" (all of the sender's) or "domain"; `rule` is set
    for the sender or domain. `voids`: open challenges about that mail end. `refunds`: a credit that the message cost is
    given back. `forfeits`: the sender loses all credits. `proven`: if the sender is not authenticated, only this
    message is reached. `teaches`: what the message is an example of when a model is trained on the owner's mail ("":
    nothing). `by` is stored as who decided.
    """

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
OVERRIDABLE = ("", KEPT)
"""Values of `decided_by` that the sender's check, or a decision about the sender, may still override."""

IN_SPAM_OR_BIN = (str(Decision.SPAM), str(Decision.BIN))
"""Values of `decided_by` for messages that the owner put into Gmail's spam or bin. We never take them out again."""

EFFECTS: Mapping[Decision, Effect] = {
    Decision.RELEASE: Effect(True, refunds=True),
    Decision.ALLOW: Effect(True, "sender", RuleKind.ALLOW, refunds=True),
    Decision.ALLOW_DOMAIN: Effect(True, "domain", RuleKind.ALLOW, refunds=True),
    Decision.REPLIED: Effect(True, "sender", by="replied"),
    Decision.BLOCK: Effect(False, "sender", RuleKind.BLOCK, teaches="sales"),
    Decision.BLOCK_DOMAIN: Effect(False, "domain", RuleKind.BLOCK, teaches="sales"),
    Decision.KEEP: Effect(False, "earlier", voids=False, teaches="sales", by=KEPT),
    Decision.SALES: Effect(False, voids=False, teaches="sales"),
    # The sender of forged mail is unknown, so reporting it as spam blocks nobody (`proven`).
    Decision.SPAM: Effect(
        False, "sender", RuleKind.BLOCK, forfeits=True, proven=True, teaches="sales", by=Decision.SPAM
    ),
    # People bin what they have read, so it does not count for delivered mail, and nothing is learned from it.
    Decision.BIN: Effect(False, refunds=True, teaches="", by=Decision.BIN),
}


class MessageState(TypedDict):
    """The state of a message: where it belongs, who decided that, and its next stage."""

    placement: str | None
    decided_by: str
    stage: str | None


class StateBefore(TypedDict):
    """A message's state before a decision, for undo. `revision` is that after the decision, to notice later changes."""

    gmail_id: str
    placement: str | None
    decided_by: str
    revision: int
    moved: bool
    stage: NotRequired[str | None]  # missing in records from before 0.2.0


@dataclass(frozen=True, slots=True)
class Change:
    """The new state of a message. `moves`: it must be moved in Gmail; `noted`: only `decided_by` changes."""

    stage: str | None
    placement: Placement
    decided_by: str
    moves: bool
    noted: bool


def binning_decides(placement: str | None, stage: str | None) -> bool:
    """Whether binning a message in this state counts as a decision: it is held, or not yet back in the inbox."""
    return placement == Placement.HELD or stage == Stage.RELEASE


def already_binned(decision: Decision, decided_by: str) -> bool:
    """Whether the message is already recorded as put into spam or the bin. A reported message that is binned stays
    reported."""
    return decision in IN_SPAM_OR_BIN and (decided_by == decision or (decided_by, decision) == IN_SPAM_OR_BIN)


def ignored_in_spam_or_bin(decision: Decision, decided_by: str) -> bool:
    """Whether the decision is ignored because it is about this message only, which is in spam or the bin."""
    effect = EFFECTS[decision]
    return (
        decided_by in IN_SPAM_OR_BIN
        and effect.whose in ("message", "earlier")
        and effect.by not in IN_SPAM_OR_BIN
    )


def change_of(effect: Effect, message: MessageState, *, meant: bool, authenticated: bool) -> Change | None:
    """How a decision changes a message that it reaches; None: not at all. `meant`: the owner decided about this very
    message, not only about its sender."""
    if meant and effect.by in IN_SPAM_OR_BIN:
        return _put_away(effect, message)
    if message["decided_by"] in IN_SPAM_OR_BIN:
        return None
    if effect.lets_in:
        # Letting a sender in must not help forged mail. The message that the owner chose themselves goes in anyway.
        trusted = meant or authenticated
        return _change(message, Stage.RELEASE, Placement.INBOX, effect.by) if trusted else None
    waits = message["decided_by"] in OVERRIDABLE
    if effect.by == KEPT:
        # It only leaves the list; the sender's check may still deliver it.
        held = message["placement"] == Placement.HELD and not message["decided_by"]
        return _change(message, message["stage"], Placement.HELD, KEPT) if held else None
    if meant and message["placement"] != Placement.HELD:
        return _change(message, Stage.ACT, Placement.HELD, effect.by)
    # It is held already, so its next stage stays, except that no challenge is sent any more. If the owner blocks a
    # sender, that decides about all of the sender's mail that was waiting for a decision.
    if effect.voids if meant else waits:
        stage = None if message["stage"] == Stage.CHALLENGE else message["stage"]
        return _change(message, stage, Placement.HELD, "owner" if effect.by in IN_SPAM_OR_BIN else effect.by)
    return None


def _put_away(effect: Effect, message: MessageState) -> Change | None:
    """The change for a message that the owner put into spam or the bin: its next stage is dropped."""
    placement, stage = message["placement"], message["stage"]
    if placement is None or (effect.by == Decision.BIN and not binning_decides(placement, stage)):
        return None
    return Change(None, Placement.HELD, effect.by, placement != Placement.HELD, noted=False)


def _change(message: MessageState, stage: str | None, placement: Placement, by: str) -> Change:
    # Mail without a placement was never taken out of the inbox.
    moves = (message["placement"] or Placement.INBOX) != placement
    return Change(stage, placement, by, moves, noted=not moves and stage in (message["stage"], Stage.RELEASE))


def undo_change(was: StateBefore, *, moved_back: bool = False) -> Change:
    """How undo changes a message that is unchanged since the decision. `moved_back`: the owner has already moved it
    out of spam or the bin, so only its unfinished stage is taken up again."""
    placement = Placement(was["placement"] or Placement.INBOX)
    if moved_back:
        left = was.get("stage")
        stage = left if left in (Stage.ACT, Stage.RELEASE) else None
        return Change(stage, placement, was["decided_by"], was["moved"], noted=False)
    stage = Stage.RELEASE if placement is Placement.INBOX else Stage.ACT
    return Change(stage, placement, was["decided_by"], was["moved"], noted=not was["moved"])


def challenge_ends(state: str, other_mail_waits: bool) -> bool:
    """Whether an open challenge in `state` ends when its message is decided about. A sent one stays open while it can
    deliver other mail of the sender; a solved one always stays open, because it is no longer about this message."""
    return state != ChallengeState.SOLVED and not (state == ChallengeState.SENT and other_mail_waits)


def sends_again(state: str, message: MessageState) -> bool:
    """Whether undo queues a challenge again that was voided in `state`, before it was sent."""
    unsent = state in (ChallengeState.INTENDED, ChallengeState.SENDING)
    return unsent and message["placement"] == Placement.HELD and message["stage"] is None


# ---- Decisions made in Gmail itself
# Gmail's history lists every label change, our own included. Ours agree with the message's state in the database: we
# take a message out of the inbox only if it is to be held, and put it back only if it no longer is. So the owner acted
# if a message leaves the held label although it is to be held, or gets a label that we never set. Moves to spam and bin
# are always the owner's.


_PLACES = {SPAM: Decision.SPAM, TRASH: Decision.BIN}
_SPAM_OR_BIN = "away"
"""Stands for either: the message was already in spam or the bin before this page of history."""


class Move(Protocol):
    """One label change in Gmail's history; `record` is the id of its history record, "" if unknown."""

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
class KnownState:
    """The state of a message in our database: where it belongs, its next stage (None: done), who decided."""

    placement: str | None
    stage: str | None
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A message that the owner took out of spam or the bin. `record` is the move's; `lies_held`: it has the held label
    now and is not in the inbox."""

    gmail_id: str
    record: str
    lies_held: bool


@dataclass(frozen=True, slots=True)
class GmailDecisions:
    """The decisions found in moves. `returned` messages must be applied first, then `corrections`."""

    corrections: tuple[Correction, ...]
    returned: tuple[TakenBack, ...] = ()


@dataclass(slots=True)
class _MovesOfMessage:
    """The moves of one message in a page of history. `away` is where it is if the owner put it away: SPAM, TRASH, or
    `_SPAM_OR_BIN`; "" otherwise. `held`: our own hold is in the page. `released` and `returned` are records of the last
    such move. `decided` has the latest decision of each kind ("order", "place"), with its record. `last` are the
    labels after the last move."""

    away: str
    held: bool = False
    released: str | None = None
    returned: str | None = None
    decided: dict[str, tuple[Decision, str]] = field(default_factory=dict)
    last: frozenset[str] | None = field(default=None)

    def decide(self, kind: str, decision: Decision, record: str) -> None:
        self.decided.pop(kind, None)
        self.decided[kind] = (decision, record)


def decisions(moves: Iterable[Move], known: Mapping[str, KnownState], labels: LabelIds) -> GmailDecisions:
    """The owner's decisions in `moves` (in the order of history), at most one of each kind for a message.

    Removing the held label from a held message, or adding INBOX, is RELEASE. Adding Pitchgate/Allow is ALLOW,
    Pitchgate/Block BLOCK, SPAM is SPAM, TRASH is BIN; each of these wins over a RELEASE in the same page. Messages that
    are not in `known` are ignored. The key of a decision depends only on the history record, so reading a page twice
    decides once, while repeating the move later counts again.
    """
    by_message: dict[str, _MovesOfMessage] = {}
    for move in moves:
        if (state := known.get(move.gmail_id)) is not None:
            away = _SPAM_OR_BIN if state.decided_by in IN_SPAM_OR_BIN else ""
            _note_move(by_message.setdefault(move.gmail_id, _MovesOfMessage(away)), move, labels)
    found: list[Correction] = []
    returned: list[TakenBack] = []
    for gmail_id, seen in by_message.items():
        state = known[gmail_id]
        found += _corrections_of_message(gmail_id, seen, state, labels)
        # A message without a placement may have been reported as spam, too.
        if seen.returned is not None and (state.decided_by in IN_SPAM_OR_BIN or state.placement is None):
            returned.append(TakenBack(gmail_id, seen.returned, _lies_held(seen, labels)))
    return GmailDecisions(tuple(found), tuple(returned))


def _note_move(seen: _MovesOfMessage, move: Move, labels: LabelIds) -> None:
    if labels.allow and labels.allow in move.added:
        seen.decide("order", Decision.ALLOW, move.record)
    elif labels.block and labels.block in move.added:
        seen.decide("order", Decision.BLOCK, move.record)
    if labels.held and labels.held in move.added:
        # It is held again, so an earlier release in this page no longer counts.
        seen.held, seen.released = True, None
    elif (labels.held and labels.held in move.removed) or INBOX in move.added:
        seen.released = move.record
    for label, decision in _PLACES.items():
        if label in move.added:
            seen.decide("place", decision, move.record)
            seen.away, seen.returned = label, None
    # A message is in spam or in the bin, never in both: the label of the other may be removed without a return.
    if move.removed & _PLACES.keys() and (seen.away in (_SPAM_OR_BIN, "") or seen.away in move.removed):
        seen.away, seen.returned = "", move.record
        seen.decided.pop("place", None)
    seen.last = move.labels


def _corrections_of_message(
    gmail_id: str, seen: _MovesOfMessage, state: KnownState, labels: LabelIds
) -> list[Correction]:
    found = [
        _correction(gmail_id, decision, record)
        for kind, (decision, record) in seen.decided.items()
        if kind == "order" or _counts(decision, state)
    ]
    if seen.decided or seen.released is None or seen.away or state.placement != Placement.HELD:
        return found
    if state.decided_by in IN_SPAM_OR_BIN:
        return found  # it is among the `returned` messages, which decide about it
    if state.stage == Stage.ACT and not seen.held:
        # We have not held it in Gmail yet, so the owner cannot have released it: this is the record of our own earlier
        # release, which was undone since.
        return found
    if seen.last is not None and _lies_held(seen, labels):
        return found
    return [_correction(gmail_id, Decision.RELEASE, seen.released)]


def _counts(place: Decision, state: KnownState) -> bool:
    """Whether the owner's move to spam or bin is a decision. For mail that is not screened yet it always is."""
    if already_binned(place, state.decided_by):
        return False
    return (
        place is Decision.SPAM or state.stage == Stage.SCREEN or binning_decides(state.placement, state.stage)
    )


def _lies_held(seen: _MovesOfMessage, labels: LabelIds) -> bool:
    if seen.last is None:  # Google did not say
        return seen.released is None
    return labels.held in seen.last and INBOX not in seen.last


def _correction(gmail_id: str, decision: Decision, record: str) -> Correction:
    return Correction(f"gmail:{record or 'move'}:{gmail_id}:{decision}", gmail_id, decision, Origin.GMAIL)
