"""How rows become values of the domain, and the types of rows that transactions read as they are stored. Pure."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TypedDict

from backend.domain.entry.challenge import Challenge, ChallengeState
from backend.domain.errors import AccessLost
from backend.domain.mail.message import Address, MailboxId, Owner
from backend.domain.mailbox.decisions import OVERRIDABLE, RuleMatch
from backend.domain.mailbox.mailbox import Gap, Mailbox, NoticeHint, Preferences, PullFailure
from backend.domain.mailbox.message import LabelIds, MessageView, Placement, PolicyRow, Screened
from backend.domain.moments import moment
from backend.domain.policy.table import Standing
from backend.transactions.records import DutyJob, HistoryContext, LookBasis, MessageJob
from backend.transactions.row_reader import BESIDE, Flag, Reader, Row

# ---- Values of the domain
# A field is read from the column of its name; exceptions are listed here. A new column needs a migration, the queries
# that write it, and a field.


def _shown_cause(cause: str, error: str, set_aside: Flag) -> str:
    return error if set_aside else cause


def _shown_row(policy_row: str, placement: str | None, decided_by: str) -> str:
    taken_out = placement == Placement.HELD and decided_by in OVERRIDABLE
    return PolicyRow.HELD_WITH_LATER if taken_out and policy_row == PolicyRow.BELOW_HOLD else policy_row


view = Reader(
    MessageView,
    row=_shown_row,
    cause=_shown_cause,
    dead_letter="set_aside",
    note="appeal",
)
"""A message as screens show it. A dead letter has its error as its cause; a message taken out of the inbox with a later
one has that as its row."""

_screened = Reader(Screened, references="reference_ids", note="appeal")


def screened(row: Row) -> Screened | None:
    """The facts kept of the message, None before it was screened."""
    return None if row["received_at"] is None else _screened(row)


message_job = Reader(MessageJob, in_hand=BESIDE)
duty_job = Reader(DutyJob, read_at=BESIDE)

_rules = Reader(RuleMatch, address="address_rule", domain="domain_rule")
standing = Reader(Standing, rules=_rules)
sender_rules = Reader(Standing, rules=_rules, took_part=BESIDE, keeps=BESIDE, credits=BESIDE, earlier=BESIDE)
preview_standing = Reader(Standing, rules=_rules, keeps=BESIDE, earlier=BESIDE)


def _solves(solves: int, state: str) -> int:
    return max(solves, state == ChallengeState.SOLVED)


challenge = Reader(
    Challenge,
    solves=_solves,
    reply_from=Reader(Address, address="reply_from", name="reply_name"),
    solved_before=BESIDE,
    waiting=BESIDE,
    oldest=BESIDE,
    balance=BESIDE,
)
"""A row of `challenges` with a `ProspectsRow`."""


# Values that seldom change are cached while the database holds the same, whichever process wrote it.


@lru_cache(maxsize=4096)
def _owner(email: str, name: str, aliases: str, former: str) -> Owner:
    return Owner(email, name, frozenset(json.loads(aliases)) | frozenset(json.loads(former)))


@lru_cache(maxsize=4096)
def _preferences(preferences: str) -> Preferences:
    return Preferences.from_json(json.loads(preferences))


def _lost(link_cause: str) -> AccessLost | None:
    """A code of another release is read as the commonest one."""
    return next((lost for lost in AccessLost if lost == link_cause), AccessLost.GRANT) if link_cause else None


def _gap(last_gap: str) -> Gap | None:
    return Gap.from_json(json.loads(last_gap)) if last_gap else None


def told(told_to: str, told_at: int | None) -> NoticeHint | None:
    """What notices reported, None before the first."""
    return None if told_at is None else NoticeHint(int(told_to or "0"), moment(told_at))


def _missing(notices_missing: str) -> PullFailure | None:
    return PullFailure(notices_missing) if notices_missing else None


_labels = Reader(
    LabelIds,
    held="label_held",
    would_hold="label_would_hold",
    allow="label_allow",
    block="label_block",
    partly_read="label_partly_read",
)
mailbox = Reader(
    Mailbox,
    owner=_owner,
    preferences=_preferences,
    labels=_labels,
    lost=_lost,
    gap=_gap,
    missing=_missing,
    told=told,
    failing=BESIDE,
)
"""A row of `mailboxes` with its `failing` jobs."""

look_basis = Reader(LookBasis, owner=_owner, preferences=_preferences, labels=_labels)


def _ours(sent: str, digest: str) -> frozenset[str]:
    return frozenset((*json.loads(sent), *json.loads(digest)))


history_context = Reader(HistoryContext, ours=_ours, known=BESIDE, told=told)


# ---- Rows as they are stored
# Only the columns that are used. A test on both databases checks every type against its queries: that the columns exist
# with this type, and are never NULL unless the type allows it. Times are microseconds since 1970.


class MailboxRow(TypedDict):
    """Of `mailboxes`."""

    id: MailboxId
    email: str
    former: str
    link: str
    sealed_token: bytes | None
    preferences: str
    cursor: str
    page_token: str
    safe_since: int | None
    indexed_at: int | None
    changed_at: int
    moved_at: int | None
    drift_change: str
    unheard_since: int | None
    notices: str
    told_to: str
    told_at: int | None


class AroundRow(TypedDict):
    """What a page of history is compared with. JSON lists: which messages are links of ours that were `sent`, and which
    is the `digest`."""

    told_to: str
    told_at: int | None
    sent: str
    digest: str
    blocks: Flag


class LaneRow(TypedDict):
    """When the first message and the first duty of a mailbox are due."""

    mailbox_id: MailboxId
    message: int | None
    duty: int | None


class DueDutyRow(TypedDict):
    """Of `duties`: one to be done at some time."""

    mailbox_id: MailboxId
    duty: str
    attempt: int
    due_at: int
    wanted: int
    error: str


class DutyRow(TypedDict):
    """Of `duties`."""

    attempts: int
    failing_since: int | None
    failing_cause: str


class ReachedRow(TypedDict):
    """Of `messages`: one that an owner's decision reaches."""

    gmail_id: str
    placement: str | None
    decided_by: str
    stage: str | None
    authenticated: Flag
    revision: int


class MessageRow(ReachedRow):
    """Of `messages`."""

    mailbox_id: MailboxId
    thread_id: str
    error: str
    set_aside: Flag
    first_seen_at: int
    changed_at: int
    received_at: int | None
    sender: str
    sender_name: str
    sender_domain: str


class CurrentRow(TypedDict):
    """Of `messages`: one whose stage ends."""

    stage: str | None
    revision: int
    placement: str | None
    decided_by: str


class OpenChallengeRow(TypedDict):
    """Of `challenges`: one that may be closed."""

    id: str
    state: str
    gmail_id: str


class ChallengeRow(OpenChallengeRow):
    """Of `challenges`."""

    mailbox_id: MailboxId
    sender: str
    expires_at: int


class ProspectsRow(TypedDict):
    """The price and worth of a sender's next solve."""

    solved_before: int
    waiting: int
    oldest: str
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
