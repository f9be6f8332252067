"""Reads the JSON of admin routes: messages to deliver, and what an owner does by hand."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from backend.sandbox import BadRequest
from backend.sandbox.faults import checked
from backend.sandbox.mail import compose as fields
from backend.sandbox.mail.compose import Authentication, Letter, write
from backend.sandbox.mail.history import SYSTEM_LABELS, Label
from backend.sandbox.mail.mailbox import Mailbox, StoredMessage, is_message_id
from backend.sandbox.mail.post_office import ARRIVAL_LABELS, Arrival
from backend.sandbox.world import World

# ---- Messages


CATEGORIES = ("personal", "promotions", "social", "updates", "forums")
TEXT_KEYS = ("from", "subject", "text", "html", "reply_to", "message_id", "in_reply_to", "references")
LETTER_KEYS = frozenset({*TEXT_KEYS, "cc", "bcc", "headers", "attachments", "date", "raw", "raw_base64"})
ARRIVAL_KEYS = frozenset(
    {"id", "mail_from", "auth", "authentication_results", "labels", "category", "spam", "internal_date"}
)


def read_raw(data: dict[str, Any], to: list[str], now_ms: int, token: str) -> bytes:
    """The message's bytes: `raw`, `raw_base64`, or written from fields. Raises BadRequest."""
    if "raw" in data or "raw_base64" in data:
        return _given_raw(data)
    for key in TEXT_KEYS:
        if data.get(key) is not None and not isinstance(data[key], str):
            raise BadRequest(f"{key} must be a text.")
    sender = data.get("from") or ""
    named = fields.addresses(sender)
    if not named:
        raise BadRequest("from must hold an e-mail address (or give raw).")
    domain = named[0][1].rpartition("@")[2]
    letter = Letter(
        sender=sender,
        to=strings(data, "header_to") or to,
        cc=strings(data, "cc"),
        bcc=strings(data, "bcc"),
        subject=data.get("subject") or "",
        text=data.get("text") or "",
        html=data.get("html"),
        reply_to=data.get("reply_to"),
        message_id=_bracketed(data.get("message_id") or f"{token}@{domain}"),
        in_reply_to=_bracketed(data.get("in_reply_to")),
        references=_all_bracketed(data.get("references") or data.get("in_reply_to")),
        date=_date(data.get("date")),
        extra=_extra(data.get("headers")),
        attachments=data.get("attachments") or (),
    )
    return write(letter, now_ms)


def read_arrival(data: dict[str, Any], raw: bytes, mailbox: Mailbox) -> Arrival:
    """How the message enters. The envelope sender defaults to the From address. Raises BadRequest."""
    named = fields.addresses(fields.first(fields.read_headers(raw), "From"))
    mail_from = data.get("mail_from")
    if mail_from is None:
        mail_from = named[0][1] if named else ""
    if not isinstance(mail_from, str) or re.search(r"[\r\n<>]", mail_from):
        raise BadRequest("mail_from must be an address, or empty for the null sender.")
    internal_date = data.get("internal_date")
    if internal_date is not None and (isinstance(internal_date, bool) or not isinstance(internal_date, int)):
        raise BadRequest("internal_date must be epoch milliseconds.")
    message_id = data.get("id")
    if message_id is not None and not (isinstance(message_id, str) and is_message_id(message_id)):
        raise BadRequest("id must be up to 16 lower-case hex digits.")
    return Arrival(
        mail_from=mail_from.strip().lower(),
        auth=_authentication(data),
        labels=_labels(data, mailbox),
        internal_date=internal_date,
        message_id=message_id,
    )


def label_id(mailbox: Mailbox, name: str, create: bool = False) -> str:
    """A label's id from its id or name; unknown names can be created. Raises BadRequest."""
    label = mailbox.labels.get(name) or mailbox.labels.named(name)
    if label is None and create:
        try:
            label = mailbox.labels.create(name)
        except ValueError as error:
            raise BadRequest(f"Label {name[:60]!r}: {error}") from error
    if label is None:
        raise BadRequest(f"{mailbox.address} has no label {name[:60]!r}.")
    return label.id


def strings(data: dict[str, Any], key: str) -> list[str]:
    """One text or a list of texts. Raises BadRequest."""
    value = data.get(key)
    if value is None:
        return []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise BadRequest(f"{key} must be a text or a list of texts.")
    return values


def check_keys(data: dict[str, Any], known: frozenset[str]) -> None:
    """Refuse misspelt keys instead of ignoring them. Raises BadRequest."""
    unknown = sorted(set(data) - known)
    if unknown:
        raise BadRequest(f"{unknown[0][:60]!r} is not known. Known: {', '.join(sorted(known))}.")


def _given_raw(data: dict[str, Any]) -> bytes:
    if isinstance(data.get("raw"), str):
        return bytes(data["raw"].encode("utf-8", "surrogateescape"))
    try:
        return base64.b64decode(str(data.get("raw_base64")), validate=True)
    except binascii.Error as error:
        raise BadRequest("raw_base64 is not base64.") from error


def _authentication(data: dict[str, Any]) -> Authentication:
    if "authentication_results" in data:
        verbatim = data["authentication_results"]
        if verbatim is None:
            return Authentication(leave_out=True)
        return Authentication(verbatim=str(verbatim))
    results = data.get("auth") or {}
    if not isinstance(results, dict):
        raise BadRequest('auth must be an object such as {"dmarc": "fail"}.')
    check_keys(results, frozenset({"dkim", "spf", "dmarc", "dkim_domain", "spf_domain", "header_from"}))
    return checked(Authentication, results)


def _labels(data: dict[str, Any], mailbox: Mailbox) -> list[str]:
    if "labels" in data:
        return [label_id(mailbox, name, create=True) for name in strings(data, "labels")]
    if data.get("spam"):
        return ["SPAM", "UNREAD"]
    category = data.get("category")
    if category is None:
        return list(ARRIVAL_LABELS)
    if category not in CATEGORIES:
        raise BadRequest(f"category must be one of {', '.join(CATEGORIES)}.")
    assert f"CATEGORY_{category.upper()}" in SYSTEM_LABELS
    return ["INBOX", "UNREAD", f"CATEGORY_{category.upper()}"]


def _extra(value: Any) -> list[tuple[str, str]]:
    if value is None:
        return []
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(item, str) for item in pair)
        for pair in pairs
    ):
        raise BadRequest("headers must be an object or a list of [name, value].")
    return [(name, text) for name, text in pairs]


def _bracketed(value: str | None) -> str | None:
    if not value:
        return None
    return value if value.lstrip().startswith("<") else f"<{value}>"


def _all_bracketed(value: str | None) -> str | None:
    if not value:
        return None
    return " ".join(_bracketed(item) or "" for item in value.split())


def _date(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**42:
        raise BadRequest("date must be epoch milliseconds.")
    return datetime.fromtimestamp(value // 1000, UTC)


# ---- What a person does by hand in Gmail


MOVES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "archive": ((), ("INBOX",)),
    "inbox": (("INBOX",), ("SPAM", "TRASH")),
    "read": ((), ("UNREAD",)),
    "unread": (("UNREAD",), ()),
    "star": (("STARRED",), ()),
    "unstar": ((), ("STARRED",)),
    "spam": (("SPAM",), ("INBOX", "TRASH")),
    "not_spam": (("INBOX",), ("SPAM",)),
    "trash": (("TRASH",), ("INBOX", "SPAM")),
    "untrash": (("INBOX",), ("TRASH",)),
}
"""Button in Gmail → the labels it adds, and those it removes."""


def _rename_label(world: World, mailbox: Mailbox, data: dict[str, Any]) -> str:
    """Rename `label` to `to`, with the labels nested below it. `to` may nest it elsewhere."""
    label = _own_label(mailbox, data)
    before, after = label.name, str(data.get("to") or "").strip()
    below = [one for one in mailbox.labels.all() if one.name.lower().startswith(f"{before.lower()}/")]
    try:
        mailbox.labels.rename(label, after)
        for one in below:
            mailbox.labels.rename(one, after + one.name[len(before) :])
    except ValueError as error:
        raise BadRequest(f"Label {after[:60]!r}: {error}") from error
    return label.name


def _owner_deletes_label(world: World, mailbox: Mailbox, data: dict[str, Any]) -> str:
    """Delete `label`, and remove it from every message."""
    label = _own_label(mailbox, data)
    mailbox.delete_label(label, world.clock.now_ms())
    return label.name


def _rename_address(world: World, mailbox: Mailbox, data: dict[str, Any]) -> str:
    """Make `to` the account's primary address. The former one still receives mail and may send."""
    world.rename_mailbox(mailbox, str(data.get("to") or ""))
    return mailbox.address


OTHER_ACTS: dict[str, Callable[[World, Mailbox, dict[str, Any]], str]] = {
    "rename_label": _rename_label,
    "delete_label": _owner_deletes_label,
    "rename_address": _rename_address,
}


def perform_owner_act(world: World, mailbox: Mailbox, data: dict[str, Any]) -> str:
    """{"act": name, ...} of `MOVES` (with `ids`) or of `OTHER_ACTS`. Returns the present name of the label or account.
    Raises BadRequest."""
    act = str(data.get("act"))
    if act in OTHER_ACTS:
        return OTHER_ACTS[act](world, mailbox, data)
    if act not in MOVES:
        raise BadRequest(f"act must be one of {', '.join(sorted((*MOVES, *OTHER_ACTS)))}.")
    add, remove = MOVES[act]
    mailbox.change_labels(mailbox.these(strings(data, "ids")), add, remove, world.clock.now_ms())
    return mailbox.address


def _own_label(mailbox: Mailbox, data: dict[str, Any]) -> Label:
    name = str(data.get("label") or "")
    label = mailbox.labels.get(name) or mailbox.labels.named(name)
    if label is None or label.system:
        raise BadRequest("label must name one of the owner's own labels.")
    return label


def reply_letter(mailbox: Mailbox, parent: StoredMessage) -> dict[str, Any]:
    """A reply to `parent`, without text: to, subject, In-Reply-To, References."""
    own = mailbox.own_addresses()
    answer_to = parent.header("Reply-To") or parent.header("From")
    if {address for _, address in fields.addresses(answer_to)} <= own:
        answer_to = parent.header("To")
    subject = parent.subject
    letter: dict[str, Any] = {
        "to": [address for _, address in fields.addresses(answer_to)],
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}",
    }
    if parent.rfc822_id:
        earlier = fields.message_ids(parent.header("References"))
        letter["in_reply_to"] = parent.rfc822_id
        letter["references"] = " ".join([*earlier, parent.rfc822_id])
    return letter
