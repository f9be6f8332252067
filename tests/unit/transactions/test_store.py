"""What a transaction is about is seen while the store is made, not when an owner sees another's mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backend.domain.mail.message import MailboxId
from backend.transactions.records import MessageJob
from backend.transactions.script import Script, q
from backend.transactions.store import reads, reads_all


def of_a_mailbox(mailbox_id: MailboxId, gmail_id: str) -> Script[None]:
    yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)


def of_a_job(job: MessageJob) -> Script[None]:
    yield q("message", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id)


def of_a_token(token_hash: str, mailbox_id: MailboxId) -> Script[None]:
    yield q("receipt", token_hash=token_hash, mailbox_id=mailbox_id)


def of_nothing() -> Script[None]:
    yield q("mailboxes")


@pytest.mark.parametrize("make", [of_a_mailbox, of_a_job])
def test_what_names_a_mailbox_is_about_it(make: Callable[..., Script[None]]) -> None:
    assert not reads(make).everywhere
    with pytest.raises(TypeError, match="would be shown all"):
        reads_all(make)


@pytest.mark.parametrize("make", [of_a_token, of_nothing])
def test_what_names_none_first_is_about_all(make: Callable[..., Any]) -> None:
    assert reads_all(make).everywhere
    with pytest.raises(TypeError, match="names no mailbox first"):
        reads(make)
