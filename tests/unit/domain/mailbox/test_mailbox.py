"""A mailbox: what its owner may choose, the state it is in, how often it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.domain.errors import AccessLost, Blame, Cause, FailingJob, Refused
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import (
    GRANT_ALARM,
    NOTICE_DELAY,
    WATCH_ALARM,
    AccessState,
    Condition,
    Gap,
    LabelIds,
    Mailbox,
    Mode,
    NoticeMode,
    Preferences,
    PullFailure,
    Who,
    explain,
    poll_interval,
)
from backend.locale import LANGUAGES
from backend.pipeline.decide import check_chosen
from backend.settings import Settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WORKING = Mailbox(
    id="m",
    sub="s",
    owner=Owner("ana@corp.test"),
    link=AccessState.CONNECTED,
    preferences=Preferences(mode=Mode.CHALLENGE),
    scopes=frozenset(),
    created_at=NOW - timedelta(days=9),
    watch_expires_at=NOW + timedelta(days=6),
    indexed_at=NOW - timedelta(days=9),
)
LATE = FailingJob("sync", Cause.GOOGLE, NOW - timedelta(minutes=2))
PAUSED = replace(WORKING, preferences=Preferences(mode=Mode.CHALLENGE, paused_until=NOW + timedelta(hours=2)))
STATES = {
    Condition.CONNECTING: replace(WORKING, watch_expires_at=None, indexed_at=None),
    Condition.INDEXING: replace(WORKING, indexed_at=None, index_done=150, index_total=900),
    Condition.ACTIVE: WORKING,
    Condition.OBSERVING: replace(WORKING, preferences=Preferences()),
    Condition.PAUSED: PAUSED,
    Condition.NEEDS_RECONNECT: replace(WORKING, link=AccessState.NEEDS_RECONNECT, lost=AccessLost.SCOPE),
    Condition.WATCH_LAPSED: replace(WORKING, watch_expires_at=NOW),
    Condition.DELAYED: replace(WORKING, failing=(LATE,)),
    Condition.DISCONNECTED: replace(WORKING, link=AccessState.LEAVING),
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
    everything = replace(PAUSED, link=AccessState.NEEDS_RECONNECT, watch_expires_at=NOW, indexed_at=None)
    assert explain(everything, NOW).condition is Condition.NEEDS_RECONNECT
    assert explain(replace(everything, link=AccessState.LEAVING), NOW).condition is Condition.DISCONNECTED
    assert explain(replace(everything, link=AccessState.CONNECTED), NOW).condition is Condition.WATCH_LAPSED


@pytest.mark.parametrize("condition", [Condition.CONNECTING, Condition.INDEXING, Condition.WATCH_LAPSED])
def test_no_state_that_promises_to_pass_is_told_while_its_work_fails(condition: Condition) -> None:
    explanation = explain(replace(STATES[condition], failing=(LATE,)), NOW)
    assert explanation.condition is Condition.DELAYED
    assert explanation.failing_job == LATE


def test_a_connection_that_fails_is_told_as_one() -> None:
    late = replace(LATE, job="watch")
    assert explain(replace(STATES[Condition.CONNECTING], failing=(late,)), NOW).condition is Condition.DELAYED
    assert explain(replace(WORKING, failing=(late,)), NOW).condition is Condition.ACTIVE


def test_one_message_that_fails_is_told_as_some_mail() -> None:
    explanation = explain(replace(WORKING, failing=(replace(LATE, job="act", cause=Cause.FAULT),)), NOW)
    assert explanation.failing_job is not None
    assert (explanation.failing_job.stops_reading, explanation.failing_job.blame) == (False, Blame.OURS)


def test_a_pause_stays_a_pause_and_tells_of_the_trouble_beside() -> None:
    explanation = explain(replace(PAUSED, failing=(LATE,)), NOW)
    assert explanation.condition is Condition.PAUSED
    assert explanation.failing_job == LATE


def test_renewing_is_said_to_have_failed_only_when_it_has() -> None:
    """Little time left alone says nothing: a server that was off for days is about to renew."""
    soon = replace(WORKING, watch_expires_at=NOW + timedelta(hours=47))
    failed = replace(soon, failing=(FailingJob("watch", Cause.GOOGLE, NOW - timedelta(seconds=1)),))
    assert not explain(soon, NOW).watch_lapses
    assert explain(failed, NOW).watch_lapses
    assert not explain(replace(failed, watch_expires_at=NOW + timedelta(days=3)), NOW).watch_lapses


def test_alarms_ring_at_their_bounds() -> None:
    moment = timedelta(seconds=1)
    renewing = replace(WORKING, failing=(FailingJob("watch", Cause.GOOGLE, NOW),))
    unheard = replace(WORKING, unheard_since=NOW - NOTICE_DELAY)
    granted = replace(WORKING, grant_expires_at=NOW + GRANT_ALARM)
    rings = {
        "watch": [
            replace(renewing, watch_expires_at=NOW + WATCH_ALARM - before).watch_alarm(NOW)
            for before in (moment, timedelta(0))
        ],
        "silence": [unheard.silent_since(NOW - before) is not None for before in (timedelta(0), moment)],
        "grant": [granted.grant_ends(NOW - before) is not None for before in (timedelta(0), moment)],
        "end": [granted.grant_ends(NOW + GRANT_ALARM - before) is not None for before in (moment, timedelta(0))],
        "pause": [PAUSED.paused(NOW + timedelta(hours=2) - before) for before in (moment, timedelta(0))],
    }  # fmt: skip
    assert set(map(tuple, rings.values())) == {(True, False)}, rings
    assert replace(granted, link=AccessState.NEEDS_RECONNECT).grant_ends(NOW) is None
    assert explain(granted, NOW).grant_ends == NOW + GRANT_ALARM


def test_silence_is_told_where_nothing_else_explains_it() -> None:
    unheard = replace(WORKING, unheard_since=NOW - NOTICE_DELAY)
    assert explain(unheard, NOW).silent_since == NOW - NOTICE_DELAY
    for other in (
        {"link": AccessState.LEAVING},
        {"watch_expires_at": NOW},
        {"pull_failure": next(iter(PullFailure))},
    ):
        assert explain(replace(unheard, **other), NOW).silent_since is None


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
    assert (
        explain(replace(box, link=AccessState.NEEDS_RECONNECT), end - timedelta(hours=1)).grant_ends is None
    )
    assert explain(box, end).grant_ends is None, "it went on: Google knows better"


def test_a_topic_that_is_not_there_is_told_at_once_whatever_the_watch() -> None:
    missing = FailingJob("watch", Cause.TOPIC, NOW)
    for box in (WORKING, STATES[Condition.CONNECTING]):
        assert explain(replace(box, failing=(missing,)), NOW).topic_missing
    late = explain(
        replace(STATES[Condition.CONNECTING], failing=(missing,)), NOW + timedelta(minutes=2)
    ).failing_job
    assert late is not None
    assert late.blame is Blame.OURS
    assert not explain(replace(WORKING, failing=(LATE,)), NOW).topic_missing


# ---- An owner's settings from whatever says so: a form, a command, a file that may come from anybody


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "paused_until",
            "2026-12-01T00:00:00",
        ),  # whose midnight? compared with an aware time it would raise for good
        ("paused_until", "tomorrow"),
        ("paused_until", 7),
        ("wording", {"en": 5}),
        ("wording", ["en"]),
        ("wording", "en"),
        ("wording", {"en": "\ud800"}),
        ("wording", {"en": "x" * 10_000}),
        ("left_alone", "CATEGORY_SOCIAL"),
        ("left_alone", [7]),
        ("left_alone", {"CATEGORY_SOCIAL": 1}),
        ("rows_off", "credit"),
        ("rows_off", [["credit"]]),
        ("rows_off", ["no such row"]),
        ("mode", ["observe"]),
        ("strictness", None),
        ("credits_per_solve", "3"),
        ("retention_days", 10**30),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(Refused) as refused:
        Preferences().changed(**{name: value})
    assert refused.value.field == name


def test_what_makes_sense_comes_back_as_it_went() -> None:
    chosen = Preferences().changed(
        paused_until="2026-12-01T00:00:00+01:00",
        wording={"de": "Guten Tag", "en": ""},
        left_alone=["CATEGORY_SOCIAL", "CATEGORY_OF_TOMORROW"],
        rows_off=["credit"],
    )
    assert Preferences.from_json(chosen.to_json()) == chosen


def test_what_another_release_stored_keeps_no_mailbox_from_being_read() -> None:
    stored = Preferences().to_json() | {"welcome": ["loans"], "rows_off": ["welcome", "credit"]}
    assert Preferences.from_json(stored) == Preferences().changed(rows_off=["credit"])


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("mode", "quaratine", "quarantine"),
        ("strictness", "harsh", "strict"),
        ("digest", "hourly", "weekly"),
        ("rows_off", ["credits"], "credit"),
    ],
)
def test_of_words_those_that_fit_are_named(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(Refused) as refused:
        Preferences().changed(**{name: value})
    assert (refused.value.key, refused.value.field) == ("out_of_range.choice", name)
    assert allowed in str(refused.value.blanks["allowed"])


def test_what_there_is_not_here_is_refused_naming_what_there_is() -> None:
    with pytest.raises(Refused) as refused:
        check_chosen(Settings(), {"language": "xx"})
    assert (refused.value.field, refused.value.blanks["allowed"]) == ("language", ", ".join(LANGUAGES))
    for language in LANGUAGES:
        check_chosen(Settings(), {"language": language})
    with pytest.raises(Refused, match="zone"):
        check_chosen(Settings(), {"zone": "Europe/Nowhere"})


# ---- How often a mailbox that nobody tells us of is asked, and the state it is in


OFTEN, SELDOM = timedelta(seconds=20), timedelta(seconds=120)
LABELS = LabelIds("1", "2", "3", "4")


def wait(quiet: timedelta, chance: float = 0.5) -> float:
    return poll_interval(OFTEN, SELDOM, NOW - quiet, NOW, chance).total_seconds()


def polled(**changes: object) -> Mailbox:
    mailbox = Mailbox(
        id="box",
        sub="sub",
        owner=Owner("ana@corp.test", "Ana", frozenset()),
        link=AccessState.CONNECTED,
        preferences=Preferences(),
        scopes=frozenset(),
        created_at=NOW,
        notices=NoticeMode.POLL,
    )
    return replace(mailbox, **changes)  # type: ignore[arg-type]


def test_twenty_seconds_while_something_happens() -> None:
    assert wait(timedelta(0)) == 20
    assert wait(timedelta(hours=1, minutes=59)) == 20


def test_twice_as_long_for_every_two_quiet_hours_up_to_a_bound() -> None:
    assert wait(timedelta(hours=2)) == 40
    assert wait(timedelta(hours=4)) == 80
    assert wait(timedelta(hours=6)) == 120
    assert wait(timedelta(days=400)) == 120


def test_a_mailbox_in_which_nothing_ever_happened_is_a_new_one() -> None:
    assert poll_interval(OFTEN, SELDOM, None, NOW, 0.5) == OFTEN


def test_an_interval_longer_than_the_quiet_one_stands() -> None:
    assert poll_interval(timedelta(hours=1), SELDOM, NOW - timedelta(days=1), NOW, 0.5) == timedelta(hours=1)


def test_mailboxes_do_not_ask_together() -> None:
    assert wait(timedelta(0), 0.0) == 19
    assert wait(timedelta(0), 1.0) == 21


def test_a_polled_mailbox_needs_labels_and_a_cursor_and_never_lapses() -> None:
    assert polled().condition(NOW) is Condition.CONNECTING
    assert polled(labels=LABELS).condition(NOW) is Condition.CONNECTING
    begun = polled(labels=LABELS, cursor="7")
    assert begun.condition(NOW) is Condition.INDEXING
    assert replace(begun, indexed_at=NOW).condition(NOW + timedelta(days=99)) is Condition.OBSERVING


def test_its_state_says_how_mail_is_noticed() -> None:
    assert explain(polled(), NOW).polled
    assert not explain(polled(notices=NoticeMode.PULL), NOW).polled


def test_what_is_missing_is_told_in_every_state() -> None:
    for missing in PullFailure:
        assert explain(polled(notices=NoticeMode.PULL, pull_failure=missing), NOW).pull_failure is missing
