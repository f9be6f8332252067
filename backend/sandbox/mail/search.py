"""Gmail's search box: words, phrases, operators, negation, OR, and both kinds of brackets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backend.sandbox.mail.labels import LabelBook
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.mail.search_terms import operator_test, word_test

Test = Callable[[StoredMessage], bool]

MAX_QUERY = 2000
MAX_NESTING = 20

_TOKEN = re.compile(
    r'\s*(?:(?P<open>-?[({])|(?P<close>[)}])|(?P<term>[-+]?(?:[A-Za-z_]+:)?(?:"[^"]*"?|[^\s(){}"]+)))'
)


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled query. `hidden`: spam and trash are looked at too; `rfc822_id`: only these can match."""

    matches: Test
    hidden: bool
    rfc822_id: str | None


class QueryError(ValueError):
    """The query is longer or deeper than is read here."""


def compile_query(text: str, labels: LabelBook, now: float) -> Query:
    """Compile a query. `now` (epoch seconds) anchors newer_than and older_than. Raises QueryError."""
    if len(text) > MAX_QUERY:
        raise QueryError("The query is too long.")
    reader = _Reader(_tokens(text), labels, now)
    test = reader.alternatives(depth=0)
    return Query(test, reader.hidden, reader.rfc822_id if reader.only_all else None)


def caught(criteria: Mapping[str, str], message: StoredMessage, labels: LabelBook, now: float) -> bool:
    """Whether a filter's criteria (from, to, subject, query, negatedQuery) catch a message. Raises QueryError."""
    for name in ("from", "to", "subject"):
        if criteria.get(name, "").lower() not in message.header(name).lower():
            return False
    wanted, unwanted = criteria.get("query", ""), criteria.get("negatedQuery", "")
    if unwanted and compile_query(unwanted, labels, now).matches(message):
        return False
    return not wanted or compile_query(wanted, labels, now).matches(message)


def _tokens(text: str) -> list[str]:
    found = []
    for match in _TOKEN.finditer(text):
        token = match.group().strip()
        if token:
            found.append(token)
    return found


class _Reader:
    """Reads tokens left to right; space binds as AND, OR binds tighter than AND, as in Gmail."""

    def __init__(self, tokens: list[str], labels: LabelBook, now: float) -> None:
        self._tokens = tokens
        self._at = 0
        self._labels = labels
        self._now = now
        self.hidden = False
        self.rfc822_id: str | None = None
        self.only_all = True

    def alternatives(self, depth: int, closing: str = "", either: bool = False) -> Test:
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
                self.only_all = False
                continue
            test = self._one(token, depth)
            if joined or (either and groups):
                groups[-1].append(test)
            else:
                groups.append([test])
            joined = False
        return _all_of([_any_of(group) for group in groups])

    def _one(self, token: str, depth: int) -> Test:
        negated = token.startswith("-") and len(token) > 1
        body = token[1:] if negated or (token.startswith("+") and len(token) > 1) else token
        if body in ("(", "{"):
            if body == "{" or negated:
                self.only_all = False
            closing = ")" if body == "(" else "}"
            test = self.alternatives(depth + 1, closing, either=body == "{")
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
        return operator_test(name, value, self._labels, self._now) or word_test(body)

    def _grouped(self, name: str, negated: bool) -> Test:
        """`subject:(a b)` and `from:{a b}`: the operator applies to each word in the brackets."""
        opening = self._tokens[self._at]
        self._at += 1
        self.only_all = False
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
