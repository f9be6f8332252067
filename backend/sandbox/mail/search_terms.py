"""The single conditions of the search language."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from backend.sandbox.mail.labels import LabelBook
from backend.sandbox.mail.message import StoredMessage

Test = Callable[[StoredMessage], bool]

_WORD = re.compile(r"\w+", re.UNICODE)
_AGE = re.compile(r"\A(\d{1,5})([hdmy])\Z")
_SIZE = re.compile(r"\A(\d{1,12})([kKmM]?)\Z")
# Google's guide: dates in a query are read as midnight in Pacific time.
_PACIFIC = timezone(timedelta(hours=-8))
_HOURS = {"h": 1, "d": 24, "m": 24 * 30, "y": 24 * 365}

_FIELDS = {
    "from": ("From",),
    "to": ("To", "Cc", "Bcc"),
    "cc": ("Cc",),
    "bcc": ("Bcc",),
    "subject": ("Subject",),
    "deliveredto": ("Delivered-To",),
    "list": ("List-Id",),
}
_IN = {
    "inbox": "INBOX",
    "sent": "SENT",
    "draft": "DRAFT",
    "drafts": "DRAFT",
    "spam": "SPAM",
    "trash": "TRASH",
    "chats": "CHAT",
    "starred": "STARRED",
    "unread": "UNREAD",
    "important": "IMPORTANT",
}
_CATEGORY = {
    "primary": "CATEGORY_PERSONAL",
    "personal": "CATEGORY_PERSONAL",
    "social": "CATEGORY_SOCIAL",
    "promotions": "CATEGORY_PROMOTIONS",
    "updates": "CATEGORY_UPDATES",
    "forums": "CATEGORY_FORUMS",
}


def words(text: str) -> list[str]:
    """The lower-case words of a text."""
    return _WORD.findall(text.lower())


def contains(haystack: list[str], needle: list[str]) -> bool:
    """Whether the words of `needle` stand next to each other in `haystack`."""
    if not needle:
        return True
    width = len(needle)
    return any(haystack[at : at + width] == needle for at in range(len(haystack) - width + 1))


def word_test(text: str) -> Test:
    """Whole words or a phrase, anywhere in subject, people or body."""
    needle = words(text)

    def test(message: StoredMessage) -> bool:
        for name in ("Subject", "From", "To", "Cc"):
            if contains(words(message.header(name)), needle):
                return True
        return contains(words(message.text), needle)

    return test


def operator_test(name: str, value: str, labels: LabelBook, now: float) -> Test | None:
    """The condition `name:value`, or None if it is no operator known here."""
    if name in _FIELDS:
        return _field_test(_FIELDS[name], value)
    if name == "rfc822msgid":
        wanted = value.strip("<>")
        return lambda message: message.rfc822_id == wanted
    if name in ("in", "label", "is", "category", "has"):
        return _state_test(name, value.lower(), labels)
    if name in ("after", "newer", "before", "older", "newer_than", "older_than"):
        return _time_test(name, value, now)
    if name in ("larger", "larger_than", "smaller", "smaller_than", "size"):
        return _size_test(name, value)
    if name == "filename":
        needle = words(value)
        return lambda message: any(contains(words(part.filename), needle) for part in message.root.walk())
    return None


def _field_test(names: tuple[str, ...], value: str) -> Test:
    needle = words(value)

    def test(message: StoredMessage) -> bool:
        shown = (text for key, text in message.headers if key.title() in names)
        return any(contains(words(text), needle) for text in shown)

    return test


def _state_test(name: str, value: str, labels: LabelBook) -> Test | None:
    if name == "in" and value == "anywhere":
        return lambda message: True
    if name == "is" and value == "read":
        return lambda message: "UNREAD" not in message.labels
    if name == "has":
        return _has_test(value)
    label_id = _label_id(name, value, labels)
    return lambda message: label_id in message.labels


def _has_test(value: str) -> Test | None:
    if value == "attachment":
        return lambda message: message.has_attachment
    if value in ("userlabels", "nouserlabels"):
        wanted = value == "userlabels"
        return lambda message: any(label.startswith("Label_") for label in message.labels) is wanted
    return None


def _label_id(name: str, value: str, labels: LabelBook) -> str:
    if name == "category":
        return _CATEGORY.get(value, "?")
    if value in _IN:
        return _IN[value]
    for label in labels.all():
        # Gmail writes label names in queries with dashes for spaces and slashes.
        if value in (label.name.lower(), re.sub(r"[\s/]+", "-", label.name.lower()), label.id.lower()):
            return label.id
    return "?"


def _time_test(name: str, value: str, now: float) -> Test | None:
    if name.endswith("_than"):
        age = _AGE.match(value.lower())
        if age is None:
            return None
        edge = int((now - int(age.group(1)) * _HOURS[age.group(2)] * 3600) * 1000)
    else:
        moment = _moment(value)
        if moment is None:
            return None
        edge = moment
    if name in ("after", "newer", "newer_than"):
        return lambda message: message.internal_date >= edge
    return lambda message: message.internal_date < edge


def _moment(value: str) -> int | None:
    if value.isdecimal() and len(value) > 4:
        return int(value[:15]) * 1000
    pieces = re.split(r"[/-]", value)
    if len(pieces) != 3 or not all(piece.isdecimal() for piece in pieces):
        return None
    first, second, third = (int(piece) for piece in pieces)
    year, month, day = (first, second, third) if first > 31 else (third, first, second)
    try:
        return int(datetime(year, month, day, tzinfo=_PACIFIC).astimezone(UTC).timestamp() * 1000)
    except ValueError:
        return None


def _size_test(name: str, value: str) -> Test | None:
    size = _SIZE.match(value)
    if size is None:
        return None
    limit = int(size.group(1)) * {"": 1, "k": 1024, "m": 1024 * 1024}[size.group(2).lower()]
    if name.startswith("smaller"):
        return lambda message: len(message.raw) < limit
    return lambda message: len(message.raw) >= limit
