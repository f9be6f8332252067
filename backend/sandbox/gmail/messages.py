"""users.messages: list, get, modify, send, insert and their kin."""

from email.utils import parsedate_to_datetime

from backend.sandbox.base64_text import encode_data
from backend.sandbox.gmail import access
from backend.sandbox.gmail.calls import TABLE, Call, Json
from backend.sandbox.gmail.errors import invalid
from backend.sandbox.gmail.lookup import (
    INSERT_LIMIT,
    SEND_LIMIT,
    known_label,
    label_changes,
    listing,
    message_of,
    one_place,
    paged,
    raw_of,
    read_format,
    read_page_key,
    read_query,
    thread_target,
)
from backend.sandbox.gmail.moves import add_moves
from backend.sandbox.gmail.views import message_json, part_of_attachment, reference_json
from backend.sandbox.mail import headers as fields
from backend.sandbox.mail.compose import with_crlf
from backend.sandbox.mail.message import StoredMessage

MAX_BATCH = 1000
MESSAGE_KEYS = "raw threadId labelIds payload id snippet historyId internalDate sizeEstimate"


def labels_json(message: StoredMessage) -> Json:
    """The short form that changes answer with."""
    body = reference_json(message)
    if message.labels:
        body["labelIds"] = sorted(message.labels)
    return body


@TABLE.add(
    "messages.list",
    "GET",
    "messages",
    access.READ_ANY,
    parameters="q labelIds maxResults pageToken includeSpamTrash",
)
def list_messages(call: Call) -> Json:
    """users.messages.list."""
    labels = [known_label(call, label_id) for label_id in call.many("labelIds")]
    page, body = paged(call, listing(call, labels, read_query(call), read_page_key(call.one("pageToken"))))
    if page:
        body["messages"] = [reference_json(message) for message in page]
    return body


@TABLE.add("messages.get", "GET", "messages/{id}", access.READ_MESSAGE, parameters="format metadataHeaders")
def get_message(call: Call) -> Json:
    """users.messages.get."""
    form = read_format(call)
    return message_json(message_of(call), form, call.many("metadataHeaders"))


@TABLE.add(
    "messages.attachments.get",
    "GET",
    "messages/{messageId}/attachments/{id}",
    access.READ_ATTACHMENT,
)
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
    access.MODIFY,
    body="ids addLabelIds removeLabelIds",
)
def batch_modify(call: Call) -> None:
    """users.messages.batchModify: no answer body."""
    messages = _batch(call)
    add, remove = label_changes(call)
    one_place(messages, add, remove)
    call.mailbox.change_labels(messages, add, remove, call.now_ms)


@TABLE.add("messages.batchDelete", "POST", "messages/batchDelete", access.DELETE, body="ids")
def batch_delete(call: Call) -> None:
    """users.messages.batchDelete: for good, no answer body."""
    call.mailbox.delete(_batch(call), call.now_ms)


@TABLE.add("messages.send", "POST", "messages/send", access.SEND, body=MESSAGE_KEYS)
def send_message(call: Call) -> Json:
    """users.messages.send: delivered to local mailboxes, recorded for the rest."""
    raw = raw_of(call.body, SEND_LIMIT)
    thread_id = thread_target(call, call.body)
    check_sendable(raw)
    return labels_json(call.world.post.send(call.mailbox, raw, thread_id, call.now_ms))


@TABLE.add(
    "messages.insert",
    "POST",
    "messages",
    access.INSERT,
    body=MESSAGE_KEYS,
    parameters="internalDateSource deleted",
)
def insert_message(call: Call) -> Json:
    """users.messages.insert: dated by receipt unless told otherwise."""
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
