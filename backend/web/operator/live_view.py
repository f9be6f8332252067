"""The live page's rows: a stored message and its challenge become a line and a walk through the stages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.entry.challenge import Challenge, ChallengeState
from backend.domain.mailbox.decisions import AWAY
from backend.domain.mailbox.message import MessageView, Placement, Stage
from backend.domain.mailbox.verdict import Outcome, Row
from backend.locale.words import Words


class State(StrEnum):
    """How far one step of a message's walk is."""

    DONE = "done"
    NOW = "now"
    WAITING = "waiting"  # for the sender
    FAILED = "failed"
    NONE = "none"


STEPS = ("push", "sync", "screen", "act", "challenge", "solve", "release")

COUNTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("arrived", tuple(f"messages.{word}" for word in ("undecided", "inbox", "mark", "hold", "challenge"))),
    ("challenged", ("challenges.sent", "challenges.solved")),
    ("solved", ("challenges.solved",)),
)
"""What is counted below the picture, from keys of the store's census."""

CHALLENGE_STATES: Mapping[ChallengeState, State] = {
    ChallengeState.INTENDED: State.NOW,
    ChallengeState.SENDING: State.NOW,
    ChallengeState.SENT: State.DONE,
    ChallengeState.SOLVED: State.DONE,
    ChallengeState.VOIDED: State.NONE,
    ChallengeState.FAILED: State.FAILED,
}

LANES: Mapping[str, int] = {"inbox": 8, "held": 8, "released": 3}
"""Lanes of the picture, and how many dots there is room for in each."""

DECIDED = ("solve", "credit", "owner", "replied", *AWAY)
"""Who may have decided after the verdict: values of `MessageView.decided_by` that have words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of one message."""

    name: str
    state: State


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the live page shows it. `score` is the share, None if it was not scored; `since` is
    what was decided after the verdict."""

    key: str
    when: datetime
    mailbox: str
    sender: str
    subject: str
    verdict: str
    since: str
    score: float | None
    tone: str
    lane: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of the picture: how many messages have come there, and the keys of the latest, newest first."""

    name: str
    count: int
    keys: tuple[str, ...]


def lanes(lines: Sequence[Line], census: Mapping[str, int]) -> tuple[Lane, ...]:
    """The picture. `lines` are the latest messages, newest first; `census` is the store's."""
    passed, held, released = (
        sum(census.get(key, 0) for key in keys)
        for keys in (
            ("messages.inbox", "messages.mark"),
            ("messages.hold", "messages.challenge"),
            ("released",),
        )
    )
    come = {"inbox": passed, "held": max(held - released, 0), "released": released}
    return tuple(
        Lane(name, come[name], tuple(line.key for line in lines if line.lane == name)[:room])
        for name, room in LANES.items()
    )


def worth_showing(view: MessageView) -> bool:
    """Whether this is incoming mail; the owner's own and what Gmail has sorted out already is left away."""
    return view.outcome != Outcome.IGNORE and view.stage is not Stage.LEARN


def line(view: MessageView, mailbox: str, challenge: Challenge | None, t: Words) -> Line:
    """A message as a row. `mailbox` is its owner's address, `t` has the live page's words and the cards'."""
    name, address = view.sender_name, view.sender
    waiting = "being_read" if view.stage else "gone_before"
    return Line(
        key=view.gmail_id,
        when=view.first_seen_at,
        mailbox=mailbox,
        sender=f"{name} <{address}>" if name and address else name or address,
        subject=view.subject or t(_nameless(view)),
        verdict=t(f"row_{view.row}" if f"row_{view.row}" in t else waiting),
        since=t(f"decided_{view.decided_by}")
        if view.decided_by in DECIDED and view.row != Row.CREDIT
        else "",
        score=view.score,
        tone=_tone(view),
        lane=_lane(view),
        steps=_steps(view, challenge),
    )


def _was_read(view: MessageView) -> bool:
    """Whether it was looked into: what is left to Gmail, or came in a pause, is decided without that."""
    return bool(view.outcome and view.sender)


def _nameless(view: MessageView) -> str:
    if not view.outcome:
        return "new_message"
    return "no_subject" if _was_read(view) else "not_read"


def _tone(view: MessageView) -> str:
    if view.dead_letter:
        return "failed"
    if view.placement is Placement.HELD:
        return "held"
    if view.decided_by:
        return "released"
    return "passed" if view.outcome else "open"


def _lane(view: MessageView) -> str:
    if not view.outcome or view.dead_letter:
        return ""
    if view.placement is Placement.HELD:
        return "held"
    return "released" if view.outcome in (Outcome.HOLD, Outcome.CHALLENGE) and view.decided_by else "inbox"


def _steps(view: MessageView, challenge: Challenge | None) -> tuple[Step, ...]:
    states = {
        "push": State.DONE,
        "sync": State.DONE,
        "screen": _screen(view),
        "act": _act(view),
        "challenge": _challenge(view, challenge),
        "solve": _solve(view, challenge),
        "release": _release(view),
    }
    if view.dead_letter:
        pending = view.stage.value if view.stage else "screen"
        states[pending if pending in states else "screen"] = State.FAILED
    return tuple(Step(name, states[name]) for name in STEPS)


def _screen(view: MessageView) -> State:
    if view.outcome:
        return State.DONE if _was_read(view) else State.NONE
    return State.NOW if view.stage else State.NONE


def _act(view: MessageView) -> State:
    if view.stage is Stage.ACT:
        return State.NOW
    return State.DONE if view.outcome in (Outcome.MARK, Outcome.HOLD, Outcome.CHALLENGE) else State.NONE


def _challenge(view: MessageView, challenge: Challenge | None) -> State:
    if view.outcome != Outcome.CHALLENGE or view.stage is Stage.ACT:
        return State.NONE
    if challenge is None:
        return State.NOW
    return CHALLENGE_STATES[challenge.state]


def _solve(view: MessageView, challenge: Challenge | None) -> State:
    if view.decided_by == "solve" or (challenge and challenge.state is ChallengeState.SOLVED):
        return State.DONE
    waits = challenge is not None and challenge.state is ChallengeState.SENT and not view.decided_by
    return State.WAITING if waits else State.NONE


def _release(view: MessageView) -> State:
    if view.stage is Stage.RELEASE:
        return State.NOW
    back = view.decided_by and view.placement is not Placement.HELD
    return State.DONE if back and view.outcome in (Outcome.HOLD, Outcome.CHALLENGE) else State.NONE
