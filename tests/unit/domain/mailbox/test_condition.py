"""The owner's state machine: every state can be told, and what they must mend comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.errors import AccessLost, Blame, Cause, Failing
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import Condition, Gap, Link, Mailbox, Mode, Preferences, Who, explain

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WORKING = Mailbox(
    id="m",
    sub="s",
    owner=Owner("ana@corp.test"),
    link=Link.CONNECTED,
    preferences=Preferences(mode=Mode.CHALLENGE),
    scopes=frozenset(),
    created_at=NOW - timedelta(days=9),
    watch_expires_at=NOW + timedelta(days=6),
    indexed_at=NOW - timedelta(days=9),
)
LATE = Failing("sync", Cause.GOOGLE, NOW - timedelta(minutes=2))
PAUSED = replace(WORKING, preferences=Preferences(mode=Mode.CHALLENGE, paused_until=NOW + timedelta(hours=2)))
STATES = {
    Condition.CONNECTING: replace(WORKING, watch_expires_at=None, indexed_at=None),
    Condition.INDEXING: replace(WORKING, indexed_at=None, index_done=150, index_total=900),
    Condition.ACTIVE: WORKING,
    Condition.OBSERVING: replace(WORKING, preferences=Preferences()),
    Condition.PAUSED: PAUSED,
    Condition.NEEDS_RECONNECT: replace(WORKING, link=Link.NEEDS_RECONNECT, lost=AccessLost.SCOPE),
    Condition.WATCH_LAPSED: replace(WORKING, watch_expires_at=NOW),
    Condition.DELAYED: replace(WORKING, failing=(LATE,)),
    Condition.DISCONNECTED: replace(WORKING, link=Link.LEAVING),
}


@pytest.mark.parametrize("condition", list(Condition))
def test_every_state_can_be_reached(condition: Condition) -> None:
    explanation = explain(STATES[condition], NOW)
    assert explanation.condition is condition
    assert not explanation.watch_lapses
    assert explanation.gap is None


def test_only_a_lost_access_is_the_owners_to_mend() -> None:
    owners = {condition for condition, box in STATES.items() if explain(box, NOW).who is Who.OWNER}
    assert owners == {Condition.NEEDS_RECONNECT}


def test_what_must_be_mended_comes_before_what_merely_is() -> None:
    everything = replace(PAUSED, link=Link.NEEDS_RECONNECT, watch_expires_at=NOW, indexed_at=None)
    assert explain(everything, NOW).condition is Condition.NEEDS_RECONNECT
    assert explain(replace(everything, link=Link.LEAVING), NOW).condition is Condition.DISCONNECTED
    assert explain(replace(everything, link=Link.CONNECTED), NOW).condition is Condition.WATCH_LAPSED


@pytest.mark.parametrize("condition", [Condition.CONNECTING, Condition.INDEXING, Condition.WATCH_LAPSED])
def test_no_state_that_promises_to_pass_is_told_while_its_work_fails(condition: Condition) -> None:
    explanation = explain(replace(STATES[condition], failing=(LATE,)), NOW)
    assert explanation.condition is Condition.DELAYED
    assert explanation.late == LATE


def test_a_connection_that_fails_is_told_as_one() -> None:
    late = replace(LATE, job="watch")
    assert explain(replace(STATES[Condition.CONNECTING], failing=(late,)), NOW).condition is Condition.DELAYED
    assert explain(replace(WORKING, failing=(late,)), NOW).condition is Condition.ACTIVE


def test_one_message_that_fails_is_told_as_some_mail() -> None:
    explanation = explain(replace(WORKING, failing=(replace(LATE, job="act", cause=Cause.FAULT),)), NOW)
    assert explanation.late is not None
    assert (explanation.late.reads, explanation.late.blame) == (False, Blame.OURS)


def test_a_pause_stays_a_pause_and_tells_of_the_trouble_beside() -> None:
    explanation = explain(replace(PAUSED, failing=(LATE,)), NOW)
    assert explanation.condition is Condition.PAUSED
    assert explanation.late == LATE


def test_renewing_is_said_to_have_failed_only_when_it_has() -> None:
    """Little time left alone says nothing: a server that was off for days is about to renew."""
    soon = replace(WORKING, watch_expires_at=NOW + timedelta(hours=47))
    failed = replace(soon, failing=(Failing("watch", Cause.GOOGLE, NOW - timedelta(seconds=1)),))
    assert not explain(soon, NOW).watch_lapses
    assert explain(failed, NOW).watch_lapses
    assert not explain(replace(failed, watch_expires_at=NOW + timedelta(days=3)), NOW).watch_lapses


def test_how_access_was_lost_is_told_and_the_commonest_way_where_it_is_not_known() -> None:
    assert explain(STATES[Condition.NEEDS_RECONNECT], NOW).lost is AccessLost.SCOPE
    assert explain(replace(STATES[Condition.NEEDS_RECONNECT], lost=None), NOW).lost is AccessLost.GRANT
    assert explain(WORKING, NOW).lost is None


def test_the_index_tells_its_progress_and_a_pause_its_end() -> None:
    assert explain(STATES[Condition.INDEXING], NOW).indexed == (150, 900)
    assert explain(PAUSED, NOW).paused_until == NOW + timedelta(hours=2)


@pytest.mark.parametrize(("cut", "expected"), [("", False), ("time", True), ("count", True)])
def test_mail_left_out_of_a_gap_is_told_for_a_week(cut: str, expected: bool) -> None:
    box = replace(WORKING, gap=Gap(NOW - timedelta(days=3), NOW - timedelta(days=1), 7, cut))
    assert (explain(box, NOW).gap == box.gap) is expected
    assert explain(box, NOW + timedelta(days=8)).gap is None


def test_an_end_of_the_access_is_told_two_days_before_and_not_after() -> None:
    end = NOW + timedelta(days=7)
    box = replace(WORKING, grant_expires_at=end)
    assert explain(box, end - timedelta(hours=48, seconds=1)).grant_ends is None
    assert explain(box, end - timedelta(hours=48)).grant_ends == end
    assert explain(replace(box, link=Link.NEEDS_RECONNECT), end - timedelta(hours=1)).grant_ends is None
    assert explain(box, end).grant_ends is None, "it went on: Google knows better"


def test_a_topic_that_is_not_there_is_told_at_once_whatever_the_watch() -> None:
    missing = Failing("watch", Cause.TOPIC, NOW)
    for box in (WORKING, STATES[Condition.CONNECTING]):
        assert explain(replace(box, failing=(missing,)), NOW).topic_missing
    late = explain(replace(STATES[Condition.CONNECTING], failing=(missing,)), NOW + timedelta(minutes=2)).late
    assert late is not None
    assert late.blame is Blame.OURS
    assert not explain(replace(WORKING, failing=(LATE,)), NOW).topic_missing
