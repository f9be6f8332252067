"""Mail that says that a mail of ours was not delivered."""

from __future__ import annotations

from backend.domain.mail.machine_mail import is_report
from backend.domain.mail.message import Message

_DELIVERY = frozenset({"message/delivery-status", "message/global-delivery-status"})
_BOUNCERS = ("mailer-daemon", "mailerdaemon", "postmaster")
_NOT_YET = ("delay", "verzöger", "retard", "retras", "atras", "warning")


def is_bounce(message: Message) -> bool:
    """Whether it reports that delivery failed: a report of delivery, or the word of a mailer that nobody sent.

    Receipts, complaints and reports that a mail is only late are none. Which mail it is about is not looked at:
    Gmail puts a report into the thread of the mail it is about.
    """
    if not is_report(message):
        return False
    about_delivery = any(attachment.content_type in _DELIVERY for attachment in message.attachments)
    mailer = message.sender.local.lower().startswith(_BOUNCERS)
    late = any(word in message.subject.lower() for word in _NOT_YET)
    return (about_delivery or mailer) and not late
