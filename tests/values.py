"""Records as the store hands them out, for what only shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from backend.domain.challenge import Challenge, ChallengeState
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import AccessState, Mailbox, Preferences
from backend.domain.mailbox.message import MessageView, Placement
from backend.domain.watching.audit import Chain, LogEntry, sealed
from tests.doubles import START


def mailbox(**changes: Any) -> Mailbox:
    """Ana's mailbox, just connected."""
    plain = Mailbox(
        id="mb1",
        sub="1001",
        owner=Owner("ana@corp.test", "Ana Torres"),
        link=AccessState.CONNECTED,
        preferences=Preferences(),
        scopes=frozenset(),
        created_at=START,
    )
    return replace(plain, **changes)


def message(gmail_id: str = "m1", **changes: Any) -> MessageView:
    """A pitch that is held and answered."""
    plain = MessageView(
        mailbox_id="mb1",
        gmail_id=gmail_id,
        thread_id=gmail_id,
        stage=None,
        placement=Placement.HELD,
        outcome="challenge",
        row="challenge",
        score=0.97,
        reasons=(),
        guards=(),
        cause="",
        sender="max@vendor.example",
        sender_name="Max Vendor",
        subject="Grow your pipeline by 300 %",
        model="model-7",
        first_seen_at=START,
        received_at=START,
        decided_at=START,
        changed_at=START,
        dead_letter=False,
        decided_by="",
    )
    return replace(plain, **changes)


def challenge(gmail_id: str = "m1", state: ChallengeState = ChallengeState.SENT) -> Challenge:
    """The challenge about a message."""
    return Challenge(
        id=f"ch-{gmail_id}",
        mailbox_id="mb1",
        gmail_id=gmail_id,
        thread_id=gmail_id,
        sender="max@vendor.example",
        state=state,
        message_id=f"<{gmail_id}@pitchgate.test>",
        sealed_token=b"",
        created_at=START,
        expires_at=START + timedelta(days=14),
    )


def appended(
    key: bytes, chain: Chain, at: int, about: str, salt: bytes, payload: str
) -> tuple[LogEntry, Chain]:
    """The next entry of a log of decisions, and the chain with that entry."""
    digest, longer = sealed(key, chain, at, about, salt, payload)
    return LogEntry(longer.number, at, about, salt, payload, digest, longer.seal), longer
