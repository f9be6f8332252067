"""What one page of history means, before anything is looked up or fetched.

Pure: the page comes in as plain values, and what is to be looked at goes out. Draft edits make a new message
id each time and are nobody's business; everything else is either incoming mail to screen or the owner's own
mail to learn from. The same id may occur in many records: it is told once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

UNSEEN = frozenset({"DRAFT", "CHAT"})


@dataclass(frozen=True, slots=True)
class Appeared:
    """A message to look at. `own` is true for the owner's sent mail; `labels` None where Google did not say."""

    gmail_id: str
    thread_id: str
    labels: frozenset[str] | None
    own: bool


def appeared(
    added: Iterable[tuple[str, str, frozenset[str] | None]],
    gained: Iterable[tuple[str, str, frozenset[str]]],
) -> tuple[Appeared, ...]:
    """Messages that came in (`added`: id, thread, labels) or became sent mail by a label (`gained`: id,
    thread, labels put on), each once, in order."""
    seen: dict[str, Appeared] = {}
    for gmail_id, thread_id, labels in added:
        if labels is not None and labels & UNSEEN and "SENT" not in labels:
            continue
        own = labels is not None and "SENT" in labels
        seen.setdefault(gmail_id, Appeared(gmail_id, thread_id, labels, own))
    for gmail_id, thread_id, labels in gained:
        if "SENT" in labels:  # a draft that was sent
            seen[gmail_id] = Appeared(gmail_id, thread_id, labels, own=True)
    return tuple(seen.values())
