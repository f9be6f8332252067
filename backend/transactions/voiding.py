"""Closing open challenges, and opening them again when an owner takes a decision back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend.domain.mailbox.decisions import ends_with_its_message
from backend.transactions.rows import OpenChallengeRow
from backend.transactions.statement import Script, micros, number, q


def of_message(mailbox_id: str, gmail_id: str, now: datetime) -> Script[list[OpenChallengeRow]]:
    """Void the open challenge about a message, unless it stays open for others; returns what was voided."""
    open_now: list[OpenChallengeRow] = yield q("open_of_message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    beside = open_now and (yield from number("waits_beside", mailbox_id=mailbox_id, gmail_id=gmail_id))
    found = [row for row in open_now if ends_with_its_message(row["state"], bool(beside))]
    yield from _void(mailbox_id, found, now)
    return found


def of_sender(mailbox_id: str, sender: str, now: datetime) -> Script[list[OpenChallengeRow]]:
    """Void the sender's open challenge."""
    found: list[OpenChallengeRow] = yield q("open_of_sender", mailbox_id=mailbox_id, sender=sender)
    yield from _void(mailbox_id, found, now)
    return found


def of_domain(mailbox_id: str, domain: str, now: datetime) -> Script[list[OpenChallengeRow]]:
    """Void every open challenge of a domain's senders."""
    found: list[OpenChallengeRow] = yield q("open_of_domain", mailbox_id=mailbox_id, sender_domain=domain)
    yield from _void(mailbox_id, found, now)
    return found


def _void(mailbox_id: str, found: Sequence[OpenChallengeRow], now: datetime) -> Script[None]:
    for row in found:
        yield q("void_challenge", mailbox_id=mailbox_id, challenge_id=row["id"], now=micros(now))


def reopen(mailbox_id: str, challenge_id: str, state: str, now: datetime) -> Script[bool]:
    """Undo a voiding, if nothing else was opened for the sender meanwhile."""
    done = yield from number(
        "reopen_challenge", mailbox_id=mailbox_id, challenge_id=challenge_id, state=state, now=micros(now)
    )
    return bool(done)
