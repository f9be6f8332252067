"""Requests to Google: google-api-python-client builds them from its bundled discovery document, we send them over one
aiohttp session, and error answers are raised as domain errors."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import IntEnum
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp
import structlog
from aiohttp.connector import Connection

from backend.domain.errors import GoogleError, NeedsReconnect, Refused, Rejected, TryLater
from backend.gmail.answers import (
    CREATES_MAIL,
    AnswerUnreadable,
    needs_reconnect,
    read_answer,
    send_uncertain,
    translate,
)
from backend.gmail.quota import Quota
from backend.ports.system import Clock
from backend.settings import Settings, on_this_machine

# ---- The HTTP session to Google


FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
SMALL_ANSWER = 1_000_000
"""Limit in bytes of answers with tokens or keys."""
CONNECTIONS = 200
KEEP_ALIVE = 30.0
"""Seconds an idle connection is kept: less than Google keeps it, so that we close it first."""

TOO_LARGE = "answerTooLarge"
"""Our own reason for refusing an answer: it is larger than `PITCHGATE_RESPONSE_LIMIT`."""


class AnswerTooLarge(Exception):
    """The answer exceeded the limit and was not read further."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object, {} for an empty body. Raises `AnswerUnreadable`."""
        if not self.body.strip():
            return {}
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise AnswerUnreadable("not JSON") from error
        if not isinstance(data, dict):
            raise AnswerUnreadable("no JSON object")
        return data


def check_addresses(settings: Settings) -> None:
    """Raise `Refused` (code insecure_url) for an address without https, unless it is on this machine."""
    for name in ("authorize_url", "token_url", "revoke_url", "jwks_url", "gmail_url", "pubsub_url"):
        parts = urlsplit(getattr(settings, name))
        local = parts.scheme == "http" and on_this_machine(getattr(settings, name))
        if not local and not (parts.scheme == "https" and parts.hostname):
            raise Refused("insecure_url", name=name, setting=name.upper(), field=name)


@asynccontextmanager
async def open_session(
    settings: Settings,
    traces: Sequence[aiohttp.TraceConfig] = (),
    connections: int = CONNECTIONS,
    on_date: Callable[[datetime], None] | None = None,
) -> AsyncIterator[aiohttp.ClientSession]:
    """The session for all requests to Google. No cookies, and no proxy or netrc from the environment. `on_date` is
    called with the time of each answer, at most once per second of the Date header."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=settings.request_timeout),
        trace_configs=list(traces),
        response_class=_dated_response(on_date) if on_date else aiohttp.ClientResponse,
    ) as session:
        yield session


def _dated_response(on_date: Callable[[datetime], None]) -> type[aiohttp.ClientResponse]:
    """Answers that report their date. With a trace, every request would report each of its steps."""
    last = ""

    class Dated(aiohttp.ClientResponse):
        async def start(self, connection: Connection) -> aiohttp.ClientResponse:
            nonlocal last
            await super().start(connection)
            date = self.headers.get("Date", "")
            if date != last and (at := date_of(self.headers)) is not None:
                last = date
                on_date(at)
            return self

    return Dated


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """The time now by an answer's Date header and, if a cache kept it, its Age. None without a Date."""
    age = headers.get("Age", "").strip()
    try:
        at = parsedate_to_datetime(headers.get("Date", ""))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at + timedelta(seconds=int(age[:9]) if age.isascii() and age.isdigit() else 0)
    except (ValueError, TypeError, OverflowError):
        return None


async def ask(
    session: aiohttp.ClientSession,
    verb: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    limit: int = SMALL_ANSWER,
) -> Reply:
    """Send once and read the whole answer.

    Raises aiohttp.ClientError, TimeoutError or OSError if the network fails, `AnswerTooLarge` beyond `limit`
    bytes, `AnswerUnreadable` for invalid compression.
    """
    async with session.request(verb, url, data=body, headers=headers, allow_redirects=False) as response:
        content = await _read(response, limit)
        return Reply(response.status, response.headers, content)


async def ask_form(session: aiohttp.ClientSession, url: str, form: str) -> Reply:
    """POST an OAuth form. Raises `TryLater` if there is no complete answer, or one of status 3xx, 429 or 5xx."""
    try:
        reply = await ask(session, "POST", url, headers=FORM, body=form.encode("ascii"))
    except (aiohttp.ClientError, OSError, AnswerTooLarge, AnswerUnreadable) as error:  # TimeoutError too
        raise TryLater("later.away", reason=type(error).__name__) from error
    if reply.status >= 500 or reply.status == 429 or 300 <= reply.status < 400:
        raise TryLater("later.trouble", reason=f"http{reply.status}")
    return reply


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise AnswerUnreadable(f"unknown encoding {encoding[:20]}")
    # Decompressed chunk by chunk up to the limit: a few kilobytes can expand to gigabytes.
    gzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    chunks: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        try:
            plain = gzip.decompress(chunk, limit - size + 1) if gzip else chunk
        except zlib.error as error:
            raise AnswerUnreadable("broken gzip") from error
        size += len(plain)
        if size > limit:
            raise AnswerTooLarge(f"more than {limit} bytes")
        chunks.append(plain)
    if gzip is not None and size and not gzip.eof:
        raise AnswerUnreadable("gzip ends early")
    return b"".join(chunks)


# ---- Sending requests


log = structlog.get_logger(__name__)

_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
"""Failures before anything of the request was sent."""
_QUOTA_ERRORS = ("later.limits", "later.daily_quota")
"""Error keys of an exceeded quota."""


class AccessTokenSource(Protocol):
    """Provides access tokens: `backend.gmail.oauth.AccessTokens`."""

    async def access(self, mailbox_id: str) -> str:
        """An access token that has not expired. Raises `NeedsReconnect`, `TryLater`."""

    def discard(self, mailbox_id: str, token: str) -> None:
        """Do not use `token` again: Google refused it."""

    def mark_grant_dead(self, mailbox_id: str, token: str, error: NeedsReconnect) -> None:
        """The grant that `token` came from is dead: no refresh until there is a new one."""


class Executor:
    """Sends each request once. Only reads and label changes are repeated, once, after a refused access token.

    (aiohttp itself repeats a GET once if a kept connection was closed; never a POST, so never a send.)
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: AccessTokenSource,
        quota: Quota,
        clock: Clock,
        prices: Mapping[str, int],
        response_limit: int,
        daily_wait: timedelta = timedelta(hours=1),
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._quota = quota
        self._clock = clock
        self._prices = prices
        self._limit = response_limit
        self._daily_wait = daily_wait
        self._not_before: dict[tuple[str, bool], datetime] = {}

    async def run(self, mailbox_id: str, call: GmailCall) -> dict[str, Any]:
        """Google's answer as a JSON object, {} for an empty body. Raises any `GoogleError`."""
        return self._value(call, await self._ask(mailbox_id, call))

    async def raw(self, mailbox_id: str, call: GmailCall) -> bytes:
        """The body of Google's answer, not parsed. Raises any `GoogleError`."""
        return (await self._ask(mailbox_id, call)).body

    async def _ask(self, mailbox_id: str, call: GmailCall) -> Reply:
        self._check_retry_time(mailbox_id, call)
        token = await self._tokens.access(mailbox_id)
        reply = await self._send(mailbox_id, call, token)
        if reply.status == 401:
            self._tokens.discard(mailbox_id, token)
            token = await self._tokens.access(mailbox_id)
            if call.is_send:
                # Nothing was sent, but the stage that asked for it must decide about a retry.
                raise TryLater("later.token", reason="authError")
            reply = await self._send(mailbox_id, call, token)
            if reply.status == 401:
                self._tokens.discard(mailbox_id, token)
                dead = needs_reconnect("authError")
                self._tokens.mark_grant_dead(mailbox_id, token, dead)
                raise dead
        if 200 <= reply.status < 300:
            return reply
        raise self._error(mailbox_id, call, reply, token)

    def forget(self, mailbox_id: str) -> None:
        """Drop the retry times and the quota gate of a mailbox."""
        for is_send in (False, True):
            self._not_before.pop((mailbox_id, is_send), None)
        self._quota.forget(mailbox_id)

    async def _send(self, mailbox_id: str, call: GmailCall, token: str) -> Reply:
        units = self._prices[call.method]
        async with self._quota.gate(mailbox_id).admitted(units, call.priority):
            try:
                return await ask(
                    self._session,
                    call.verb,
                    call.url,
                    headers={**call.headers, "authorization": f"Bearer {token}"},
                    body=call.body,
                    limit=self._limit,
                )
            except _NOT_CONNECTED as error:
                raise TryLater("later.away", reason=type(error).__name__) from error
            except AnswerTooLarge as error:
                if call.is_send:
                    raise send_uncertain(TOO_LARGE) from error
                raise Rejected("rejected.large", limit=self._limit, reason=TOO_LARGE) from error
            except (aiohttp.ClientError, OSError, AnswerUnreadable) as error:  # OSError: TimeoutError too
                raise _broken(call, type(error).__name__) from error

    def _value(self, call: GmailCall, reply: Reply) -> dict[str, Any]:
        try:
            return reply.json_object()
        except AnswerUnreadable as error:
            raise _broken(call, "unreadable") from error

    def _error(self, mailbox_id: str, call: GmailCall, reply: Reply, token: str) -> GoogleError:
        now = self._clock.now()
        answer = read_answer(reply.status, reply.headers, reply.body, now)
        error = translate(answer, call.method, now, self._daily_wait)
        about = {"method": call.method, "status": reply.status, "reason": answer.reason}
        log.info("google_refused", mailbox=mailbox_id, **about)
        if isinstance(error, TryLater) and error.key in _QUOTA_ERRORS:
            self._quota.gate(mailbox_id).refused()
            if error.retry_at is not None:
                # Google limits sending separately, which must not stop reading.
                self._not_before[mailbox_id, call.is_send] = error.retry_at
        if isinstance(error, NeedsReconnect):
            self._tokens.mark_grant_dead(mailbox_id, token, error)
        return error

    def _check_retry_time(self, mailbox_id: str, call: GmailCall) -> None:
        at = self._not_before.get((mailbox_id, call.is_send))
        if at is None:
            return
        if self._clock.now() >= at:
            del self._not_before[mailbox_id, call.is_send]
            return
        raise TryLater("later.limits", reason="statedTime", retry_at=at)


def _broken(call: GmailCall, reason: str) -> GoogleError:
    if call.is_send:
        return send_uncertain(reason)
    return TryLater("later.broke", reason=reason)


# ---- Building requests
# The library knows every path, parameter and type of the API; its blocking transport (httplib2) is not used. Resource
# objects are kept, which makes a request ten times cheaper than calling `users().messages()` each time. The requests
# needed for every message are built once as templates with a placeholder for the id.


HISTORY_TYPES = ("messageAdded", "messageDeleted", "labelAdded", "labelRemoved")
LIST_LIMIT = 500
_LONGEST_URI = 2_048
_ID_PLACEHOLDER = "the0place0of0an0id"


class Priority(IntEnum):
    """Order of requests when quota is short: caused by a push (and all that is not named below), then new mail, then
    background reading, such as collecting correspondents from Sent."""

    PUSH = 0
    MAIL = 1
    INDEX = 2


@dataclass(frozen=True, slots=True)
class GmailCall:
    """A request, complete but for its access token. `method` is Google's name for it, such as gmail.users.watch."""

    method: str
    verb: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    priority: Priority = Priority.PUSH

    @property
    def is_send(self) -> bool:
        """Whether a retry could send or insert a second email."""
        return self.method in CREATES_MAIL


def google_service(document: Traversable, root: str = "") -> Any:
    """The library's service object for a discovery document, whose requests go to `root` (scheme and host)."""
    # Imported here because the import takes 5% of the time to start: `bootstrap` loads it once the port is open.
    from googleapiclient.discovery import build_from_document
    from googleapiclient.http import HttpMock

    about = json.loads(document.read_text(encoding="utf-8"))
    if root:  # all of these, or uploads and batches would still go to Google's host
        about["rootUrl"] = about["baseUrl"] = f"{root}/"
    about.pop("mtlsRootUrl", None)
    # It only builds the requests. Should the library ever send one itself, the mock answers 501.
    return build_from_document(about, http=HttpMock(headers={"status": "501"}))


class Requests:
    """Builds all requests to Gmail. `root` is scheme and host, without a trailing slash."""

    def __init__(self, root: str) -> None:
        document = resources.files("googleapiclient").joinpath("discovery_cache/documents/gmail.v1.json")
        self._users = google_service(document, root).users()
        self._history = self._users.history()
        self._messages = self._users.messages()
        self._threads = self._users.threads()
        self._labels = self._users.labels()
        settings = self._users.settings()
        self._history_template = self._history_page(_ID_PLACEHOLDER, "")
        self._message_template = _call(
            self._messages.get(userId="me", id=_ID_PLACEHOLDER, format="full"), Priority.MAIL
        )
        self._modify_template = _call(self._messages.modify(userId="me", id=_ID_PLACEHOLDER, body={}))
        self._send_template = _call(self._messages.send(userId="me", body={}))
        self._send_as = _call(settings.sendAs().list(userId="me"))
        self._vacation = _call(settings.getVacation(userId="me"))
        self._filters = _call(settings.filters().list(userId="me"))

    def profile(self) -> GmailCall:
        return _call(self._users.getProfile(userId="me"))

    def watch(self, topic: str) -> GmailCall:
        """watch, for all changes: label changes and sent mail matter as much as new mail."""
        return _call(self._users.watch(userId="me", body={"topicName": topic}))

    def stop(self) -> GmailCall:
        return _call(self._users.stop(userId="me"))

    def history(self, start: str, page: str) -> GmailCall:
        return self._history_page(start, page) if page else _with_id(self._history_template, start)

    def _history_page(self, start: str, page: str) -> GmailCall:
        asked = {"historyTypes": list(HISTORY_TYPES), "maxResults": LIST_LIMIT, "pageToken": page or None}
        return _call(self._history.list(userId="me", startHistoryId=start, **asked))

    def list_messages(
        self, query: str, page: str, limit: int, priority: Priority = Priority.INDEX, *, label: str = ""
    ) -> GmailCall:
        asked = {"q": query or None, "pageToken": page or None, "labelIds": label or None}  # None is left out
        most = max(1, min(limit, LIST_LIMIT))
        return _call(self._messages.list(userId="me", maxResults=most, **asked), priority)

    def message(self, gmail_id: str) -> GmailCall:
        return _with_id(self._message_template, gmail_id)

    def message_labels(self, gmail_id: str) -> GmailCall:
        """messages.get in minimal format: labels and snippet."""
        return _call(self._messages.get(userId="me", id=gmail_id, format="minimal"), Priority.INDEX)

    def message_headers(self, gmail_id: str, names: Sequence[str]) -> GmailCall:
        """messages.get with only the headers `names` (all headers if empty) and Gmail's snippet."""
        asked = {"id": gmail_id, "format": "metadata", "metadataHeaders": list(names)}
        return _call(self._messages.get(userId="me", **asked), Priority.INDEX)

    def thread_headers(self, thread_id: str, names: Sequence[str]) -> GmailCall:
        """threads.get with only the headers `names` of each message."""
        return _call(
            self._threads.get(userId="me", id=thread_id, format="metadata", metadataHeaders=list(names))
        )

    def modify(self, gmail_id: str, add: Sequence[str], remove: Sequence[str]) -> GmailCall:
        body = json.dumps({"addLabelIds": list(add), "removeLabelIds": list(remove)})
        return replace(_with_id(self._modify_template, gmail_id), body=body.encode())

    def send(self, raw: bytes, thread_id: str) -> GmailCall:
        """messages.send into a thread ("" for a new one)."""
        body = {"raw": base64.urlsafe_b64encode(raw).decode("ascii")}
        if thread_id:
            body["threadId"] = thread_id
        return replace(self._send_template, body=json.dumps(body).encode())

    def insert(self, raw: bytes, labels: Sequence[str]) -> GmailCall:
        """messages.insert: adds a message to the mailbox, dated now, without sending it."""
        body = {"raw": base64.urlsafe_b64encode(raw).decode("ascii"), "labelIds": list(labels)}
        return _call(self._messages.insert(userId="me", body=body, internalDateSource="receivedTime"))

    def labels(self) -> GmailCall:
        return _call(self._labels.list(userId="me"))

    def create_label(self, name: str) -> GmailCall:
        body = {"name": name, "labelListVisibility": "labelShow", "messageListVisibility": "show"}
        return _call(self._labels.create(userId="me", body=body))

    def send_as(self) -> GmailCall:
        return self._send_as

    def filters(self) -> GmailCall:
        return self._filters

    def vacation(self) -> GmailCall:
        return self._vacation


def _with_id(template: GmailCall, value: str) -> GmailCall:
    url = template.url.replace(_ID_PLACEHOLDER, quote(value, safe=""))
    return replace(template, url=url)


def _call(request: Any, priority: Priority = Priority.PUSH) -> GmailCall:
    """The library's request as a `GmailCall`. Header names are in lower case."""
    headers = {name: str(value) for name, value in request.headers.items()}
    # Google compresses only if both headers name gzip, the only encoding we decompress.
    headers["accept-encoding"] = "gzip"
    headers["user-agent"] = "pitchgate (gzip)"
    body = request.body.encode("utf-8") if isinstance(request.body, str) else request.body
    verb, url = request.method, request.uri
    if verb == "GET" and len(url) > _LONGEST_URI:
        # Google's rule for long URLs: the query is sent as a form, and the real verb in a header.
        parts = urlsplit(url)
        verb, url, body = "POST", urlunsplit(parts._replace(query="")), parts.query.encode("ascii")
        headers |= {"x-http-method-override": "GET", "content-type": "application/x-www-form-urlencoded"}
    return GmailCall(request.methodId, verb, url, headers, body, priority)
