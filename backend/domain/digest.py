"""What is kept of a message once it has been read: small, bounded values, and none of its body or headers.

`digesting.py` makes it from a message. The server never imports that, since only reading processes parse mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backend.domain.mail.authentication import Authentication
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Arrival
from backend.domain.mail.sender import organisational_domain
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpen, Limit, Screened
from backend.domain.reading.score import Score, Thresholds


class Rereading(StrEnum):
    """What became of a second reading. The value is a label of the metrics."""

    READ = "read"
    LATE = "late"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Digest:
    """One message, read. `arrival` holds addresses, subject and ids, cut to length, and no text.

    `guards` are the guards that object to a challenge because of the message itself, checked only if the score is high
    enough for one; `reply_to` is where an answer would go, `language` that of the text (`xx`: unknown).
    `written_to` is the owner's address that stands in To or Cc, `list_address` that of the list that has signed it.
    `correspondents` are the recipients of a message by the owner.
    `score` and `thresholds` come from one model, `challenger` and `challenger_thresholds` from the one in trial, if
    there is one. `limit`: what of the message's making kept it from being read in full. `doubtful`: its text is to be
    read again; `again` is what became of that, None where it was not tried. Without a score, `cause` says why, and
    `fault` names the error and its place, for logs.
    """

    arrival: Arrival
    authentication: Authentication
    form: MailForm
    guards: tuple[str, ...]
    bounce: bool
    reply_to: str
    language: str
    written_to: str = ""
    list_address: str = ""
    correspondents: tuple[str, ...] = ()
    score: Score | None = None
    thresholds: Mapping[Strictness, Thresholds] = field(default_factory=dict)
    challenger: Score | None = None
    challenger_thresholds: Mapping[Strictness, Thresholds] = field(default_factory=dict)
    limit: Limit | None = None
    doubtful: bool = False
    again: Rereading | None = None
    cause: FailOpen | None = None
    fault: str = ""

    @property
    def sender_key(self) -> str:
        """See `sender_key`."""
        return sender_key(self.authentication, self.arrival.message.sender.address)

    def kept(self) -> Screened:
        """The facts that are stored: no body."""
        message = self.arrival.message
        sender = message.sender
        return Screened(
            sender=sender.address,
            sender_name=sender.name,
            sender_domain=organisational_domain(sender.domain),
            subject=message.subject,
            message_id=message.message_id,
            received_at=self.arrival.received_at,
            authenticated=self.authentication.passed,
            references=message.references,
            reply_to=self.reply_to,
            language=self.language,
        )


def sender_key(authentication: Authentication, address: str) -> str:
    """By which a sender is known whose mail could not be read in full. A forged From is not the address's owner."""
    return f"{'=' if authentication.passed else '?'}{address}"
