"""users.labels."""

import re

from backend.sandbox.gmail import access
from backend.sandbox.gmail.calls import TABLE, Call, Json
from backend.sandbox.gmail.errors import ApiError, invalid, label_conflict, not_found
from backend.sandbox.gmail.palette import LABEL_COLORS
from backend.sandbox.gmail.views import label_json
from backend.sandbox.mail.labels import Label, LabelError

LABEL_KEYS = (
    "id name type messageListVisibility labelListVisibility color messagesTotal messagesUnread threadsTotal "
    "threadsUnread"
)
_VISIBILITY = {
    "labelListVisibility": ("labelShow", "labelShowIfUnread", "labelHide"),
    "messageListVisibility": ("show", "hide"),
}
_HEX = re.compile(r"\A#[0-9a-f]{6}\Z")


@TABLE.add("labels.list", "GET", "labels", access.READ_LABELS)
def list_labels(call: Call) -> Json:
    """users.labels.list: without counts."""
    return {"labels": [label_json(label) for label in call.mailbox.labels.all()]}


@TABLE.add("labels.get", "GET", "labels/{id}", access.READ_LABELS)
def get_label(call: Call) -> Json:
    """users.labels.get: with counts."""
    return label_json(_label(call), call.mailbox)


@TABLE.add("labels.create", "POST", "labels", access.EDIT_LABELS, body=LABEL_KEYS)
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


@TABLE.add("labels.update", "PUT", "labels/{id}", access.EDIT_LABELS, body=LABEL_KEYS)
def update_label(call: Call) -> Json:
    """users.labels.update: needs the name."""
    if not isinstance(call.body.get("name"), str):
        raise invalid("Invalid label name")
    return _update(call)


@TABLE.add("labels.delete", "DELETE", "labels/{id}", access.EDIT_LABELS)
def delete_label(call: Call) -> None:
    """users.labels.delete: off every message too."""
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
