"""Delivers letters between mailboxes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from backend.sandbox.faults import Knobs
from backend.sandbox.mail import compose as fields
from backend.sandbox.mail.compose import (
    CLIENT_IP,
    Authentication,
    prepend,
    results_value,
    set_field,
    spf_value,
    with_crlf,
    without_field,
)
from backend.sandbox.mail.mailbox import Mailbox, StoredMessage
from backend.sandbox.mail.search import filter_matches

# ---- Mail the server writes itself


BOUNCE = Path(__file__).with_name("bounce.eml").read_text("utf-8")


def bounce_for(message: StoredMessage, address: str, token: str) -> bytes:
    """A delivery status notification saying that `address` does not exist."""
    sender = fields.addresses(message.header("From"))[0][1]
    text = BOUNCE.format(sender=sender, address=address, token=token, message_id=message.rfc822_id)
    return text.replace("\n", "\r\n").encode("utf-8", "replace")


# ---- Delivery


ARRIVAL_LABELS = ("INBOX", "UNREAD", "CATEGORY_PERSONAL")
MAX_OUTBOX = 20_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that a local mailbox has sent. `raw` is as its recipients get it."""

    sender: str
    recipients: tuple[str, ...]
    message_id: str
    subject: str
    auto_submitted: str
    at_ms: int
    raw: bytes


@dataclass(slots=True)
class Arrival:
    """How a message arrives: envelope sender ("" is the null sender), authentication results, labels, time of
    receipt."""

    mail_from: str
    auth: Authentication = field(default_factory=Authentication)
    labels: Sequence[str] = ARRIVAL_LABELS
    internal_date: int | None = None
    quiet: bool = False  # without a record in the history, or a push
    message_id: str | None = None  # Gmail's id, if it is free


class PostOffice:
    """Moves messages between mailboxes. Addresses are compared in lower case and without `+tag`. `dated` turns
    the present time into the one written on mail delivered now (both in epoch milliseconds)."""

    def __init__(
        self,
        mailboxes: Mapping[str, Mailbox],
        knobs: Knobs,
        dated: Callable[[int], int] = lambda now_ms: now_ms,
        token: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._mailboxes = mailboxes
        self._knobs = knobs
        self._dated = dated
        self._token = token
        self.outbox: list[Sent] = []

    def find(self, address: str) -> Mailbox | None:
        """The local mailbox that receives mail for an address, or None."""
        wanted = address.strip().lower()
        local, _, domain = wanted.partition("@")
        for candidate in (wanted, f"{local.partition('+')[0]}@{domain}"):
            if candidate in self._mailboxes:
                return self._mailboxes[candidate]
        for mailbox in self._mailboxes.values():
            if wanted in mailbox.own_addresses():
                return mailbox
        return None

    def deliver(self, mailbox: Mailbox, raw: bytes, arrival: Arrival, now_ms: int) -> StoredMessage:
        """Add the receiving server's header fields to a message, and put it into a mailbox."""
        received = self._dated(now_ms)
        stamped = stamp(with_crlf(raw), mailbox.address, arrival, received, self._token())
        return mailbox.add(
            stamped,
            _filtered(mailbox, stamped, arrival.labels, received),
            now_ms,
            internal_date=received if arrival.internal_date is None else arrival.internal_date,
            quiet=arrival.quiet,
            message_id=arrival.message_id,
        )

    def send(self, mailbox: Mailbox, raw: bytes, thread_id: str | None, now_ms: int) -> StoredMessage:
        """Send as a local mailbox: keep a copy with SENT, deliver to local recipients, record the rest.

        Without a thread id the copy starts a new thread, as Gmail's API does.
        """
        at = self._dated(now_ms)
        complete = self._completed(mailbox, with_crlf(raw), at)
        copy = mailbox.add(complete, ["SENT"], now_ms, internal_date=at, thread_id=thread_id, by_header=False)
        recipients = _recipients(copy)
        outgoing = without_field(complete, "Bcc")
        sender = fields.addresses(copy.header("From"))[0][1]
        self._record(sender, recipients, copy, outgoing, now_ms)
        # Two addresses of one mailbox bring one copy.
        for address in {self._destination(address): address for address in reversed(recipients)}.values():
            self._deliver_copy(mailbox, copy, sender, address, outgoing, now_ms)
        return copy

    def _destination(self, address: str) -> str:
        target = self.find(address)
        return target.address if target is not None else address

    def _deliver_copy(
        self, mailbox: Mailbox, copy: StoredMessage, sender: str, address: str, raw: bytes, now_ms: int
    ) -> None:
        target = self.find(address)
        if target is mailbox:
            mailbox.change_labels([copy], ["INBOX", "UNREAD"], [], now_ms)
        elif target is not None:
            self.deliver(target, raw, Arrival(mail_from=sender), now_ms)
        elif self._knobs.bounces:
            arrival = Arrival(mail_from="", auth=Authentication(dkim_domain="googlemail.com"))
            self.deliver(mailbox, bounce_for(copy, address, self._token()), arrival, now_ms)

    def _completed(self, mailbox: Mailbox, raw: bytes, at_ms: int) -> bytes:
        """Fill in what Gmail fills in: From, Date, Message-ID. A From that is not the owner's is replaced."""
        headers = fields.read_headers(raw)
        named = fields.addresses(fields.first(headers, "From"))
        extra: list[tuple[str, str]] = []
        if len(named) != 1 or named[0][1] not in mailbox.own_addresses():
            name = mailbox.owner.name
            raw = without_field(raw, "From")
            extra.append(
                ("From", f"{name} <{mailbox.address}>" if name.isascii() and name else mailbox.address)
            )
        if not fields.first(headers, "Date"):
            extra.append(("Date", format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))))
        fresh = f"<CA{self._token()}@mail.gmail.com>"
        if not fields.message_ids(fields.first(headers, "Message-ID")):
            raw = without_field(raw, "Message-ID")
            extra.append(("Message-ID", fresh))
        elif self._knobs.rewrite_message_ids:
            raw = set_field(raw, "Message-ID", fresh)
        return prepend(raw, extra) if extra else raw

    def _record(
        self, sender: str, recipients: Iterable[str], message: StoredMessage, raw: bytes, now_ms: int
    ) -> None:
        self.outbox.append(
            Sent(
                sender=sender,
                recipients=tuple(recipients),
                message_id=message.rfc822_id,
                subject=message.subject,
                auto_submitted=message.header("Auto-Submitted"),
                at_ms=now_ms,
                raw=raw,
            )
        )
        del self.outbox[:-MAX_OUTBOX]


def stamp(raw: bytes, recipient: str, arrival: Arrival, at_ms: int, token: str) -> bytes:
    """Put the receiving server's trace fields above a message; those it brought itself stay below."""
    when = format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))
    headers = fields.read_headers(raw)
    named = fields.addresses(fields.first(headers, "From"))
    domain = named[0][1].rpartition("@")[2] if named else "unknown.invalid"
    client = arrival.mail_from.rpartition("@")[2] or domain
    lines = [
        ("Delivered-To", recipient),
        ("Received", f"by 2002:a05:7300:0:0:0:0:0 with SMTP id {token[:16]};\r\n        {when}"),
        ("Return-Path", f"<{arrival.mail_from}>"),
        (
            "Received",
            f"from mail.{client} (mail.{client}. [{CLIENT_IP}])\r\n        by mx.google.com with ESMTPS"
            f" id {token[:12]}\r\n        for <{recipient}>;\r\n        {when}",
        ),
    ]
    if (spf := spf_value(arrival.auth, arrival.mail_from)) is not None:
        lines.append(("Received-SPF", spf))
    if (results := results_value(arrival.auth, domain, arrival.mail_from)) is not None:
        lines.append(("Authentication-Results", results))
    return prepend(raw, lines)


def _filtered(mailbox: Mailbox, raw: bytes, labels: Sequence[str], now_ms: int) -> frozenset[str]:
    """The labels of a message as it arrives, after the owner's filters."""
    found = StoredMessage("0", "0", raw, set(labels), now_ms)
    for each in mailbox.settings.filters:
        if filter_matches(each["criteria"], found, mailbox.labels):
            found.labels |= set(each["action"].get("addLabelIds", ()))
            found.labels -= set(each["action"].get("removeLabelIds", ()))
    return frozenset(found.labels)


def _recipients(message: StoredMessage) -> list[str]:
    found: list[str] = []
    for name in ("To", "Cc", "Bcc"):
        found += [address for _, address in fields.addresses(message.header(name))]
    return list(dict.fromkeys(found))
