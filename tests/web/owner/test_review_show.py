"""What the review pages say about a message, in the owner's language."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from werkzeug.datastructures import LanguageAccept

from backend.domain.mailbox.message_record import MessageView
from backend.domain.mailbox.verdict import FailOpen
from backend.domain.reading.topics import Topic
from backend.locale import LANGUAGES
from backend.web.owner.review_show import decided
from backend.web.words import words_for


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_a_message_was_not_judged_is_said_in_words(language: str) -> None:
    words = words_for("review", LanguageAccept([(language, 1)]))
    found = {decided(unjudged(cause), set(), words) for cause in FailOpen}
    assert len(found) == len(FailOpen)
    assert all(text.startswith(words("row_fail_open")) for text in found)
    # A file from another instance may hold a sentence of an older release, or anything else.
    assert decided(unjudged("The message could not be scored (KeyError)."), set(), words) == words(
        "row_fail_open"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_that_was_welcome_says_why(language: str) -> None:
    words = words_for("review", LanguageAccept([(language, 1)]))
    view = cast(MessageView, SimpleNamespace(row="welcome", cause="", topics={Topic.GOODS, Topic.CANDIDATES}))
    assert words("topic_candidates") in decided(view, {Topic.CANDIDATES, Topic.LOANS}, words)
    assert words("topic_goods") not in decided(view, {Topic.CANDIDATES, Topic.LOANS}, words)
    # It is welcome no longer.
    assert decided(view, set(), words) == words("row_welcome")


def unjudged(cause: str) -> MessageView:
    """A message that was let in because it could not be judged."""
    return cast(MessageView, SimpleNamespace(row="fail_open", cause=cause))
