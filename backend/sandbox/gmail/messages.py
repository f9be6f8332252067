"""Gmail's methods on messages, and the JSON of messages in each format."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from itertools import islice
from typing import Any

from backend.sandbox.gmail import calls
from backend.sandbox.gmail.calls import TABLE, ApiError, Call, Json, headers_only, invalid, not_found
from backend.sandbox.mail import compose as fields
from backend.sandbox.mail.compose import Part, decode_data, encode_data, with_crlf
from backend.sandbox.mail.history import FIXED_LABELS, PLACES, Label
from backend.sandbox.mail.mailbox import SendAs, StoredMessage, is_message_id
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
        body["payload"] = part_json(message.root)
    elif form == "metadata":
        body["payload"] = _metadata_payload(message, only or [])
    elif form == "raw":
        body["raw"] = encode_data(message.raw)
    return body


def reference_json(message: StoredMessage) -> MessageJson:
    return {"id": message.id, "threadId": message.thread_id}


def part_json(part: Part) -> MessageJson:
    """A MessagePart tree; attachments have an id instead of their content."""
    body: MessageJson = {"partId": part.part_id, "mimeType": part.mime_type, "filename": part.filename}
    if part.headers:
        body["headers"] = [{"name": name, "value": value} for name, value in part.headers]
    if part.is_attachment:
        # No call here fetches one; like Gmail's, the id differs each time.
        body["body"] = {"attachmentId": f"ANGjdJ{secrets.token_urlsafe(48)}", "size": len(part.body)}
    elif part.body:
        body["body"] = {"size": len(part.body), "data": encode_data(part.body)}
    else:
        body["body"] = {"size": 0}
    if part.children:
        body["parts"] = [part_json(child) for child in part.children]
    return body


def label_json(label: Label) -> MessageJson:
    body: MessageJson = {"id": label.id, "name": label.name, "type": "system" if label.system else "user"}
    if not label.system:
        body["messageListVisibility"] = label.message_list_visibility
        body["labelListVisibility"] = label.label_list_visibility
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


# ---- Finding what a call names


SEND_LIMIT = 36_700_160
INSERT_LIMIT = 157_286_400
MAX_LABEL_CHANGES = 100


def message_of(call: Call) -> StoredMessage:
    """The message named in the path. Raises ApiError 400 for a bad id, 404 for an unknown one."""
    if not is_message_id(call.path["id"]):
        raise invalid("Invalid id value")
    message = call.mailbox.get(call.path["id"])
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
        raise ApiError("forbidden", text=f"Metadata scope doesn't allow format {form.upper()}")
    return form


def read_query(call: Call) -> Query | None:
    """The compiled `q`, or None. Raises ApiError: 403 if the token has only the metadata scope."""
    text = call.one("q").strip()
    if not text:
        return None
    if headers_only(call.scopes):
        raise ApiError("forbidden", text="Metadata scope does not support 'q' parameter")
    try:
        return compile_query(text, call.mailbox.labels)
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
        raise ApiError("too_large")
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
    """The next page of what a list call matches, and the other fields of its answer. Raises ApiError."""
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


# ---- users.messages


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
    form = read_format(call)
    return message_json(message_of(call), form, call.many("metadataHeaders"))


@TABLE.add("messages.modify", "POST", "messages/{id}/modify", calls.MODIFY, body="addLabelIds removeLabelIds")
def modify_message(call: Call) -> Json:
    """users.messages.modify: 400 if the message would then be in two of inbox, spam and bin."""
    message = message_of(call)
    add, remove = label_changes(call)
    places = ((message.labels - set(remove)) | set(add)) & PLACES
    if add and len(places) > 1:
        raise invalid(f"A message cannot carry both of {', '.join(sorted(places))}")
    call.mailbox.change_labels([message], add, remove, call.now_ms)
    return labels_json(message)


@TABLE.add("messages.send", "POST", "messages/send", calls.SEND, body=MESSAGE_KEYS)
def send_message(call: Call) -> Json:
    """users.messages.send: deliver to local mailboxes, and record the rest."""
    raw = raw_of(call.body, SEND_LIMIT)
    thread_id = thread_target(call, call.body)
    check_sendable(raw)
    return labels_json(call.world.post.send(call.mailbox, raw, thread_id, call.now_ms))


@TABLE.add(
    "messages.insert", "POST", "messages", calls.INSERT, body=MESSAGE_KEYS, parameters="internalDateSource"
)
def insert_message(call: Call) -> Json:
    """users.messages.insert: dated by receipt."""
    if call.one("internalDateSource", "receivedTime") != "receivedTime":
        raise invalid("Invalid value at 'internal_date_source'")
    labels = [known_label(call, label_id) for label_id in call.strings("labelIds")]
    message = call.mailbox.add(
        with_crlf(raw_of(call.body, INSERT_LIMIT)),
        labels,
        call.now_ms,
        internal_date=call.world.dated("mail", call.now_ms),
        thread_id=thread_target(call, call.body),
    )
    return labels_json(message)


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
