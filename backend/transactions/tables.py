"""What the queries give: the columns that the transactions read, by table and by question.

A test on both databases holds every type against its queries: that the columns are there, of this type, and never NULL
where that is not said. Times are microseconds since 1970; a flag is 0 or 1 on the one, false or true on the other.
"""

from __future__ import annotations

from typing import TypedDict

Flag = int


class MailboxRow(TypedDict):
    """Of `mailboxes`."""

    id: str
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

    mailbox_id: str
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

    mailbox_id: str
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
    mailbox_id: str
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
    mailbox_id: str
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
