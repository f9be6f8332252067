"""An owner's mailbox: the owner, their preferences, how we learn of new mail, and the state that screens show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from backend.domain.challenge_mail import MAX_OWN_WORDING
from backend.domain.errors import AccessLost, Cause, FailingJob, Refused, failure_to_show
from backend.domain.mail.message import MailboxId, Owner
from backend.domain.mailbox.message import LabelIds, PolicyRow

# ---- Gaps in Google's history


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap in Google's history, and the result of listing its mail.

    Mail from `since` to `until` was listed; `found` messages were new. `cut` is "" if all was listed, "time" if the gap
    was longer than we list, "count" if it had more mail than we list; the rest stays in the inbox unscreened.
    `unchecked` held messages were not compared with Gmail, so moves by the owner may have been missed.
    """

    since: datetime
    until: datetime
    found: int
    cut: str = ""
    unchecked: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"since": self.since.isoformat(), "until": self.until.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Gap:
        since, until = (datetime.fromisoformat(data[name]) for name in ("since", "until"))
        return cls(since, until, int(data["found"]), str(data["cut"]), int(data.get("unchecked", 0)))


# ---- How we learn of new mail


QUIET_AFTER = timedelta(hours=2)
"""A mailbox without changes for this long is polled half as often; after twice this long a quarter as often, etc."""

NOTICE_DELAY = timedelta(minutes=10)
"""How late a notice may be: Pub/Sub redelivers within this time."""
INDEX_LAG = timedelta(seconds=30)
"""A push may announce mail that history does not list yet. For this long we trust the push and ask again."""


class NoticeMode(StrEnum):
    """How we learn that a mailbox has new mail."""

    PUSH = "push"  # Pub/Sub posts notices to us
    PULL = "pull"  # we fetch notices from Pub/Sub
    POLL = "poll"  # no notices: we ask for Gmail's history regularly

    @property
    def watched(self) -> bool:
        return self is not NoticeMode.POLL


class PullFailure(StrEnum):
    """Why notices cannot be fetched. The values are stored and counted, so they never change."""

    CREDENTIALS = "credentials"  # this machine has no application default credentials, or they are refused
    SUBSCRIPTION = "subscription"  # no subscription has that name, or it is one that pushes
    PERMISSION = "right"  # the account has no permission to fetch from it
    CONNECTION = "connection"  # Pub/Sub cannot be reached


def poll_interval(
    often: timedelta, seldom: timedelta, moved_at: datetime | None, now: datetime, chance: float
) -> timedelta:
    """The time until a mailbox is polled again.

    It is `often` after a recent change (`moved_at` is the last one), doubled for each further `QUIET_AFTER`, up to
    `seldom`. The random `chance` (0 to 1) varies it by 5% either way, so that mailboxes are not polled all at once.
    """
    quiet = now - moved_at if moved_at is not None else timedelta(0)
    doublings = min(max(int(quiet / QUIET_AFTER), 0), 20)
    wait = max(often, min(often * (1 << doublings), seldom))
    return wait * (0.95 + chance / 10)


# ---- An owner's mailbox


WATCH_ALARM = timedelta(hours=48)
"""A watch that expires sooner than this is shown to the owner as about to lapse."""

GRANT_ALARM = timedelta(hours=48)
"""How long before Google ends our access the owner is warned."""

ROWS_ALWAYS_ON = frozenset(
    {
        *(PolicyRow.NOT_INCOMING, PolicyRow.LEFT_ALONE, PolicyRow.UNREAD, PolicyRow.BELOW_HOLD),
        *(PolicyRow.OBSERVE, PolicyRow.QUARANTINE, PolicyRow.CHALLENGE),
    }
)
"""Policy rows that no setting can switch off: without them mail would be held for no reason, or while paused.
(Categories left to Gmail have their own setting.)"""

QUESTIONS = (0, 3, 5, 10)  # messages a week to ask about; fewer than 3 would leave out a stratum
LIMITS: Mapping[str, tuple[int, int]] = {
    "credits_per_solve": (1, 20),
    "daily_challenges": (0, 200),
    "domain_challenges": (1, 50),
    "retention_days": (7, 730),
    "questions_a_week": (QUESTIONS[0], QUESTIONS[-1]),
}
"""The preferences that are numbers → (lowest, highest value)."""
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")
_LANGUAGE = re.compile(r"[a-z]{2}")

CATEGORIES = ("CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "CATEGORY_UPDATES", "CATEGORY_FORUMS")


class Mode(StrEnum):
    """What Pitchgate may do with pitches: label them, hold them, or also challenge their senders."""

    OBSERVE = "observe"
    QUARANTINE = "quarantine"
    CHALLENGE = "challenge"


class Strictness(StrEnum):
    """Which thresholds of the model apply."""

    RELAXED = "relaxed"
    NORMAL = "normal"
    STRICT = "strict"


class DigestPace(StrEnum):
    """How often the owner gets a digest of held mail in their inbox."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


class AccessState(StrEnum):
    """Our access to the mailbox at Google. Stored; everything else about the state is derived."""

    CONNECTED = "connected"
    NEEDS_RECONNECT = "needs_reconnect"
    LEAVING = "leaving"  # the owner has disconnected; the grant is still to be revoked and the data deleted


class Condition(StrEnum):
    """The one state of a mailbox that an owner sees."""

    CONNECTING = "connecting"
    INDEXING = "indexing"
    ACTIVE = "active"
    OBSERVING = "observing"
    PAUSED = "paused"
    NEEDS_RECONNECT = "needs_reconnect"
    WATCH_LAPSED = "watch_lapsed"
    DELAYED = "delayed"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the owner has chosen. `paused_until` is aware UTC; `rows_off` are switched-off policy rows; `left_alone` are
    Gmail categories that are not screened. The digest comes in `language` (two letters) and in the morning of `zone` (a
    name of the tz database)."""

    mode: Mode = Mode.OBSERVE
    strictness: Strictness = Strictness.NORMAL
    left_alone: frozenset[str] = frozenset({"CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "CATEGORY_FORUMS"})
    rows_off: frozenset[PolicyRow] = frozenset()
    credits_per_solve: int = 3
    daily_challenges: int = 50
    domain_challenges: int = 3
    retention_days: int = 90
    questions_a_week: int = 5
    paused_until: datetime | None = None
    wording: tuple[tuple[str, str], ...] = ()  # (language, owner's own text)
    digest: DigestPace = DigestPace.OFF
    zone: str = "UTC"
    language: str = "en"

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            number = getattr(self, name)
            allowed = QUESTIONS if name == "questions_a_week" else range(low, high + 1)
            if type(number) is not int or number not in allowed:  # True is an int, and equal to 1
                raise Refused("out_of_range.number", name=name, low=low, high=high, field=name)
        for name, value, form in (("zone", self.zone, _ZONE), ("language", self.language, _LANGUAGE)):
            if not isinstance(value, str) or not form.fullmatch(value):
                raise bad_setting(name)
        if fixed := self.rows_off & ROWS_ALWAYS_ON:
            raise Refused("out_of_range.row", row=min(fixed), field="rows_off")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; sets as sorted lists."""
        data = asdict(self)
        data["left_alone"] = sorted(self.left_alone)
        data["rows_off"] = sorted(self.rows_off)
        data["paused_until"] = self.paused_until.isoformat() if self.paused_until else None
        data["wording"] = dict(self.wording)
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Preferences:
        """Inverse of `to_json`. Keys and policy rows that only another release knows are ignored; missing ones get
        their default. Raises `Refused` with the field for values out of range."""
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        readers: dict[str, Any] = {
            "mode": Mode,
            "strictness": Strictness,
            "left_alone": _words,
            "rows_off": _rows,
            "paused_until": lambda at: _aware(at) if at else None,
            "wording": _wordings,
            "digest": DigestPace,
        }
        for name, read in readers.items():
            if name in values:
                try:
                    values[name] = read(values[name])
                except (ValueError, TypeError) as error:
                    raise bad_setting(name, CHOICES.get(name, ())) from error
        return cls(**values)

    def changed(self, **changes: Any) -> Preferences:
        """A copy with JSON-form `changes`. Raises `Refused` with the field for what does not fit."""
        unknown = changes.keys() - {f.name for f in fields(self)}
        if unknown:
            name = min(unknown)
            raise Refused("unknown_field", name=name, field=name)
        rows = changes.get("rows_off", [])
        if isinstance(rows, list) and any(row not in tuple(PolicyRow) for row in rows):
            raise bad_setting("rows_off", CHOICES["rows_off"])
        return self.from_json(self.to_json() | changes)


CHOICES: Mapping[str, Iterable[str]] = {
    "mode": Mode,
    "strictness": Strictness,
    "rows_off": sorted(set(PolicyRow) - ROWS_ALWAYS_ON),
    "digest": DigestPace,
}
"""The settings that take one or several of a list of words → that list."""


def bad_setting(name: str, choices: Iterable[str] = ()) -> Refused:
    """The error for a value that does not fit this setting; it lists the possible values if there is a list."""
    if allowed := ", ".join(choices):
        return Refused("out_of_range.choice", name=name, allowed=allowed, field=name)
    return Refused("out_of_range.setting", name=name, field=name)


def _words(value: object) -> frozenset[str]:
    # A plain text would pass as a list of its letters.
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError("not a list of texts")
    return frozenset(value)


def _rows(value: object) -> frozenset[PolicyRow]:
    words = _words(value)
    return frozenset(row for row in PolicyRow if row in words)


def _aware(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at


def _wordings(value: object) -> tuple[tuple[str, str], ...]:
    # Languages we do not have are kept: a newer release may have them.
    if not isinstance(value, dict):
        raise TypeError("not texts by language")
    for text in value.values():
        if not isinstance(text, str) or len(text) > MAX_OWN_WORDING:
            raise ValueError(f"not a text of at most {MAX_OWN_WORDING} characters")
        text.encode()  # raises for half a surrogate pair, which JSON can hold and no page can
    return tuple(sorted(value.items()))


class NoticeHint(NamedTuple):
    """The furthest `position` in a mailbox's history that recent notices named, and when the last one came."""

    position: int
    at: datetime

    def merged(self, before: NoticeHint | None) -> NoticeHint:
        """Merge with the hint from `before`. A position that has not shown up in history for `INDEX_LAG` is dropped."""
        if before is None or abs(self.at - before.at) >= INDEX_LAG:
            return self
        return NoticeHint(max(self.position, before.position), max(self.at, before.at))


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One connected mailbox.

    `id` is ours; `sub` is Google's stable account id (the email address may change). `cursor` is the id in Gmail's
    history up to which everything is committed ("" before the first sync); `page_token` and `page_start` belong to a
    history listing under way. Before `safe_since` nothing can be missing: a re-list after a lost cursor starts there.
    `indexed_at`, `index_page`, `index_done` and `index_total` are the progress of reading sent mail for contacts. `gap`
    reports the last re-list, `lost` how access was lost, `failing` the jobs that have failed and not succeeded since.
    `moved_at` is the last change. `unheard_since` is when we found something new without a notice (None once one
    comes); `hint` is what the last notices said. Google ends the grant at `grant_expires_at`, if at all.
    """

    id: MailboxId
    sub: str
    owner: Owner
    link: AccessState  # the connection to Gmail, not a URL
    preferences: Preferences
    scopes: frozenset[str]
    created_at: datetime
    labels: LabelIds = LabelIds()
    cursor: str = ""
    page_token: str = ""
    page_start: str = ""
    safe_since: datetime | None = None
    watch_expires_at: datetime | None = None
    indexed_at: datetime | None = None
    index_page: str = ""
    index_done: int = 0
    index_total: int = 0
    lost: AccessLost | None = None
    gap: Gap | None = None
    failing: tuple[FailingJob, ...] = ()
    notices: NoticeMode = NoticeMode.PUSH
    pull_failure: PullFailure | None = None
    moved_at: datetime | None = None
    unheard_since: datetime | None = None
    hint: NoticeHint | None = None
    grant_expires_at: datetime | None = None

    def paused(self, now: datetime) -> bool:
        until = self.preferences.paused_until
        return until is not None and now < until

    def condition(self, now: datetime) -> Condition:
        """The state shown to the owner. What they must act on comes first."""
        if self.link is AccessState.LEAVING:
            return Condition.DISCONNECTED
        if self.link is AccessState.NEEDS_RECONNECT:
            return Condition.NEEDS_RECONNECT
        if not self.paused(now) and self.trouble(now) is not None:
            return Condition.DELAYED
        if not self.begun:
            return Condition.CONNECTING
        if self.watch_expires_at is not None and self.watch_expires_at <= now and self.notices.watched:
            return Condition.WATCH_LAPSED
        if self.indexed_at is None:
            return Condition.INDEXING
        if self.paused(now):
            return Condition.PAUSED
        return Condition.OBSERVING if self.preferences.mode is Mode.OBSERVE else Condition.ACTIVE

    @property
    def begun(self) -> bool:
        """Whether new mail is noticed already: Gmail sends notices, or polling has a cursor to start from."""
        polled = self.labels.held != "" and self.cursor != ""
        return self.watch_expires_at is not None if self.notices.watched else polled

    def trouble(self, now: datetime) -> FailingJob | None:
        """The failing job that is shown to the owner at `now`, if any."""
        return failure_to_show(self.failing, now, watched=self.begun)

    def silent_since(self, now: datetime) -> datetime | None:
        """Since when notices have failed to come although there were changes; None while one may be on its way."""
        since = self.unheard_since
        return since if since is not None and now - since >= NOTICE_DELAY else None

    def grant_ends(self, now: datetime) -> datetime | None:
        """When Google ends our access, if that is soon. The owner can avoid it by connecting again before."""
        at = self.grant_expires_at
        near = self.link is AccessState.CONNECTED and at is not None and now < at <= now + GRANT_ALARM
        return at if near else None

    @property
    def topic_missing(self) -> bool:
        """Whether the Pub/Sub topic for Gmail's notices does not exist."""
        return any(job.cause is Cause.TOPIC for job in self.failing)

    def watch_alarm(self, now: datetime) -> bool:
        """Whether the watch ends within `WATCH_ALARM` and renewing it has failed. Little time alone is no alarm: the
        server may have been off for days and be about to renew it."""
        renewing = any(job.job == "watch" for job in self.failing)
        return renewing and self.watch_expires_at is not None and self.watch_expires_at - now < WATCH_ALARM


@dataclass(frozen=True, slots=True)
class Grant:
    """What an owner granted at Google: the account, the scopes they really gave, the refresh token in plain text (""
    for a mere sign-in). Google ends the grant after `life`, if it is given."""

    sub: str
    email: str
    name: str
    refresh_token: str = field(repr=False)
    scopes: frozenset[str]
    life: timedelta | None = None


# ---- The mailbox's state as screens show it


RECENT_DAYS = 7
"""How long a gap that left something out is shown."""


class Who(StrEnum):
    """Who has to act."""

    NOBODY = "nobody"
    OWNER = "owner"
    PITCHGATE = "pitchgate"  # it is working on it


_QUIET = (Condition.ACTIVE, Condition.OBSERVING, Condition.PAUSED)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A mailbox's state with its details.

    `lost` is why access is lost; `failing_job` is shown in state delayed, and during a pause; `indexed` is how many
    sent messages of how many are read; `paused_until` is when a pause ends; `polled`: there are no notices. In any
    state there may be warnings: `pull_failure` (notices cannot be fetched), `silent_since` (no notice has come,
    although there were changes), `topic_missing` (the topic for notices does not exist), `watch_lapses`, `grant_ends`
    (when Google ends our access, unless the owner connects again before) and `gap`.
    """

    condition: Condition
    who: Who
    lost: AccessLost | None = None
    failing_job: FailingJob | None = None
    indexed: tuple[int, int] | None = None
    paused_until: datetime | None = None
    polled: bool = False
    pull_failure: PullFailure | None = None
    silent_since: datetime | None = None
    topic_missing: bool = False
    watch_lapses: bool = False
    grant_ends: datetime | None = None
    gap: Gap | None = None


def explain(mailbox: Mailbox, now: datetime) -> Explanation:
    condition = mailbox.condition(now)
    needs_owner, paused = condition is Condition.NEEDS_RECONNECT, condition is Condition.PAUSED
    indexing = condition is Condition.INDEXING and mailbox.index_total
    lapsed = needs_owner or condition in (Condition.WATCH_LAPSED, Condition.DISCONNECTED)
    gap = mailbox.gap
    recent = gap and (gap.cut or gap.unchecked) and (now - gap.until).days < RECENT_DAYS
    return Explanation(
        condition,
        Who.OWNER if needs_owner else Who.NOBODY if condition in _QUIET else Who.PITCHGATE,
        lost=(mailbox.lost or AccessLost.GRANT) if needs_owner else None,
        failing_job=mailbox.trouble(now) if paused or condition is Condition.DELAYED else None,
        indexed=(mailbox.index_done, mailbox.index_total) if indexing else None,
        paused_until=mailbox.preferences.paused_until if paused else None,
        polled=mailbox.notices is NoticeMode.POLL,
        pull_failure=mailbox.pull_failure,
        silent_since=mailbox.silent_since(now) if not lapsed and mailbox.pull_failure is None else None,
        topic_missing=not needs_owner and mailbox.topic_missing,
        grant_ends=mailbox.grant_ends(now),
        watch_lapses=not lapsed and mailbox.watch_alarm(now),
        gap=gap if recent else None,
    )
