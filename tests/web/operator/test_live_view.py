"""A message's walk through the stages, as the live page tells it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import LanguageAccept

from backend.domain.entry.challenge import ChallengeState
from backend.domain.mailbox.message import Placement, RowName, Stage
from backend.web.operator import (
    CHALLENGE_STATES,
    COUNTERS,
    DECIDED,
    LANES,
    STEPS,
    StepState,
    line,
    worth_showing,
)
from backend.web.pages import words_for
from tests.values import challenge, message

T = words_for("live", LanguageAccept([("en", 1)]))
INBOX: dict[str, Any] = {"placement": Placement.INBOX, "outcome": "inbox", "row": "below_hold"}


def walk(state: ChallengeState | None = None, **changes: Any) -> dict[str, StepState]:
    known = challenge(state=state) if state else None
    return {step.name: step.state for step in line(message(**changes), "ana@corp.test", known, T).steps}


def test_every_row_of_the_policy_table_and_every_state_has_its_words() -> None:
    wanted = [*(f"row_{row}" for row in RowName), *(f"decided_{who}" for who in DECIDED)]
    wanted += [*(f"step_{step}" for step in STEPS), *(f"step_state_{state}" for state in StepState)]
    wanted += [f"count_{label}" for label, _ in COUNTERS]
    wanted += [f"lane_{lane}{note}" for lane in LANES for note in ("", "_note")]
    assert [name for name in wanted if name not in T] == [], "missing words"
    assert set(CHALLENGE_STATES) == set(ChallengeState)


def test_a_pitch_walks_from_push_to_release() -> None:
    seen = [
        walk(outcome="", row="", placement=None, stage=Stage.SCREEN),
        walk(stage=Stage.ACT),
        walk(stage=Stage.CHALLENGE),
        walk(ChallengeState.SENDING, stage=Stage.CHALLENGE),
        walk(ChallengeState.SENT),
        walk(ChallengeState.SOLVED, decided_by="solve", stage=Stage.RELEASE, placement=Placement.INBOX),
        walk(ChallengeState.SOLVED, decided_by="solve", placement=Placement.INBOX),
    ]
    now = [[name for name in STEPS if steps[name] in (StepState.NOW, StepState.WAITING)] for steps in seen]
    done = [sum(state is StepState.DONE for state in steps.values()) for steps in seen]

    assert now[0] == ["screen"]
    assert now[1] == ["act"]
    assert now[2] == now[3] == ["challenge"]
    assert now[4] == ["solve"]
    assert now[5] == ["release"]
    assert now[6] == []
    assert done == sorted(done), "nothing that was done is undone"
    assert done[-1] == len(STEPS)


def test_ordinary_mail_ends_after_the_screen() -> None:
    steps = walk(**INBOX)

    assert [name for name in STEPS if steps[name] is StepState.DONE] == ["push", "sync", "screen"]
    assert {steps[name] for name in STEPS[3:]} == {StepState.NONE}


@pytest.mark.parametrize(
    ("state", "step"), [(ChallengeState.FAILED, StepState.FAILED), (ChallengeState.VOIDED, StepState.NONE)]
)
def test_a_challenge_that_never_left_waits_for_nobody(state: ChallengeState, step: StepState) -> None:
    steps = walk(state)

    assert steps["challenge"] is step
    assert steps["solve"] is StepState.NONE


@pytest.mark.parametrize("outcome", ["", "inbox", "mark", "hold", "challenge"])
def test_incoming_mail_is_shown(outcome: str) -> None:
    assert worth_showing(message(outcome=outcome, stage=Stage.SCREEN))


def test_the_owners_own_mail_is_not() -> None:
    assert not worth_showing(message(outcome="ignore", row="not_incoming"))
    assert not worth_showing(message(outcome="", row="", stage=Stage.LEARN))


def test_mail_that_was_gone_is_not_said_to_be_under_way() -> None:
    gone: dict[str, Any] = {"outcome": "", "row": "", "stage": None, "placement": None}

    assert StepState.NOW not in walk(**gone).values()
    assert line(message(**gone), "ana@corp.test", None, T).verdict == "gone before it was read"


def test_mail_let_in_by_its_owner_was_not_solved() -> None:
    steps = walk(ChallengeState.VOIDED, decided_by="owner", placement=Placement.INBOX)

    assert (steps["solve"], steps["release"]) == (StepState.NONE, StepState.DONE)
    shown = line(message(decided_by="owner", placement=Placement.INBOX), "ana@corp.test", None, T)
    assert shown.since == "Decided by you"


def test_blocked_mail_stays_held_and_is_not_called_released() -> None:
    steps = walk(ChallengeState.VOIDED, decided_by="owner", placement=Placement.HELD)

    assert steps["release"] is StepState.NONE


@pytest.mark.parametrize(
    "stage", [Stage.SCREEN, Stage.ACT, Stage.CHALLENGE, Stage.RELEASE, Stage.LEARN, None]
)
def test_what_became_a_dead_letter_says_where(stage: Stage | None) -> None:
    steps = walk(stage=stage, dead_letter=True)

    failed = [name for name in STEPS if steps[name] is StepState.FAILED]
    assert failed == [stage.value if stage and stage.value in STEPS else "screen"]


def test_what_was_left_to_gmail_was_not_read() -> None:
    assert walk(**INBOX)["screen"] is StepState.DONE
    assert walk(**INBOX, sender="", sender_name="", subject="")["screen"] is StepState.NONE


@pytest.mark.parametrize(
    ("changes", "sender", "subject"),
    [
        ({}, "Max Vendor <max@vendor.example>", "Grow your pipeline by 300 %"),
        ({"sender_name": ""}, "max@vendor.example", "Grow your pipeline by 300 %"),
        ({"sender_name": "", "sender": "", "subject": "", "outcome": ""}, "", "A new message"),
        ({"subject": ""}, "Max Vendor <max@vendor.example>", "(no subject)"),
        ({"sender_name": "", "sender": "", "subject": "", **INBOX}, "", "Not read by Pitchgate"),
    ],
)
def test_names_and_subjects(changes: dict[str, str], sender: str, subject: str) -> None:
    shown = line(message(**changes), "ana@corp.test", None, T)

    assert (shown.sender, shown.subject) == (sender, subject)
