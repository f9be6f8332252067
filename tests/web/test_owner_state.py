"""What an owner is told of his mailbox on his pages: why the link was lost, and what a gap left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.datastructures import LanguageAccept

from backend.domain.errors import NeedsReconnect
from backend.domain.mail.message import Owner
from backend.domain.mailbox.condition import explain, lost_link
from backend.domain.mailbox.failing import Blame, Cause, Failing
from backend.domain.mailbox.mailbox import Condition, Gap, Link, Mailbox, Preferences
from backend.gmail.errors import reconnect, scope_missing
from backend.locale import LANGUAGES
from backend.web.addon.cards.lost import KEYS, lost_key
from backend.web.owner.page import state_of
from backend.web.words import Words, words_for

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANA = Mailbox(
    id="ana",
    sub="1",
    owner=Owner("ana@corp.test", "Ana"),
    link=Link.CONNECTED,
    preferences=Preferences(),
    scopes=frozenset(),
    created_at=NOW - timedelta(days=9),
    watch_expires_at=NOW + timedelta(days=5),
    indexed_at=NOW - timedelta(days=8),
)


def words(language: str = "en") -> Words:
    return words_for("frame", LanguageAccept([(language, 1)]))


def lost(error: NeedsReconnect) -> Mailbox:
    return replace(ANA, link=Link.NEEDS_RECONNECT, link_cause=lost_link(error.title, error.remedy))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_box_left_unticked_is_mended_otherwise_than_a_withdrawn_grant(language: str) -> None:
    unticked = state_of(lost(scope_missing("insufficient")), words(language), NOW)
    withdrawn = state_of(lost(reconnect("invalid_grant")), words(language), NOW)

    assert unticked.mend
    assert withdrawn.mend
    assert unticked.text != withdrawn.text
    assert withdrawn.text == words(language)("state_needs_reconnect")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("blame", list(Blame))
def test_what_waits_is_told_with_its_time_and_who_is_in_the_way(language: str, blame: Blame) -> None:
    causes = {Blame.LIMITS: Cause.LIMITS, Blame.GOOGLE: Cause.GOOGLE, Blame.OURS: Cause.FAULT}
    late, t = Failing("sync", causes[blame], NOW - timedelta(minutes=3)), words(language)
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
    late = Failing("sync", Cause.GOOGLE, NOW - timedelta(minutes=3))
    assert not state_of(paused, words(), NOW).warnings
    assert "has not been read since" in state_of(replace(paused, failing=(late,)), words(), NOW).warnings[0]


def test_renewing_is_said_to_have_failed_only_when_it_has() -> None:
    soon = replace(ANA, watch_expires_at=NOW + timedelta(hours=47))
    failed = replace(soon, failing=(Failing("watch", Cause.GOOGLE, NOW),))
    assert not state_of(soon, words(), NOW).warnings
    assert state_of(failed, words(), NOW).warnings == (words()("watch_lapses"),)


def test_every_cause_with_words_of_its_own_is_raised_somewhere() -> None:
    # Google's side says them in English; should its words change, these must change with them.
    assert lost_key(scope_missing("x").title) == "lost_scope"
    assert lost_key("something new") == "state_needs_reconnect"
    assert all(key in words() for key in KEYS.values())


def test_what_a_gap_left_out_is_told_on_the_page_as_elsewhere() -> None:
    gap = Gap(NOW - timedelta(days=3), NOW - timedelta(days=1), 4, "count", 17)
    mailbox = replace(ANA, gap=gap)

    (told,) = state_of(mailbox, words(), NOW).warnings
    (elsewhere,) = explain(mailbox, NOW).warnings

    for warning in (told, elsewhere):
        assert "4 emails" in warning
        assert "17 held emails" in warning
        assert "There were more" in warning


def test_a_gap_that_only_left_moves_unchecked_is_told_too() -> None:
    gap = Gap(NOW - timedelta(days=3), NOW - timedelta(days=1), 4, "", 17)

    assert "17" in state_of(replace(ANA, gap=gap), words("de"), NOW).warnings[0]
    assert not state_of(replace(ANA, gap=replace(gap, unchecked=0)), words("de"), NOW).warnings
