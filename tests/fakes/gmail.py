"""A Gmail mailbox in memory. A test can make any call fail, or let the process die before or after it."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import TypeVar

from backend.domain.errors import Gone, HistoryGone, Rejected
from backend.domain.mail.message import Address, Arrival, Headers, Message, Owner
from backend.domain.mailbox.message import LabelIds
from backend.ports.gmail import (
    NO_LABELS,
    Added,
    Fetched,
    HistoryPage,
    ListPage,
    OutgoingMail,
    Profile,
    Relabelled,
    SentLink,
    WatchGrant,
)

T = TypeVar("T")
LABELS = LabelIds("Label_1", "Label_2", "Label_3", "Label_4", "Label_5")
UNITS = {
    "profile": 1, "watch": 100, "stop_watch": 50, "history": 2, "list_messages": 5, "fetch": 20,
    "labels_on": 20, "relabel": 5, "send": 100, "find_sent": 5, "find_link": 65, "ensure_labels": 1, "identity": 1,
    "vacation_on": 1, "filtered": 6, "place": 25, "find_placed": 5,
}  # fmt: skip


class Died(BaseException):
    """Simulates the death of the process. Not an `Exception`, so that no code catches it and carries on."""


@dataclass
class Sent:
    """A mail that was sent."""

    gmail_id: str
    thread_id: str
    message_id: str
    marker: str
    raw: bytes


@dataclass
class FakeGmail:
    """Implements `backend.ports.gmail.Gmail` for one mailbox.

    `lag_from` hides history records after this position, as if Gmail's index lagged behind; with `lag_tells`, history
    returns the mailbox's real position all the same. `history_size` is the number of records in a page of history (0:
    all), and the first page is empty. `die_before` and `die_after` name the calls at which the process dies: before
    Google gets the request, or after Google has done it and before we get the response. An error in `trouble` is raised
    once, one in `outages` as long as it is there.
    """

    now: datetime = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    position: int = 1_000
    floor: int = 0
    vacation: bool = False
    address: str = "ana@corp.test"
    important: frozenset[str] = frozenset()
    """Senders whose mail one of the owner's filters marks as important."""
    aliases: frozenset[str] = frozenset({"ana@corp.test"})
    names: tuple[tuple[str, str], ...] = ()
    messages: dict[str, Arrival] = field(default_factory=dict)
    records: list[tuple[int, Added | Relabelled | str]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    placed: dict[str, bytes] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    die_before: set[str] = field(default_factory=set)
    die_after: set[str] = field(default_factory=set)
    trouble: dict[str, Exception] = field(default_factory=dict)
    outages: dict[str, Exception] = field(default_factory=dict)
    pages: set[str] = field(default_factory=set)
    lag_from: int | None = None
    lag_tells: bool = False
    history_size: int = 0
    watch_days: float = 7.0
    last_id: int = 0

    @property
    def units(self) -> int:
        return sum(UNITS[name] * count for name, count in self.calls.items())

    def deliver(self, message: Message, *, labels: frozenset[str] = frozenset({"INBOX", "UNREAD"}),
                thread_id: str = "", known_labels: bool = True) -> str:  # fmt: skip
        """A mail arrives; returns its id."""
        gmail_id = self._new_id()
        arrival = Arrival(gmail_id, thread_id or gmail_id, labels, self.now, message)
        self.messages[gmail_id] = arrival
        self._record(Added(gmail_id, arrival.thread_id, labels if known_labels else None))
        return gmail_id

    def _new_id(self) -> str:
        self.last_id += 1  # Gmail never gives an id twice, even after a deletion
        return f"{self.last_id:016x}"

    def move(self, gmail_id: str, add: Set[str] = frozenset(), remove: Set[str] = frozenset()) -> None:
        self._relabel(gmail_id, frozenset(add), frozenset(remove))

    def delete(self, gmail_id: str) -> None:
        del self.messages[gmail_id]
        self._record(gmail_id)

    def forget_history(self) -> None:
        self.floor = self.position + 1
        self.position += 3

    def labels_of(self, gmail_id: str) -> frozenset[str]:
        return self.messages[gmail_id].labels

    async def profile(self, mailbox_id: str) -> Profile:
        self._enter("profile")
        return self._leave("profile", Profile(self.address, str(self.position), len(self.messages)))

    async def watch(self, mailbox_id: str) -> WatchGrant:
        self._enter("watch")
        return self._leave(
            "watch", WatchGrant(str(self.position), self.now + timedelta(days=self.watch_days))
        )

    async def stop_watch(self, mailbox_id: str) -> None:
        self._enter("stop_watch")
        self._leave("stop_watch", None)

    async def history(self, mailbox_id: str, start: str, page: str = "") -> HistoryPage:
        self._enter("history")
        if int(start) < self.floor:
            raise HistoryGone("The cursor is too old.", reason="notFound")
        end = self.position if self.lag_from is None else self.lag_from
        fresh = [record for position, record in self.records if int(start) < position <= end]
        if page and page not in self.pages:
            raise Rejected("Invalid page token.", reason="invalidArgument")
        rest = ""
        if self.history_size:
            first = int(page) if page else -self.history_size  # the page before the first record: empty
            last = max(first + self.history_size, 0)
            rest = str(last) if last < len(fresh) else ""
            fresh = fresh[max(first, 0) : last]
            self.pages |= {rest}
        return self._leave(
            "history",
            HistoryPage(
                added=tuple(record for record in fresh if isinstance(record, Added)),
                relabelled=tuple(record for record in fresh if isinstance(record, Relabelled)),
                deleted=tuple(record for record in fresh if isinstance(record, str)),
                history_id=str(self.position if self.lag_tells else end),
                next_page=rest,
            ),
        )

    async def list_messages(
        self, mailbox_id: str, query: str, page: str = "", limit: int = 500, *, label: str = ""
    ) -> ListPage:
        self._enter("list_messages")
        places = {word for word in ("in:sent", "in:inbox") if word in query}
        wanted = {"SENT" if place == "in:sent" else "INBOX" for place in places}
        since = query.partition("after:")[2].partition(" ")[0]

        def fits(mail: Arrival) -> bool:
            placed = not wanted or bool(wanted & mail.labels)
            late = not since or mail.received_at.timestamp() >= int(since)
            return placed and late and (not label or label in mail.labels)

        ids = tuple(
            (mail.gmail_id, mail.thread_id) for mail in reversed(self.messages.values()) if fits(mail)
        )
        start = int(page or 0)
        if start and page not in self.pages:
            raise Rejected("Invalid page token.", reason="invalidArgument")
        rest = str(start + limit) if start + limit < len(ids) else ""
        self.pages |= {rest}
        return self._leave("list_messages", ListPage(ids[start : start + limit], rest, len(ids)))

    async def fetch(self, mailbox_id: str, gmail_id: str) -> Fetched:
        return Fetched(pickle.dumps(self._given("fetch", gmail_id)))

    async def labels_on(self, mailbox_id: str, gmail_id: str) -> frozenset[str]:
        return self._given("labels_on", gmail_id).labels

    def _given(self, call: str, gmail_id: str) -> Arrival:
        self._enter(call)
        if gmail_id not in self.messages:
            raise Gone("The message is gone.", reason="notFound")
        return self._leave(call, self.messages[gmail_id])

    async def relabel(
        self, mailbox_id: str, gmail_id: str, add: frozenset[str], remove: frozenset[str]
    ) -> frozenset[str]:
        self._enter("relabel")
        if gmail_id not in self.messages:
            raise Gone("The message is gone.", reason="notFound")
        if len(((self.messages[gmail_id].labels | add) - remove) & {"INBOX", "SPAM", "TRASH"}) > 1:
            raise Rejected("Two places at once.", reason="invalidArgument")
        self._relabel(gmail_id, add, remove)
        return self._leave("relabel", self.messages[gmail_id].labels)

    async def send(self, mailbox_id: str, raw: bytes, thread_id: str) -> str:
        self._enter("send")
        mail = message_from_bytes(raw, policy=policy.default)
        gmail_id = self._new_id()
        marker = str(mail["X-Pitchgate-Challenge"] or "")
        self.sent.append(Sent(gmail_id, thread_id, str(mail["Message-ID"]), marker, raw))
        fields = tuple((name, str(value)) for name, value in mail.items())
        message = Message(
            headers=Headers(fields), to=(Address(str(mail["To"])),), message_id=str(mail["Message-ID"])
        )
        self.messages[gmail_id] = Arrival(gmail_id, thread_id, frozenset({"SENT"}), self.now, message)
        self._record(Added(gmail_id, thread_id, frozenset({"SENT"})))
        return self._leave("send", gmail_id)

    async def find_sent(self, mailbox_id: str, mail: OutgoingMail) -> str:
        self._enter("find_sent")
        found = [
            sent.gmail_id
            for sent in self.sent
            if mail.message_id == sent.message_id or mail.marker == sent.marker
        ]
        return self._leave("find_sent", found[0] if found else "")

    async def find_link(self, mailbox_id: str, mail: OutgoingMail) -> SentLink | None:
        self._enter("find_link")
        links = [
            (sent.gmail_id, message_from_bytes(sent.raw, policy=policy.default))
            for sent in reversed(self.sent)
        ]
        found = [
            SentLink(id, str(sent["X-Pitchgate-Link"])) for id, sent in links if sent["To"] == mail.recipient
        ]
        return self._leave("find_link", found[0] if found else None)

    async def place(self, mailbox_id: str, raw: bytes) -> str:
        self._enter("place")
        mail = message_from_bytes(raw, policy=policy.default)
        message = Message(
            headers=Headers(tuple((name, str(value)) for name, value in mail.items())),
            from_=(Address(str(mail["To"])),),
            to=(Address(str(mail["To"])),),
            subject=str(mail["Subject"]),
            message_id=str(mail["Message-ID"]),
            text="a pitchy list of subjects",
        )
        gmail_id = self.deliver(message, known_labels=False)
        self.placed[gmail_id] = raw
        return self._leave("place", gmail_id)

    async def find_placed(self, mailbox_id: str, message_id: str) -> str:
        self._enter("find_placed")
        found = [name for name, mail in self.messages.items() if mail.message.message_id == message_id]
        return self._leave("find_placed", found[0] if found else "")

    async def ensure_labels(self, mailbox_id: str, known: LabelIds = NO_LABELS) -> LabelIds:
        self._enter("ensure_labels")
        return self._leave("ensure_labels", LABELS)

    async def identity(self, mailbox_id: str) -> Owner:
        self._enter("identity")
        return self._leave("identity", Owner(self.address, "Ana", self.aliases, self.names))

    async def filtered(self, mailbox_id: str, message_id: str, label: str) -> bool:
        self._enter("filtered")
        found = [mail for mail in self.messages.values() if mail.message.message_id == message_id]
        return self._leave("filtered", any(mail.message.sender.address in self.important for mail in found))

    async def vacation_on(self, mailbox_id: str) -> bool:
        self._enter("vacation_on")
        return self._leave("vacation_on", self.vacation)

    def _enter(self, name: str) -> None:
        if name in self.die_before:
            self.die_before.discard(name)
            raise Died(f"before {name}")
        if name in self.trouble:
            raise self.trouble.pop(name)
        if name in self.outages:
            raise self.outages[name]
        self.calls[name] += 1

    def _leave(self, name: str, value: T) -> T:
        if name in self.die_after:
            self.die_after.discard(name)
            raise Died(f"after {name}")
        return value

    def _record(self, record: Added | Relabelled | str) -> None:
        self.position += 3
        self.records.append((self.position, record))

    def _relabel(self, gmail_id: str, add: frozenset[str], remove: frozenset[str]) -> None:
        mail = self.messages[gmail_id]
        labels = (mail.labels | add) - remove
        added, removed = labels - mail.labels, mail.labels - labels
        if added or removed:
            self.messages[gmail_id] = replace(mail, labels=labels)
            self._record(Relabelled(gmail_id, mail.thread_id, added, removed, labels))
