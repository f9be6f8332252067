"""What became of a message, as the live page tells it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import LanguageAccept

from backend.domain.challenge import ChallengeState
from backend.domain.mailbox.message import Placement, PolicyRow, Stage
from backend.web.operator import DECIDED, LANES, REPLIES, Line, line, worth_showing
from backend.web.pages import words_for
from tests.values import challenge, message

T = words_for("live", LanguageAccept([("en", 1)]))
INBOX: dict[str, Any] = {"placement": Placement.INBOX, "outcome": "inbox", "row": "below_hold"}


GONE: dict[str, Any] = {"outcome": "", "row": "", "stage": None, "placement": None}
BACK: dict[str, Any] = {"placement": Placement.INBOX}


def told(state: ChallengeState | None = None, **changes: Any) -> Line:
    return line(message(**changes), "ana@corp.test", challenge(state=state) if state else None, T)


def test_every_row_of_the_policy_table_and_every_state_has_its_words() -> None:
    wanted = [*(f"row_{row}" for row in PolicyRow), *(f"decided_{who}" for who in DECIDED)]
    wanted += [f"told_reply_{reply}" for reply in REPLIES.values()]
    wanted += [f"state_{state}" for state in (*LANES, "failed", "read", "gone")]
    wanted += [f"lane_{lane}{note}" for lane in LANES for note in ("", "_note")]
    assert [name for name in wanted if name not in T] == [], "missing words"
    assert set(REPLIES) == set(ChallengeState)


@pytest.mark.parametrize(
    ("state", "changes", "place", "lane", "said"),
    [
        (None, GONE | {"stage": Stage.SCREEN}, "read", "", "It is being read."),
        (None, GONE, "gone", "", "It was gone before it was read."),
        (None, INBOX, "inbox", "inbox", "This is not enough like a pitch to be held."),
        (None, {"stage": Stage.CHALLENGE}, "held", "held", "Its sender gets a reply with a link."),
        (ChallengeState.SENDING, {}, "held", "held", "Its sender gets a reply with a link."),
        (ChallengeState.SENT, {}, "held", "held", "Its sender got a reply with a link."),
        (ChallengeState.FAILED, {}, "held", "held", "No reply was sent."),
        (ChallengeState.VOIDED, {"decided_by": "owner"}, "held", "held", "The owner’s decision."),
        (ChallengeState.SOLVED, BACK | {"decided_by": "solve"}, "released", "released", "Its sender passed the check."),
        (None, BACK | {"decided_by": "owner"}, "released", "released", "The owner’s decision."),
        (None, {"dead_letter": True}, "failed", "", "Something went wrong; it stays where it is."),
    ],
)  # fmt: skip
def test_each_message_has_one_word_and_one_sentence(
    state: ChallengeState | None, changes: dict[str, Any], place: str, lane: str, said: str
) -> None:
    shown = told(state, **changes)

    assert (shown.state, shown.lane, shown.said) == (place, lane, said)


@pytest.mark.parametrize("outcome", ["", "inbox", "mark", "hold", "challenge"])
def test_incoming_mail_is_shown(outcome: str) -> None:
    assert worth_showing(message(outcome=outcome, stage=Stage.SCREEN))


def test_the_owners_own_mail_is_not() -> None:
    assert not worth_showing(message(outcome="ignore", row="not_incoming"))
    assert not worth_showing(message(outcome="", row="", stage=Stage.LEARN))


@pytest.mark.parametrize(
    ("changes", "named", "subject"),
    [
        ({}, ("Max Vendor", "max@vendor.example"), "Grow your pipeline by 300 %"),
        ({"sender_name": "", "sender": "", "subject": "", "outcome": ""}, ("", ""), "A new message"),
        ({"subject": ""}, ("Max Vendor", "max@vendor.example"), "(no subject)"),
        ({"sender_name": "", "sender": "", "subject": "", **INBOX}, ("", ""), "Not read by Pitchgate"),
    ],
)
def test_names_and_subjects(changes: dict[str, str], named: tuple[str, str], subject: str) -> None:
    shown = told(**changes)

    assert ((shown.name, shown.sender), shown.subject) == (named, subject)
