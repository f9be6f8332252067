"""Gmail's methods on messages, and the JSON of messages in each format."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any

from backend.sandbox.gmail import calls
from backend.sandbox.gmail.calls import TABLE, ApiError, Call, Json, headers_only, invalid, not_found
from backend.sandbox.mail import compose as fields
from backend.sandbox.mail.compose import Part, decode_data, encode_data, with_crlf
from backend.sandbox.mail.history import FIXED_LABELS, PLACES, Label
from backend.sandbox.mail.mailbox import Mailbox, SendAs, StoredMessage, is_message_id
from backend.sandbox.mail.search import Query, QueryError, compile_query

# ---- Messages as the API's JSON


MessageJson = dict[str, Any]
FORMATS = ("minimal", "full", "raw", "metadata")


def message_json(message: StoredMessage, form: str = "full", only: list[str] | None = None) -> MessageJson:
    """A Message in one of the four formats; `only` restricts the headers of `metadata`."""
    body: MessageJson = {"id": message.id, "threadId": message.thread_id}
    if message.labels:
        body["labelIds"] = sorted(message.labels)
    if message.snippet:
        body["snippet"] = message.snippet
    body["historyId"] = str(message.history_id)
    body["internalDate"] = str(message.internal_date)
    body["sizeEstimate"] = len(message.raw)
    if form == "full":
        body["payload"] = part_json(message.root, message.id)
    elif form == "metadata":
        body["payload"] = _metadata_payload(message, only or [])
    elif form == "raw":
        body["raw"] = encode_data(message.raw)
    return body


def reference_json(message: StoredMessage) -> MessageJson:
    """Only id and threadId, as in lists of messages."""
    return {"id": message.id, "threadId": message.thread_id}


def part_json(part: Part, message_id: str) -> MessageJson:
    """A MessagePart tree; attachments get a new id instead of their content."""
    body: MessageJson = {"partId": part.part_id, "mimeType": part.mime_type, "filename": part.filename}
    if part.headers:
        body["headers"] = [{"name": name, "value": value} for name, value in part.headers]
    if part.is_attachment:
        body["body"] = {"attachmentId": attachment_id(message_id, part.part_id), "size": len(part.body)}
    elif part.body:
        body["body"] = {"size": len(part.body), "data": encode_data(part.body)}
    else:
        body["body"] = {"size": 0}
    if part.children:
        body["parts"] = [part_json(child, message_id) for child in part.children]
    return body


def attachment_id(message_id: str, part_id: str) -> str:
    """An id for one fetch. It differs each time, as Gmail's do, and contains the part's place."""
    nonce = secrets.token_hex(12)
    return "ANGjdJ" + encode_data(f"{nonce}:{_check(nonce, message_id, part_id)}:{part_id}".encode()).rstrip(
        "="
    )


def part_of_attachment(message: StoredMessage, text: str) -> Part | None:
    """The part of this message that an attachment id names, or None."""
    try:
        nonce, check, part_id = decode_data(text.removeprefix("ANGjdJ")).decode().split(":")
    except ValueError:
        return None
    if not text.startswith("ANGjdJ") or check != _check(nonce, message.id, part_id):
        return None
    return next((part for part in message.root.walk() if part.part_id == part_id), None)


def label_json(label: Label, mailbox: Mailbox | None = None) -> MessageJson:
    """A Label; with a mailbox also its counts, as in labels.get."""
    body: MessageJson = {"id": label.id, "name": label.name, "type": "system" if label.system else "user"}
    if not label.system:
        body["messageListVisibility"] = label.message_list_visibility
        body["labelListVisibility"] = label.label_list_visibility
    if label.color:
        body["color"] = dict(label.color)
    if mailbox is not None:
        members = mailbox.labelled(label.id)
        unread = members & mailbox.labelled("UNREAD")
        body["messagesTotal"] = len(members)
        body["messagesUnread"] = len(unread)
        body["threadsTotal"] = len({_thread(mailbox, item) for item in members})
        body["threadsUnread"] = len({_thread(mailbox, item) for item in unread})
    return body


def send_as_json(alias: SendAs) -> MessageJson:
    """A SendAs; the primary address has no verification status."""
    body: MessageJson = {"sendAsEmail": alias.email, "displayName": alias.display_name}
    body["replyToAddress"] = alias.reply_to
    body["signature"] = alias.signature
    if alias.primary:
        body["isPrimary"] = True
    else:
        body["treatAsAlias"] = True
        body["verificationStatus"] = "accepted" if alias.accepted else "pending"
    if alias.default:
        body["isDefault"] = True
    return body


def _metadata_payload(message: StoredMessage, only: list[str]) -> MessageJson:
    wanted = {name.lower() for name in only}
    headers = [
        {"name": name, "value": value}
        for name, value in message.headers
        if not wanted or name.lower() in wanted
    ]
    payload: MessageJson = {"mimeType": message.root.mime_type}
    if headers:
        payload["headers"] = headers
    return payload


def _thread(mailbox: Mailbox, message_id: str) -> str:
    message = mailbox.get(message_id)
    return message.thread_id if message is not None else message_id


def _check(nonce: str, message_id: str, part_id: str) -> str:
    digest = hashlib.sha256(f"{nonce}/{message_id}/{part_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:9]).decode()


# ---- Finding what a call names


SEND_LIMIT = 36_700_160
INSERT_LIMIT = 157_286_400
MAX_LABEL_CHANGES = 100


def message_of(call: Call, message_id: str | None = None) -> StoredMessage:
    """The message named in the path (or given). Raises ApiError 400 for a bad id, 404 for an unknown one."""
    wanted = call.path["id"] if message_id is None else message_id
    if not is_message_id(wanted):
        raise invalid("Invalid id value")
    message = call.mailbox.get(wanted)
    if message is None:
        raise not_found()
    return message


def thread_of(call: Call) -> list[StoredMessage]:
    """The messages of the thread named in the path. Raises ApiError."""
    if not is_message_id(call.path["id"]):
        raise invalid("Invalid id value")
    members = call.mailbox.threads.members(call.path["id"])
    if not members:
        raise not_found()
    return members


def read_format(call: Call, allowed: tuple[str, ...] = FORMATS) -> str:
    """The `format` parameter; bodies are refused to a token that may read only headers."""
    form = call.one("format", "full").lower()
    if form not in allowed:
        raise invalid(f"Invalid value at 'format' (type.googleapis.com/Format), \"{form[:60]}\"")
    if form in ("full", "raw") and headers_only(call.scopes):
        raise ApiError(
            403,
            f"Metadata scope doesn't allow format {form.upper()}",
            "forbidden",
            status="PERMISSION_DENIED",
        )
    return form


def read_query(call: Call) -> Query | None:
    """The compiled `q`, or None. Raises ApiError: 403 if the token has only the metadata scope."""
    text = call.one("q").strip()
    if not text:
        return None
    if headers_only(call.scopes):
        raise ApiError(403, "Metadata scope does not support 'q' parameter", "forbidden")
    try:
        return compile_query(text, call.mailbox.labels, call.world.clock.shown())
    except QueryError as error:
        raise invalid(str(error)) from error


def label_changes(call: Call) -> tuple[list[str], list[str]]:
    """addLabelIds and removeLabelIds. Raises ApiError 400 for unknown, fixed or too many labels."""
    add, remove = call.strings("addLabelIds"), call.strings("removeLabelIds")
    if not add and not remove:
        raise invalid("No label add or removes specified")
    if max(len(add), len(remove)) > MAX_LABEL_CHANGES:
        raise invalid(f"At most {MAX_LABEL_CHANGES} labels may be added or removed at once.")
    for label_id in [*add, *remove]:
        known_label(call, label_id)
        if label_id in FIXED_LABELS:
            raise invalid(f"Cannot modify label: {label_id}")
    both = set(add) & set(remove)
    if both:
        raise invalid(f"Cannot both add and remove the same label: {sorted(both)[0]}")
    return add, remove


def one_place(messages: list[StoredMessage], add: list[str], remove: list[str]) -> None:
    """Refuse a change after which a message would be in two of inbox, spam and bin. Raises ApiError 400."""
    for message in messages:
        places = ((message.labels - set(remove)) | set(add)) & PLACES
        if add and len(places) > 1:
            raise invalid(f"A message cannot carry both of {', '.join(sorted(places))}")


def known_label(call: Call, label_id: str) -> str:
    """The label id, if the mailbox has it. Raises ApiError 400."""
    if call.mailbox.labels.get(label_id) is None:
        raise invalid(f"Invalid label: {label_id[:100]}")
    return label_id


def raw_of(body: dict[str, object], limit: int) -> bytes:
    """The RFC 5322 bytes of `raw`. Raises ApiError 400 or 413."""
    text = body.get("raw")
    if not isinstance(text, str) or not text:
        raise invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
    try:
        raw = decode_data(text)
    except ValueError as error:
        raise invalid("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed") from error
    if len(raw) > limit:
        raise ApiError(413, "Request Entity Too Large", "uploadTooLarge")
    return raw


def thread_target(call: Call, body: dict[str, object]) -> str | None:
    """The `threadId` of a message body, or None. Raises ApiError: 400 malformed, 404 unknown."""
    thread_id = body.get("threadId")
    if thread_id is None:
        return None
    if not isinstance(thread_id, str) or not is_message_id(thread_id):
        raise invalid("Invalid thread_id value")
    if thread_id not in call.mailbox.threads:
        raise not_found()
    return thread_id


def listing(
    call: Call, labels: list[str], query: Query | None, before: tuple[int, str] | None
) -> Iterator[StoredMessage]:
    """The messages that a list call matches, newest first, older than the key `before`."""
    hidden = call.flag("includeSpamTrash") or (query is not None and query.hidden)
    if query is not None and query.rfc822_id is not None:
        known = call.mailbox.threads.with_rfc822_id(query.rfc822_id)
        found = sorted(known, key=lambda message: message.sort_key, reverse=True)
        skip = frozenset() if hidden else frozenset({"SPAM", "TRASH"}) - frozenset(labels)
        source: Iterator[StoredMessage] = (
            message
            for message in found
            if set(labels) <= message.labels
            and not skip & message.labels
            and (before is None or message.sort_key < before)
        )
    else:
        source = call.mailbox.newest_first(labels, before, hidden)
    return source if query is None else (message for message in source if query.matches(message))


def paged(call: Call, found: Iterator[StoredMessage]) -> tuple[list[StoredMessage], dict[str, object]]:
    """The next page of what a list call matches, and its answer without the page itself. Raises ApiError."""
    limit = call.limit()
    page = list(islice(found, limit))
    more = len(page) == limit and next(found, None) is not None
    body: dict[str, object] = {"resultSizeEstimate": len(page) + (limit if more else 0)}
    if more:
        body["nextPageToken"] = page_key(page[-1])
    return page, body


def page_key(message: StoredMessage) -> str:
    """The page token for the messages after this one."""
    return encode_data(f"{message.internal_date}/{message.id}".encode()).rstrip("=")


def read_page_key(token: str) -> tuple[int, str] | None:
    """The position in a page token, or None without one. Raises ApiError 400."""
    if not token:
        return None
    try:
        date, _, message_id = decode_data(token).decode().partition("/")
        return int(date), message_id
    except ValueError as error:
        raise invalid("Invalid pageToken") from error


# ---- Common to messages and threads


def add_moves(
    kind: str,
    named: Callable[[Call], list[StoredMessage]],
    answer: Callable[[Call, list[StoredMessage]], Json],
) -> None:
    """Register the four methods for `kind`. `named` returns the messages that a call is about (of a thread: its present
    ones) and raises ApiError; `answer` makes the answer to a change."""
    path = f"{kind}/{{id}}"

    @TABLE.add(f"{kind}.modify", "POST", f"{path}/modify", calls.MODIFY, body="addLabelIds removeLabelIds")
    def modify(call: Call) -> Json:
        members = named(call)
        add, remove = label_changes(call)
        one_place(members, add, remove)
        call.mailbox.change_labels(members, add, remove, call.now_ms)
        return answer(call, members)

    @TABLE.add(f"{kind}.trash", "POST", f"{path}/trash", calls.MODIFY)
    def trash(call: Call) -> Json:
        members = named(call)
        call.mailbox.trash(members, call.now_ms)
        return answer(call, members)

    @TABLE.add(f"{kind}.untrash", "POST", f"{path}/untrash", calls.MODIFY)
    def untrash(call: Call) -> Json:
        members = named(call)
        call.mailbox.untrash(members, call.now_ms)
        return answer(call, members)

    @TABLE.add(f"{kind}.delete", "DELETE", path, calls.DELETE)
    def delete(call: Call) -> None:
        call.mailbox.delete(named(call), call.now_ms)


# ---- users.messages


MAX_BATCH = 1000
MESSAGE_KEYS = "raw threadId labelIds payload id snippet historyId internalDate sizeEstimate"


def labels_json(message: StoredMessage) -> Json:
    """The short form of a message in the answer to a change."""
    body = reference_json(message)
    if message.labels:
        body["labelIds"] = sorted(message.labels)
    return body


@TABLE.add(
    "messages.list",
    "GET",
    "messages",
    calls.READ_ANY,
    parameters="q labelIds maxResults pageToken includeSpamTrash",
)
def list_messages(call: Call) -> Json:
    """users.messages.list."""
    labels = [known_label(call, label_id) for label_id in call.many("labelIds")]
    page, body = paged(call, listing(call, labels, read_query(call), read_page_key(call.one("pageToken"))))
    if page:
        body["messages"] = [reference_json(message) for message in page]
    return body


@TABLE.add("messages.get", "GET", "messages/{id}", calls.READ_MESSAGE, parameters="format metadataHeaders")
def get_message(call: Call) -> Json:
    """users.messages.get."""
    form = read_format(call)
    return message_json(message_of(call), form, call.many("metadataHeaders"))


@TABLE.add("messages.attachments.get", "GET", "messages/{messageId}/attachments/{id}", calls.READ_ATTACHMENT)
def get_attachment(call: Call) -> Json:
    """users.messages.attachments.get: the bytes of one part."""
    message = message_of(call, call.path["messageId"])
    part = part_of_attachment(message, call.path["id"])
    if part is None:
        raise invalid("Invalid attachment token")
    return {"size": len(part.body), "data": encode_data(part.body)}


add_moves("messages", lambda call: [message_of(call)], lambda _, changed: labels_json(changed[0]))


@TABLE.add(
    "messages.batchModify",
    "POST",
    "messages/batchModify",
    calls.MODIFY,
    body="ids addLabelIds removeLabelIds",
)
def batch_modify(call: Call) -> None:
    """users.messages.batchModify: no answer body."""
    messages = _batch(call)
    add, remove = label_changes(call)
    one_place(messages, add, remove)
    call.mailbox.change_labels(messages, add, remove, call.now_ms)


@TABLE.add("messages.batchDelete", "POST", "messages/batchDelete", calls.DELETE, body="ids")
def batch_delete(call: Call) -> None:
    """users.messages.batchDelete: for good, no answer body."""
    call.mailbox.delete(_batch(call), call.now_ms)


@TABLE.add("messages.send", "POST", "messages/send", calls.SEND, body=MESSAGE_KEYS)
def send_message(call: Call) -> Json:
    """users.messages.send: deliver to local mailboxes, and record the rest."""
    raw = raw_of(call.body, SEND_LIMIT)
    thread_id = thread_target(call, call.body)
    check_sendable(raw)
    return labels_json(call.world.post.send(call.mailbox, raw, thread_id, call.now_ms))


@TABLE.add(
    "messages.insert",
    "POST",
    "messages",
    calls.INSERT,
    body=MESSAGE_KEYS,
    parameters="internalDateSource deleted",
)
def insert_message(call: Call) -> Json:
    """users.messages.insert: dated by receipt unless the call says otherwise."""
    return labels_json(_put_in(call))


def check_sendable(raw: bytes) -> None:
    """Refuse a message without recipients or with too many. Raises ApiError 400."""
    headers = fields.read_headers(raw)
    people = [
        address for name in ("To", "Cc", "Bcc") for address in fields.addresses(fields.first(headers, name))
    ]
    if not people:
        raise invalid("Recipient address required")
    if len(people) > 500:
        raise invalid("Too many recipients")


def _put_in(call: Call) -> StoredMessage:
    raw = with_crlf(raw_of(call.body, INSERT_LIMIT))
    source = call.one("internalDateSource", "receivedTime")
    if source not in ("receivedTime", "dateHeader"):
        raise invalid("Invalid value at 'internal_date_source'")
    labels = call.strings("labelIds")
    for label_id in labels:
        known_label(call, label_id)
    return call.mailbox.add(
        raw,
        labels,
        call.now_ms,
        internal_date=_header_date(raw) if source == "dateHeader" else call.world.dated("mail", call.now_ms),
        thread_id=thread_target(call, call.body),
    )


def _header_date(raw: bytes) -> int | None:
    try:
        moment = parsedate_to_datetime(fields.first(fields.read_headers(raw), "Date"))
        return max(0, int(moment.timestamp() * 1000))
    except (ValueError, TypeError, OverflowError):
        return None


def _batch(call: Call) -> list[StoredMessage]:
    ids = call.strings("ids")
    if not ids:
        raise invalid("No message ids specified")
    if len(ids) > MAX_BATCH:
        raise invalid(f"Too many message ids: at most {MAX_BATCH} are allowed.")
    found = [call.mailbox.get(message_id) for message_id in dict.fromkeys(ids)]
    # Gmail's batch methods pass over ids that are gone and say nothing of it.
    return [message for message in found if message is not None]
