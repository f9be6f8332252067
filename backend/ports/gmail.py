"""Google's side as the pipeline sees it: Gmail, who calls us, and fetching notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import Grant
from backend.domain.mailbox.message import LabelIds

# ---- The Gmail port
# Every call names the mailbox; access tokens are the adapter's affair. Errors are those of `backend.domain.errors`
# under `GoogleError`. Reads and label changes are retried once by the adapter after a token refresh, never otherwise:
# retry times are the worker's decision. A send is never repeated by the adapter. Costs are quota units of 2026.


NO_LABELS = LabelIds()


@dataclass(frozen=True, slots=True)
class Profile:
    """`history_id` is the mailbox's position at the time of the call."""

    email: str
    history_id: str
    messages_total: int


@dataclass(frozen=True, slots=True)
class WatchGrant:
    """What users.watch answered. `history_id` must never be taken as a cursor when one is stored."""

    history_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Added:
    """A message that came into the mailbox. `labels` is None when Google did not say."""

    gmail_id: str
    thread_id: str
    labels: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Relabelled:
    """Labels put on or taken off one message (ids, not names), with those it carries now if Google said.

    `record` is the id of the history record that told it, "" if unknown: the same change told twice has the
    same one, the same change made twice has two.
    """

    gmail_id: str
    thread_id: str
    added: frozenset[str]
    removed: frozenset[str]
    labels: frozenset[str] | None = None
    record: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of history.list in the order of its records.

    `history_id` is the mailbox's current position (the same on every page); it is the next cursor only
    after the page without `next_page`. A page may be empty and yet have a next one.
    """

    added: tuple[Added, ...]
    relabelled: tuple[Relabelled, ...]
    deleted: tuple[str, ...]
    history_id: str
    next_page: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of messages.list, newest first."""

    ids: tuple[tuple[str, str], ...]  # (gmail id, thread id)
    next_page: str
    estimate: int


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """How to recognise a message that we may have sent: `marker` is the value of our private header, `recipient`
    the address as it was written, `since` a time before it can have been sent."""

    message_id: str
    thread_id: str
    marker: str
    recipient: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply that we have sent, and the link in it."""

    gmail_id: str
    link: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message as Google answered it, unread: its bytes are for `backend.ports.reader.Reader` alone. Not `whole`: of a
    message too large for one answer there are its headers and Gmail's snippet."""

    raw: bytes
    whole: bool = True


class Gmail(Protocol):
    """Calls on one mailbox."""

    async def profile(self, mailbox_id: str) -> Profile:
        """1 unit."""

    async def watch(self, mailbox_id: str) -> WatchGrant:
        """100 units. Renews; when another client's watch stands in the way, stops it and asks once more."""

    async def stop_watch(self, mailbox_id: str) -> None:
        """50 units. May run again."""

    async def history(self, mailbox_id: str, start: str, page: str = "") -> HistoryPage:
        """2 units. Records after `start` (exclusive). Raises `HistoryGone` when `start` is too old."""

    async def list_messages(
        self, mailbox_id: str, query: str, page: str = "", limit: int = 500, *, label: str = ""
    ) -> ListPage:
        """5 units. `query` in Gmail's search syntax; with `label` (an id) only messages that carry it."""

    async def fetch(self, mailbox_id: str, gmail_id: str) -> Fetched:
        """20 units, 40 where it is too large. The message with body text, without attachment contents, unread. Raises
        `Gone`."""

    async def labels_on(self, mailbox_id: str, gmail_id: str) -> frozenset[str]:
        """20 units. Label ids a message carries now. Raises `Gone`."""

    async def relabel(
        self, mailbox_id: str, gmail_id: str, add: frozenset[str], remove: frozenset[str]
    ) -> frozenset[str]:
        """5 units. Label ids on and off one message in one call; may run again. Returns its labels.

        Raises `Gone`; `Rejected` with the reason unknownLabel when an id is no label (any more).
        """

    async def send(self, mailbox_id: str, raw: bytes, thread_id: str) -> str:
        """100 units. Send an RFC 5322 message into a thread; returns its gmail id. Raises `SendUncertain`."""

    async def find_sent(self, mailbox_id: str, mail: OutgoingMail) -> str:
        """Gmail id of the message if it was sent after all, or "".

        Looks for its id in Sent (5 units); if Google rewrote that, for our header in the thread (40 more); and if
        it began a new thread as well, in what was sent to the recipient since (5, and 20 for each mail read).
        """

    async def find_link(self, mailbox_id: str, mail: OutgoingMail) -> Answered | None:
        """Our newest reply in a thread (40 units), else in what was sent to the recipient since (5, and 20 for
        each mail read), whatever its id and marker."""

    async def place(self, mailbox_id: str, raw: bytes) -> str:
        """25 units. Put an RFC 5322 message into the inbox, unread, dated now, sent to nobody; returns its gmail id.

        As a send it is never repeated by the adapter. Raises `SendUncertain`.
        """

    async def find_placed(self, mailbox_id: str, message_id: str) -> str:
        """5 units. Gmail id of a message with this Message-ID, wherever the owner has put it by now, or ""."""

    async def ensure_labels(self, mailbox_id: str, known: LabelIds = NO_LABELS) -> LabelIds:
        """1 unit, and 5 for each label that has to be made. May run again. A `known` id that is still a label is kept,
        whatever the owner calls it by now; else an existing name is reused."""

    async def identity(self, mailbox_id: str) -> Owner:
        """1 unit. Who the owner is to those they write to: primary address, the name their mail bears ("" if they have
        set none), and all addresses they may send from as `aliases`, lower-case, with their `names` there."""

    async def filtered(self, mailbox_id: str, message_id: str, label: str) -> bool:
        """1 unit, and 5 for each filter of the owner's that puts this label on mail. Whether one of them catches the
        message with this Message-ID, as far as Gmail's search finds it already."""

    async def vacation_on(self, mailbox_id: str) -> bool:
        """1 unit. Whether Gmail's own vacation responder answers now."""


class Access(StrEnum):
    """What an owner is asked for at Google's page."""

    IDENTITY = "identity"  # who they are, at every sign-in
    MAILBOX = "mailbox"  # lasting access to their mail, when it is connected


class Authorizer(Protocol):
    """OAuth with Google, on behalf of an owner who sits at a browser."""

    def consent_url(
        self, access: Access, *, state: str, nonce: str, verifier: str, login_hint: str = ""
    ) -> str:
        """Where to send the browser, with PKCE S256 of `verifier`. MAILBOX: offline access, forced consent."""

    async def redeem(self, access: Access, *, code: str, verifier: str, nonce: str) -> Grant:
        """Exchange the code. The grant of IDENTITY has no refresh token.

        Raises `Refused` for a bad code or id token, `TryLater` when Google is down.
        """

    async def revoke(self, mailbox_id: str) -> None:
        """Revoke the grant at Google; one already revoked counts as done."""


class GrantKeeper(Protocol):
    """Keeps one refresh token per mailbox, sealed at rest. Tokens cross this port in the clear."""

    async def refresh_token(self, mailbox_id: str) -> str | None:
        """The mailbox's refresh token; None when there is no such mailbox or it holds no grant.

        Raises `NeedsReconnect` when none of our keys opens it: only a new grant helps.
        """

    async def replace_refresh_token(self, mailbox_id: str, old: str, new: str) -> None:
        """Keep `new` instead of `old`: Google answered a refresh with a new one and the old one may die.

        Does nothing if `old` is no longer what is kept: the owner has connected again meanwhile. May run
        again.
        """

    async def grant_ends(self, mailbox_id: str, token: str, at: datetime) -> None:
        """Google ends the grant of this refresh token at `at` by itself. Does nothing if another is kept by now."""


@dataclass(frozen=True, slots=True)
class PulledNotice:
    """A notice that was fetched. `body` is the envelope as a push would bring it, `receipt` what acknowledges it."""

    receipt: str
    body: bytes


class NoticeSource(Protocol):
    """The subscription that is fetched from. Errors are `TryLater`, whose reason is a `PullFailure`."""

    @property
    def subscription(self) -> str:
        """Its full name."""

    async def fetch(self, limit: int) -> tuple[PulledNotice, ...]:
        """What waits, at most `limit`; () when nothing has come within about a minute."""

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        """They are stored: do not give them out again. One that is not acknowledged comes again."""


# ---- Who is calling us?


class PushCallers(Protocol):
    """Checks Pub/Sub's signed push."""

    async def verify_push(self, authorization: str, subscription: str | None) -> None:
        """Raise `Unauthenticated` unless the header's bearer token and the envelope's subscription are ours.

        `subscription` is None for an unwrapped push without metadata, which names none: then the token's account
        and audience must do.

        Raises `TryLater` when Google's keys cannot be had: that is no forgery, so Pub/Sub should push again.
        """


class AddonCallers(Protocol):
    """Checks Google's two tokens. Every refusal is the same `Unauthenticated`; `TryLater` without Google's keys."""

    async def verify_system(self, authorization: str, audience: str) -> None:
        """The header's bearer token is Google's own for our deployment, and for exactly this endpoint."""

    async def verify_user(self, token: str) -> str:
        """The event's user token, meant for our deployment; returns the account's `sub`."""
