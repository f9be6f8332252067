"""Which thread a message joins: by header when it arrives, by Gmail's three conditions when it is sent."""

import re
from collections.abc import Callable

from backend.sandbox.mail import headers as fields
from backend.sandbox.mail.headers import Headers
from backend.sandbox.mail.message import StoredMessage

_PREFIX = re.compile(r"\A\s*(re|fwd?|aw|wg|sv|vs|antw|rif|rv|res|tr)\s*(\[\d+\])?\s*:\s*", re.I)
_SPACE = re.compile(r"\s+")


def bare_subject(subject: str) -> str:
    """The subject without reply and forward prefixes, otherwise letter for letter."""
    text = subject
    while (match := _PREFIX.match(text)) is not None:
        text = text[match.end() :]
    return text


def base_subject(subject: str) -> str:
    """The subject without reply and forward prefixes, case and spacing folded."""
    return _SPACE.sub(" ", bare_subject(subject)).strip().lower()


def referenced_ids(headers: Headers) -> list[str]:
    """Message-IDs named by In-Reply-To and References, nearest first."""
    nearest = fields.message_ids(fields.first(headers, "In-Reply-To"))
    older = list(reversed(fields.message_ids(fields.first(headers, "References"))))
    return list(dict.fromkeys(nearest + older))


class ThreadIndex:
    """Threads of one mailbox: members in order of arrival, and messages by their Message-ID.

    `exact` says whether subjects must be the same letter for letter.
    """

    def __init__(self, exact: Callable[[], bool] = lambda: False) -> None:
        self._exact = exact
        self._members: dict[str, dict[str, StoredMessage]] = {}
        self._by_rfc822: dict[str, dict[str, StoredMessage]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, thread_id: object) -> bool:
        return thread_id in self._members

    def add(self, message: StoredMessage) -> None:
        """Index a message under its thread and Message-ID."""
        self._members.setdefault(message.thread_id, {})[message.id] = message
        if message.rfc822_id:
            self._by_rfc822.setdefault(message.rfc822_id, {})[message.id] = message

    def remove(self, message: StoredMessage) -> None:
        """Forget a message; a thread without messages is gone."""
        members = self._members.get(message.thread_id, {})
        members.pop(message.id, None)
        if not members:
            self._members.pop(message.thread_id, None)
        same_id = self._by_rfc822.get(message.rfc822_id, {})
        same_id.pop(message.id, None)
        if not same_id:
            self._by_rfc822.pop(message.rfc822_id, None)

    def members(self, thread_id: str) -> list[StoredMessage]:
        """The thread's messages, oldest first; empty if there is no such thread."""
        return sorted(self._members.get(thread_id, {}).values(), key=lambda message: message.sort_key)

    def ids(self) -> list[str]:
        """All thread ids."""
        return list(self._members)

    def with_rfc822_id(self, value: str) -> list[StoredMessage]:
        """Messages whose Message-ID is `value` (without angle brackets)."""
        return list(self._by_rfc822.get(value, {}).values())

    def for_arrival(self, headers: Headers) -> str | None:
        """The thread an arriving message joins: it must refer to a message there and keep its subject."""
        subject = self._subject(fields.first(headers, "Subject"))
        for reference in referenced_ids(headers):
            for known in self.with_rfc822_id(reference):
                if self._subject(known.subject) == subject:
                    return known.thread_id
        return None

    def for_sending(self, thread_id: str, headers: Headers) -> str | None:
        """`thread_id` if the message refers to a message in it and the subjects match, else None."""
        members = self.members(thread_id)
        known = {message.rfc822_id for message in members}
        subjects = {self._subject(message.subject) for message in members}
        refers = any(reference in known for reference in referenced_ids(headers))
        matches = self._subject(fields.first(headers, "Subject")) in subjects
        return thread_id if refers and matches else None

    def _subject(self, subject: str) -> str:
        return bare_subject(subject) if self._exact() else base_subject(subject)
