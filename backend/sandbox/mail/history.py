"""The mailbox's history: an append-only list of what happened to which message, with rising ids."""

import random
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Change = Literal["added", "deleted", "labels"]
HistoryType = Literal["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"]
HISTORY_TYPES: frozenset[str] = frozenset({"messageAdded", "messageDeleted", "labelAdded", "labelRemoved"})

MAX_GAP = 17


class HistoryExpired(LookupError):
    """The start lies before the oldest record kept, or after anything ever issued."""


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
        """The history types this record answers to."""
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
    """Records in order of id. Ids rise with small gaps, as Gmail's do."""

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
        """Forget records up to `floor` (default: everything so far); older starts expire."""
        self.floor = max(self.floor, self.current if floor is None else min(floor, self.current))
        return self.floor

    def of(self, message_id: str) -> list[HistoryRecord]:
        """What happened to one message, oldest first."""
        return [record for record in self._records if record.message_id == message_id]

    def visible_at(self, horizon: float | None) -> int:
        """The position an index that has only seen changes up to `horizon` (epoch seconds) would report."""
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
