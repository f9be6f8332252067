"""Rows into values of the domain and the port. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

from backend.domain.entry.challenge import Challenge, ChallengeState, Dealings
from backend.domain.errors import Lost
from backend.domain.mail.message import Address, Owner
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.failing import Cause, Failing
from backend.domain.mailbox.mailbox import Gap, LabelIds, Link, Mailbox, Missing, Notices, Preferences
from backend.domain.policy.table import Standing
from backend.transactions.records import Duty, DutyJob
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
        owner=Owner(row["email"], row["name"], _words(row["aliases"]) | _words(row["former"])),
        **_known(*_seldom_change(row)),
        cursor=row["cursor"],
        page_token=row["page_token"],
        page_start=row["page_start"],
        safe_since=moment_or_none(row["safe_since"]),
        index_page=row["index_page"],
        index_done=row["index_done"],
        index_total=row["index_total"],
        failing=tuple(Failing(job["job"], Cause(job["cause"]), moment(job["since"])) for job in failing),
        moved_at=moment_or_none(row["moved_at"]),
        unheard_since=moment_or_none(row["unheard_since"]),
    )


_seldom_change = itemgetter(
    *("link", "link_cause", "preferences", "scopes", "created_at"),
    *("label_held", "label_would_hold", "label_allow", "label_block"),
    *("watch_expires_at", "indexed_at", "last_gap", "notices", "notices_missing", "grant_expires_at"),
)


@lru_cache(maxsize=4096)
def _known(
    link: str,
    link_cause: str,
    preferences: str,
    scopes: str,
    created_at: int,
    held: str,
    would_hold: str,
    allow: str,
    block: str,
    watch_expires_at: int | None,
    indexed_at: int | None,
    last_gap: str,
    notices: str,
    notices_missing: str,
    grant_expires_at: int | None,
) -> Mapping[str, Any]:
    """What is known of a mailbox, but for whose it is and where its syncs stand. Kept for the next look at it, for as
    long as the database says the same, whichever process wrote it."""
    return {
        "link": Link(link),
        "preferences": Preferences.from_json(json.loads(preferences)),
        "scopes": _words(scopes),
        "created_at": moment(created_at),
        "labels": LabelIds(held, would_hold, allow, block),
        "watch_expires_at": moment_or_none(watch_expires_at),
        "indexed_at": moment_or_none(indexed_at),
        "lost": _lost(link_cause),
        "gap": Gap.from_json(json.loads(last_gap)) if last_gap else None,
        "notices": Notices(notices),
        "missing": Missing(notices_missing) if notices_missing else None,
        "grant_expires_at": moment_or_none(grant_expires_at),
    }


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def duty_job(row: ClaimedDutyRow, lease: str, mailboxes: Mapping[str, Mailbox]) -> DutyJob:
    """A duty just claimed under `lease`, with its mailbox if that is among `mailboxes`."""
    mailbox_id = row["mailbox_id"]
    mailbox = mailboxes.get(mailbox_id)
    return DutyJob(mailbox_id, Duty(row["duty"]), row["attempts"], lease, mailbox, row["error"])


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
        reply_from=Address(row["reply_from"], row["reply_name"]),
        late=bool(row["late"]),
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
