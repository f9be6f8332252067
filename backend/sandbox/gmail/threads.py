"""users.threads."""

from backend.sandbox.gmail import access
from backend.sandbox.gmail.calls import TABLE, Call, Json
from backend.sandbox.gmail.lookup import (
    known_label,
    label_changes,
    listing,
    page_key,
    read_format,
    read_page_key,
    read_query,
    thread_of,
)
from backend.sandbox.gmail.messages import labels_json
from backend.sandbox.gmail.views import message_json
from backend.sandbox.mail.message import StoredMessage


@TABLE.add(
    "threads.list",
    "GET",
    "threads",
    access.READ_ANY,
    parameters="q labelIds maxResults pageToken includeSpamTrash",
)
def list_threads(call: Call) -> Json:
    """users.threads.list."""
    limit = call.limit()
    labels = [known_label(call, label_id) for label_id in call.many("labelIds")]
    after = read_page_key(call.one("pageToken"))
    page: list[StoredMessage] = []
    seen: set[str] = set()
    more = False
    # A thread stands where its newest matching message stands: so every page is counted from the top.
    for message in listing(call, labels, read_query(call), None):
        if message.thread_id in seen:
            continue
        seen.add(message.thread_id)
        if after is not None and message.sort_key >= after:
            continue
        if len(page) == limit:
            more = True
            break
        page.append(message)
    body: Json = {"resultSizeEstimate": len(page) + (limit if more else 0)}
    if page:
        body["threads"] = [_summary(call, message.thread_id) for message in page]
    if more:
        body["nextPageToken"] = page_key(page[-1])
    return body


@TABLE.add("threads.get", "GET", "threads/{id}", access.READ_MESSAGE, parameters="format metadataHeaders")
def get_thread(call: Call) -> Json:
    """users.threads.get: no raw format."""
    form = read_format(call, ("full", "metadata", "minimal"))
    members = thread_of(call)
    only = call.many("metadataHeaders")
    return {
        "id": call.path["id"],
        "historyId": str(max(message.history_id for message in members)),
        "messages": [message_json(message, form, only) for message in members],
    }


@TABLE.add(
    "threads.modify",
    "POST",
    "threads/{id}/modify",
    access.MODIFY,
    body="addLabelIds removeLabelIds",
)
def modify_thread(call: Call) -> Json:
    """users.threads.modify: the messages there now."""
    members = thread_of(call)
    add, remove = label_changes(call)
    call.mailbox.change_labels(members, add, remove, call.now_ms)
    return _short(call, members)


@TABLE.add("threads.trash", "POST", "threads/{id}/trash", access.MODIFY)
def trash_thread(call: Call) -> Json:
    """users.threads.trash."""
    members = thread_of(call)
    call.mailbox.trash(members, call.now_ms)
    return _short(call, members)


@TABLE.add("threads.untrash", "POST", "threads/{id}/untrash", access.MODIFY)
def untrash_thread(call: Call) -> Json:
    """users.threads.untrash."""
    members = thread_of(call)
    call.mailbox.untrash(members, call.now_ms)
    return _short(call, members)


@TABLE.add("threads.delete", "DELETE", "threads/{id}", access.DELETE)
def delete_thread(call: Call) -> None:
    """users.threads.delete: for good."""
    call.mailbox.delete(thread_of(call), call.now_ms)


def _summary(call: Call, thread_id: str) -> Json:
    members = call.mailbox.threads.members(thread_id)
    body: Json = {"id": thread_id, "historyId": str(max(message.history_id for message in members))}
    if members[-1].snippet:
        body["snippet"] = members[-1].snippet
    return body


def _short(call: Call, members: list[StoredMessage]) -> Json:
    return {"id": call.path["id"], "messages": [labels_json(message) for message in members]}
