"""Google as the pipeline sees it: Gmail, sign-in and consent, callers from Google, and fetched notices."""

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
# retry times are the lanes' decision. A send is never repeated by the adapter. Costs are quota units of 2026.


NO_LABELS = LabelIds()


@dataclass(frozen=True, slots=True)
class Profile:
    """`history_id` is the mailbox's position at the time of the call."""

    email: str
    history_id: str
    messages_total: int


@dataclass(frozen=True, slots=True)
class WatchGrant:
    """The answer of users.watch. If a cursor is stored already, `history_id` must never replace it."""

    history_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Added:
    """A message that was added to the mailbox. `labels` is None if Google did not say."""

    gmail_id: str
    thread_id: str
    labels: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Relabelled:
    """Labels added to or removed from one message (ids, not names), and its `labels` after that, if Google said.
    `record` is the id of the history record, "" if unknown: a change that is reported twice has the same id, a change
    that is made twice has two."""

    gmail_id: str
    thread_id: str
    added: frozenset[str]
    removed: frozenset[str]
    labels: frozenset[str] | None = None
    record: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of history.list, in the order of its records. `history_id` is the mailbox's current position (the same
    on every page); it may become the cursor only after the last page, the one without `next_page`. A page may be empty
    although more follow."""

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
class SentLink:
    """A reply that we have sent, and the link in it."""

    gmail_id: str
    link: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message as Google's answer, not parsed: only `backend.ports.system.Reader` may read its bytes. If it is not
    `whole`, the message was too large for one answer, and there are only its headers and Gmail's snippet."""

    raw: bytes
    whole: bool = True


class Gmail(Protocol):
    """Calls on one mailbox, each with its price in quota units."""

    async def profile(self, mailbox_id: str) -> Profile:
        """1 unit."""

    async def watch(self, mailbox_id: str) -> WatchGrant:
        """100 units. Start or renew the watch. If another client's watch prevents it, stop that one and try again."""

    async def stop_watch(self, mailbox_id: str) -> None:
        """50 units. May run again."""

    async def history(self, mailbox_id: str, start: str, page: str = "") -> HistoryPage:
        """2 units. Records after `start` (exclusive). Raises `HistoryGone` if `start` is too old."""

    async def list_messages(
        self, mailbox_id: str, query: str, page: str = "", limit: int = 500, *, label: str = ""
    ) -> ListPage:
        """5 units. `query` is in Gmail's search syntax; with `label` (an id), only messages with that label."""

    async def fetch(self, mailbox_id: str, gmail_id: str) -> Fetched:
        """20 units, 40 if it is too large. The message with its text, without attachment contents, not parsed. Raises
        `Gone`."""

    async def labels_on(self, mailbox_id: str, gmail_id: str) -> frozenset[str]:
        """20 units. The label ids of a message. Raises `Gone`."""

    async def relabel(
        self, mailbox_id: str, gmail_id: str, add: frozenset[str], remove: frozenset[str]
    ) -> frozenset[str]:
        """5 units. Add and remove labels of one message; may run again. Returns its label ids. Raises `Gone`;
        `Rejected` with the reason unknownLabel if a label no longer exists."""

    async def send(self, mailbox_id: str, raw: bytes, thread_id: str) -> str:
        """100 units. Send an RFC 5322 message into a thread; returns its gmail id. Raises `SendUncertain`."""

    async def find_sent(self, mailbox_id: str, mail: OutgoingMail) -> str:
        """Gmail id of the message if it was sent, or "". Looks in Sent for its Message-ID (5 units); if Google changed
        that, for our header in the thread (40 more); if Google also started a new thread, in other mail sent to the
        recipient (5, and 20 for each mail read)."""

    async def find_link(self, mailbox_id: str, mail: OutgoingMail) -> SentLink | None:
        """Our newest reply in a thread (40 units), or else in other mail sent to the recipient (5, and 20 for each mail
        read), whatever its id and marker."""

    async def place(self, mailbox_id: str, raw: bytes) -> str:
        """25 units. Put an RFC 5322 message into the inbox, unread, with the present date; it is sent to nobody.
        Returns its gmail id. As with `send`, the adapter never repeats it. Raises `SendUncertain`."""

    async def find_placed(self, mailbox_id: str, message_id: str) -> str:
        """5 units. Gmail id of a message with this Message-ID, wherever the owner has moved it, or ""."""

    async def ensure_labels(self, mailbox_id: str, known: LabelIds = NO_LABELS) -> LabelIds:
        """1 unit, and 5 for each label created. May run again. A `known` id that still exists is kept even if the owner
        has renamed the label; otherwise a label of the right name is used, or created."""

    async def identity(self, mailbox_id: str) -> Owner:
        """1 unit. The owner's primary address, their name on mail ("" if they have set none), and all addresses they
        may send from as `aliases`, in lower case, with their `names`."""

    async def filtered(self, mailbox_id: str, message_id: str, label: str) -> bool:
        """1 unit, and 5 for each filter of the owner's that adds this label. Whether one of them matches the message
        with this Message-ID, as far as Gmail's search finds it already."""

    async def vacation_on(self, mailbox_id: str) -> bool:
        """1 unit. Whether Gmail's own vacation responder is on now."""


class Access(StrEnum):
    """What an owner is asked for on Google's consent page."""

    IDENTITY = "identity"  # who they are, at every sign-in
    MAILBOX = "mailbox"  # lasting access to their mail, when it is connected


class Authorizer(Protocol):
    """OAuth with Google, for an owner who uses a browser."""

    def consent_url(
        self, access: Access, *, state: str, nonce: str, verifier: str, login_hint: str = ""
    ) -> str:
        """Where to send the browser, with PKCE S256 of `verifier`. MAILBOX: offline access, forced consent."""

    async def redeem(self, access: Access, *, code: str, verifier: str, nonce: str) -> Grant:
        """Exchange the code for a grant. With IDENTITY it has no refresh token. Raises `Refused` for a bad code or id
        token, `TryLater` if Google is down."""

    async def revoke(self, mailbox_id: str) -> None:
        """Revoke the grant at Google. If it was revoked already, that is no error."""


class GrantKeeper(Protocol):
    """Keeps the refresh token of each mailbox, encrypted at rest. The methods take and return it in plain text."""

    async def refresh_token(self, mailbox_id: str) -> str | None:
        """The mailbox's refresh token; None if there is no such mailbox or it has no grant. Raises `NeedsReconnect` if
        none of our keys decrypts it: only a new grant helps."""

    async def replace_refresh_token(self, mailbox_id: str, old: str, new: str) -> None:
        """Store `new` instead of `old`, because Google issued a new token and the old one may die. Does nothing if
        `old` is no longer the stored one: the owner has connected again meanwhile. May run again."""

    async def grant_ends(self, mailbox_id: str, token: str, at: datetime) -> None:
        """Note that Google will end the grant of this refresh token at `at`. Does nothing if another token is stored by
        now."""


@dataclass(frozen=True, slots=True)
class PulledNotice:
    """A fetched notice. `body` is the envelope, as in a push; `receipt` is used to acknowledge it."""

    receipt: str
    body: bytes


class NoticeSource(Protocol):
    """The subscription that notices are fetched from. Errors are `TryLater`, whose reason is a `PullFailure`."""

    @property
    def subscription(self) -> str:
        """Its full name."""

    async def fetch(self, limit: int) -> tuple[PulledNotice, ...]:
        """The waiting notices, at most `limit`; () if none has come within about a minute."""

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        """Acknowledge notices that were handled. Those not acknowledged are delivered again."""


# ---- Who is calling us?


class PushCallers(Protocol):
    """Verifies the signature of a Pub/Sub push."""

    async def verify_push(self, authorization: str, subscription: str | None) -> None:
        """Raise `Unauthenticated` unless the header's bearer token and the envelope's subscription are ours.
        `subscription` is None for an unwrapped push without metadata, which names none: then the token's account and
        audience decide. Raises `TryLater` if Google's keys cannot be fetched: the push may be genuine, so Pub/Sub
        should send it again."""


class AddonCallers(Protocol):
    """Verifies the two tokens of a call from the add-on. Every refusal is the same `Unauthenticated`. Raises `TryLater`
    if Google's keys cannot be fetched."""

    async def verify_system(self, authorization: str, audience: str) -> None:
        """Verify the header's bearer token: Google calls for our deployment, at exactly this endpoint."""

    async def verify_user(self, token: str) -> str:
        """Verify the user's token, which must be for our deployment; returns the account's `sub`."""
