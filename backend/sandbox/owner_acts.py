"""What a person does by hand in Gmail: moving messages, ordering labels, taking another address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backend.sandbox.letters import strings
from backend.sandbox.mail import compose as fields
from backend.sandbox.mail.history import Label
from backend.sandbox.mail.mailbox import Mailbox, StoredMessage
from backend.sandbox.web import BadRequest
from backend.sandbox.world import World, WorldError

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
"""A button of Gmail's → the labels it puts on, and those it takes off."""


def move(world: World, mailbox: Mailbox, act: str, messages: Sequence[StoredMessage]) -> None:
    """Press one of the buttons in `MOVES`."""
    add, remove = MOVES[act]
    mailbox.change_labels(messages, add, remove, world.clock.now_ms())


def _rename_label(world: World, mailbox: Mailbox, data: dict[str, Any]) -> str:
    """`label` becomes `to`; what is nested below it goes along. `to` may nest it elsewhere."""
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
    """`label` goes, off every message too."""
    label = _own_label(mailbox, data)
    mailbox.delete_label(label, world.clock.now_ms())
    return label.name


def _rename_address(world: World, mailbox: Mailbox, data: dict[str, Any]) -> str:
    """The account's primary address becomes `to`; mail to the former one still arrives, and may be sent from it."""
    try:
        world.rename_mailbox(mailbox, str(data.get("to") or ""))
    except WorldError as error:
        raise BadRequest(str(error)) from error
    return mailbox.address


OTHER_ACTS: dict[str, Callable[[World, Mailbox, dict[str, Any]], str]] = {
    "rename_label": _rename_label,
    "delete_label": _owner_deletes_label,
    "rename_address": _rename_address,
}


def perform_owner_act(world: World, mailbox: Mailbox, data: dict[str, Any]) -> str:
    """{"act": name, ...} of `MOVES` (with `ids`) or of `OTHER_ACTS`; what the act was about is called so now. Raises
    BadRequest."""
    act = str(data.get("act"))
    if act in OTHER_ACTS:
        return OTHER_ACTS[act](world, mailbox, data)
    if act not in MOVES:
        raise BadRequest(f"act must be one of {', '.join(sorted((*MOVES, *OTHER_ACTS)))}.")
    found = [mailbox.get(one) for one in strings(data, "ids")]
    messages = [message for message in found if message is not None]
    if not found or len(messages) != len(found):
        raise BadRequest(f"{mailbox.address} does not hold all of these messages.", 404)
    move(world, mailbox, act, messages)
    return mailbox.address


def _own_label(mailbox: Mailbox, data: dict[str, Any]) -> Label:
    name = str(data.get("label") or "")
    label = mailbox.labels.get(name) or mailbox.labels.named(name)
    if label is None or label.system:
        raise BadRequest("label must name one of the owner's own labels.")
    return label


def reply_letter(mailbox: Mailbox, parent: StoredMessage) -> dict[str, Any]:
    """A reply to `parent` without its text: to, subject, In-Reply-To, References."""
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
