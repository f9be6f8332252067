"""What an owner's pages say of their mailbox: why the link was lost, and what a gap left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.errors import AccessLost, Blame, Cause, FailingJob, NeedsReconnect
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import (
    AccessState,
    Condition,
    Gap,
    Mailbox,
    Mode,
    NoticeMode,
    Preferences,
    PullFailure,
)
from backend.domain.mailbox.message import LabelIds
from backend.gmail.answers import needs_reconnect, no_scope
from backend.locale import LANGUAGES, Words, catalogue
from backend.web.pages import MailboxState
from backend.web.pages import state_of as shown

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ANA = Mailbox(
    id="ana",
    sub="1",
    owner=Owner("ana@corp.test", "Ana"),
    link=AccessState.CONNECTED,
    preferences=Preferences(),
    scopes=frozenset(),
    created_at=NOW - timedelta(days=9),
    watch_expires_at=NOW + timedelta(days=5),
    indexed_at=NOW - timedelta(days=8),
)


def words(language: str = "en") -> Words:
    return Words(catalogue(language).section("state"))


def state_of(mailbox: Mailbox, t: Words, now: datetime) -> MailboxState:
    return shown(mailbox, t.language, now)


def lost(error: NeedsReconnect) -> Mailbox:
    return replace(ANA, link=AccessState.NEEDS_RECONNECT, lost=error.lost)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_box_left_unticked_is_mended_otherwise_than_a_withdrawn_grant(language: str) -> None:
    unticked = state_of(lost(no_scope("insufficient")), words(language), NOW)
    withdrawn = state_of(lost(needs_reconnect("invalid_grant")), words(language), NOW)

    assert unticked.mend
    assert withdrawn.mend
    assert unticked.text != withdrawn.text
    assert withdrawn.cause == words(language)("lost_grant")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("blame", list(Blame))
def test_what_waits_is_told_with_its_time_and_who_is_in_the_way(language: str, blame: Blame) -> None:
    causes = {blame: Cause(blame) for blame in Blame if blame is not Blame.OURS} | {Blame.OURS: Cause.FAULT}
    late, t = FailingJob("sync", causes[blame], NOW - timedelta(minutes=3)), words(language)
    all_mail = state_of(replace(ANA, failing=(late,)), t, NOW)
    some = state_of(replace(ANA, failing=(replace(late, job="screen"),)), t, NOW)

    for state in (all_mail, some):
        assert (state.condition, state.mend) == (Condition.DELAYED, False)
        assert t.moment(late.since) in state.text
        assert t(f"delay_{blame}") in state.text
        assert "{" not in state.text
    assert all_mail.text != some.text


def test_a_pause_tells_what_waits_beside() -> None:
    paused = replace(ANA, preferences=Preferences(paused_until=NOW + timedelta(hours=1)))
    late = FailingJob("sync", Cause.GOOGLE, NOW - timedelta(minutes=3))
    assert not state_of(paused, words(), NOW).warnings
    assert "has not been read since" in state_of(replace(paused, failing=(late,)), words(), NOW).warnings[0]


def test_renewing_is_said_to_have_failed_only_when_it_has() -> None:
    soon = replace(ANA, watch_expires_at=NOW + timedelta(hours=47))
    failed = replace(soon, failing=(FailingJob("watch", Cause.GOOGLE, NOW),))
    assert not state_of(soon, words(), NOW).warnings
    assert state_of(failed, words(), NOW).warnings == (words()("watch_lapses"),)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lost", list(AccessLost))
def test_every_way_to_lose_access_has_words_and_a_remedy(language: str, lost: AccessLost) -> None:
    state = state_of(replace(ANA, link=AccessState.NEEDS_RECONNECT, lost=lost), words(language), NOW)
    assert state.cause.endswith(".")
    assert state.remedy.endswith(".")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_a_name_and_a_sentence(language: str) -> None:
    t = words(language)
    own = {Condition.DELAYED, Condition.NEEDS_RECONNECT}
    for condition in Condition:
        assert condition in t
        assert condition in own or f"{condition}_cause" in t
    active = state_of(replace(ANA, preferences=Preferences(mode=Mode.CHALLENGE)), t, NOW)
    assert (active.line, active.text) == (t("active"), t("active_cause"))


def test_the_index_tells_its_progress_and_a_pause_its_end() -> None:
    learning = replace(ANA, indexed_at=None, index_done=150, index_total=900)
    assert "150 of about 900" in state_of(learning, words(), NOW).cause
    end = NOW + timedelta(hours=2)
    paused = replace(ANA, preferences=Preferences(paused_until=end))
    assert words().moment(end) in state_of(paused, words(), NOW).cause


def test_what_a_gap_left_out_is_told() -> None:
    gap = Gap(NOW - timedelta(days=3), NOW - timedelta(days=1), 4, "count", 17)
    mailbox = replace(ANA, gap=gap)

    (found,) = state_of(mailbox, words(), NOW).warnings

    assert "4 emails" in found
    assert "17 held emails" in found
    assert "There were more" in found


def test_a_gap_that_only_left_moves_unchecked_is_told_too() -> None:
    gap = Gap(NOW - timedelta(days=3), NOW - timedelta(days=1), 4, "", 17)

    assert "17" in state_of(replace(ANA, gap=gap), words("de"), NOW).warnings[0]
    assert not state_of(replace(ANA, gap=replace(gap, unchecked=0)), words("de"), NOW).warnings


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nobody_tells_us_of_mail_the_state_says_so(language: str) -> None:
    t = words(language)
    polled = replace(ANA, notices=NoticeMode.POLL, preferences=Preferences(mode=Mode.CHALLENGE))
    assert state_of(polled, t, NOW).cause == t("connecting_polled")
    begun = replace(polled, labels=LabelIds("l1", "l2", "l3", "l4"), cursor="1")
    assert state_of(begun, t, NOW).text == t("active_polled")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("missing", list(PullFailure))
def test_what_keeps_notices_from_arriving_is_a_warning(language: str, missing: PullFailure) -> None:
    t = words(language)
    found = state_of(replace(ANA, notices=NoticeMode.PULL, pull_failure=missing), t, NOW)
    assert found.warnings == (t(f"missing_{missing}"),)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notices", [NoticeMode.PUSH, NoticeMode.PULL])
def test_news_without_a_notice_is_a_warning_once_none_can_be_on_its_way(
    language: str, notices: NoticeMode
) -> None:
    t, since = words(language), NOW - timedelta(minutes=30)
    mailbox = replace(ANA, notices=notices, unheard_since=since)
    assert state_of(mailbox, t, NOW).warnings == (t("silent", since=t.moment(since)),)
    assert not state_of(mailbox, t, since + timedelta(minutes=5)).warnings
    known = replace(mailbox, pull_failure=PullFailure.PERMISSION)
    assert state_of(known, t, NOW).warnings == (t("missing_right"),), "the cause says more"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_operators_faults_are_told_as_theirs(language: str) -> None:
    t, end = words(language), NOW + timedelta(days=1)
    box = replace(ANA, failing=(FailingJob("watch", Cause.TOPIC, NOW),), grant_expires_at=end)
    topic, ending = state_of(box, t, NOW).warnings
    assert topic == t("topic_missing")
    assert t.moment(end) in ending
    assert "Testing" in ending
    assert state_of(box, t, NOW).ends


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_owner_of_the_machine_is_told_of_its_clock(language: str) -> None:
    for skew, days in ((timedelta(days=365), "1"), (timedelta(minutes=-5), "5")):
        (warning,) = shown(ANA, language, NOW, skew=skew).warnings
        assert days in warning
        assert "Pitchgate" in warning
    ahead, behind = (shown(ANA, language, NOW, skew=skew).warnings for skew in (DAY, -DAY))
    assert ahead != behind
    assert shown(ANA, language, NOW).warnings == ()
