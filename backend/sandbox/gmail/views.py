"""Model objects as the API's JSON: int64 as strings, empty fields left out, base64url padded."""

import base64
import hashlib
import secrets
from typing import Any

from backend.sandbox.base64_text import decode_data, encode_data
from backend.sandbox.mail.labels import Label
from backend.sandbox.mail.mailbox import Mailbox, SendAs
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.mail.mime_view import Part

Json = dict[str, Any]
FORMATS = ("minimal", "full", "raw", "metadata")


def message_json(message: StoredMessage, form: str = "full", only: list[str] | None = None) -> Json:
    """A Message in one of the four formats; `only` restricts the headers of `metadata`."""
    body: Json = {"id": message.id, "threadId": message.thread_id}
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


def reference_json(message: StoredMessage) -> Json:
    """Only id and threadId, as lists show messages."""
    return {"id": message.id, "threadId": message.thread_id}


def part_json(part: Part, message_id: str) -> Json:
    """A MessagePart tree; attachments are named by a fresh id, not carried."""
    body: Json = {"partId": part.part_id, "mimeType": part.mime_type, "filename": part.filename}
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
    """An id for one fetch: it differs every time, as Gmail's do, and names the part within."""
    nonce = secrets.token_hex(12)
    return "ANGjdJ" + encode_data(f"{nonce}:{_check(nonce, message_id, part_id)}:{part_id}".encode()).rstrip(
        "="
    )


def part_of_attachment(message: StoredMessage, text: str) -> Part | None:
    """The part an attachment id of this message names, or None."""
    try:
        nonce, check, part_id = decode_data(text.removeprefix("ANGjdJ")).decode().split(":")
    except ValueError:
        return None
    if not text.startswith("ANGjdJ") or check != _check(nonce, message.id, part_id):
        return None
    return next((part for part in message.root.walk() if part.part_id == part_id), None)


def label_json(label: Label, mailbox: Mailbox | None = None) -> Json:
    """A Label; with a mailbox its counts too, as labels.get gives them."""
    body: Json = {"id": label.id, "name": label.name, "type": "system" if label.system else "user"}
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


def send_as_json(alias: SendAs) -> Json:
    """A SendAs; the primary address carries no verification status."""
    body: Json = {"sendAsEmail": alias.email, "displayName": alias.display_name}
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


def _metadata_payload(message: StoredMessage, only: list[str]) -> Json:
    wanted = {name.lower() for name in only}
    headers = [
        {"name": name, "value": value}
        for name, value in message.headers
        if not wanted or name.lower() in wanted
    ]
    payload: Json = {"mimeType": message.root.mime_type}
    if headers:
        payload["headers"] = headers
    return payload


def _thread(mailbox: Mailbox, message_id: str) -> str:
    message = mailbox.get(message_id)
    return message.thread_id if message is not None else message_id


def _check(nonce: str, message_id: str, part_id: str) -> str:
    digest = hashlib.sha256(f"{nonce}/{message_id}/{part_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:9]).decode()
