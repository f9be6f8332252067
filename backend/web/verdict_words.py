"""What the policy made of a message, in a sentence that is the same on every screen."""

from __future__ import annotations

from collections.abc import Callable, Set

from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.verdict import Row
from backend.domain.reading.topics import Topic

OPEN_LINK = "open_challenge"
"""The guard that says no where a link of the sender's still works."""


def row_words(view: MessageView, welcome: Set[Topic], say: Callable[..., str]) -> str:
    """The sentence for the row that decided. `say` fills a text of the cards'; `welcome` are the topics that the owner
    welcomes now. Raises `KeyError` for a row of another release."""
    if view.row == Row.WELCOME and (named := topic_words(view.topics & welcome, say)):
        return say("row_welcome_of", topics=named)
    linked = view.row == Row.QUARANTINE and OPEN_LINK in view.guards
    return say("row_quarantine_linked" if linked else f"row_{view.row}")


def topic_words(topics: Set[Topic], say: Callable[..., str]) -> str:
    """The names of topics, in their order."""
    return ", ".join(say(f"topic_{topic}") for topic in Topic if topic in topics)
