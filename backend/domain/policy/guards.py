"""The challenge guards: checks that must all pass before a sender gets an automatic reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.challenge import ChallengeHistory
from backend.domain.mail.machine_mail import (
    addressed_to,
    from_machine,
    is_challenge,
    is_titled_auto_reply,
    null_sender,
    precedence,
    reply_address,
)
from backend.domain.mail.message import Arrival, Message, Owner
from backend.domain.mail.sender import Authentication, is_writable, mailbox_key
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.policy.table import NOT_AUTHENTICATED, NOT_INCOMING_LABELS

# ---- Rate limits of challenges
# The guards that count earlier challenges. They are checked before the verdict, and again in the transaction that
# stores the challenge, because another challenge may have been stored meanwhile.


SENDER_PAUSE = timedelta(days=7)
"""A sender gets at most one challenge in this time."""

COUNT_PERIOD = timedelta(days=1)
"""The period of the limits for one domain and for the mailbox."""

POSTPONED_FOR = SENDER_PAUSE
"""How long a link that a daily limit held back may still be sent."""


_DAILY_LIMITS = frozenset({"domain_limit", "mailbox_limit"})


RATE_LIMITS: Mapping[str, Callable[[ChallengeHistory, Preferences, datetime], bool]] = {
    "open_challenge": lambda past, preferences, now: past.open_for_sender,
    "asked_recently": lambda past, preferences, now: (
        past.sender_last_at is not None and now - past.sender_last_at < SENDER_PAUSE
    ),
    "domain_limit": lambda past, preferences, now: past.domain_today >= preferences.domain_challenges,
    "mailbox_limit": lambda past, preferences, now: past.mailbox_today >= preferences.daily_challenges,
    "thread_answered": lambda past, preferences, now: past.thread_answered,
}
"""Guard name → whether its limit is reached. `past`: the sender's earlier challenges."""


def limits_reached(past: ChallengeHistory, preferences: Preferences, now: datetime) -> tuple[str, ...]:
    """The guard names of the limits that are reached; () means another challenge may be sent."""
    return tuple(name for name, is_reached in RATE_LIMITS.items() if is_reached(past, preferences, now))


def is_postponed(objections: tuple[str, ...]) -> bool:
    """Whether the link is only put off, because daily limits were the only objection."""
    return bool(objections) and {*objections} <= _DAILY_LIMITS


def next_link_at(past: ChallengeHistory, preferences: Preferences, now: datetime) -> datetime:
    """When this sender can get a link again: `now`, or after the pause since their last link, or in a day if a daily
    limit is reached. A link that was put off (`is_postponed`) is sent then without a new message."""
    full = _DAILY_LIMITS & {*limits_reached(past, preferences, now)}
    pause = now if past.sender_last_at is None else past.sender_last_at + SENDER_PAUSE
    return max(now, pause, now + COUNT_PERIOD if full else now)


# ---- The challenge guards
# An ordered table of pure predicates. A reply to the wrong mail does more harm than none: it bothers somebody whose
# address was forged, feeds a loop between machines or a mailing list, or gets the owner's mailbox blocked. So a guard
# objects at the first sign of trouble, and one objection is enough: the mail then stays held without a reply.


NOT_ADDRESSED = "not_addressed"
_LIST_FIELDS = ("mailing-list", "x-mailing-list", "x-beenthere", "x-list-")
_BULK = frozenset({"bulk", "list", "junk", "auto_reply", "auto-reply"})
_SUPPRESS = frozenset({"all", "oof", "autoreply"})
_AUTOREPLY_FIELDS = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply")
_FEEDBACK_FIELDS = ("Feedback-ID", "X-Feedback-ID")
_CUT_SHORT = (
    "size limit",
    "nesting limit",
    "part limit",
    "depth limit",
    "header limit",
    "long header",
    "unparsable",
)


@dataclass(frozen=True, slots=True)
class GuardInput:
    """What the guards look at. `fresh` is the age up to which a message may be answered; `backlog` marks mail that
    was found late, whatever its date says. `found_in_message` holds the objections found when the message was read,
    for later checks, when the message is no longer at hand."""

    arrival: Arrival
    owner: Owner
    authentication: Authentication
    preferences: Preferences
    challenge_history: ChallengeHistory
    vacation_on: bool
    backlog: bool
    fresh: timedelta
    now: datetime
    found_in_message: tuple[str, ...] | None = None

    @property
    def message(self) -> Message:
        return self.arrival.message


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. `check` returns True if the message must not be answered; `description` is for people.
    `message_only`: the check depends only on the message, its owner and its authentication."""

    name: str
    description: str
    check: Callable[[GuardInput], bool]
    message_only: bool = True

    def objects(self, about: GuardInput) -> bool:
        """Run the check, or look up its earlier result in `found_in_message`."""
        if self.message_only and about.found_in_message is not None:
            return self.name in about.found_in_message
        return self.check(about)


def objections(about: GuardInput) -> tuple[str, ...]:
    """The names of all guards that object, in the order of the table; () means a reply may be sent."""
    return tuple(guard.name for guard in GUARDS if guard.objects(about))


def objections_of_message(arrival: Arrival, owner: Owner, authentication: Authentication) -> tuple[str, ...]:
    """The objections that follow from the message alone, to be kept for `GuardInput.found_in_message`."""
    about = GuardInput(
        arrival,
        owner,
        authentication,
        preferences=Preferences(),
        challenge_history=ChallengeHistory(),
        vacation_on=False,
        backlog=False,
        fresh=timedelta(0),
        now=arrival.received_at,
    )
    return tuple(guard.name for guard in GUARDS if guard.message_only and guard.check(about))


def _auto_submitted(about: GuardInput) -> bool:
    keywords = {v.partition(";")[0].strip().lower() for v in about.message.headers.all("Auto-Submitted")}
    return bool(keywords - {"", "no"})


def _list_headers(about: GuardInput) -> bool:
    names = (name.lower() for name, _ in about.message.headers)
    return any(name.startswith("list-") or name.startswith(_LIST_FIELDS) for name in names)


def _suppressed(about: GuardInput) -> bool:
    values = ",".join(about.message.headers.all("X-Auto-Response-Suppress"))
    return bool({word.strip().lower() for word in values.split(",")} & _SUPPRESS)


def _auto_reply(about: GuardInput) -> bool:
    message = about.message
    return is_titled_auto_reply(message) or any(name in message.headers for name in _AUTOREPLY_FIELDS)


def _loops(about: GuardInput) -> bool:
    values = " ".join(about.message.headers.all("X-Loop")).lower()
    return "pitchgate" in values or any(address in values for address in about.owner.addresses if address)


def _report(about: GuardInput) -> bool:
    declared = about.message.headers.first("Content-Type").lower()
    named = about.message.content_type == "multipart/report" or "multipart/report" in declared
    return named or "report-type" in declared


def _own_address(about: GuardInput) -> bool:
    own = {mailbox_key(address) for address in about.owner.addresses}
    involved = (*about.message.from_, reply_address(about.message))
    return any(mailbox_key(address.address) in own for address in involved if address.address)


def _not_one_author(about: GuardInput) -> bool:
    message = about.message
    return len(message.from_) != 1 or not message.sender.domain or len(message.headers.all("From")) > 1


def _stale(about: GuardInput) -> bool:
    # A date in the far future is as suspicious as an old one.
    return abs(about.now - about.arrival.received_at) > about.fresh


def _limit(name: str, description: str) -> Guard:
    return Guard(
        name,
        description,
        lambda about: RATE_LIMITS[name](about.challenge_history, about.preferences, about.now),
        message_only=False,
    )


GUARDS = (
    Guard("auto_submitted", "It was sent by a program (Auto-Submitted).", _auto_submitted),
    Guard(
        "null_sender",
        "Its envelope names no sender, so nobody wants an answer (empty Return-Path).",
        lambda about: null_sender(about.message),
    ),
    Guard("list_headers", "It came over a mailing list (List-… header).", _list_headers),
    Guard(
        "precedence",
        "It is marked as bulk mail (Precedence).",
        lambda about: bool(precedence(about.message) & _BULK),
    ),
    Guard("suppressed", "Its sender asks for no automatic answers (X-Auto-Response-Suppress).", _suppressed),
    Guard(
        "autoreply_headers",
        "It is an automatic reply (X-Autoreply and the like, or a subject such as Out of office).",
        _auto_reply,
    ),
    Guard("loop", "It has been through this mailbox before (X-Loop).", _loops),
    Guard(
        "feedback_id",
        "It was sent by a bulk mailer (Feedback-ID).",
        lambda about: any(name in about.message.headers for name in _FEEDBACK_FIELDS),
    ),
    Guard("report", "It is a bounce or a report (multipart/report).", _report),
    Guard(
        "machine_address",
        "Nobody reads the address it came from (no-reply, mailer-daemon and the like).",
        lambda about: from_machine(about.message),
    ),
    Guard("own_address", "It comes from one of the owner's own addresses.", _own_address),
    Guard(
        "labels",
        "It is not ordinary incoming mail: sent, a draft, a chat, spam or in the bin.",
        lambda about: bool(about.arrival.labels & NOT_INCOMING_LABELS),
    ),
    Guard(
        NOT_ADDRESSED,
        "None of the owner's addresses stands in To or Cc.",
        lambda about: not addressed_to(about.message, about.owner),
    ),
    Guard(
        NOT_AUTHENTICATED,
        "Gmail could not confirm the sender, so an answer might hit somebody else.",
        lambda about: not about.authentication.passed,
    ),
    Guard("not_one_author", "It names no author, or several.", _not_one_author),
    Guard(
        "unwritable_address",
        "The sender's address is one that ordinary mail cannot be sent to.",
        lambda about: (
            bool(reply_address(about.message).domain)
            and not is_writable(reply_address(about.message).address)
        ),
    ),
    Guard(
        "cut_short",
        "It could not be read to its end, so signs against an answer may have been missed.",
        lambda about: any(defect.startswith(_CUT_SHORT) for defect in about.message.defects),
    ),
    Guard("stale", "It is too old for an answer to be expected.", _stale, message_only=False),
    Guard(
        "backlog",
        "It was found while catching up, not when it came.",
        lambda about: about.backlog,
        message_only=False,
    ),
    Guard(
        "vacation",
        "The owner's vacation responder is on and answers already.",
        lambda about: about.vacation_on,
        message_only=False,
    ),
    Guard(
        "foreign_challenge",
        "It is itself another system's request to prove oneself.",
        lambda about: is_challenge(about.message),
    ),
    _limit("open_challenge", "This sender has a link that still works."),
    _limit("asked_recently", "This sender was answered within the last 7 days."),
    _limit("domain_limit", "Enough senders of this domain were answered today."),
    _limit("mailbox_limit", "This mailbox has sent its answers for today."),
    _limit("thread_answered", "This conversation has had an automatic answer."),
)
"""All guards, the cheap and absolute ones first. Their names are stored and counted."""
