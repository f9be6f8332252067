"""What a person does by hand in the webmail, as letters: replying to a message."""

from typing import Any

from backend.sandbox.mail import headers as fields
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.mail.message import StoredMessage


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
