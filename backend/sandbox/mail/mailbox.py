"""One mailbox: messages, labels, threads and history kept in step, every change recorded."""

import random
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from backend.sandbox.mail.history import HistoryLog, HistoryRecord
from backend.sandbox.mail.ids import MessageIds
from backend.sandbox.mail.labels import Label, LabelBook
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.mail.threads import ThreadIndex

ChangeListener = Callable[["Mailbox", list[HistoryRecord]], None]
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
    """The Google account behind a mailbox. `hd` is the Workspace domain, or None for a consumer."""

    email: str
    name: str
    sub: str
    hd: str | None = None


@dataclass(slots=True)
class OwnerSettings:
    """What the owner set in Gmail. `vacation` and `filters` are wire objects; `replied` maps address to epoch ms."""

    send_as: list[SendAs] = field(default_factory=list)
    vacation: dict[str, object] = field(default_factory=dict)
    filters: list[dict[str, Any]] = field(default_factory=list)
    replied: dict[str, int] = field(default_factory=dict)


class Mailbox:
    """All state of one account. Methods that change something take `now_ms`, epoch milliseconds."""

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
        """The message with this id, or None."""
        return self._messages.get(message_id)

    def rename(self, address: str) -> None:
        """Another primary address; the former one stays among those the owner may send from."""
        own = self.settings.send_as
        (primary,) = [alias for alias in own if alias.primary]
        before = replace(primary, primary=False, default=False)
        primary.email = self.owner.email = address
        own[:] = [alias for alias in own if alias is primary or alias.email != address] + [before]

    def own_addresses(self) -> frozenset[str]:
        """Every address the owner may send from."""
        return frozenset(alias.email for alias in self.settings.send_as if alias.accepted)

    def labelled(self, label_id: str) -> frozenset[str]:
        """Ids of the messages that carry a label."""
        return frozenset(self._labelled.get(label_id, ()))

    def count(self, label_id: str) -> int:
        """How many messages carry a label."""
        return len(self._labelled.get(label_id, ()))

    def newest_first(
        self, labels: Collection[str] = (), before: tuple[int, str] | None = None, hidden: bool = False
    ) -> Iterator[StoredMessage]:
        """Messages carrying all `labels`, newest first, older than the key `before`.

        Spam and trash are left out unless `hidden` or named in `labels`.
        """
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
        """Store a message.

        With `thread_id` Gmail's three conditions decide whether it joins that thread; else it is
        threaded by its headers (`by_header`). `quiet` leaves no history and tells nobody, for mail
        that was there before anyone looked.
        """
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
            self._tell([self._record("added", message, now_ms)])
        return message

    def change_labels(
        self, messages: Iterable[StoredMessage], add: Collection[str], remove: Collection[str], now_ms: int
    ) -> None:
        """Put labels on and take labels off. A message that already is so gets no history."""
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
        self._tell(records)

    def trash(self, messages: Iterable[StoredMessage], now_ms: int) -> None:
        """Move messages to the trash."""
        self.change_labels(messages, ["TRASH"], ["INBOX", "SPAM"], now_ms)

    def untrash(self, messages: Iterable[StoredMessage], now_ms: int) -> None:
        """Take messages out of the trash; they do not return to the inbox by themselves."""
        self.change_labels(messages, [], ["TRASH"], now_ms)

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
        self._tell(records)

    def delete_label(self, label: Label, now_ms: int) -> None:
        """Delete a user label and take it off every message. Raises LabelError for a system label."""
        self.labels.remove(label)
        members = [self._messages[message_id] for message_id in self.labelled(label.id)]
        self.change_labels(members, [], [label.id], now_ms)

    def _keys_for(self, wanted: frozenset[str], before: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
        smallest = min((self._labelled.get(label, set()) for label in wanted), key=len, default=None)
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

    def _tell(self, records: list[HistoryRecord]) -> None:
        if records and self._listener is not None:
            self._listener(self, records)
