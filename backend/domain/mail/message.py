"""What arrived: a parsed e-mail, and what Gmail knows of it beside the mail itself.

All values are immutable. Text is `str` without lone surrogates; sizes are bytes; times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address. `address` is lower-case, or "" when the header held none that parses."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The part behind the last "@", or "" if there is none."""
        return self.address.rpartition("@")[2] if "@" in self.address else ""

    @property
    def local(self) -> str:
        """The part before the last "@"; the whole text if there is none."""
        return self.address.rpartition("@")[0] or self.address


@dataclass(frozen=True)
class Headers:
    """Header fields in the order of the message, spelling kept, names matched without case."""

    fields: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of `name`, topmost first."""
        return self._by_name.get(name.lower(), ())

    def first(self, name: str, default: str = "") -> str:
        """The topmost value of `name`, or `default`."""
        values = self.all(name)
        return values[0] if values else default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for key, value in self.fields:
            found.setdefault(key.lower(), []).append(value)
        return {name: tuple(values) for name, values in found.items()}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not body text. `size` in bytes, 0 if unknown; the content is never kept.

    `method` is what a calendar part says it is for ("request", "reply", "" where it does not say).
    """

    filename: str
    content_type: str
    size: int = 0
    method: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail, parsed as far as it could be.

    `text` and `html` are the decoded bodies (concatenated where there are several, "" and None where
    there is none). `defects` names what was wrong with the bytes ("part limit", "charset klingon", …):
    a message with defects is still a message.
    """

    headers: Headers = Headers()
    from_: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    html: str | None = None
    content_type: str = "text/plain"
    attachments: tuple[Attachment, ...] = ()
    defects: tuple[str, ...] = ()

    @property
    def sender(self) -> Address:
        """The first From address; an empty `Address` when there is none."""
        return self.from_[0] if self.from_ else Address("")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message together with what Gmail says of it.

    `gmail_id` and `thread_id` are Google's, kept as given and unique in one mailbox only. `received_at` is
    Gmail's own receipt time (internalDate), not the sender's Date header.
    """

    gmail_id: str
    thread_id: str
    labels: frozenset[str]
    received_at: datetime
    message: Message
    size: int = 0


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns the mailbox: every address that is theirs (primary and accepted aliases), lower-case. `names` are what
    mail from an alias bears where it is not `name`; they are known only where Google has just been asked."""

    email: str
    name: str = ""
    aliases: frozenset[str] = field(default_factory=frozenset)
    names: tuple[tuple[str, str], ...] = ()

    @property
    def addresses(self) -> frozenset[str]:
        """Primary address and aliases."""
        return self.aliases | {self.email}

    @property
    def domain(self) -> str:
        """Domain of the primary address."""
        return self.email.rpartition("@")[2]

    def writing_as(self, address: str) -> Address:
        """How they write from `address`: under the name it bears. From one that is not theirs: from the primary."""
        own = address if address in self.addresses else self.email
        return Address(own, dict(self.names).get(own) or self.name)
