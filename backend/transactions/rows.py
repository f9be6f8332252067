"""Rows into values of the domain and the port. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache

from backend.domain.entry.challenge import Challenge, ChallengeState, Dealings
from backend.domain.errors import Lost
from backend.domain.mail.message import Owner
from backend.domain.mailbox.correction import RuleKind, RuleMatch
from backend.domain.mailbox.failing import Cause, Failing
from backend.domain.mailbox.gap import Gap
from backend.domain.mailbox.mailbox import LabelIds, Link, Mailbox, Preferences
from backend.domain.mailbox.notices import Missing, Notices
from backend.domain.policy.standing import Standing
from backend.ports.jobs import Duty, DutyJob
from backend.transactions.statement import moment, moment_or_none
from backend.transactions.tables import (
    ChallengeRow,
    ClaimedDutyRow,
    DealingsRow,
    FailingRow,
    MailboxRow,
    ProspectsRow,
    StandingRow,
)


def mailbox(row: MailboxRow, failing: Iterable[FailingRow] = ()) -> Mailbox:
    """A row of `mailboxes`, and the jobs of it that fail."""
    return Mailbox(
        id=row["id"],
        sub=row["sub"],
        owner=Owner(row["email"], row["name"], _words(row["aliases"])),
        link=Link(row["link"]),
        preferences=_preferences(row["preferences"]),
        scopes=_words(row["scopes"]),
        created_at=moment(row["created_at"]),
        labels=LabelIds(row["label_held"], row["label_would_hold"], row["label_allow"], row["label_block"]),
        cursor=row["cursor"],
        page_token=row["page_token"],
        page_start=row["page_start"],
        safe_since=moment_or_none(row["safe_since"]),
        watch_expires_at=moment_or_none(row["watch_expires_at"]),
        indexed_at=moment_or_none(row["indexed_at"]),
        index_page=row["index_page"],
        index_done=row["index_done"],
        index_total=row["index_total"],
        lost=_lost(row["link_cause"]),
        gap=Gap.from_json(json.loads(row["last_gap"])) if row["last_gap"] else None,
        failing=tuple(Failing(job["job"], Cause(job["cause"]), moment(job["since"])) for job in failing),
        notices=Notices(row["notices"]),
        missing=Missing(row["notices_missing"]) if row["notices_missing"] else None,
        moved_at=moment_or_none(row["moved_at"]),
        unheard_since=moment_or_none(row["unheard_since"]),
    )


@lru_cache(maxsize=4096)
def _preferences(text: str) -> Preferences:
    """Read once while it stays as it is: a mailbox is looked at for every message."""
    return Preferences.from_json(json.loads(text))


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def duty_job(row: ClaimedDutyRow, lease: str, mailboxes: Mapping[str, Mailbox]) -> DutyJob:
    """A duty just claimed under `lease`, with its mailbox if that is among `mailboxes`."""
    mailbox_id = row["mailbox_id"]
    return DutyJob(mailbox_id, Duty(row["duty"]), row["attempts"], lease, mailboxes.get(mailbox_id))


def challenge(row: ChallengeRow, prospects: ProspectsRow) -> Challenge:
    """A row of `challenges`, with what its sender's next solve costs and brings."""
    return Challenge(
        id=row["id"],
        mailbox_id=row["mailbox_id"],
        gmail_id=row["gmail_id"],
        thread_id=row["thread_id"],
        sender=row["sender"],
        state=ChallengeState(row["state"]),
        message_id=row["message_id"],
        sealed_token=row["sealed_token"],
        created_at=moment(row["created_at"]),
        expires_at=moment(row["expires_at"]),
        sent_gmail_id=row["sent_gmail_id"],
        solved_at=moment_or_none(row["solved_at"]),
        is_open=bool(row["is_open"]),
        solves=max(row["solves"], row["state"] == ChallengeState.SOLVED),
        deliver_at=moment_or_none(row["deliver_at"]),
        solved_before=prospects["solved_before"],
        waiting=prospects["waiting"],
        oldest=prospects["oldest"] or "",
        balance=prospects["balance"],
    )


def dealings(row: DealingsRow) -> Dealings:
    """What the challenge guards ask."""
    return Dealings(
        open_for_sender=bool(row["open_for_sender"]),
        sender_last_at=moment_or_none(row["sender_last_at"]),
        domain_today=row["domain_today"],
        mailbox_today=row["mailbox_today"],
        thread_answered=bool(row["thread_answered"]),
    )


def standing(row: StandingRow) -> Standing:
    """What the policy table asks of a sender."""
    return Standing(
        rules=RuleMatch(_rule(row["address_rule"]), _rule(row["domain_rule"])),
        corresponded=bool(row["corresponded"]),
        took_part=bool(row["took_part"]),
        held_undecided=bool(row["held_undecided"]),
        credits=row["credits"],
        held_score=row["held_score"],
    )


def _rule(value: str | None) -> RuleKind | None:
    return None if value is None else RuleKind(value)


def _lost(code: str) -> Lost | None:
    """How access was lost; a code of another release is taken for the commonest."""
    return next((lost for lost in Lost if lost == code), Lost.GRANT) if code else None
