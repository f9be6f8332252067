"""users.drafts: enough to write, change, read and send one."""

import secrets

from backend.sandbox.gmail import access
from backend.sandbox.gmail.calls import TABLE, Call, Json
from backend.sandbox.gmail.errors import invalid, not_found
from backend.sandbox.gmail.lookup import (
    SEND_LIMIT,
    listing,
    paged,
    raw_of,
    read_format,
    read_page_key,
    read_query,
    thread_target,
)
from backend.sandbox.gmail.messages import check_sendable, labels_json
from backend.sandbox.gmail.views import message_json, reference_json
from backend.sandbox.mail.compose import with_crlf
from backend.sandbox.mail.mailbox import Draft
from backend.sandbox.mail.message import StoredMessage


@TABLE.add("drafts.create", "POST", "drafts", access.EDIT_DRAFTS, body="id message", upload=True)
def create_draft(call: Call) -> Json:
    """users.drafts.create."""
    message = _store(call)
    draft = Draft(f"r-{secrets.randbelow(10**18)}", message.id)
    call.mailbox.drafts[draft.id] = draft
    return {"id": draft.id, "message": labels_json(message)}


@TABLE.add("drafts.update", "PUT", "drafts/{id}", access.EDIT_DRAFTS, body="id message", upload=True)
def update_draft(call: Call) -> Json:
    """users.drafts.update: a new message id each time."""
    draft = _draft(call, call.path["id"])
    old = _message(call, draft)
    message = _store(call)
    draft.message_id = message.id
    call.mailbox.delete([old], call.now_ms)
    return {"id": draft.id, "message": labels_json(message)}


@TABLE.add("drafts.get", "GET", "drafts/{id}", access.READ_DRAFTS, parameters="format")
def get_draft(call: Call) -> Json:
    """users.drafts.get."""
    draft = _draft(call, call.path["id"])
    return {"id": draft.id, "message": message_json(_message(call, draft), read_format(call))}


@TABLE.add(
    "drafts.list",
    "GET",
    "drafts",
    access.READ_DRAFTS,
    parameters="q maxResults pageToken includeSpamTrash",
)
def list_drafts(call: Call) -> Json:
    """users.drafts.list."""
    by_message = {draft.message_id: draft.id for draft in call.mailbox.drafts.values()}
    marked = listing(call, ["DRAFT"], read_query(call), read_page_key(call.one("pageToken")))
    page, body = paged(call, (message for message in marked if message.id in by_message))
    if page:
        body["drafts"] = [
            {"id": by_message[message.id], "message": reference_json(message)} for message in page
        ]
    return body


@TABLE.add("drafts.send", "POST", "drafts/send", access.EDIT_DRAFTS, body="id message", upload=True)
def send_draft(call: Call) -> Json:
    """users.drafts.send: the draft is gone afterwards."""
    draft_id = call.body.get("id")
    if not isinstance(draft_id, str):
        raise invalid("Missing draft id")
    draft = _draft(call, draft_id)
    old = _message(call, draft)
    if call.media is not None or "message" in call.body:
        raw, thread_id = _new_text(call)
    else:
        raw = old.raw
        thread_id = old.thread_id if old.thread_id != old.id else None
    check_sendable(raw)
    del call.mailbox.drafts[draft.id]
    sent = call.world.post.send(call.mailbox, raw, thread_id, call.now_ms)
    call.mailbox.delete([old], call.now_ms)
    return labels_json(sent)


@TABLE.add("drafts.delete", "DELETE", "drafts/{id}", access.EDIT_DRAFTS)
def delete_draft(call: Call) -> None:
    """users.drafts.delete."""
    draft = _draft(call, call.path["id"])
    message = _message(call, draft)
    del call.mailbox.drafts[draft.id]
    call.mailbox.delete([message], call.now_ms)


def _draft(call: Call, draft_id: str) -> Draft:
    draft = call.mailbox.drafts.get(draft_id)
    if draft is None:
        raise not_found()
    return draft


def _message(call: Call, draft: Draft) -> StoredMessage:
    message = call.mailbox.get(draft.message_id)
    if message is None:
        raise not_found()
    return message


def _new_text(call: Call) -> tuple[bytes, str | None]:
    body = call.body.get("message") or {}
    if not isinstance(body, dict):
        raise invalid("Invalid value at 'draft.message'")
    return raw_of(call, body, SEND_LIMIT), thread_target(call, body)


def _store(call: Call) -> StoredMessage:
    raw, thread_id = _new_text(call)
    return call.mailbox.add(with_crlf(raw), ["DRAFT"], call.now_ms, thread_id=thread_id, by_header=False)
