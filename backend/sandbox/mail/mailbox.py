"""A mailbox of the local Google: messages, their ids and threads."""

from __future__ import annotations

import random
import re
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from backend.sandbox import BadRequest
from backend.sandbox.mail import compose as fields
from backend.sandbox.mail.compose import Headers, Part, parse, snippet_of, text_of
from backend.sandbox.mail.history import HistoryLog, HistoryRecord, Label, LabelBook

# ---- Identifiers as Gmail shows them


_HEX16 = re.compile(r"\A[0-9a-f]{1,16}\Z")


class MessageIds:
    """Makes message ids that always rise within one mailbox."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._last = 0

    def next(self, now_ms: int) -> str:
        """The next id for a message arriving at `now_ms` (epoch milliseconds)."""
        value = (now_ms << 20) | self._rng.getrandbits(20)
        if value <= self._last:  # the clock stood still, or this id was reserved
            value = self._last + self._rng.randint(1, 4096)
        self._last = value
        return format(value, "016x")

    def reserve(self, message_id: str) -> None:
        """Keep later ids above one that was chosen elsewhere."""
        self._last = max(self._last, int(message_id, 16))


def is_message_id(value: str) -> bool:
    """Whether `value` has the form of a message or thread id (1 to 16 lower-case hex digits)."""
    return _HEX16.match(value) is not None


# ---- One stored message


class StoredMessage:
    """A message in a mailbox. `internal_date` is epoch milliseconds; `labels` can change."""

    def __init__(
        self, message_id: str, thread_id: str, raw: bytes, labels: set[str], internal_date: int
    ) -> None:
        self.id = message_id
        self.thread_id = thread_id
        self.raw = raw
        self.labels = labels
        self.internal_date = internal_date
        self.history_id = 0
        self.headers = fields.read_headers(raw)

    @property
    def sort_key(self) -> tuple[int, str]:
        return (self.internal_date, self.id)

    def header(self, name: str) -> str:
        """The first value of a header field (any case), or an empty string."""
        return fields.first(self.headers, name)

    @cached_property
    def rfc822_id(self) -> str:
        """The Message-ID without angle brackets, or an empty string."""
        found = fields.message_ids(self.header("Message-ID"))
        return found[0] if found else ""

    @cached_property
    def subject(self) -> str:
        return self.header("Subject")

    @cached_property
    def root(self) -> Part:
        return parse(self.raw)

    @cached_property
    def snippet(self) -> str:
        """The first words, HTML-escaped."""
        return snippet_of(self.root)

    @cached_property
    def text(self) -> str:
        return text_of(self.root)

    @cached_property
    def has_attachment(self) -> bool:
        return any(part.filename for part in self.root.walk())


# ---- Threading


_PREFIX = re.compile(r"\A\s*(re|fwd?|aw|wg|sv|vs|antw|rif|rv|res|tr)\s*(\[\d+\])?\s*:\s*", re.I)
_SPACE = re.compile(r"\s+")


def bare_subject(subject: str) -> str:
    """The subject without reply and forward prefixes, otherwise unchanged."""
    text = subject
    while (match := _PREFIX.match(text)) is not None:
        text = text[match.end() :]
    return text


def folded_subject(subject: str) -> str:
    """The subject without reply and forward prefixes, case and spacing folded."""
    return _SPACE.sub(" ", bare_subject(subject)).strip().lower()


def referenced_ids(headers: Headers) -> list[str]:
    """Message-IDs named by In-Reply-To and References, nearest first."""
    nearest = fields.message_ids(fields.first(headers, "In-Reply-To"))
    older = list(reversed(fields.message_ids(fields.first(headers, "References"))))
    return list(dict.fromkeys(nearest + older))


class ThreadIndex:
    """Threads of one mailbox: their messages in order of arrival, and messages by their Message-ID. `exact` tells
    whether case and spacing of subjects must match too."""

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
        """Remove a message; a thread without messages is removed too."""
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
        """The thread an arriving message joins: that of a message it refers to and whose subject it has, if any."""
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
        return bare_subject(subject) if self._exact() else folded_subject(subject)


# ---- One mailbox


ChangeListener = Callable[["Mailbox", list[HistoryRecord]], None]
"""Called after each change, with its history records."""
HIDDEN_BY_DEFAULT = frozenset({"SPAM", "TRASH"})


@dataclass(slots=True)
class SendAs:
    """An address the owner may send from."""

    email: str
    display_name: str = ""
    reply_to: str = ""
    signature: str = ""
    primary: bool = False
    default: bool = False
    accepted: bool = True


@dataclass(slots=True)
class Owner:
    """The Google account of a mailbox. `hd` is the Workspace domain, None for a consumer account."""

    email: str
    name: str
    sub: str
    hd: str | None = None


@dataclass(slots=True)
class OwnerSettings:
    """The owner's settings in Gmail. `filters` are JSON objects."""

    send_as: list[SendAs] = field(default_factory=list)
    vacation_on: bool = False
    filters: list[dict[str, Any]] = field(default_factory=list)


class Mailbox:
    """All state of one account. Methods that change it take `now_ms`, epoch milliseconds."""

    def __init__(
        self,
        owner: Owner,
        rng: random.Random,
        listener: ChangeListener | None = None,
        exact_subjects: Callable[[], bool] = lambda: False,
    ) -> None:
        self.owner = owner
        self.labels = LabelBook()
        self.history = HistoryLog(rng, start=rng.randint(10_000, 999_999))
        self.threads = ThreadIndex(exact_subjects)
        self.settings = OwnerSettings(
            send_as=[SendAs(owner.email, display_name=owner.name, primary=True, default=True)]
        )
        self._ids = MessageIds(rng)
        self._messages: dict[str, StoredMessage] = {}
        self._order: list[tuple[int, str]] = []
        self._labelled: dict[str, set[str]] = {}
        self._listener = listener

    @property
    def address(self) -> str:
        """The account's address, lower case."""
        return self.owner.email

    def __len__(self) -> int:
        return len(self._messages)

    def get(self, message_id: str) -> StoredMessage | None:
        return self._messages.get(message_id)

    def these(self, ids: Iterable[str]) -> list[StoredMessage]:
        """The messages with these ids. Raises BadRequest (404) if any of them is missing, or no id is given."""
        found = [self._messages.get(message_id) for message_id in ids]
        if not found or None in found:
            raise BadRequest(f"{self.address} does not hold all of these messages.", 404)
        return [message for message in found if message is not None]

    def rename(self, address: str) -> None:
        """Change the primary address; the owner may still send from the former one."""
        own = self.settings.send_as
        (primary,) = [alias for alias in own if alias.primary]
        before = replace(primary, primary=False, default=False)
        primary.email = self.owner.email = address
        # The new address may have been one of those already.
        own[:] = [alias for alias in own if alias is primary or alias.email != address] + [before]

    def own_addresses(self) -> frozenset[str]:
        """Every address the owner may send from."""
        return frozenset(alias.email for alias in self.settings.send_as if alias.accepted)

    def labelled(self, label_id: str) -> frozenset[str]:
        return frozenset(self._labelled.get(label_id, ()))

    def count(self, label_id: str) -> int:
        return len(self._labelled.get(label_id, ()))

    def newest_first(
        self, labels: Collection[str] = (), before: tuple[int, str] | None = None, hidden: bool = False
    ) -> Iterator[StoredMessage]:
        """Messages with all `labels`, newest first, older than the key `before`. Spam and trash are left out unless
        `hidden` is set or `labels` names them."""
        skip = frozenset() if hidden else HIDDEN_BY_DEFAULT - frozenset(labels)
        wanted = frozenset(labels)
        for key in self._keys_for(wanted, before):
            message = self._messages[key[1]]
            if wanted <= message.labels and not (skip & message.labels):
                yield message

    def add(
        self,
        raw: bytes,
        labels: Iterable[str],
        now_ms: int,
        *,
        internal_date: int | None = None,
        thread_id: str | None = None,
        by_header: bool = True,
        message_id: str | None = None,
        quiet: bool = False,
    ) -> StoredMessage:
        """Store a message. It joins the thread `thread_id` if `for_sending` allows it; without one, that of its headers
        unless `by_header` is False. `message_id` is used if it is free. `quiet`: write no history and notify nobody,
        for mail that was there from the start."""
        new_id = self._ids.next(now_ms) if message_id is None or message_id in self._messages else message_id
        self._ids.reserve(new_id)
        message = StoredMessage(
            new_id, new_id, raw, set(labels), now_ms if internal_date is None else internal_date
        )
        message.thread_id = self._thread_for(message, thread_id, by_header) or new_id
        self._messages[new_id] = message
        insort(self._order, message.sort_key)
        for label in message.labels:
            self._labelled.setdefault(label, set()).add(new_id)
        self.threads.add(message)
        if quiet:
            message.history_id = self.history.current
        else:
            self._notify([self._record("added", message, now_ms)])
        return message

    def change_labels(
        self, messages: Iterable[StoredMessage], add: Collection[str], remove: Collection[str], now_ms: int
    ) -> None:
        """Add and remove labels. A message that stays as it was gets no history record."""
        records = []
        for message in messages:
            added = frozenset(add) - message.labels
            removed = (frozenset(remove) - frozenset(add)) & message.labels
            if not added and not removed:
                continue
            message.labels |= added
            message.labels -= removed
            for label in added:
                self._labelled.setdefault(label, set()).add(message.id)
            for label in removed:
                self._labelled[label].discard(message.id)
            records.append(self._record("labels", message, now_ms, added, removed))
        self._notify(records)

    def delete(self, messages: Iterable[StoredMessage], now_ms: int) -> None:
        """Remove messages for good."""
        records = []
        for message in messages:
            if self._messages.pop(message.id, None) is None:
                continue
            del self._order[bisect_left(self._order, message.sort_key)]
            for label in message.labels:
                self._labelled[label].discard(message.id)
            self.threads.remove(message)
            records.append(self._record("deleted", message, now_ms))
        self._notify(records)

    def delete_label(self, label: Label, now_ms: int) -> None:
        """Delete a user label, and remove it from every message. Raises LabelError for a system label."""
        self.labels.remove(label)
        members = [self._messages[message_id] for message_id in self.labelled(label.id)]
        self.change_labels(members, [], [label.id], now_ms)

    def _keys_for(self, wanted: frozenset[str], before: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
        """Sort keys of the messages that may have the labels `wanted`, newest first."""
        smallest = min((self._labelled.get(label, set()) for label in wanted), key=len, default=None)
        # The few messages of a rare label are sorted faster than all are walked through.
        if smallest is not None and len(smallest) * 20 < len(self._order):
            keys = sorted((self._messages[message_id].sort_key for message_id in smallest), reverse=True)
            yield from (key for key in keys if before is None or key < before)
            return
        end = len(self._order) if before is None else bisect_left(self._order, before)
        for index in range(end - 1, -1, -1):
            yield self._order[index]

    def _thread_for(self, message: StoredMessage, thread_id: str | None, by_header: bool) -> str | None:
        if thread_id is not None:
            return self.threads.for_sending(thread_id, message.headers)
        return self.threads.for_arrival(message.headers) if by_header else None

    def _record(
        self,
        change: str,
        message: StoredMessage,
        now_ms: int,
        added: Collection[str] = (),
        removed: Collection[str] = (),
    ) -> HistoryRecord:
        record = self.history.append(
            change,  # type: ignore[arg-type]
            message.id,
            message.thread_id,
            message.labels,
            added=added,
            removed=removed,
            at=now_ms / 1000,
        )
        message.history_id = record.id
        return record

    def _notify(self, records: list[HistoryRecord]) -> None:
        if records and self._listener is not None:
            self._listener(self, records)
