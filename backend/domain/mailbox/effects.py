"""What each decision of an owner means, and what taking it back means: for their lists, the mail it reaches, open
challenges, credits and training. The transactions carry out what is said here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

from backend.domain.entry.challenge import ChallengeState
from backend.domain.mailbox.correction import Decision, RuleKind
from backend.domain.mailbox.labels import Placement
from backend.domain.mailbox.message_record import Stage

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
"""Who decided about a message that its sender's check, or a decision about its sender, still reaches."""

AWAY = (str(Decision.SPAM), str(Decision.BIN))
"""Who decided about a message that the owner has put into Gmail's spam or bin. Nothing of ours takes it out again."""

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


class Stood(TypedDict):
    """How a message stands: where it is meant to be, who decided that, and what is still to be done for it."""

    placement: str | None
    decided_by: str
    stage: str | None


class Touched(TypedDict):
    """What one message was before a decision, as an undo needs it. `revision` is the one the decision left."""

    gmail_id: str
    placement: str | None
    decided_by: str
    revision: int
    moved: bool
    stage: NotRequired[str | None]  # what was still to be done for it; records made before 0.2.0 do not say


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a message. `moves`: it is not there yet; `noted`: all that changes is who decided."""

    stage: str | None
    placement: Placement
    decided_by: str
    moves: bool
    noted: bool


def binned(placement: str | None, stage: str | None) -> bool:
    """Whether the bin means anything for a message that stands so: it was to stay out of the inbox, or has not come
    back to it yet."""
    return placement == Placement.HELD or stage == Stage.RELEASE


def heard(decision: Decision, decided_by: str) -> bool:
    """Whether a message's row says already that the owner has put it away so. What they throw away after they have
    reported it stays reported."""
    return decision in AWAY and (decided_by == decision or (decided_by, decision) == AWAY)


def out_of_reach(decision: Decision, decided_by: str) -> bool:
    """Whether a decision about this one message is none, since the owner has put it away."""
    effect = EFFECTS[decision]
    return decided_by in AWAY and effect.whose in ("message", "earlier") and effect.by not in AWAY


def change_of(effect: Effect, message: Stood, *, meant: bool, authenticated: bool) -> Change | None:
    """What a decision makes of a message it reaches; None leaves it as it is. `meant`: it was made about this one."""
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


def _put_away(effect: Effect, message: Stood) -> Change | None:
    """The owner has moved it themselves: what was still to be done for it is not done any more."""
    placement, stage = message["placement"], message["stage"]
    if placement is None or (effect.by == Decision.BIN and not binned(placement, stage)):
        return None
    return Change(None, Placement.HELD, effect.by, placement != Placement.HELD, noted=False)


def _change(message: Stood, stage: str | None, placement: Placement, by: str) -> Change:
    # Mail that was left alone was never taken out of the inbox.
    moves = (message["placement"] or Placement.INBOX) != placement
    return Change(stage, placement, by, moves, noted=not moves and stage in (message["stage"], Stage.RELEASE))


def put_back(was: Touched, *, there: bool = False) -> Change:
    """What taking a decision back makes of a message that nobody has changed since. `there`: the owner has taken it out
    of spam or bin themselves, so that only what had not been done yet is left to do."""
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


def sends_again(state: str, message: Stood) -> bool:
    """Whether a challenge that was voided in `state` is to be sent after all when the decision is taken back."""
    unsent = state in (ChallengeState.INTENDED, ChallengeState.SENDING)
    return unsent and message["placement"] == Placement.HELD and message["stage"] is None
