"""users.settings: send-as addresses (read) and the vacation responder."""

from typing import Any

from backend.sandbox.gmail import access
from backend.sandbox.gmail.calls import TABLE, Call, Json
from backend.sandbox.gmail.errors import invalid, not_found
from backend.sandbox.gmail.views import send_as_json
from backend.sandbox.mail.labels import LabelBook

_FLAGS = ("enableAutoReply", "restrictToContacts", "restrictToDomain")
_TEXTS = ("responseSubject", "responseBodyPlainText", "responseBodyHtml")
_TIMES = ("startTime", "endTime")
CRITERIA = frozenset({"from", "to", "subject", "query", "negatedQuery"})
VACATION_KEYS = " ".join((*_FLAGS, *_TEXTS, *_TIMES))


class VacationError(ValueError):
    """A vacation setting or filter of the wrong form; the text names it."""


@TABLE.add("settings.sendAs.list", "GET", "settings/sendAs", access.READ_SETTINGS)
def list_send_as(call: Call) -> Json:
    """users.settings.sendAs.list."""
    return {"sendAs": [send_as_json(alias) for alias in call.mailbox.settings.send_as]}


@TABLE.add("settings.sendAs.get", "GET", "settings/sendAs/{sendAsEmail}", access.READ_SETTINGS)
def get_send_as(call: Call) -> Json:
    """users.settings.sendAs.get."""
    wanted = call.path["sendAsEmail"].lower()
    for alias in call.mailbox.settings.send_as:
        if alias.email == wanted:
            return send_as_json(alias)
    raise not_found()


@TABLE.add("settings.filters.list", "GET", "settings/filters", access.READ_SETTINGS)
def list_filters(call: Call) -> Json:
    """users.settings.filters.list: the key is singular, and left out where there is none."""
    filters = call.mailbox.settings.filters
    return {"filter": filters} if filters else {}


@TABLE.add("settings.getVacation", "GET", "settings/vacation", access.READ_SETTINGS)
def get_vacation(call: Call) -> Json:
    """users.settings.getVacation."""
    return vacation_json(call.mailbox.settings.vacation)


@TABLE.add("settings.updateVacation", "PUT", "settings/vacation", access.EDIT_SETTINGS, body=VACATION_KEYS)
def update_vacation(call: Call) -> Json:
    """users.settings.updateVacation: replaces all of it."""
    try:
        call.mailbox.settings.vacation = read_vacation(call.body)
    except VacationError as error:
        raise invalid(str(error)) from error
    call.mailbox.settings.replied.clear()
    return vacation_json(call.mailbox.settings.vacation)


def read_filters(items: Any, labels: LabelBook) -> list[dict[str, Any]]:
    """Filters as Gmail tells them, from `[{"criteria", "action"}]`. Raises VacationError."""
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
    """The wire object: flags always, empty texts and times left out."""
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
