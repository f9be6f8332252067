"""All data about an owner as one JSON file, to read, to keep, or to import into another Pitchgate server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from backend.domain.challenge import ChallengeState, Posting
from backend.domain.errors import Refused
from backend.domain.mailbox.decisions import Decision, Origin, RuleKind
from backend.domain.mailbox.message import Outcome, Placement, PolicyRow
from backend.domain.mailbox.review import UnsubscribeState
from backend.domain.moments import micros, moment

# ---- The lists of an archive


class ColumnKind(StrEnum):
    """How a column is written in the file."""

    TEXT = "text"
    WHOLE = "whole"
    REAL = "real"
    TRUTH = "truth"
    TIME = "time"  # microseconds since 1970 in the store
    # JSON text in the store, of these shapes
    TEXTS = "list of texts"
    REASONS = "list of reasons"
    UNDO_RECORD = "record of what was before"


JSON = (ColumnKind.TEXTS, ColumnKind.REASONS, ColumnKind.UNDO_RECORD)


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `words`: its only possible texts. `may_lack`: it may be missing or null, and is then `otherwise`."""

    kind: ColumnKind
    words: frozenset[str] = frozenset()
    may_lack: bool = False
    otherwise: Any = None


@dataclass(frozen=True, slots=True)
class Table:
    """A list in the file. `key` is unique within a mailbox; the store reads rows in its order. `imported` is False
    for lists that are only for reading. An import fills the columns `made` itself. Rows in which the column
    `erased_if_empty` is empty have been erased and are left out."""

    name: str
    key: str
    columns: Mapping[str, Column]
    imported: bool = True
    made: tuple[str, ...] = ()
    erased_if_empty: str = ""


TEXT, WHOLE, REAL, TRUTH, TIME, TEXTS, REASONS, UNDO_RECORD = (Column(kind) for kind in ColumnKind)


def _maybe(column: Column, otherwise: Any = None) -> Column:
    return Column(column.kind, column.words, may_lack=True, otherwise=otherwise)


def _one_of(words: type[StrEnum], *more: str) -> Column:
    return Column(ColumnKind.TEXT, frozenset((*words, *more)))


_MESSAGE: dict[str, Column] = {
    "gmail_id": TEXT,
    "thread_id": TEXT,
    "backlog": TRUTH,  # was in Gmail before Pitchgate
    "first_seen_at": TIME,
    "changed_at": TIME,
    "placement": _maybe(_one_of(Placement)),
    "decided_by": TEXT,
    "outcome": _one_of(Outcome, ""),
    "policy_row": _one_of(PolicyRow, ""),
    "score": _maybe(REAL),
    "logit": _maybe(REAL),
    "evidence": _maybe(REAL),  # how far it points to a seller, a logit
    "model": TEXT,
    "reasons": REASONS,
    "guards": TEXTS,
    "cause": TEXT,
    "error": TEXT,
    "set_aside": TRUTH,  # could not be judged after all tries
    "decided_at": _maybe(TIME),
    "sender": TEXT,
    "sender_name": TEXT,
    "sender_domain": TEXT,
    "subject": TEXT,
    "message_id": TEXT,
    "received_at": _maybe(TIME),
    "authenticated": TRUTH,
    "reference_ids": TEXTS,
    "reply_to": TEXT,
    "language": TEXT,
    "appeal": TEXT,  # the sender's note to the owner
    "shadow_model": _maybe(TEXT),  # a model on trial, and its verdict
    "shadow_row": _maybe(_one_of(PolicyRow)),
    "shadow_score": _maybe(REAL),
}
_CHALLENGE: dict[str, Column] = {
    "id": TEXT,
    "gmail_id": TEXT,
    "thread_id": TEXT,
    "sender": TEXT,
    "sender_domain": TEXT,
    "state": _one_of(ChallengeState),
    "message_id": TEXT,
    "cause": TEXT,
    "created_at": TIME,
    "expires_at": TIME,
    "sending_at": _maybe(TIME),
    "started_at": _maybe(TIME),
    "ended_at": _maybe(TIME),
    "solved_at": _maybe(TIME),
    "bounced_at": _maybe(TIME),
    "sent_gmail_id": TEXT,
    "reply_from": _maybe(TEXT, ""),
    "reply_name": _maybe(TEXT, ""),
}
_CORRECTION: dict[str, Column] = {
    "correction_key": TEXT,
    "gmail_id": TEXT,
    "decision": _one_of(Decision),
    "origin": _one_of(Origin),
    "pending": TRUTH,
    "moved": TEXTS,  # Gmail ids of what the decision moved
    "before": UNDO_RECORD,  # what undo brings back
    "decided_at": TIME,
    "undone_at": _maybe(TIME),
    "undo_moved": TEXTS,
}
_LEDGER_ENTRY: dict[str, Column] = {
    "posting_key": TEXT,
    "sender": TEXT,
    "posting": _one_of(Posting),
    "amount": WHOLE,  # credits, negative where spent
    "about": TEXT,
    "day": TEXT,
    "posted_at": TIME,
}
_UNSUBSCRIPTION: dict[str, Column] = {
    "gmail_id": TEXT,
    "sender": TEXT,
    "state": _one_of(UnsubscribeState),
    "host": TEXT,
    "cause": TEXT,
    "asked_at": TIME,
    "tried_at": _maybe(TIME),
}
_PREVIEW: dict[str, Column] = {
    "gmail_id": TEXT,
    "sender": TEXT,
    "sender_name": TEXT,
    "subject": TEXT,
    "received_at": _maybe(TIME),
    "score": _maybe(REAL),
    "reasons": REASONS,
    "said": TEXT,  # the owner's answer: pitch or not
}
_QUESTION: dict[str, Column] = {
    "id": TEXT,
    "kind": TEXT,
    "round": WHOLE,
    "gmail_id": _maybe(TEXT),
    "stratum": TEXT,  # group of mail that it was drawn from
    "weight": REAL,  # how many messages it stands for
    "model": TEXT,
    "language": TEXT,
    "script": TEXT,
    "asked_at": TIME,
    "answer": TEXT,
    "answered_at": _maybe(TIME),
    "acted": TEXT,  # the answer implied by an act of the owner
    "score": _maybe(REAL),
}

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            Table("rules", "subject", {"subject": TEXT, "kind": _one_of(RuleKind), "set_at": TIME}),
            Table("ledger", "posting_key", _LEDGER_ENTRY),
            Table("messages", "gmail_id", _MESSAGE),
            Table("challenges", "id", _CHALLENGE, made=("is_open", "token_hash", "sealed_token")),
            Table("corrections", "correction_key", _CORRECTION),
            Table("correspondents", "address", {"address": TEXT, "learned_at": TIME}),
            Table("threads", "thread_id", {"thread_id": TEXT, "learned_at": TIME}),
            Table("unsubscriptions", "gmail_id", _UNSUBSCRIPTION),
            Table("previews", "gmail_id", _PREVIEW, imported=False),
            Table(
                "decisions",
                "number",
                {"number": WHOLE, "at": TIME, "gmail_id": TEXT, "payload": TEXT},
                imported=False,
                erased_if_empty="payload",
            ),
            Table("decision_settings", "name", {"name": TEXT, "content": TEXT}, imported=False),
            Table("mail_weeks", "week", {"week": WHOLE, "model": TEXT, "counts": TEXT}, imported=False),
            Table("questions", "id", _QUESTION, imported=False),
            Table(
                "devices",
                "id",
                {"id": TEXT, "name": TEXT, "created_at": TIME, "last_seen_at": _maybe(TIME)},
                imported=False,
            ),
            Table(
                "web_pushes",
                "id",
                {"id": TEXT, "browser": TEXT, "language": TEXT, "created_at": TIME, "told_at": _maybe(TIME)},
                imported=False,
            ),
        )
    }
)

LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "answers": "prevents reuse of captcha answers; no use elsewhere",
        "balances": "the sum of the ledger, rebuilt from it",
        "chains": "the key and the head of the log of decisions here",
        "code_tries": "tries at codes that live for minutes",
        "daily_totals": "the sum of the ledger, rebuilt from it",
        "decision_counts": "sealed with this instance's keys; kept for its operator to judge again",
        "digest_links": "hashes of secrets that are in sent links",
        "digests": "when the last digest was sent; starts afresh elsewhere",
        "duties": "work to be done here",
        "event_heads": "the number of the latest change sent to open pages",
        "events": "changes sent to open pages",
        "mailboxes": "written as mailbox, without token",
        "notices": "used by the previous release",
        "one_time_codes": "secrets that live for minutes",
        "preview_runs": "whether a preview is under way here",
        "sessions": "hashes of browsers' secrets",
        "messages.mailbox_id": "",
        "messages.labels": "needed until the message is screened",
        "messages.stage": "work to be done here",
        "messages.due_at": "work to be done here",
        "questions.by_act": "used by the previous release",
        "messages.drift_class": "how it counts in mail_weeks",
        "messages.attempts": "work to be done here",
        "messages.deaths": "work to be done here",
        "messages.failing_since": "work to be done here",
        "messages.failing_cause": "work to be done here",
        "messages.revision": "distinguishes outdated jobs here",
        "challenges.is_open": "a link leads to the instance that sent it",
        "challenges.solves": "a restored solved link counts as one solve",
        "challenges.deliver_at": "a link leads to the instance that sent it",
        "challenges.late": "used only before the challenge is sent",
        "challenges.token_hash": "the hash of a secret",
        "challenges.sealed_token": "a secret",
        "decisions.salt": "seals the log here",
        "decisions.digest": "seals the log here",
        "decisions.seal": "seals the log here",
        "devices.token_hash": "the hash of a secret",
        "devices.scopes": "the same for all",
        "web_pushes.session": "the hash of a secret",
        "web_pushes.sealed": "a secret",
        "web_pushes.told_until": "work to be done here",
        "web_pushes.failing_since": "work to be done here",
        "previews.thread_id": "valid only in this Gmail mailbox",
        "previews.place": "the order of the list",
        "previews.state": "work to be done here",
        "previews.sender_domain": "part of the sender's address",
        "previews.labels": "valid only in this Gmail mailbox",
        "previews.authenticated": "worked out by each new preview",
        "previews.form": "worked out by each new preview",
        "previews.guards": "worked out by each new preview",
        "previews.logit": "the score in another form",
        "previews.model": "worked out by each new preview",
        "previews.rule_before": "needed to undo an answer here",
    }
)
"""Tables and columns that are not in the file → why."""

OWNED_TABLES = (
    *sorted({*TABLES, *(name for name in LEFT_OUT if "." not in name)} - {"mailboxes"}),
    "mailboxes",
)
"""All tables with data of owners. Children come before parents: foreign keys point at `mailboxes`."""


# ---- Checks of JSON columns


Check = Callable[[Any], bool]


def are_texts(value: Any) -> bool:
    """["…", …]"""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def are_reasons(value: Any) -> bool:
    """[{"text": "…", "weight": 0.5, "words": ["…"]}, …]"""
    return _list_of({"text": _is_text, "weight": _number, "words": are_texts})(value)


def is_undo_record(value: Any) -> bool:
    """The record that a decision stores for its undo (`transactions.decide`)."""
    return _object({name: _list_of(fields) for name, fields in _UNDO_FIELDS.items()})(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _is_one_of(*words: str | None) -> Check:
    return lambda value: (value is None or isinstance(value, str)) and value in words


def _object(fields: Mapping[str, Check]) -> Check:
    return lambda value: (
        isinstance(value, dict) and all(name in value and fits(value[name]) for name, fits in fields.items())
    )


def _list_of(fields: Mapping[str, Check]) -> Check:
    return lambda value: isinstance(value, list) and all(map(_object(fields), value))


_KIND = _is_one_of(*RuleKind, None)
_UNDO_FIELDS: Mapping[str, Mapping[str, Check]] = {
    "rules": {"subject": _is_text, "before": _KIND, "after": _KIND},
    "messages": {
        "gmail_id": _is_text,
        "placement": _is_one_of(*Placement, None),
        "decided_by": _is_text,
        "revision": lambda value: isinstance(value, int) and _number(value),
        "moved": lambda value: isinstance(value, bool),
    },
    "challenges": {"id": _is_text, "state": _is_one_of(*ChallengeState), "gmail_id": _is_text},
    "refunds": {"sender": _is_text, "gmail_id": _is_text},
}


# ---- The archive as JSON
# {"format": "pitchgate-archive", "version": 1, "made_at": …, "mailbox": {…}, "rules": [{…}, …], "ledger": […],
# "messages": […], …}. Times are ISO 8601 in UTC to the microsecond. `TABLES` lists the content; a test fails for any
# database column that is neither there nor in `LEFT_OUT`.


FORMAT = "pitchgate-archive"
VERSION = 1
MOST_TEXT = 2_000
MOST_JSON = 500_000
"""Characters of one field. A decision about a whole domain lists every message it moved."""

LARGEST = 2**62
MOST_CREDITS = 1_000_000
"""Largest number in one entry, so that sums over a file stay within the database's range."""


def to_file(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the store as it is written to the file."""
    return {name: _WRITERS[column.kind](row[name]) for name, column in table.columns.items()}


def from_file(table: Table, number: int, entry: object) -> dict[str, Any]:
    """Inverse of `to_file`. The file may come from anybody: raises `Refused` (malformed) with the list, the number of
    the entry (from 1) and the field."""
    where: Mapping[str, Any] = {"table": table.name, "entry": number, "field": "file"}
    if not isinstance(entry, dict):
        raise Refused("malformed.file.entry", **where)
    row: dict[str, Any] = {}
    for name, column in table.columns.items():
        value = entry.get(name)
        if value is None:
            if not column.may_lack:
                raise Refused("malformed.file.missing", name=name, **where)
            row[name] = column.otherwise
            continue
        try:
            row[name] = _READERS[column.kind](value)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Refused("malformed.file.kind", name=name, **where) from error
        if column.words and row[name] not in column.words:
            raise Refused("malformed.file.word", name=name, said=str(value)[:40], **where)
    return row


def _time(value: object) -> int:
    if not isinstance(value, str):
        raise TypeError
    return micros(datetime.fromisoformat(value))


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT or "\0" in value:
        raise ValueError
    value.encode()  # raises for half a surrogate pair, which JSON can hold and no database does
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_CREDITS:
        raise ValueError
    return value


def _real(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST:
        raise ValueError
    return float(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _json(fits: Callable[[Any], bool]) -> Callable[[object], str]:
    """A reader of JSON columns that accepts only what `fits`: other JSON would break code that uses the row."""

    def reader(value: object) -> str:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        if len(text) > MOST_JSON or not fits(value):
            raise ValueError
        text.encode()
        return text

    return reader


_READERS: Mapping[ColumnKind, Callable[[object], Any]] = {
    ColumnKind.TEXT: _text,
    ColumnKind.WHOLE: _whole,
    ColumnKind.REAL: _real,
    ColumnKind.TRUTH: _truth,
    ColumnKind.TIME: _time,
    ColumnKind.TEXTS: _json(are_texts),
    ColumnKind.REASONS: _json(are_reasons),
    ColumnKind.UNDO_RECORD: _json(is_undo_record),
}
_WRITERS: Mapping[ColumnKind, Callable[[Any], Any]] = {
    ColumnKind.TEXT: lambda value: value,
    ColumnKind.WHOLE: lambda value: value,
    ColumnKind.REAL: lambda value: value,
    ColumnKind.TRUTH: bool,
    ColumnKind.TIME: lambda value: (
        None if value is None else moment(value).isoformat(timespec="microseconds")
    ),
    **dict.fromkeys(JSON, json.loads),
}
