"""users.labels, users.threads, users.settings, users.history and users.watch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from backend.sandbox.gmail import calls
from backend.sandbox.gmail.calls import TABLE, ApiError, Call, Json, invalid, label_conflict, not_found
from backend.sandbox.gmail.messages import (
    add_moves,
    known_label,
    label_json,
    labels_json,
    listing,
    message_json,
    paged,
    read_format,
    read_page_key,
    read_query,
    send_as_json,
    thread_of,
)
from backend.sandbox.mail.history import (
    HISTORY_TYPES,
    HistoryExpired,
    HistoryRecord,
    Label,
    LabelBook,
    LabelError,
)
from backend.sandbox.mail.mailbox import StoredMessage
from backend.sandbox.world import WatchError

# ---- The fixed palette of label colours.


_CODES = """
000000 007286 04502e 076239 083018 094228 0b4f30 0b804b 0d3472 0d3b44 149e60 16a765
16a766 1a764d 1c4587 1e53b8 202124 285bac 2a9c68 2da2bb 3c78d8 3d188e 3dc789 41236d
42d692 434343 43d692 44b984 464646 4986e7 4a86e8 521d28 54240e 594c05 633e04 653e9b
662e37 666666 684e07 68dfa9 6d9eeb 711a36 757575 7858c3 7a2e0b 7a4706 822111 83334c
89d3b2 8a1c0a 8e63ce 98d7e4 994a64 999999 a0eac9 a2dcc1 a46a21 a479e2 a4c2f4 aa8831
ac2b16 b3efd3 b65775 b694e8 b6cff5 b99aff b9e4d0 c2185b c2c2c2 c6f3de c9daf8 cc3a21
cca6ac cccccc cf8933 d0bcf1 d5ae49 d93025 e07798 e3d7ff e4d7f5 e66550 e7e7e7 eaa041
ebdbde efa093 efefef f2b2a8 f2c960 f3f3f3 f691b2 f691b3 f6c5be f7a7c0 fad165 fb4c2f
fbc8d9 fbd3e0 fbe983 fcda83 fcdee8 fce8b3 fdedc1 fef1d1 ff7537 ffad46 ffad47 ffbc6b
ffc8af ffd6a2 ffdeb5 ffe6c7 ffffff
"""
LABEL_COLORS = frozenset(f"#{code}" for code in _CODES.split())


# ---- users.labels.


LABEL_KEYS = (
    "id name type messageListVisibility labelListVisibility color messagesTotal messagesUnread threadsTotal "
    "threadsUnread"
)
_VISIBILITY = {
    "labelListVisibility": ("labelShow", "labelShowIfUnread", "labelHide"),
    "messageListVisibility": ("show", "hide"),
}
_HEX = re.compile(r"\A#[0-9a-f]{6}\Z")


@TABLE.add("labels.list", "GET", "labels", calls.READ_LABELS)
def list_labels(call: Call) -> Json:
    """users.labels.list: without counts."""
    return {"labels": [label_json(label) for label in call.mailbox.labels.all()]}


@TABLE.add("labels.get", "GET", "labels/{id}", calls.READ_LABELS)
def get_label(call: Call) -> Json:
    """users.labels.get: with counts."""
    return label_json(_label(call), call.mailbox)


@TABLE.add("labels.create", "POST", "labels", calls.EDIT_LABELS, body=LABEL_KEYS)
def create_label(call: Call) -> Json:
    """users.labels.create: 409 if the name is taken."""
    name = call.body.get("name")
    if not isinstance(name, str):
        raise invalid("Invalid label name")
    _check_look(call.body)
    try:
        label = call.mailbox.labels.create(name)
    except LabelError as error:
        raise _refused(error) from error
    _apply_look(label, call.body)
    return label_json(label)


@TABLE.add("labels.update", "PUT", "labels/{id}", calls.EDIT_LABELS, body=LABEL_KEYS)
def update_label(call: Call) -> Json:
    """users.labels.update: needs the name."""
    if not isinstance(call.body.get("name"), str):
        raise invalid("Invalid label name")
    return _update(call)


@TABLE.add("labels.delete", "DELETE", "labels/{id}", calls.EDIT_LABELS)
def delete_label(call: Call) -> None:
    """users.labels.delete: removed from every message too."""
    try:
        call.mailbox.delete_label(_label(call), call.now_ms)
    except LabelError as error:
        raise _refused(error) from error


def _update(call: Call) -> Json:
    label = _label(call)
    _check_look(call.body)
    name = call.body.get("name")
    try:
        if isinstance(name, str) and name != label.name:
            call.mailbox.labels.rename(label, name)
    except LabelError as error:
        raise _refused(error) from error
    _apply_look(label, call.body)
    return label_json(label)


def _label(call: Call) -> Label:
    label = call.mailbox.labels.get(call.path["id"])
    if label is None:
        raise not_found()
    return label


def _refused(error: LabelError) -> ApiError:
    return label_conflict() if error.status == 409 else invalid(error.message)


def _check_look(body: Json) -> None:
    for name, allowed in _VISIBILITY.items():
        if name in body and body[name] not in allowed:
            raise invalid(f"Invalid value at 'label.{name}'")
    color = body.get("color")
    if color is None:
        return
    if not isinstance(color, dict):
        raise invalid("Invalid value at 'label.color'")
    for name in ("textColor", "backgroundColor"):
        value = color.get(name)
        if not isinstance(value, str) or not _HEX.match(value) or value not in LABEL_COLORS:
            raise invalid(f"Label color {str(value)[:20]} is not on the allowed color palette")


def _apply_look(label: Label, body: Json) -> None:
    label.label_list_visibility = body.get("labelListVisibility", label.label_list_visibility)
    label.message_list_visibility = body.get("messageListVisibility", label.message_list_visibility)
    if isinstance(body.get("color"), dict):
        label.color = {name: body["color"][name] for name in ("textColor", "backgroundColor")}


# ---- users.threads.


@TABLE.add(
    "threads.list",
    "GET",
    "threads",
    calls.READ_ANY,
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
    """A thread is listed at its newest matching message, so every page counts from the newest."""
    seen: set[str] = set()
    for message in messages:
        if message.thread_id not in seen:
            seen.add(message.thread_id)
            yield message


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


# ---- users.settings


_FLAGS = ("enableAutoReply", "restrictToContacts", "restrictToDomain")
_TEXTS = ("responseSubject", "responseBodyPlainText", "responseBodyHtml")
_TIMES = ("startTime", "endTime")
CRITERIA = frozenset({"from", "to", "subject", "query", "negatedQuery"})
VACATION_KEYS = " ".join((*_FLAGS, *_TEXTS, *_TIMES))


class VacationError(ValueError):
    """A malformed vacation setting or filter; the text names it."""


@TABLE.add("settings.sendAs.list", "GET", "settings/sendAs", calls.READ_SETTINGS)
def list_send_as(call: Call) -> Json:
    """users.settings.sendAs.list."""
    return {"sendAs": [send_as_json(alias) for alias in call.mailbox.settings.send_as]}


@TABLE.add("settings.sendAs.get", "GET", "settings/sendAs/{sendAsEmail}", calls.READ_SETTINGS)
def get_send_as(call: Call) -> Json:
    """users.settings.sendAs.get."""
    wanted = call.path["sendAsEmail"].lower()
    for alias in call.mailbox.settings.send_as:
        if alias.email == wanted:
            return send_as_json(alias)
    raise not_found()


@TABLE.add("settings.filters.list", "GET", "settings/filters", calls.READ_SETTINGS)
def list_filters(call: Call) -> Json:
    """users.settings.filters.list: the key is singular, and missing without filters."""
    filters = call.mailbox.settings.filters
    return {"filter": filters} if filters else {}


@TABLE.add("settings.getVacation", "GET", "settings/vacation", calls.READ_SETTINGS)
def get_vacation(call: Call) -> Json:
    """users.settings.getVacation."""
    return vacation_json(call.mailbox.settings.vacation)


@TABLE.add("settings.updateVacation", "PUT", "settings/vacation", calls.EDIT_SETTINGS, body=VACATION_KEYS)
def update_vacation(call: Call) -> Json:
    """users.settings.updateVacation: replaces all settings."""
    try:
        call.mailbox.settings.vacation = read_vacation(call.body)
    except VacationError as error:
        raise invalid(str(error)) from error
    call.mailbox.settings.replied.clear()
    return vacation_json(call.mailbox.settings.vacation)


def read_filters(items: Any, labels: LabelBook) -> list[dict[str, Any]]:
    """Filters in Gmail's form, from `[{"criteria", "action"}]`. Raises VacationError."""
    found: list[dict[str, Any]] = []
    for number, item in enumerate(items if isinstance(items, list) else (), 1):
        criteria, action = (
            item.get(name) if isinstance(item, dict) else None for name in ("criteria", "action")
        )
        if not isinstance(criteria, dict) or not isinstance(action, dict):
            raise VacationError("A filter has criteria and an action.")
        if criteria.keys() - CRITERIA or not all(isinstance(text, str) for text in criteria.values()):
            raise VacationError(f"Criteria are texts: {', '.join(sorted(CRITERIA))}.")
        for name in ("addLabelIds", "removeLabelIds"):
            ids = action.get(name, [])
            if not isinstance(ids, list) or any(labels.get(str(one)) is None for one in ids):
                raise VacationError(f"{name} must be a list of label ids.")
        found.append({"id": f"ANe1Bm{number}", "criteria": criteria, "action": action})
    return found


def vacation_json(settings: dict[str, object]) -> Json:
    """The settings as JSON: flags always, empty texts and times left out."""
    body: Json = {name: bool(settings.get(name)) for name in _FLAGS}
    for name in (*_TEXTS, *_TIMES):
        if settings.get(name) not in (None, ""):
            body[name] = str(settings[name])
    return body


def read_vacation(body: Json) -> dict[str, object]:
    """Checked settings. Raises VacationError."""
    settings: dict[str, object] = {}
    for name, value in body.items():
        if name in _FLAGS:
            if not isinstance(value, bool):
                raise VacationError(f"{name} must be true or false.")
        elif name in _TIMES:
            if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 18:
                raise VacationError(f"{name} must be epoch milliseconds.")
            value = str(value)
        elif name not in _TEXTS or not isinstance(value, str):
            raise VacationError(f"{name[:60]} is not a vacation setting or not a text.")
        settings[name] = value
    start, end = settings.get("startTime"), settings.get("endTime")
    if start is not None and end is not None and int(str(start)) >= int(str(end)):
        raise VacationError("startTime must precede endTime.")
    return settings


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


def _start(call: Call) -> int:
    text = call.one("startHistoryId")
    if not text:
        raise invalid("Missing required parameter: startHistoryId")
    if not text.isdecimal() or not text.isascii() or len(text) > 20 or int(text) >= MAX_UINT64:
        raise invalid(f"Invalid value at 'start_history_id' (TYPE_UINT64), \"{text[:60]}\"")
    return int(text)
