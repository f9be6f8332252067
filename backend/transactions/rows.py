"""What the queries give, by table and by question, and the values of the domain made of them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypedDict

from backend.domain.entry.challenge import Challenge, ChallengeState, Dealings
from backend.domain.errors import AccessLost, Cause, Failing
from backend.domain.mail.message import Address, MailboxId, Owner
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import Gap, Link, Mailbox, Missing, Notices, Preferences
from backend.domain.mailbox.message import LabelIds
from backend.domain.policy.table import Standing
from backend.transactions.records import Duty, DutyJob
from backend.transactions.statement import moment, moment_or_none

# ---- Columns of the queries
# A test on both databases holds every type against its queries: that the columns are there, of this type, and never
# NULL where that is not said. Times are microseconds since 1970; a flag is 0 or 1 on the one, false or true on the
# other.


Flag = int


class MailboxRow(TypedDict):
    """Of `mailboxes`."""

    id: MailboxId
    sub: str
    email: str
    name: str
    aliases: str
    former: str
    link: str
    link_cause: str
    sealed_token: bytes | None
    scopes: str
    preferences: str
    label_held: str
    label_would_hold: str
    label_allow: str
    label_block: str
    cursor: str
    page_token: str
    page_start: str
    safe_since: int | None
    watch_expires_at: int | None
    indexed_at: int | None
    index_page: str
    index_done: int
    index_total: int
    created_at: int
    changed_at: int
    last_gap: str
    notices: str
    notices_missing: str
    moved_at: int | None
    drift_state: str
    drift_change: str
    unheard_since: int | None
    grant_expires_at: int | None


class PushedRow(TypedDict):
    """Of `mailboxes`: what a push is held against."""

    id: str
    cursor: str
    unheard_since: int | None


class FailingRow(TypedDict):
    """A job that fails. `job` is a duty or a stage."""

    job: str
    since: int
    cause: str


class ClaimedDutyRow(TypedDict):
    """Of `duties`: one just claimed."""

    mailbox_id: MailboxId
    duty: str
    attempts: int
    error: str


class DutyRow(ClaimedDutyRow):
    """Of `duties`."""

    wanted: int
    lease: str | None
    asked_at: int | None
    again_at: int | None
    failing_since: int | None
    failing_cause: str


class GmailIdRow(TypedDict):
    """A message by its id."""

    gmail_id: str


class WaitingMailRow(GmailIdRow):
    """A message a solve lets in, as its sender named it."""

    subject: str


class OpenChallengeRow(TypedDict):
    """Of `challenges`: one that may be closed."""

    id: str
    state: str
    gmail_id: str


class ChallengeRow(OpenChallengeRow):
    """Of `challenges`."""

    mailbox_id: MailboxId
    thread_id: str
    sender: str
    is_open: Flag
    sealed_token: bytes
    message_id: str
    created_at: int
    expires_at: int
    sent_gmail_id: str
    solved_at: int | None
    solves: int
    deliver_at: int | None
    reply_from: str
    reply_name: str
    late: Flag


class ProspectsRow(TypedDict):
    """What a sender's next solve costs and brings."""

    solved_before: int
    waiting: int
    oldest: str | None
    balance: int


class CorrectionRow(TypedDict):
    """Of `corrections`."""

    correction_key: str
    mailbox_id: MailboxId
    gmail_id: str
    decision: str
    origin: str
    moved: str
    before: str
    undone_at: int | None
    undo_moved: str


class SenderRulesRow(TypedDict):
    """The owner's rules for a sender, and whether they have written to them."""

    address_rule: str | None
    domain_rule: str | None
    corresponded: Flag


class HeldRow(TypedDict):
    """Of `messages`: one that a worker holds, or held."""

    stage: str | None
    lease: str | None
    revision: int
    placement: str | None
    decided_by: str


class StaysRow(TypedDict):
    """Of `messages`: one that is to stay where it is. `spoken`: its owner has decided about it meanwhile."""

    gmail_id: str
    lease: str | None
    revision: int
    spoken: Flag


class StandingRow(SenderRulesRow):
    """How a sender stands."""

    took_part: Flag
    held_undecided: Flag
    held_score: float | None
    credits: int


class DealingsRow(TypedDict):
    """Earlier challenges, as the guards see them."""

    open_for_sender: Flag
    sender_last_at: int | None
    domain_today: int
    mailbox_today: int
    thread_answered: Flag


class DebtRow(TypedDict):
    """Of `messages`: one whose link is owed."""

    gmail_id: str
    thread_id: str
    sender: str
    sender_domain: str


class SessionRow(TypedDict):
    """Of `sessions`."""

    token_hash: str
    mailbox_id: MailboxId
    device_id: str
    browser: str
    created_at: int
    expires_at: int


class CountsRow(TypedDict):
    """Of `decision_counts`."""

    number: int
    counts: bytes


class SettingRow(TypedDict):
    """Of `decision_settings`."""

    name: str
    content: str


# ---- Rows into values of the domain and the port. Pure.


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


def duty_job(row: ClaimedDutyRow, lease: str, mailboxes: Mapping[MailboxId, Mailbox]) -> DutyJob:
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


def _lost(code: str) -> AccessLost | None:
    """How access was lost; a code of another release is taken for the commonest."""
    return next((lost for lost in AccessLost if lost == code), AccessLost.GRANT) if code else None
