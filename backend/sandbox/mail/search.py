"""Gmail's search, as far as Pitchgate uses it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backend.sandbox.mail.history import LabelBook
from backend.sandbox.mail.mailbox import StoredMessage

# ---- The single conditions of the search language.


Test = Callable[[StoredMessage], bool]

_WORD = re.compile(r"\w+", re.UNICODE)

_FIELDS = {
    "from": ("From",),
    "to": ("To", "Cc", "Bcc"),
    "cc": ("Cc",),
    "subject": ("Subject",),
}
_SYSTEM_LABELS = {
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


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def contains(haystack: list[str], needle: list[str]) -> bool:
    """Whether the words of `needle` stand next to each other in `haystack`."""
    if not needle:
        return True
    width = len(needle)
    return any(haystack[at : at + width] == needle for at in range(len(haystack) - width + 1))


def word_test(text: str) -> Test:
    """A condition for whole words or a phrase, anywhere in subject, addresses or body."""
    needle = words(text)

    def test(message: StoredMessage) -> bool:
        for name in ("Subject", "From", "To", "Cc"):
            if contains(words(message.header(name)), needle):
                return True
        return contains(words(message.text), needle)

    return test


def operator_test(name: str, value: str, labels: LabelBook) -> Test | None:
    """The condition `name:value`, or None if the operator is unknown here."""
    if name in _FIELDS:
        return _field_test(_FIELDS[name], value)
    if name == "rfc822msgid":
        wanted = value.strip("<>")
        return lambda message: message.rfc822_id == wanted
    if name in ("in", "label", "is", "has"):
        return _state_test(name, value.lower(), labels)
    if name == "after" and value.isdecimal():
        return lambda message: message.internal_date >= int(value[:15]) * 1000
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
        return (lambda message: message.has_attachment) if value == "attachment" else None
    label_id = _label_id(value, labels)
    return lambda message: label_id in message.labels


def _label_id(value: str, labels: LabelBook) -> str:
    if value in _SYSTEM_LABELS:
        return _SYSTEM_LABELS[value]
    for label in labels.all():
        # Gmail writes label names in queries with dashes for spaces and slashes.
        if value in (label.name.lower(), re.sub(r"[\s/]+", "-", label.name.lower()), label.id.lower()):
            return label.id
    return "?"


# ---- Gmail's search


MAX_QUERY = 2000
MAX_NESTING = 20

_TOKEN = re.compile(
    r'\s*(?:(?P<open>-?[({])|(?P<close>[)}])|(?P<term>[-+]?(?:[A-Za-z_]+:)?(?:"[^"]*"?|[^\s(){}"]+)))'
)


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled query. `hidden`: search spam and trash too; `rfc822_id`: only messages with this id can match."""

    matches: Test
    hidden: bool
    rfc822_id: str | None


class QueryError(ValueError):
    """The query is longer or nested deeper than is supported here."""


def compile_query(text: str, labels: LabelBook) -> Query:
    """Compile a query. Raises QueryError."""
    if len(text) > MAX_QUERY:
        raise QueryError("The query is too long.")
    tokens = [token for match in _TOKEN.finditer(text) if (token := match.group().strip())]
    reader = _Reader(tokens, labels)
    test = reader.expression(depth=0)
    return Query(test, reader.hidden, reader.rfc822_id if reader.only_and else None)


def filter_matches(criteria: Mapping[str, str], message: StoredMessage, labels: LabelBook) -> bool:
    """Whether a filter's criteria (from, to, subject, query, negatedQuery) match a message. Raises QueryError."""
    for name in ("from", "to", "subject"):
        if criteria.get(name, "").lower() not in message.header(name).lower():
            return False
    wanted, unwanted = criteria.get("query", ""), criteria.get("negatedQuery", "")
    if unwanted and compile_query(unwanted, labels).matches(message):
        return False
    return not wanted or compile_query(wanted, labels).matches(message)


class _Reader:
    """Reads tokens from left to right. As in Gmail, a space means AND, in braces (`either`) OR; `a OR b c` means
    (a OR b) AND c."""

    def __init__(self, tokens: list[str], labels: LabelBook) -> None:
        self._tokens = tokens
        self._at = 0
        self._labels = labels
        self.hidden = False
        self.rfc822_id: str | None = None
        self.only_and = True  # no OR so far: every condition must match

    def expression(self, depth: int, closing: str = "", either: bool = False) -> Test:
        if depth > MAX_NESTING:
            raise QueryError("The query is nested too deeply.")
        groups: list[list[Test]] = []
        joined = False
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token in (")", "}"):
                if token == closing:
                    break
                continue
            if token in ("OR", "|"):
                joined = bool(groups)
                self.only_and = False
                continue
            test = self._condition(token, depth)
            if joined or (either and groups):
                groups[-1].append(test)
            else:
                groups.append([test])
            joined = False
        return _all_of([_any_of(group) for group in groups])

    def _condition(self, token: str, depth: int) -> Test:
        negated = token.startswith("-") and len(token) > 1
        body = token[1:] if negated or (token.startswith("+") and len(token) > 1) else token
        if body in ("(", "{"):
            if body == "{" or negated:
                self.only_and = False
            closing = ")" if body == "(" else "}"
            test = self.expression(depth + 1, closing, either=body == "{")
        else:
            test = self._term(body, negated)
        return (lambda message: not test(message)) if negated else test

    def _term(self, body: str, negated: bool) -> Test:
        name, colon, value = body.partition(":")
        value = value.strip('"')
        if not colon or body.startswith('"'):
            return word_test(body.strip('"'))
        name = name.lower()
        if not value and self._at < len(self._tokens) and self._tokens[self._at] in ("(", "{"):
            return self._grouped(name, negated)
        if name == "in" and value.lower() in ("anywhere", "spam", "trash") and not negated:
            self.hidden = True
        if name == "rfc822msgid" and not negated:
            self.rfc822_id = value.strip("<>")
        return operator_test(name, value, self._labels) or word_test(body)

    def _grouped(self, name: str, negated: bool) -> Test:
        """`subject:(a b)` and `from:{a b}`: the operator applies to each word in the brackets."""
        opening = self._tokens[self._at]
        self._at += 1
        self.only_and = False
        tests = []
        while self._at < len(self._tokens) and self._tokens[self._at] not in (")", "}"):
            word = self._tokens[self._at]
            self._at += 1
            if word == "OR":
                opening = "{"
            else:
                tests.append(self._term(f"{name}:{word}", negated))
        self._at += 1
        return _any_of(tests) if opening == "{" else _all_of(tests)


def _all_of(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else (lambda message: all(test(message) for test in tests))


def _any_of(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else (lambda message: any(test(message) for test in tests))
