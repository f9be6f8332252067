"""How rows become values of the domain, and the types of rows that transactions read as they are stored. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache
from inspect import get_annotations
from types import NoneType
from typing import Any, Generic, Protocol, TypedDict, TypeVar, cast, get_args, get_origin, get_type_hints

from backend.domain.challenge import Challenge, ChallengeState
from backend.domain.errors import AccessLost
from backend.domain.mail.message import Address, MailboxId, Owner
from backend.domain.mailbox.decisions import OVERRIDABLE, RuleMatch
from backend.domain.mailbox.mailbox import Gap, Mailbox, NoticeHint, Preferences, PullFailure
from backend.domain.mailbox.message import LabelIds, MessageView, Placement, PolicyRow, Screened
from backend.domain.moments import moment
from backend.domain.policy.table import Standing
from backend.transactions.records import HistoryContext, LookBasis, MessageJob

# ---- One reader for every dataclass, made once from the types of its fields


V = TypeVar("V")

Flag = int
"""How a boolean is stored: 0 or 1 in the file, false or true on the server."""

EXTRA: Any = object()
"""The field is not in the row: it is passed with the row, or has its default."""


class Row(Protocol):
    """A row of either driver."""

    def __getitem__(self, key: str, /) -> Any: ...


class Unreadable(ValueError):
    """A row lacks a column, or its value does not fit the field. Names both, never content."""


class Reader(Generic[V]):
    """Makes a `kind` (a dataclass or named tuple) from a row. Each field is read from the column of its name, a field
    that is itself a dataclass from the same row. `sources` names exceptions: another column, the reader of a part, a
    function whose parameters are named and typed like the columns it uses, or `EXTRA`."""

    def __init__(self, kind: Callable[..., V], /, **sources: Any) -> None:
        self.kind: Any = kind
        self.columns: dict[str, Any] = {}
        """The columns it reads, and the type either database returns."""
        self._used: dict[str, Any] = {"kind": kind}
        self._fields = {
            name: self._expression(name, type_, sources.get(name, name))
            for name, type_ in get_type_hints(kind).items()
        }
        # One expression for all fields is as fast as handwritten lines.
        values = ", ".join(f"{name}={value}" for name, value in self._fields.items())
        self._read = self._compiled(f"kind({values})")

    def __call__(self, row: Row, /, **extra: Any) -> V:
        try:
            made: V = self._read(row, extra)
        except Unreadable:
            raise
        except (LookupError, TypeError, ValueError) as error:
            raise self._unreadable(row, extra) from error
        return made

    def _expression(self, name: str, type_: Any, source: Any) -> str:
        if source is EXTRA:
            default = next((one.default for one in fields(self.kind) if one.name == name), MISSING)
            return f"extra[{name!r}]" if default is MISSING else f"extra.get({name!r}, {self._use(default)})"
        plain = next((one for one in get_args(type_) if one is not NoneType), None)
        may_lack = NoneType in get_args(type_)
        if isinstance(source, str) and is_dataclass(type_):
            source = Reader(cast(Any, type_))
        if isinstance(source, Reader):
            self.columns |= source.columns
            return f"{self._use(source)}(row)"
        if not isinstance(source, str):
            columns = {
                one: of for one, of in get_annotations(source, eval_str=True).items() if one != "return"
            }
            self.columns |= columns
            return f"{self._use(source)}({', '.join(f'row[{one!r}]' for one in columns)})"
        stored, convert = _converted(plain if may_lack else type_)
        self.columns[source] = stored | None if may_lack else stored
        if convert is None:
            return f"row[{source!r}]"
        if may_lack:
            return f"None if (value := row[{source!r}]) is None else {self._use(convert)}(value)"
        return f"{self._use(convert)}(row[{source!r}])"

    def _use(self, thing: Any) -> str:
        self._used[f"used_{len(self._used)}"] = thing
        return next(reversed(self._used))

    def _compiled(self, expression: str) -> Callable[[Row, Mapping[str, Any]], Any]:
        made = eval(f"lambda row, extra: {expression}", self._used)  # noqa: S307 - of our own field names
        return cast("Callable[[Row, Mapping[str, Any]], Any]", made)

    def _unreadable(self, row: Row, extra: Mapping[str, Any]) -> Unreadable:
        for name, value in self._fields.items():
            try:
                self._compiled(value)(row, extra)
            except Unreadable as error:
                return error
            except (LookupError, TypeError, ValueError):
                return Unreadable(f"{self.kind.__name__}.{name} cannot be read: {value}")
        return Unreadable(f"{self.kind.__name__} cannot be made of its row")


def reader(kind: Any) -> Callable[[Row], Any]:
    """The function that makes a `kind` from a row: a reader, dataclass or named tuple; `tuple[…]` for all columns;
    str, int or bytes for the only one."""
    return kind if isinstance(kind, Reader) else _reader(kind)


@cache
def _reader(kind: Any) -> Callable[[Row], Any]:
    if get_origin(kind) is tuple:
        return cast("Callable[[Row], Any]", tuple)
    if kind in (str, int, bytes):
        return lambda row: cast(Any, row)[0]
    return Reader(kind)


def _converted(type_: Any) -> tuple[Any, Callable[[Any], Any] | None]:
    """How a value of this type is stored, and the function that reads it back; None if it is stored as it is."""
    if type_ is datetime:
        return int, moment
    if type_ is bool:
        return Flag, bool
    if isinstance(type_, type) and issubclass(type_, Enum):
        return str, {one.value: one for one in type_}.__getitem__
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in (frozenset, tuple):
        _, convert = _converted(arguments[0])
        if get_origin(arguments[0]) is None:
            return str, _listed(origin, convert)
        return str, lambda text: origin(json.loads(text))
    if origin is Mapping:
        return str, json.loads
    return type_, None


def _listed(make: Callable[[Any], Any], convert: Callable[[Any], Any] | None) -> Callable[[str], Any]:
    """Reads JSON lists of words, many of them the same."""

    @lru_cache(maxsize=4096)
    def listed(text: str) -> Any:
        return make(map(convert, json.loads(text)) if convert else json.loads(text))

    return listed


# ---- Values of the domain
# A field is read from the column of its name; exceptions are listed here. A new column needs a migration, the queries
# that write it, and a field.


def _shown_cause(cause: str, error: str, set_aside: Flag) -> str:
    return error if set_aside else cause


def _shown_row(policy_row: str, placement: str | None, decided_by: str) -> str:
    taken_out = placement == Placement.HELD and decided_by in OVERRIDABLE
    return PolicyRow.HELD_WITH_LATER if taken_out and policy_row == PolicyRow.BELOW_HOLD else policy_row


view = Reader(
    MessageView,
    row=_shown_row,
    cause=_shown_cause,
    dead_letter="set_aside",
    note="appeal",
)
"""A message as screens show it. A dead letter has its error as its cause; a message taken out of the inbox with a later
one has that as its row."""

_screened = Reader(Screened, references="reference_ids", note="appeal")


def screened(row: Row) -> Screened | None:
    """The facts kept of the message, None before it was screened."""
    return None if row["received_at"] is None else _screened(row)


message_job = Reader(MessageJob, marked=EXTRA)

_rules = Reader(RuleMatch, address="address_rule", domain="domain_rule")
standing = Reader(Standing, rules=_rules)
sender_rules = Reader(Standing, rules=_rules, took_part=EXTRA, keeps=EXTRA, credits=EXTRA, earlier=EXTRA)
preview_standing = Reader(Standing, rules=_rules, keeps=EXTRA, earlier=EXTRA)


def _solves(solves: int, state: str) -> int:
    return max(solves, state == ChallengeState.SOLVED)


challenge = Reader(
    Challenge,
    solves=_solves,
    reply_from=Reader(Address, address="reply_from", name="reply_name"),
    solved_before=EXTRA,
    waiting=EXTRA,
    oldest=EXTRA,
    balance=EXTRA,
)
"""A row of `challenges` with a `ProspectsRow`."""


# Values that seldom change are cached while the database holds the same, whichever process wrote it.


@lru_cache(maxsize=4096)
def _owner(email: str, name: str, aliases: str, former: str) -> Owner:
    return Owner(email, name, frozenset(json.loads(aliases)) | frozenset(json.loads(former)))


@lru_cache(maxsize=4096)
def _preferences(preferences: str) -> Preferences:
    return Preferences.from_json(json.loads(preferences))


def _lost(link_cause: str) -> AccessLost | None:
    """A code of another release is read as the commonest one."""
    return next((lost for lost in AccessLost if lost == link_cause), AccessLost.GRANT) if link_cause else None


def _gap(last_gap: str) -> Gap | None:
    return Gap.from_json(json.loads(last_gap)) if last_gap else None


def hint(told_to: str, told_at: int | None) -> NoticeHint | None:
    """What notices reported, None before the first."""
    return None if told_at is None else NoticeHint(int(told_to or "0"), moment(told_at))


def _pull_failure(notices_missing: str) -> PullFailure | None:
    return PullFailure(notices_missing) if notices_missing else None


_labels = Reader(
    LabelIds,
    held="label_held",
    would_hold="label_would_hold",
    allow="label_allow",
    block="label_block",
    partly_read="label_partly_read",
)
mailbox = Reader(
    Mailbox,
    owner=_owner,
    preferences=_preferences,
    labels=_labels,
    lost=_lost,
    gap=_gap,
    pull_failure=_pull_failure,
    hint=hint,
    failing=EXTRA,
)
"""A row of `mailboxes` with its `failing` jobs."""

look_basis = Reader(LookBasis, owner=_owner, preferences=_preferences, labels=_labels)


def _ours(sent: str, digest: str) -> frozenset[str]:
    return frozenset((*json.loads(sent), *json.loads(digest)))


history_context = Reader(HistoryContext, ours=_ours, known=EXTRA, hint=hint)


# ---- Rows as they are stored
# Only the columns that are used. A test on both databases checks every type against its queries: that the columns exist
# with this type, and are never NULL unless the type allows it. Times are microseconds since 1970.


class MailboxRow(TypedDict):
    """Of `mailboxes`."""

    id: MailboxId
    email: str
    former: str
    link: str
    sealed_token: bytes | None
    preferences: str
    cursor: str
    page_token: str
    safe_since: int | None
    indexed_at: int | None
    changed_at: int
    moved_at: int | None
    drift_change: str
    unheard_since: int | None
    notices: str
    told_to: str
    told_at: int | None


class HistoryRow(TypedDict):
    """What a page of history is compared with. JSON lists of its messages: our `sent` challenges, our `digest`."""

    told_to: str
    told_at: int | None
    sent: str
    digest: str
    blocks: Flag


class LaneRow(TypedDict):
    """When the first message and the first duty of a mailbox are due."""

    mailbox_id: MailboxId
    message: int | None
    duty: int | None


class DutyRow(TypedDict):
    """Of `duties`."""

    attempts: int
    failing_since: int | None
    failing_cause: str


class ReachedRow(TypedDict):
    """Of `messages`: one that an owner's decision reaches."""

    gmail_id: str
    placement: str | None
    decided_by: str
    stage: str | None
    authenticated: Flag
    revision: int


class MessageRow(ReachedRow):
    """Of `messages`."""

    mailbox_id: MailboxId
    thread_id: str
    error: str
    set_aside: Flag
    first_seen_at: int
    changed_at: int
    received_at: int | None
    sender: str
    sender_name: str
    sender_domain: str


class CurrentRow(TypedDict):
    """Of `messages`: one whose stage ends."""

    stage: str | None
    revision: int
    placement: str | None
    decided_by: str


class OpenChallengeRow(TypedDict):
    """Of `challenges`: one that may be closed."""

    id: str
    state: str
    gmail_id: str


class ChallengeRow(OpenChallengeRow):
    """Of `challenges`."""

    mailbox_id: MailboxId
    sender: str
    expires_at: int


class ProspectsRow(TypedDict):
    """The price and worth of a sender's next solve."""

    solved_before: int
    waiting: int
    oldest: str
    balance: int


class CorrectionRow(TypedDict):
    """Of `corrections`."""

    correction_key: str
    mailbox_id: MailboxId
    gmail_id: str
    decision: str
    origin: str
    moved: str
    before: str
    undone_at: int | None
    undo_moved: str
