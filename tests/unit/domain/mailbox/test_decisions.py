"""What each decision of an owner does to the mail it reaches, and what taking it back does."""

from __future__ import annotations

import pytest

from backend.domain.mailbox.decisions import (
    EFFECTS,
    IN_SPAM_OR_BIN,
    OFFERED,
    Change,
    Decision,
    MessageState,
    StateBefore,
    challenge_ends,
    change_of,
    sends_again,
    undo_change,
)
from backend.domain.mailbox.message import Placement, Stage

HELD = MessageState(placement="held", decided_by="", stage=None)
PASSED = MessageState(placement="inbox", decided_by="", stage=None)


def change(
    decision: Decision, message: MessageState, *, meant: bool = True, authenticated: bool = True
) -> Change | None:
    return change_of(EFFECTS[decision], message, meant=meant, authenticated=authenticated)


def test_every_decision_has_a_meaning() -> None:
    assert EFFECTS.keys() == set(Decision)
    assert set(OFFERED) == set(Decision) - {Decision.REPLIED, Decision.SPAM, Decision.BIN}


@pytest.mark.parametrize("decision", [d for d in Decision if EFFECTS[d].lets_in])
def test_what_lets_in_brings_held_mail_back(decision: Decision) -> None:
    assert change(decision, HELD) == Change(Stage.RELEASE, Placement.INBOX, EFFECTS[decision].by, True, False)


def test_a_kindness_to_a_sender_is_none_to_who_only_claims_to_be_them() -> None:
    assert change(Decision.ALLOW, HELD, meant=False, authenticated=False) is None
    assert change(Decision.ALLOW, HELD, meant=True, authenticated=False) is not None


def test_letting_in_what_was_never_taken_out_only_notes_who_decided() -> None:
    found = change(Decision.ALLOW, PASSED)
    assert found is not None
    assert found.noted
    assert not found.moves


def test_a_pitch_that_slipped_through_is_held_after_all() -> None:
    assert change(Decision.SALES, PASSED) == Change(Stage.ACT, Placement.HELD, "owner", True, False)
    assert change(Decision.SALES, HELD) is None


def test_who_is_blocked_is_answered_no_more_and_their_mail_waits_no_more() -> None:
    waiting = MessageState(placement="held", decided_by="", stage=Stage.CHALLENGE)
    found = change(Decision.BLOCK, waiting, meant=False)
    assert found is not None
    assert (found.stage, found.placement, found.decided_by) == (None, Placement.HELD, "owner")
    settled = MessageState(placement="held", decided_by="owner", stage=None)
    assert change(Decision.BLOCK, settled, meant=False) is None


@pytest.mark.parametrize(
    ("placement", "stage"), [("held", Stage.ACT), ("inbox", Stage.RELEASE), (None, Stage.RELEASE)]
)
def test_taken_back_a_message_goes_where_it_was(placement: str | None, stage: Stage) -> None:
    was = StateBefore(gmail_id="m1", placement=placement, decided_by="solve", revision=3, moved=True)
    assert undo_change(was) == Change(stage, Placement(placement or "inbox"), "solve", True, False)


def test_taken_back_what_did_not_move_has_its_former_decider() -> None:
    was = StateBefore(gmail_id="m1", placement="held", decided_by="", revision=3, moved=False)
    assert undo_change(was).noted


@pytest.mark.parametrize(
    ("state", "beside", "ends"),
    [
        ("intended", True, True),
        ("sending", True, True),
        ("sent", False, True),
        ("sent", True, False),
        ("solved", False, False),
        ("solved", True, False),
    ],
)
def test_a_link_ends_with_its_message_unless_others_wait_for_it(state: str, beside: bool, ends: bool) -> None:
    assert challenge_ends(state, beside) is ends


def test_a_challenge_that_never_left_is_sent_when_its_end_is_taken_back() -> None:
    assert sends_again("intended", HELD)
    assert not sends_again("sent", HELD)
    assert not sends_again("sending", PASSED)


def test_owners_teach_by_what_they_decide() -> None:
    sales = {decision for decision, effect in EFFECTS.items() if effect.teaches == "sales"}
    assert sales == {Decision.SALES, Decision.KEEP, Decision.BLOCK, Decision.BLOCK_DOMAIN, Decision.SPAM}
    assert not EFFECTS[Decision.BIN].teaches


@pytest.mark.parametrize("word", [Decision.SPAM, Decision.BIN])
def test_what_is_put_away_stays_out_and_nothing_more_is_done_for_it(word: Decision) -> None:
    for stage in (None, Stage.ACT, Stage.CHALLENGE):
        held = MessageState(placement="held", decided_by="", stage=stage)
        assert change(word, held) == Change(None, Placement.HELD, word, False, False)
    solved = MessageState(placement="inbox", decided_by="solve", stage=Stage.RELEASE)
    assert change(word, solved) == Change(None, Placement.HELD, word, True, False)
    assert change(word, MessageState(placement=None, decided_by="", stage=None)) is None


def test_a_delivered_message_is_only_concerned_by_a_report() -> None:
    assert change(Decision.SPAM, PASSED) == Change(None, Placement.HELD, "spam", True, False)
    assert change(Decision.BIN, PASSED) is None


@pytest.mark.parametrize("by", IN_SPAM_OR_BIN)
@pytest.mark.parametrize("decision", [d for d in Decision if d not in IN_SPAM_OR_BIN])
def test_nothing_an_owner_decides_elsewhere_fetches_it_from_there(decision: Decision, by: str) -> None:
    away = MessageState(placement="held", decided_by=by, stage=None)
    for meant in (True, False):
        assert change(decision, away, meant=meant) is None


def test_a_report_keeps_the_senders_other_mail_held_as_a_block_does() -> None:
    waiting = MessageState(placement="held", decided_by="", stage=Stage.CHALLENGE)
    found = change(Decision.SPAM, waiting, meant=False)
    assert found == Change(None, Placement.HELD, "owner", False, False)


def test_what_the_owner_took_out_again_is_moved_by_nobody() -> None:
    was = StateBefore(gmail_id="m", placement="inbox", decided_by="", revision=3, moved=True, stage=None)
    assert undo_change(was, moved_back=True) == Change(None, Placement.INBOX, "", True, False)
    # but for what had not been done yet
    was = StateBefore(gmail_id="m", placement="held", decided_by="", revision=3, moved=False, stage=Stage.ACT)
    assert undo_change(was, moved_back=True).stage == Stage.ACT


def test_what_is_kept_leaves_the_list_and_nothing_else_changes() -> None:
    waiting: MessageState = {"placement": "held", "decided_by": "", "stage": Stage.CHALLENGE}
    assert change(Decision.KEEP, waiting) == Change(Stage.CHALLENGE, Placement.HELD, "kept", False, True)
    assert change(Decision.KEEP, PASSED) is None
    kept: MessageState = {"placement": "held", "decided_by": "kept", "stage": None}
    assert change(Decision.KEEP, kept) is None
    found = change(Decision.BLOCK, kept, meant=False)
    assert found is not None
    assert found.decided_by == "owner"
