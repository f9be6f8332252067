"""Text that not every database can hold: NUL, and half a surrogate pair, which JSON can bring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from backend.domain.challenge import LedgerEntry, Posting
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.decisions import Correction, Decision, Origin, RuleKind
from backend.domain.mailbox.message import Outcome
from backend.domain.mailbox.review import ReviewFilter, Shelf
from backend.domain.policy.preview import PreviewAnswer
from tests.contract.store.stories import Story

ODD = ("\0", "a\0b", "\ud800", "a\udfffb")


@pytest.mark.parametrize("odd", ODD)
async def test_what_no_row_can_hold_is_not_found_or_refused_and_breaks_nothing(
    story: Story, odd: str
) -> None:
    store, now = story.store, story.now
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    fields: dict[str, Callable[[], Awaitable[object]]] = {
        "correct": lambda: store.decide(
            "ana", Correction("k" * 20, odd, Decision.RELEASE, Origin.TRAY).order, now
        ),
        "key": lambda: store.decide("ana", Correction(odd, "m1", Decision.RELEASE, Origin.TRAY).order, now),
        "undo": lambda: store.undo("ana", odd, now),
        "known": lambda: store.known("ana", [odd]),
        "messages": lambda: store.messages("ana", None, 9, odd),
        "mail": lambda: store.mail("ana", odd),
        "rule": lambda: store.set_rule("ana", odd, RuleKind.ALLOW, now),
        "rules": lambda: store.rules("ana", None, odd, odd, 9),
        "sender_profile": lambda: store.sender_profile("ana", odd, odd, None, 9),
        "review": lambda: store.review("ana", ReviewFilter((Shelf.HELD,), words=odd), None, 9),
        "held": lambda: store.held("ana", odd, None, 9),
        "cursor": lambda: store.held("ana", "", (1, odd), 9),
        "post": lambda: store.post("ana", LedgerEntry(odd, 1, Posting.GRANTED, "grant:1"), now),
        "by_email": lambda: store.mailbox_by_email(odd),
        "say": lambda: store.label_preview("ana", odd, PreviewAnswer.SALES, now),
    }
    for name, ask in fields.items():
        try:
            await ask()
        except PitchgateError:
            continue
        except Exception as error:
            pytest.fail(f"{name}: {type(error).__name__}: {error}")
    assert await story.store.ledger_differences() == ()
