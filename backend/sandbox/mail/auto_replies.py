"""Mail the server writes by itself: the owner's vacation reply and delivery failures."""

import re

from backend.sandbox.mail import headers as fields
from backend.sandbox.mail.compose import Letter, write
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.mail.mime_view import without_tags

REPLY_PAUSE_MS = 4 * 86_400_000
_MACHINE_SENDER = re.compile(r"\A(mailer-daemon|postmaster|no-?reply|.*-request)@", re.I)


def vacation_reply(
    mailbox: Mailbox, message: StoredMessage, mail_from: str, token: str, now_ms: int
) -> tuple[bytes, str] | None:
    """The owner's vacation reply to a message and whom it goes to, or None if none is due.

    At most one per sender in four days; never to machines, lists, spam, or the null sender.
    """
    settings = mailbox.settings.vacation
    if not settings.get("enableAutoReply") or not _is_time(settings, now_ms) or "SPAM" in message.labels:
        return None
    if not mail_from or _MACHINE_SENDER.match(mail_from) or _is_automatic(message):
        return None
    last = mailbox.settings.replied.get(mail_from)
    if mail_from in mailbox.own_addresses() or (last is not None and now_ms - last < REPLY_PAUSE_MS):
        return None
    if (
        settings.get("restrictToDomain")
        and mail_from.rpartition("@")[2] != mailbox.address.rpartition("@")[2]
    ):
        return None
    mailbox.settings.replied[mail_from] = now_ms
    plain = str(settings.get("responseBodyPlainText") or "")
    rich = str(settings.get("responseBodyHtml") or "")
    letter = Letter(
        sender=mailbox.address,
        to=[mail_from],
        subject=str(settings.get("responseSubject") or f"Re: {message.subject}"),
        text=plain or without_tags(rich),
        html=rich or None,
        message_id=f"<vac{token}@mail.gmail.com>",
        in_reply_to=f"<{message.rfc822_id}>" if message.rfc822_id else None,
        references=f"<{message.rfc822_id}>" if message.rfc822_id else None,
        extra=[("Auto-Submitted", "auto-replied"), ("X-Autoreply", "yes"), ("Precedence", "bulk")],
    )
    return write(letter, now_ms), mail_from


def bounce_for(message: StoredMessage, address: str, token: str, now_ms: int) -> bytes:
    """A delivery status notification saying that `address` does not exist."""
    sender = fields.addresses(message.header("From"))[0][1]
    boundary = f"b{token}"
    fields_above = [
        "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        f"To: {sender}",
        "Subject: Delivery Status Notification (Failure)",
        f"Message-ID: <dsn{token}@mx.google.com>",
        f"In-Reply-To: <{message.rfc822_id}>",
        f"References: <{message.rfc822_id}>",
        "Auto-Submitted: auto-replied",
        "X-Failed-Recipients: " + address,
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; boundary="{boundary}"; report-type=delivery-status',
    ]
    explanation = f"Your message wasn't delivered to {address} because the address couldn't be found."
    status = [
        "Reporting-MTA: dns; googlemail.com",
        "",
        f"Final-Recipient: rfc822; {address}",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.",
    ]
    lines = [
        *fields_above,
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=UTF-8",
        "",
        explanation,
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        *status,
        "",
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode("utf-8", "replace")


def _is_time(settings: dict[str, object], now_ms: int) -> bool:
    start, end = settings.get("startTime"), settings.get("endTime")
    return (start is None or now_ms >= int(str(start))) and (end is None or now_ms < int(str(end)))


def _is_automatic(message: StoredMessage) -> bool:
    submitted = message.header("Auto-Submitted").partition(";")[0].strip().lower()
    if submitted not in ("", "no"):
        return True
    if message.header("Precedence").strip().lower() in ("bulk", "list", "junk"):
        return True
    return any(name.lower().startswith("list-") for name, _ in message.headers)
