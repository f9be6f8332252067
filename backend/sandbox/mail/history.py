"""A mailbox's labels, and the history of its changes."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

# ---- Label names, ids and the rules Gmail applies to them.


SYSTEM_LABELS = (
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
)
# Gmail refuses these in messages.modify: they say how a message came to be.
FIXED_LABELS = frozenset({"SENT", "DRAFT", "CHAT"})
# A message is in one of these at most.
PLACES = frozenset({"INBOX", "SPAM", "TRASH"})
MAX_USER_LABELS = 10_000
MAX_NAME_LENGTH = 225

_RESERVED = frozenset(name.lower() for name in SYSTEM_LABELS) | {"all mail", "important", "bin", "scheduled"}


class GmailRefusal(ValueError):
    """A request that Gmail would refuse: `status` is the HTTP code, `message` Gmail's text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class LabelError(GmailRefusal):
    """A refused request about a label."""


@dataclass(slots=True)
class Label:
    """One label. `name` equals `id` for system labels."""

    id: str
    name: str
    system: bool = False
    label_list_visibility: str = "labelShow"
    message_list_visibility: str = "show"


@dataclass(slots=True)
class LabelBook:
    """All labels of one mailbox; names are unique, ignoring case."""

    _by_id: dict[str, Label] = field(default_factory=dict)
    _by_name: dict[str, str] = field(default_factory=dict)
    _next: int = 1

    def __post_init__(self) -> None:
        for name in SYSTEM_LABELS:
            self._by_id[name] = Label(id=name, name=name, system=True)

    def all(self) -> list[Label]:
        """System labels first, then user labels in order of creation."""
        return list(self._by_id.values())

    def get(self, label_id: str) -> Label | None:
        return self._by_id.get(label_id)

    def named(self, name: str) -> Label | None:
        """The label with this name (any case), or None."""
        label_id = self._by_name.get(name.strip().lower())
        return self._by_id.get(label_id) if label_id else self._by_id.get(name.strip().upper())

    def create(self, name: str) -> Label:
        """A new user label. Raises LabelError: 409 if the name is taken, 400 if it is not allowed."""
        clean = self._checked(name)
        if len(self._by_name) >= MAX_USER_LABELS:
            raise LabelError(400, "Too many labels")
        label = Label(id=f"Label_{self._next}", name=clean)
        self._next += 1
        self._by_id[label.id] = label
        self._by_name[clean.lower()] = label.id
        return label

    def rename(self, label: Label, name: str) -> None:
        """Rename a user label. Raises LabelError as `create` does."""
        if label.system:
            raise LabelError(400, "Cannot update system label")
        clean = self._checked(name, own_id=label.id)
        del self._by_name[label.name.lower()]
        label.name = clean
        self._by_name[clean.lower()] = label.id

    def remove(self, label: Label) -> None:
        """Delete a user label. Raises LabelError for a system label."""
        if label.system:
            raise LabelError(400, "Cannot delete system label")
        del self._by_id[label.id]
        del self._by_name[label.name.lower()]

    def _checked(self, name: str, own_id: str | None = None) -> str:
        clean = name.strip()
        if not clean or len(clean) > MAX_NAME_LENGTH or clean.lower() in _RESERVED:
            raise LabelError(400, "Invalid label name")
        if any(part.strip() == "" for part in clean.split("/")):
            raise LabelError(400, "Invalid label name")
        holder = self._by_name.get(clean.lower())
        if holder is not None and holder != own_id:
            raise LabelError(409, "Label name exists or conflicts")
        return clean


# ---- The mailbox's history


Change = Literal["added", "deleted", "labels"]
HISTORY_TYPES: frozenset[str] = frozenset({"messageAdded", "messageDeleted", "labelAdded", "labelRemoved"})

MAX_GAP = 17


class HistoryExpired(LookupError):
    """The start is older than the oldest record, or newer than the newest."""


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One change of one message. `labels` are the message's labels after it; `at` is epoch seconds."""

    id: int
    change: Change
    message_id: str
    thread_id: str
    labels: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    at: float = 0.0

    @property
    def types(self) -> frozenset[str]:
        """The history types that list this record."""
        if self.change == "added":
            return frozenset({"messageAdded"})
        if self.change == "deleted":
            return frozenset({"messageDeleted"})
        names: set[str] = set()
        if self.added:
            names.add("labelAdded")
        if self.removed:
            names.add("labelRemoved")
        return frozenset(names)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page: its records, the token of the next page or None, and the mailbox's position."""

    records: list[HistoryRecord]
    next_token: str | None
    history_id: int


class HistoryLog:
    """Records, by ids with small gaps, as Gmail's. `current` is the newest id; starts before `floor` have expired."""

    def __init__(self, rng: random.Random, start: int) -> None:
        self._rng = rng
        self._records: list[HistoryRecord] = []
        self._ids: list[int] = []
        self.current = start
        self.floor = start

    def __len__(self) -> int:
        return len(self._records)

    def append(
        self,
        change: Change,
        message_id: str,
        thread_id: str,
        labels: Collection[str],
        *,
        added: Collection[str] = (),
        removed: Collection[str] = (),
        at: float = 0.0,
    ) -> HistoryRecord:
        """Record one change and move the position forward."""
        self.current += self._rng.randint(1, MAX_GAP)
        record = HistoryRecord(
            id=self.current,
            change=change,
            message_id=message_id,
            thread_id=thread_id,
            labels=tuple(sorted(labels)),
            added=tuple(sorted(added)),
            removed=tuple(sorted(removed)),
            at=at,
        )
        self._records.append(record)
        self._ids.append(record.id)
        return record

    def raise_floor(self, floor: int | None = None) -> int:
        """Let starts before `floor` (default: `current`) expire; returns the floor. Records stay for `of`."""
        self.floor = max(self.floor, self.current if floor is None else min(floor, self.current))
        return self.floor

    def of(self, message_id: str) -> list[HistoryRecord]:
        return [record for record in self._records if record.message_id == message_id]

    def visible_at(self, horizon: float | None) -> int:
        """The position of an index that has only seen changes up to `horizon` (epoch seconds)."""
        if horizon is None or not self._records or self._records[-1].at <= horizon:
            return self.current
        for record in reversed(self._records):
            if record.at <= horizon:
                return record.id
        return self.floor

    def page(
        self,
        start: int,
        *,
        types: Collection[str] = (),
        label_id: str | None = None,
        max_results: int = 100,
        token: str | None = None,
        ceiling: int | None = None,
        empty_pages: int = 0,
    ) -> HistoryPage:
        """Records after `start` (exclusive), oldest first.

        `ceiling` is the position of a lagging index; the first page fixes it for all later pages.
        `empty_pages` puts that many empty pages with a token before each page that has records.
        Raises HistoryExpired below the floor or beyond the position, ValueError for a bad token.
        """
        if start < self.floor or start > self.current:
            raise HistoryExpired(str(start))
        position = start
        top = self.current if ceiling is None else ceiling
        blanks = empty_pages
        if token is not None:
            position, top, blanks = self._read_token(token)
        found, rest = self._scan(position, top, types, label_id, max_results)
        if found and blanks > 0:
            return HistoryPage([], f"{position}.{top}.{blanks - 1}", top)
        next_token = f"{found[-1].id}.{top}.{empty_pages}" if rest else None
        return HistoryPage(found, next_token, top)

    def _scan(
        self, position: int, top: int, types: Collection[str], label_id: str | None, limit: int
    ) -> tuple[list[HistoryRecord], bool]:
        wanted = frozenset(types) or HISTORY_TYPES
        found: list[HistoryRecord] = []
        for index in range(bisect_right(self._ids, position), len(self._records)):
            record = self._records[index]
            if record.id > top:
                break
            if not record.types & wanted or (label_id is not None and label_id not in record.labels):
                continue
            if len(found) == limit:
                return found, True
            found.append(record)
        return found, False

    def _read_token(self, token: str) -> tuple[int, int, int]:
        parts = token.split(".")
        if len(parts) != 3 or not all(part.isdecimal() and len(part) <= 19 for part in parts):
            raise ValueError("Invalid pageToken")
        position, top, blanks = (int(part) for part in parts)
        return position, min(top, self.current), min(blanks, 100)
