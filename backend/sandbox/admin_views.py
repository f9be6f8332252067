"""Mailboxes and messages as the admin routes show them: everything, by name."""

from typing import Any

from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.mail.post_office import Sent
from backend.sandbox.world import World


def mailbox_json(world: World, mailbox: Mailbox) -> dict[str, Any]:
    """One mailbox: owner, position, label counts, watches."""
    counts = {
        label.name: mailbox.count(label.id) for label in mailbox.labels.all() if mailbox.count(label.id)
    }
    return {
        "email": mailbox.address,
        "name": mailbox.owner.name,
        "sub": mailbox.owner.sub,
        "hd": mailbox.owner.hd,
        "historyId": str(mailbox.history.current),
        "historyFloor": str(mailbox.history.floor),
        "messages": len(mailbox),
        "threads": len(mailbox.threads),
        "labelCounts": counts,
        "userLabels": {label.name: label.id for label in mailbox.labels.all() if not label.system},
        "watches": [
            {
                "topic": watch.topic,
                "expiration": int(watch.expires * 1000),
                "active": watch.expires > world.clock.now(),
                "labelIds": sorted(watch.labels),
                "exclude": watch.exclude,
            }
            for watch in world.watches.of(mailbox.address)
        ],
        "vacation": mailbox.settings.vacation,
        "sendAs": [alias.email for alias in mailbox.settings.send_as],
    }


def message_json(mailbox: Mailbox, message: StoredMessage, full: bool) -> dict[str, Any]:
    """One message; `full` adds all headers, the text, the raw source, and when it came and which labels it got when
    (epoch milliseconds)."""
    body: dict[str, Any] = {
        "id": message.id,
        "threadId": message.thread_id,
        "labelIds": sorted(message.labels),
        "labels": sorted(_label_name(mailbox, label) for label in message.labels),
        "messageId": message.rfc822_id,
        "from": message.header("From"),
        "to": message.header("To"),
        "subject": message.subject,
        "internalDate": message.internal_date,
        "historyId": str(message.history_id),
    }
    if full:
        body["headers"] = [[name, value] for name, value in message.headers]
        body["text"] = message.text
        body["raw"] = message.raw.decode("utf-8", "replace")
        body["changes"] = [
            {
                "at": round(record.at * 1000),
                "labels": [_label_name(mailbox, label) for label in record.labels],
            }
            for record in mailbox.history.of(message.id)
        ]
    return body


def sent_json(sent: Sent) -> dict[str, Any]:
    """One message that a local mailbox handed to the post office."""
    return {
        "sender": sent.sender,
        "recipients": list(sent.recipients),
        "messageId": sent.message_id,
        "subject": sent.subject,
        "autoSubmitted": sent.auto_submitted,
        "at": sent.at_ms,
        "raw": sent.raw.decode("utf-8", "replace"),
    }


def _label_name(mailbox: Mailbox, label_id: str) -> str:
    label = mailbox.labels.get(label_id)
    return label.name if label is not None else label_id
