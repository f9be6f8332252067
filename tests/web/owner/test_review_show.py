"""What the review pages say about a message, in the owner's language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from werkzeug.datastructures import LanguageAccept

from backend.domain.mailbox.decisions import OFFERED
from backend.domain.mailbox.message import FailOpenCause, MessageView, Placement
from backend.domain.reading.score import Reason
from backend.locale import LANGUAGES
from backend.web.owner.review_show import (
    SenderEvidence,
    as_shown,
    keys_in,
    notice_from,
    recent_evidence,
    strongest_reason,
    trend,
    verdict_text,
)
from backend.web.pages import words_for


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_a_message_was_not_judged_is_said_in_words(language: str) -> None:
    words = words_for("review", LanguageAccept([(language, 1)]))
    found = {verdict_text(unjudged(cause), words) for cause in FailOpenCause}
    assert len(found) == len(FailOpenCause)
    assert all(text.startswith(words("row_fail_open")) for text in found)
    # A file from another instance may hold a sentence of an older release, or anything else.
    assert verdict_text(unjudged("The message could not be scored (KeyError)."), words) == words(
        "row_fail_open"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("order", sorted(set(map(str, OFFERED)) - {"keep"}))
def test_nothing_is_on_its_way_while_access_is_lost(language: str, order: str) -> None:
    words = words_for("review", LanguageAccept([(language, 1)]))
    for count in ("1", "3"):
        said = {
            away: notice_from({"done": order, "n": count, "order": "k"}, words, away)
            for away in (False, True)
        }
        now, later = said[False], said[True]
        assert now
        assert later
        assert (now.key, later.key) == ("k", "k")
        assert later.text != now.text
        assert later.text.startswith(words("done_away").partition(".")[0])


@pytest.mark.parametrize(
    ("row", "placed", "text"),
    [
        ("correspondent", Placement.INBOX, None),
        ("below_hold", Placement.INBOX, False),
        ("observe", Placement.INBOX, True),
        ("challenge", Placement.HELD, True),
    ],
)
def test_mail_that_was_not_held_does_not_look_like_a_pitch(
    row: str, placed: Placement, text: bool | None
) -> None:
    reasons = ({"text": "phrase.asks_call", "weight": 1.9}, {"text": "ordinary_words", "weight": -0.6})
    view = SimpleNamespace(row=row, cause="", placement=placed, decided_by="", reasons=reasons)
    found = strongest_reason(cast(MessageView, view), "en")
    assert (found.speaks_for if found else None) is text
    view.cause = "time"
    assert strongest_reason(cast(MessageView, view), "en") is None, (
        "that it could not be read in full comes first"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sender_who_has_a_link_was_told(language: str) -> None:
    words = words_for("review", LanguageAccept([(language, 1)]))
    told, silent = (
        verdict_text(cast(MessageView, SimpleNamespace(row="quarantine", cause="", guards=guards)), words)
        for guards in (("fresh", "open_challenge"), ("fresh",))
    )
    assert (told, silent) == (words("row_quarantine_linked"), words("row_quarantine"))


def test_a_key_is_listed_only_where_it_does_something() -> None:
    acts = {view: {act for _, act in keys_in(view)} for view in ("held", "let_in", "passed", "all")}
    assert acts["held"] - acts["let_in"] == {"release", "keep"}
    assert acts["held"] - acts["all"] == {"keep"}
    assert acts["passed"] == acts["let_in"]


def unjudged(cause: str) -> MessageView:
    """A message that was let in because it could not be judged."""
    return cast(MessageView, SimpleNamespace(row="fail_open", cause=cause))


def test_of_a_reason_a_page_shows_a_few_words_without_controls_and_no_token() -> None:
    said = ("Hi,\u202e would", "save {n_money}", "Quick call", "a.b", "more")
    assert as_shown(Reason("phrase.asks_call", 1.0, said), "en").words == ("Hi, would", "Quick call", "a.b")


@pytest.mark.parametrize(
    ("scores", "way"),
    [
        ((0.93, 0.71, 0.52), "up"),
        ((0.52, 0.71, 0.93), "down"),
        ((0.93, 0.71, 0.93), ""),
        ((0.93, 0.93, 0.93), ""),
        ((0.93, 0.52), ""),
    ],
)
def test_which_way_a_senders_emails_go_is_said_of_three_or_more(scores: tuple[float, ...], way: str) -> None:
    found = trend([cast(MessageView, SimpleNamespace(score=score)) for score in scores])
    assert [n for _, _, n in found.points] == [round(score * 100) for score in reversed(scores)]
    assert found.way == way
    assert found.width > max(x for x, _, _ in found.points)


def test_one_email_makes_no_line() -> None:
    assert trend([cast(MessageView, SimpleNamespace(score=0.9))]).points == ()


def _email(
    score: float, placement: str = "inbox", decided_by: str = "", row: str = "", days: int = 0
) -> MessageView:
    row = row or ("quarantine" if placement == "held" else "below_hold")
    at = NOW - timedelta(days=days)
    told = {"score": score, "row": row, "decided_by": decided_by, "placement": Placement(placement)}
    return cast(MessageView, SimpleNamespace(**told, received_at=at, first_seen_at=at))


NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HELD, LATER = _email(0.9, "held"), _email(0.01)


@pytest.mark.parametrize(
    ("views", "told"),
    [
        ([HELD], None),
        ([HELD, _email(0.9, "held", "owner")], None),
        ([HELD, _email(0.9, "held", row="blocked")], None),
        ([HELD, _email(0.9, "held", days=30)], None),
        ([HELD, HELD], SenderEvidence(2, 99, 0)),
        ([LATER, HELD], SenderEvidence(2, 95, 1)),
        ([LATER, LATER, HELD], SenderEvidence(3, 37, 2)),
        ([_email(0.2, "held", row="held_with_later"), HELD], SenderEvidence(2, 97, 0)),
    ],
)
def test_a_senders_emails_are_told_as_one_piece_of_evidence(
    views: list[MessageView], told: SenderEvidence | None
) -> None:
    assert recent_evidence(views, NOW) == told
