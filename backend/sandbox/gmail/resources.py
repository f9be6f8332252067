"""users.labels, users.threads, users.settings, users.history and users.watch."""

from __future__ import annotations

from typing import Any

from backend.sandbox import BadRequest
from backend.sandbox.gmail import calls
from backend.sandbox.gmail.calls import TABLE, ApiError, Call, Json, invalid, not_found
from backend.sandbox.gmail.messages import (
    known_label,
    label_json,
    message_json,
    read_format,
    send_as_json,
    thread_of,
)
from backend.sandbox.mail.history import HISTORY_TYPES, HistoryExpired, HistoryRecord, LabelBook, LabelError
from backend.sandbox.world import WatchError

# ---- users.labels.


LABEL_KEYS = "id name type messageListVisibility labelListVisibility"
_VISIBILITY = {
    "labelListVisibility": ("labelShow", "labelShowIfUnread", "labelHide"),
    "messageListVisibility": ("show", "hide"),
}


@TABLE.add("labels.list", "GET", "labels", calls.READ_LABELS)
def list_labels(call: Call) -> Json:
    """users.labels.list: without counts."""
    return {"labels": [label_json(label) for label in call.mailbox.labels.all()]}


@TABLE.add("labels.create", "POST", "labels", calls.EDIT_LABELS, body=LABEL_KEYS)
def create_label(call: Call) -> Json:
    """users.labels.create: 409 if the name is taken."""
    name = call.body.get("name")
    if not isinstance(name, str):
        raise invalid("Invalid label name")
    for field, allowed in _VISIBILITY.items():
        if field in call.body and call.body[field] not in allowed:
            raise invalid(f"Invalid value at 'label.{field}'")
    try:
        label = call.mailbox.labels.create(name)
    except LabelError as error:
        raise ApiError("label_conflict") if error.status == 409 else invalid(error.message) from error
    label.label_list_visibility = call.body.get("labelListVisibility", label.label_list_visibility)
    label.message_list_visibility = call.body.get("messageListVisibility", label.message_list_visibility)
    return label_json(label)


# ---- users.threads.


@TABLE.add("threads.get", "GET", "threads/{id}", calls.READ_MESSAGE, parameters="format metadataHeaders")
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


# ---- users.settings


CRITERIA = frozenset({"from", "to", "subject", "query", "negatedQuery"})


@TABLE.add("settings.sendAs.list", "GET", "settings/sendAs", calls.READ_SETTINGS)
def list_send_as(call: Call) -> Json:
    return {"sendAs": [send_as_json(alias) for alias in call.mailbox.settings.send_as]}


@TABLE.add("settings.filters.list", "GET", "settings/filters", calls.READ_SETTINGS)
def list_filters(call: Call) -> Json:
    """users.settings.filters.list: the key is singular, and missing without filters."""
    filters = call.mailbox.settings.filters
    return {"filter": filters} if filters else {}


@TABLE.add("settings.getVacation", "GET", "settings/vacation", calls.READ_SETTINGS)
def get_vacation(call: Call) -> Json:
    """users.settings.getVacation: the local Google sends no such replies."""
    return {"enableAutoReply": call.mailbox.settings.vacation_on, "responseBodyPlainText": "Away"}


def read_filters(items: Any, labels: LabelBook) -> list[dict[str, Any]]:
    """Filters in Gmail's form, from `[{"criteria", "action"}]`. Raises BadRequest."""
    found: list[dict[str, Any]] = []
    for number, item in enumerate(items if isinstance(items, list) else (), 1):
        criteria, action = (
            item.get(name) if isinstance(item, dict) else None for name in ("criteria", "action")
        )
        if not isinstance(criteria, dict) or not isinstance(action, dict):
            raise BadRequest("A filter has criteria and an action.")
        if criteria.keys() - CRITERIA or not all(isinstance(text, str) for text in criteria.values()):
            raise BadRequest(f"Criteria are texts: {', '.join(sorted(CRITERIA))}.")
        for name in ("addLabelIds", "removeLabelIds"):
            ids = action.get(name, [])
            if not isinstance(ids, list) or any(labels.get(str(one)) is None for one in ids):
                raise BadRequest(f"{name} must be a list of label ids.")
        found.append({"id": f"ANe1Bm{number}", "criteria": criteria, "action": action})
    return found


# ---- users.history, users.watch, users.getProfile


MAX_UINT64 = 2**64


@TABLE.add(
    "history.list",
    "GET",
    "history",
    calls.READ_ANY,
    parameters="startHistoryId historyTypes labelId maxResults pageToken",
)
def list_history(call: Call) -> Json:
    """users.history.list: records after `startHistoryId` (exclusive); 404 if that is too old."""
    types = call.many("historyTypes")
    if not set(types) <= HISTORY_TYPES:
        raise invalid("Invalid value at 'history_types'")
    label_id = call.one("labelId") or None
    knobs = call.world.knobs
    horizon = call.world.clock.now() - knobs.history_lag if knobs.history_lag else None
    try:
        page = call.mailbox.history.page(
            _start_id(call),
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


_WATCH_REFUSALS = {400: "invalid_argument", 403: "forbidden", 404: "not_found"}


@TABLE.add(
    "watch", "POST", "watch", calls.READ_ANY, body="topicName labelIds labelFilterBehavior labelFilterAction"
)
def watch(call: Call) -> Json:
    """users.watch: publishes one notice at once."""
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
        raise ApiError(_WATCH_REFUSALS[error.status], text=error.message) from error
    return {
        "historyId": str(call.mailbox.history.current),
        "expiration": str(call.world.dated("watch", int(started.expires * 1000))),
    }


@TABLE.add("stop", "POST", "stop", calls.READ_ANY)
def stop(call: Call) -> None:
    call.world.watches.stop(call.mailbox, call.project)


def record_json(record: HistoryRecord, wanted: frozenset[str], labels: str) -> Json:
    """A History record with the requested lists. `labels`: in which lists messages have labelIds."""
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


def _start_id(call: Call) -> int:
    text = call.one("startHistoryId")
    if not text:
        raise invalid("Missing required parameter: startHistoryId")
    if not text.isdecimal() or not text.isascii() or len(text) > 20 or int(text) >= MAX_UINT64:
        raise invalid(f"Invalid value at 'start_history_id' (TYPE_UINT64), \"{text[:60]}\"")
    return int(text)
