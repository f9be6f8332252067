"""Builds requests with google-api-python-client from its bundled discovery document, without sending them.

The library knows every path, parameter and type of the API; its blocking transport (httplib2) is not used. Resource
objects are kept, which makes a request ten times cheaper than calling `users().messages()` each time. The requests
needed for every message are built once as templates with a placeholder for the id.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from backend.gmail.answers import CREATES_MAIL

HISTORY_TYPES = ("messageAdded", "messageDeleted", "labelAdded", "labelRemoved")
LIST_LIMIT = 500
_LONGEST_URI = 2_048
_ID_PLACEHOLDER = "the0place0of0an0id"


class Priority(IntEnum):
    """Order of requests when quota is short: caused by a push (and all that is not
    named below), then new mail, then background reading, such as collecting correspondents from Sent."""

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


@cache
def _document() -> str:
    name = "discovery_cache/documents/gmail.v1.json"
    return resources.files("googleapiclient").joinpath(name).read_text(encoding="utf-8")


class Requests:
    """Builds all requests to Gmail. `root` is scheme and host, without a trailing slash."""

    def __init__(self, root: str) -> None:
        # Imported here because the import takes 5% of the time to start: `bootstrap` loads it once the port is open.
        from googleapiclient.discovery import build_from_document
        from googleapiclient.http import HttpMock

        document = json.loads(_document())
        # Change all three, or uploads and batches would still go to Google's host.
        document["rootUrl"] = document["baseUrl"] = f"{root}/"
        document.pop("mtlsRootUrl", None)
        # The builder requires a transport. This one never uses the network.
        service = build_from_document(document, http=HttpMock(headers={"status": "501"}))
        self._users = service.users()
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
        """getProfile."""
        return _call(self._users.getProfile(userId="me"))

    def watch(self, topic: str) -> GmailCall:
        """watch, for all changes: label changes and sent mail matter as much as new mail."""
        return _call(self._users.watch(userId="me", body={"topicName": topic}))

    def stop(self) -> GmailCall:
        """stop."""
        return _call(self._users.stop(userId="me"))

    def history(self, start: str, page: str) -> GmailCall:
        """history.list, all four types."""
        return self._history_page(start, page) if page else _with_id(self._history_template, start)

    def _history_page(self, start: str, page: str) -> GmailCall:
        arguments = {"startHistoryId": start, "historyTypes": list(HISTORY_TYPES), "maxResults": LIST_LIMIT}
        if page:
            arguments["pageToken"] = page
        return _call(self._history.list(userId="me", **arguments))

    def list_messages(
        self, query: str, page: str, limit: int, priority: Priority = Priority.INDEX, *, label: str = ""
    ) -> GmailCall:
        """messages.list."""
        arguments: dict[str, Any] = {"maxResults": max(1, min(limit, LIST_LIMIT))}
        if query:
            arguments["q"] = query
        if page:
            arguments["pageToken"] = page
        if label:
            arguments["labelIds"] = [label]
        return _call(self._messages.list(userId="me", **arguments), priority)

    def message(self, gmail_id: str) -> GmailCall:
        """messages.get with its part tree."""
        return _with_id(self._message_template, gmail_id)

    def message_labels(self, gmail_id: str) -> GmailCall:
        """messages.get in minimal format: labels and snippet."""
        return _call(self._messages.get(userId="me", id=gmail_id, format="minimal"), Priority.INDEX)

    def message_headers(self, gmail_id: str, names: Sequence[str]) -> GmailCall:
        """messages.get with only the headers `names` (all headers if empty) and Gmail's snippet."""
        return _call(
            self._messages.get(userId="me", id=gmail_id, format="metadata", metadataHeaders=list(names)),
            Priority.INDEX,
        )

    def thread_headers(self, thread_id: str, names: Sequence[str]) -> GmailCall:
        """threads.get with only the headers `names` of each message."""
        return _call(
            self._threads.get(userId="me", id=thread_id, format="metadata", metadataHeaders=list(names))
        )

    def modify(self, gmail_id: str, add: Sequence[str], remove: Sequence[str]) -> GmailCall:
        """messages.modify."""
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
        """labels.list."""
        return _call(self._labels.list(userId="me"))

    def create_label(self, name: str) -> GmailCall:
        """labels.create, shown in the label list and on messages."""
        body = {"name": name, "labelListVisibility": "labelShow", "messageListVisibility": "show"}
        return _call(self._labels.create(userId="me", body=body))

    def send_as(self) -> GmailCall:
        """settings.sendAs.list."""
        return self._send_as

    def filters(self) -> GmailCall:
        """settings.filters.list."""
        return self._filters

    def vacation(self) -> GmailCall:
        """settings.getVacation."""
        return self._vacation


def _with_id(template: GmailCall, value: str) -> GmailCall:
    """The request of `template` with `value` as its id."""
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
