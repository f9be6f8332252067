"""`backend.ports.gmail.Gmail` over Google's REST API, and `open_google`, which builds the whole adapter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import aiohttp
import structlog

from backend.domain.errors import Gone, HistoryGone, Rejected, TryLater
from backend.domain.mail.message import Owner
from backend.domain.mailbox.message import LABEL_NAMES, PARENT, LabelIds
from backend.gmail import answers
from backend.gmail.answers import AnswerUnreadable, NameTaken, OneWatchOnly, send_uncertain
from backend.gmail.callers import GoogleKeys, GoogleTokens, PushVerifier
from backend.gmail.executor import (
    CONNECTIONS,
    TOO_LARGE,
    Executor,
    GmailCall,
    Priority,
    Requests,
    check_addresses,
    open_session,
)
from backend.gmail.oauth import AccessTokens, GoogleAuthorizer
from backend.gmail.quota import Quota, prices
from backend.ports.gmail import (
    NO_LABELS,
    Fetched,
    GrantKeeper,
    HistoryPage,
    ListPage,
    OutgoingMail,
    Profile,
    SentLink,
    WatchGrant,
)
from backend.ports.system import Clock
from backend.settings import Settings

log = structlog.get_logger(__name__)

MARKER_HEADER, LINK_HEADER = "X-Pitchgate-Challenge", "X-Pitchgate-Link"
NAME_LIMIT = 200
MOST_FILTERS = 10
"""Most filters checked for one message."""
MOST_READ = 10
"""Most sent messages whose headers are read to find out whether one was sent."""
CLOCK_DIFFERENCE = timedelta(hours=1)
"""More than our clock and Google's can differ."""
_SEARCHABLE = re.compile(r"[a-z0-9._+-]+@[a-z0-9.-]+")  # addresses without operators of Gmail's search
_Value = TypeVar("_Value")


class GmailClient:
    """See the port. `topic` is the Pub/Sub topic of watches, `root` the address of the API."""

    def __init__(self, executor: Executor, root: str, topic: str, clock: Clock) -> None:
        self._executor = executor
        self._root = root
        self._topic = topic
        self._clock = clock

    @cached_property
    def _requests(self) -> Requests:
        return Requests(self._root)

    def prepare(self) -> None:
        """Load Google's library and API description now instead of at the first call."""
        _ = self._requests

    async def profile(self, mailbox_id: str) -> Profile:
        return await self._ask(mailbox_id, self._requests.profile(), _profile)

    async def watch(self, mailbox_id: str) -> WatchGrant:
        """100 units. Start or renew the watch. If one on another topic prevents it, stop that one and try again."""
        call = self._requests.watch(self._topic)
        try:
            return await self._ask(mailbox_id, call, _watch_grant)
        except OneWatchOnly:
            log.info("other_watch_in_the_way", mailbox=mailbox_id)
        await self.stop_watch(mailbox_id)
        try:
            return await self._ask(mailbox_id, call, _watch_grant)
        except OneWatchOnly as error:
            # Two servers renewed at once and stopped each other's watch. A retry finds one of them in place.
            raise TryLater("later.watch", reason=error.reason) from error

    async def stop_watch(self, mailbox_id: str) -> None:
        await self._executor.run(mailbox_id, self._requests.stop())

    async def history(self, mailbox_id: str, start: str, page: str = "") -> HistoryPage:
        """2 units. Records after `start` (exclusive). Raises `HistoryGone` when `start` is too old.

        If Google no longer accepts the page token (kept over a restart), start again at the first page: reading
        records twice does no harm, missing them would.
        """
        if not (start.isascii() and start.isdigit()):
            raise HistoryGone("history_gone", reason="noCursor")
        try:
            return await self._ask(mailbox_id, self._requests.history(start, page), answers.history_page)
        except Rejected as error:
            if page:
                return await self.history(mailbox_id, start)
            if error.reason in ("invalidArgument", "badRequest", "INVALID_ARGUMENT"):
                raise HistoryGone("history_gone", reason=error.reason) from error
            raise

    async def list_messages(
        self, mailbox_id: str, query: str, page: str = "", limit: int = 500, *, label: str = ""
    ) -> ListPage:
        call = self._requests.list_messages(query, page, limit, label=label)
        return await self._ask(mailbox_id, call, answers.list_page)

    async def fetch(self, mailbox_id: str, gmail_id: str) -> Fetched:
        """20 units, 40 if the answer is too large: then only headers and snippet. The message as JSON bytes, not
        parsed, without attachment contents. Raises `Gone`; `TryLater` if the body does not begin and end like a JSON
        object, as in an outage."""
        whole = True
        try:
            body = await self._executor.raw(mailbox_id, self._requests.message(gmail_id))
        except Rejected as error:
            if error.reason != TOO_LARGE:
                raise
            whole = False
            body = await self._executor.raw(mailbox_id, self._requests.message_headers(gmail_id, ()))
        if not (body.lstrip()[:1] == b"{" and body.rstrip()[-1:] == b"}"):
            raise TryLater("later.unreadable", reason="unreadable")
        return Fetched(body, whole)

    async def labels_on(self, mailbox_id: str, gmail_id: str) -> frozenset[str]:
        call = self._requests.message_labels(gmail_id)
        return await self._ask(mailbox_id, call, lambda data: answers.labels(data) or frozenset())

    async def relabel(
        self, mailbox_id: str, gmail_id: str, add: frozenset[str], remove: frozenset[str]
    ) -> frozenset[str]:
        call = self._requests.modify(gmail_id, sorted(add), sorted(remove))
        return await self._ask(mailbox_id, call, lambda data: answers.labels(data) or frozenset())

    async def send(self, mailbox_id: str, raw: bytes, thread_id: str) -> str:
        return await self._create(mailbox_id, self._requests.send(raw, thread_id))

    async def find_sent(self, mailbox_id: str, mail: OutgoingMail) -> str:
        """Gmail id of the message if it was sent, or "". Looks for its Message-ID, then for our header, first in the
        thread and then in other sent mail."""
        if bare := _plain_id(mail.message_id):
            for gmail_id in await self._search(mailbox_id, f"in:sent rfc822msgid:{bare}", 1):
                return gmail_id
        async for gmail_id, fields in self._sent_mail(mailbox_id, mail, MARKER_HEADER):
            if fields.get(MARKER_HEADER.lower()) == mail.marker:
                return gmail_id
        return ""

    async def find_link(self, mailbox_id: str, mail: OutgoingMail) -> SentLink | None:
        """Our newest challenge to the recipient, from the thread or from other sent mail."""
        async for gmail_id, fields in self._sent_mail(mailbox_id, mail, LINK_HEADER, "To"):
            # Gmail's search for an address also finds longer addresses that contain it.
            if (link := fields.get(LINK_HEADER.lower())) and fields.get("to", "").lower() == mail.recipient:
                return SentLink(gmail_id, link)
        return None

    async def place(self, mailbox_id: str, raw: bytes) -> str:
        return await self._create(mailbox_id, self._requests.insert(raw, ("INBOX", "UNREAD")))

    async def _create(self, mailbox_id: str, call: GmailCall) -> str:
        created = await self._executor.run(mailbox_id, call)
        if not (gmail_id := answers.text(created, "id")):
            raise send_uncertain("unreadable")
        return gmail_id

    async def find_placed(self, mailbox_id: str, message_id: str) -> str:
        query = f"in:anywhere rfc822msgid:{message_id.strip('<>')}"
        return next(iter(await self._search(mailbox_id, query, 1)), "")

    async def _sent_mail(
        self, mailbox_id: str, mail: OutgoingMail, *names: str
    ) -> AsyncIterator[tuple[str, dict[str, str]]]:
        """Gmail id and headers of sent messages, newest first: those of the thread, then other mail to the recipient.
        Google may have changed the Message-ID *and* started a new thread."""
        thread: Mapping[str, Any] = {}
        with suppress(Gone):
            if mail.thread_id:
                thread = await self._executor.run(
                    mailbox_id, self._requests.thread_headers(mail.thread_id, names)
                )
        for found in reversed([*_sent_headers(thread)]):
            yield found
        to = f"to:{mail.recipient} " if _SEARCHABLE.fullmatch(mail.recipient) else ""
        query = f"in:sent {to}after:{int((mail.since - CLOCK_DIFFERENCE).timestamp())}"
        for gmail_id in await self._search(mailbox_id, query, MOST_READ):
            try:
                call = self._requests.message_headers(gmail_id, names)
                message = await self._executor.run(mailbox_id, call)
            except Gone:
                continue
            for found in _sent_headers({"messages": [message]}):
                yield found

    async def _search(
        self, mailbox_id: str, query: str, limit: int, priority: Priority = Priority.PUSH
    ) -> list[str]:
        call = self._requests.list_messages(query, "", limit, priority)
        return [gmail_id for gmail_id, _ in (await self._ask(mailbox_id, call, answers.list_page)).ids]

    async def ensure_labels(self, mailbox_id: str, known: LabelIds = NO_LABELS) -> LabelIds:
        have = await self._labels(mailbox_id)
        name_taken = False
        kept = {
            field: getattr(known, field) for field in LABEL_NAMES if getattr(known, field) in have.values()
        }
        missing = [
            name for field, name in LABEL_NAMES.items() if field not in kept and name.casefold() not in have
        ]
        if missing and PARENT.casefold() not in have:
            missing.insert(0, PARENT)  # without a parent label Gmail shows the others as a flat list
        for name in missing:
            try:
                made = await self._executor.run(mailbox_id, self._requests.create_label(name))
                have[name.casefold()] = answers.text(made, "id")
            except NameTaken:
                name_taken = True  # by another server or the owner a moment ago
        if name_taken:
            have |= await self._labels(mailbox_id)
        # The owner may have renamed one of our labels to the name of another.
        free = {name: label for name, label in have.items() if label not in kept.values()}
        found = {field: free.get(name.casefold(), "") for field, name in LABEL_NAMES.items()}
        ids = LabelIds(**(found | kept))
        if not ids.complete:
            raise TryLater("later.label", reason="labelConflict")
        return ids

    async def identity(self, mailbox_id: str) -> Owner:
        data = await self._executor.run(mailbox_id, self._requests.send_as())
        email, name, names = "", "", dict[str, str]()
        for entry in answers.objects(data.get("sendAs")):
            address = answers.text(entry, "sendAsEmail").strip().lower()
            primary = entry.get("isPrimary") is True
            if address and (primary or entry.get("verificationStatus") == "accepted"):
                names[address] = answers.text(entry, "displayName").strip()[:NAME_LIMIT]
            if address and primary:
                email, name = address, names[address]
        return Owner(email, name, frozenset(names), tuple(sorted(names.items())))

    async def filtered(self, mailbox_id: str, message_id: str, label: str) -> bool:
        """1 unit, and 5 for each filter checked. Whether one of the owner's filters that add this label matches the
        message. Gmail's search decides, since only Gmail can interpret its search language."""
        if not (bare := _plain_id(message_id)):
            return False
        data = await self._executor.run(mailbox_id, self._requests.filters())
        searches = [
            search for entry in answers.objects(data.get("filter")) if (search := _search_of(entry, label))
        ]
        for search in searches[:MOST_FILTERS]:
            query = f"in:anywhere rfc822msgid:{bare} {search}"
            if await self._search(mailbox_id, query, 1, Priority.MAIL):
                return True
        return False

    async def vacation_on(self, mailbox_id: str) -> bool:
        data = await self._executor.run(mailbox_id, self._requests.vacation())
        if data.get("enableAutoReply") is not True:
            return False
        now, start, end = self._clock.now(), data.get("startTime"), data.get("endTime")
        begun = not start or answers.milliseconds(start) <= now
        return begun and (not end or now < answers.milliseconds(end))

    async def _labels(self, mailbox_id: str) -> dict[str, str]:
        """Label ids by case-folded name: Gmail ignores case in label names."""
        data = await self._executor.run(mailbox_id, self._requests.labels())
        entries = answers.objects(data.get("labels"))
        return {answers.text(entry, "name").casefold(): answers.text(entry, "id") for entry in entries}

    async def _ask(
        self, mailbox_id: str, call: GmailCall, read: Callable[[Mapping[str, Any]], _Value]
    ) -> _Value:
        data = await self._executor.run(mailbox_id, call)
        try:
            return read(data)
        except AnswerUnreadable as error:
            raise TryLater("later.unreadable", reason="unreadable") from error


def _plain_id(message_id: str) -> str:
    """A Message-ID in the form Gmail's search needs; "" if it contains characters with a meaning there."""
    bare = message_id.strip().strip("<>")
    return "" if any(character.isspace() or character in '"{}()' for character in bare) else bare


def _search_of(entry: Mapping[str, Any], label: str) -> str:
    """The criteria of a filter as a Gmail search; "" if the filter does not add `label`, or has no criteria that a
    search can express."""
    action, criteria = entry.get("action"), entry.get("criteria")
    if not isinstance(action, dict) or not isinstance(criteria, dict):
        return ""
    added = action.get("addLabelIds")
    if not isinstance(added, list) or label not in added:
        return ""
    terms = [
        f"{name}:({text})" for name in ("from", "to", "subject") if (text := answers.text(criteria, name))
    ]
    terms += [f"({text})" for text in (answers.text(criteria, "query"),) if text]
    terms += [f"-({text})" for text in (answers.text(criteria, "negatedQuery"),) if text]
    terms += ["has:attachment"] if criteria.get("hasAttachment") is True else []
    if (size := criteria.get("size")) and criteria.get("sizeComparison") in ("larger", "smaller"):
        terms.append(f"{criteria['sizeComparison']}:{size}")
    return " ".join(terms)


def _profile(data: Mapping[str, Any]) -> Profile:
    total = data.get("messagesTotal")
    return Profile(
        answers.text(data, "emailAddress").lower(),
        answers.number_text(data.get("historyId")),
        total if isinstance(total, int) else 0,
    )


def _watch_grant(data: Mapping[str, Any]) -> WatchGrant:
    return WatchGrant(
        answers.number_text(data.get("historyId")), answers.milliseconds(data.get("expiration"))
    )


def _sent_headers(thread: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Gmail id and headers (names in lower case) of the sent messages in `thread`."""
    for message in answers.objects(thread.get("messages")):
        carried = answers.labels(message)
        if carried is not None and "SENT" not in carried:
            continue  # a received message may repeat our header
        head = message.get("payload")
        fields = answers.objects(head.get("headers") if isinstance(head, dict) else None)
        yield (
            answers.text(message, "id"),
            {answers.text(field, "name").lower(): answers.text(field, "value").strip() for field in fields},
        )


# ---- The whole adapter, as `bootstrap` uses it


TIME_TIMEOUT = aiohttp.ClientTimeout(total=3)


@dataclass(frozen=True, slots=True)
class Google:
    """The adapter for Google, open. Belongs to the event loop it was opened in."""

    gmail: GmailClient
    authorizer: GoogleAuthorizer
    push_callers: PushVerifier
    tokens: GoogleTokens
    _access: AccessTokens
    _executor: Executor
    _quota: Quota
    _session: aiohttp.ClientSession
    _keys_url: str

    async def ask_time(self) -> bool:
        """Make a request that costs no quota, to learn the time of its answer. False if Google cannot be reached."""
        try:
            async with self._session.get(self._keys_url, allow_redirects=False, timeout=TIME_TIMEOUT):
                return True
        except (aiohttp.ClientError, OSError):  # TimeoutError too
            return False

    def divide(self, servers: int) -> None:
        self._quota.share_between(servers)

    def forget(self, mailbox_id: str) -> None:
        """Drop the mailbox's access token, refusals and retry times: it has a new grant, or was disconnected."""
        self._access.forget(mailbox_id)
        self._executor.forget(mailbox_id)


@asynccontextmanager
async def open_google(
    settings: Settings,
    keeper: GrantKeeper,
    clock: Clock,
    *,
    traces: Sequence[aiohttp.TraceConfig] = (),
    connections: int = CONNECTIONS,
    on_date: Callable[[datetime], None] | None = None,
) -> AsyncIterator[Google]:
    """Open the adapter. `traces` observe its HTTP requests, `on_date` the time of the answers. Raises `Refused` (code
    insecure_url) for an address where tokens would travel unencrypted."""
    check_addresses(settings)
    async with open_session(settings, traces, connections, on_date) as session:
        access = AccessTokens(settings, session, keeper, clock)
        quota = Quota(
            settings.quota_per_user_minute,
            settings.quota_per_project_minute,
            settings.requests_in_flight,
            asyncio.get_running_loop(),
        )
        executor = Executor(
            session,
            access,
            quota,
            clock,
            prices(settings.old_prices),
            settings.response_limit,
            timedelta(seconds=settings.daily_limit_wait),
        )
        tokens = GoogleTokens(GoogleKeys(session, settings.jwks_url, clock), clock, settings.clock_skew)
        try:
            yield Google(
                gmail=GmailClient(executor, settings.gmail_url, settings.topic, clock),
                authorizer=GoogleAuthorizer(settings, session, keeper, access, tokens),
                push_callers=PushVerifier(settings, tokens),
                tokens=tokens,
                _access=access,
                _executor=executor,
                _quota=quota,
                _session=session,
                _keys_url=settings.jwks_url,
            )
        finally:
            await access.close()
