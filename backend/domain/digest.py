"""The result of reading a message: small, bounded values, without its body and headers.

`digesting.py` makes it. The server never imports that module, because only reading processes parse mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Arrival
from backend.domain.mail.sender import Authentication, organisational_domain
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpenCause, ReadLimit, Screened
from backend.domain.reading.score import Score, Thresholds


class Rereading(StrEnum):
    """The result of a second reading. The value is a label in metrics."""

    READ = "read"
    LATE = "late"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Digest:
    """What is known of a message after reading it. `arrival` has addresses, subject and ids, cut to length, but no
    text.

    `guards` are the challenge guards that object because of the message itself, not checked if the score rules a
    challenge out. `reply_to` is where a reply would go; `language` is that of the text (`xx`: unknown).
    `written_to` is the owner's address in To or Cc. `correspondents` are the recipients of mail by the owner. `score`
    and `thresholds` come from one model, `challenger` and `challenger_thresholds` from the model in trial, if there is
    one. `read_limit`: why it could not be read in full. `doubtful`: it needs a second reading, and `again` is the
    result of that, None if it was not tried. Without a score, `cause` says why, and `fault` names the error and its
    place for logs.
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
    read_limit: ReadLimit | None = None
    doubtful: bool = False
    again: Rereading | None = None
    cause: FailOpenCause | None = None
    fault: str = ""

    @property
    def sender_key(self) -> str:
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
    """The key under which mail that took too long to read is counted for its sender. It differs for a forged From."""
    return f"{'=' if authentication.passed else '?'}{address}"
