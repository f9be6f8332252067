"""users.threads."""

from collections.abc import Iterator

from backend.sandbox.gmail import access
from backend.sandbox.gmail.calls import TABLE, Call, Json
from backend.sandbox.gmail.lookup import (
    known_label,
    listing,
    paged,
    read_format,
    read_page_key,
    read_query,
    thread_of,
)
from backend.sandbox.gmail.messages import labels_json
from backend.sandbox.gmail.moves import add_moves
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
    labels = [known_label(call, label_id) for label_id in call.many("labelIds")]
    newest = _newest_of_each(listing(call, labels, read_query(call), None))
    after = read_page_key(call.one("pageToken"))
    page, body = paged(call, (one for one in newest if after is None or one.sort_key < after))
    if page:
        body["threads"] = [_summary(call, message.thread_id) for message in page]
    return body


def _newest_of_each(messages: Iterator[StoredMessage]) -> Iterator[StoredMessage]:
    """A thread stands where its newest matching message stands: so every page is counted from the top."""
    seen: set[str] = set()
    for message in messages:
        if message.thread_id not in seen:
            seen.add(message.thread_id)
            yield message


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


def _summary(call: Call, thread_id: str) -> Json:
    members = call.mailbox.threads.members(thread_id)
    body: Json = {"id": thread_id, "historyId": str(max(message.history_id for message in members))}
    if members[-1].snippet:
        body["snippet"] = members[-1].snippet
    return body


add_moves(
    "threads",
    thread_of,
    lambda call, members: {"id": call.path["id"], "messages": [labels_json(one) for one in members]},
)
