"""users.history.list and the mailbox-wide methods: getProfile, watch, stop."""

from backend.sandbox.gmail import calls
from backend.sandbox.gmail.calls import TABLE, ApiError, Call, Json, invalid, not_found
from backend.sandbox.gmail.messages import known_label
from backend.sandbox.mail.history import HISTORY_TYPES, HistoryExpired, HistoryRecord
from backend.sandbox.watches import WatchError

MAX_UINT64 = 2**64


@TABLE.add(
    "history.list",
    "GET",
    "history",
    calls.READ_ANY,
    parameters="startHistoryId historyTypes labelId maxResults pageToken",
)
def list_history(call: Call) -> Json:
    """users.history.list: records after an exclusive start; 404 below the floor."""
    types = call.many("historyTypes")
    if not set(types) <= HISTORY_TYPES:
        raise invalid("Invalid value at 'history_types'")
    label_id = call.one("labelId") or None
    knobs = call.world.knobs
    horizon = call.world.clock.now() - knobs.history_lag if knobs.history_lag else None
    try:
        page = call.mailbox.history.page(
            _start(call),
            types=types,
            label_id=None if label_id is None else known_label(call, label_id),
            max_results=call.limit(),
            token=call.one("pageToken") or None,
            ceiling=call.mailbox.history.visible_at(horizon),
            empty_pages=knobs.history_empty_pages,
        )
    except HistoryExpired as error:
        raise not_found() from error
    except ValueError as error:
        raise invalid(str(error)) from error
    body: Json = {"historyId": str(page.history_id)}
    if page.records:
        wanted = frozenset(types) or HISTORY_TYPES
        body["history"] = [record_json(record, wanted, knobs.history_labels) for record in page.records]
    if page.next_token is not None:
        body["nextPageToken"] = page.next_token
    return body


@TABLE.add("getProfile", "GET", "profile", calls.PROFILE)
def get_profile(call: Call) -> Json:
    """users.getProfile."""
    return {
        "emailAddress": call.mailbox.address,
        "messagesTotal": len(call.mailbox),
        "threadsTotal": len(call.mailbox.threads),
        "historyId": str(call.mailbox.history.current),
    }


_WATCH_REASONS = {400: "invalidArgument", 403: "forbidden", 404: "notFound"}


@TABLE.add(
    "watch",
    "POST",
    "watch",
    calls.READ_ANY,
    body="topicName labelIds labelFilterBehavior labelFilterAction",
)
def watch(call: Call) -> Json:
    """users.watch: publishes once at once."""
    topic = call.body.get("topicName")
    if not isinstance(topic, str) or not topic:
        raise invalid("topicName required")
    labels = frozenset(known_label(call, label_id) for label_id in call.strings("labelIds"))
    behaviour = call.body.get("labelFilterBehavior") or call.body.get("labelFilterAction") or "include"
    if str(behaviour).lower() not in ("include", "exclude"):
        raise invalid("Invalid value at 'label_filter_behavior'")
    exclude = str(behaviour).lower() == "exclude"
    now = call.world.clock.now()
    try:
        started = call.world.watches.start(call.mailbox, call.project, topic, labels, exclude, now)
    except WatchError as error:
        raise ApiError(error.status, error.message, _WATCH_REASONS[error.status]) from error
    return {
        "historyId": str(call.mailbox.history.current),
        "expiration": str(call.world.dated("watch", int(started.expires * 1000))),
    }


@TABLE.add("stop", "POST", "stop", calls.READ_ANY)
def stop(call: Call) -> None:
    """users.stop."""
    call.world.watches.stop(call.mailbox, call.project)


def record_json(record: HistoryRecord, wanted: frozenset[str], labels: str) -> Json:
    """A History record with the lists asked for. `labels`: whose message objects carry labelIds."""
    plain: Json = {"id": record.message_id, "threadId": record.thread_id}
    full = plain | ({"labelIds": list(record.labels)} if record.labels else {})
    shown = full if labels == "all" else plain
    body: Json = {"id": str(record.id), "messages": [plain]}
    if record.change == "added":
        body["messagesAdded"] = [{"message": plain if labels == "none" else full}]
    elif record.change == "deleted":
        body["messagesDeleted"] = [{"message": shown}]
    else:
        if record.added and "labelAdded" in wanted:
            body["labelsAdded"] = [{"message": shown, "labelIds": list(record.added)}]
        if record.removed and "labelRemoved" in wanted:
            body["labelsRemoved"] = [{"message": shown, "labelIds": list(record.removed)}]
    return body


def _start(call: Call) -> int:
    text = call.one("startHistoryId")
    if not text:
        raise invalid("Missing required parameter: startHistoryId")
    if not text.isdecimal() or not text.isascii() or len(text) > 20 or int(text) >= MAX_UINT64:
        raise invalid(f"Invalid value at 'start_history_id' (TYPE_UINT64), \"{text[:60]}\"")
    return int(text)
