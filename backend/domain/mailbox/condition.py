"""What each state of a mailbox means to its owner: what is so, why, and what mends it. Every screen reads it here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.mailbox.failing import Blame, Failing
from backend.domain.mailbox.mailbox import Condition, Gap, Mailbox
from backend.domain.mailbox.notices import Missing, Notices


class Who(StrEnum):
    """Who has to do something."""

    NOBODY = "nobody"
    OWNER = "owner"
    PITCHGATE = "pitchgate"  # it is at it by itself


@dataclass(frozen=True, slots=True)
class Explanation:
    """One state in words. `title` is two or three words, `cause` and `remedy` a sentence each ("" if there is
    nothing to mend); `warnings` are further sentences about what is not a state but should be known."""

    condition: Condition
    title: str
    cause: str
    remedy: str
    who: Who
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Cause and remedy as one paragraph."""
        return " ".join(part for part in (self.cause, self.remedy) if part)


_TEXTS: dict[Condition, tuple[str, str, str, Who]] = {
    Condition.CONNECTING: (
        "Connecting",
        "Gmail is being asked to tell us about new mail.",
        "This takes a few seconds.",
        Who.PITCHGATE,
    ),
    Condition.INDEXING: (
        "Learning who you know",
        "We read who you have written to, so that their mail is never held.",
        "New mail waits in the inbox until then.",
        Who.PITCHGATE,
    ),
    Condition.ACTIVE: ("Active", "New mail is read as it arrives, and pitches are held.", "", Who.NOBODY),
    Condition.OBSERVING: (
        "Observing",
        "Nothing is held: what would be held only gets a label.",
        "Choose another mode when you have seen enough.",
        Who.NOBODY,
    ),
    Condition.PAUSED: (
        "Paused",
        "You have paused it: all new mail stays in the inbox.",
        "It resumes automatically when the pause ends.",
        Who.NOBODY,
    ),
    Condition.NEEDS_RECONNECT: (
        "Access lost",
        "Google no longer lets us into this mailbox.",
        "Connect again; Pitchgate continues where it stopped.",
        Who.OWNER,
    ),
    Condition.WATCH_LAPSED: (
        "No news from Gmail",
        "Gmail has stopped telling us about new mail, so we only look for it from time to time.",
        "We are asking Gmail again.",
        Who.PITCHGATE,
    ),
    Condition.DELAYED: (
        "Delayed",
        "",
        "We keep trying; until then mail stays where it is.",
        Who.PITCHGATE,
    ),
    Condition.DISCONNECTED: (
        "Disconnecting",
        "This mailbox is being disconnected: the watch stops, access is withdrawn, and everything stored is deleted.",
        "This takes a few seconds.",
        Who.PITCHGATE,
    ),
}

_POLLED = {
    Condition.CONNECTING: "Our labels are being made in Gmail.",
    Condition.ACTIVE: "Gmail is asked for new mail a few times a minute, and pitches are held.",
}
"""The same where nobody tells us of new mail."""

_BLAMES = {
    Blame.LIMITS: "Gmail asks us to wait",
    Blame.GOOGLE: "Gmail does not answer as it should",
    Blame.OURS: "something is broken on our side",
}

WATCH_LAPSES = (
    "Gmail will stop telling us about new mail in less than two days: renewing has failed so far. We keep "
    "trying; if this message stays, connect again."
)
_WHY = {
    Missing.CREDENTIALS: "this server has no valid credentials with Google Cloud",
    Missing.SUBSCRIPTION: "the subscription they are fetched from does not exist, or is one that pushes",
    Missing.RIGHT: "this server may not fetch from the subscription",
    Missing.CONNECTION: "Pub/Sub cannot be reached",
}
MISSING = {
    what: f"Gmail's notices of new mail do not arrive: {why}. Until they do we look every few minutes."
    for what, why in _WHY.items()
}
RECENT_DAYS = 7
"""How long a gap that left something out is shown."""


def lost_link(cause: str, remedy: str) -> str:
    """What is kept as a lost link's cause: what Google said and, on a second line, what mends it."""
    return f"{cause}\n{remedy}".rstrip("\n")


def delay_text(failing: Failing) -> str:
    """Since when mail waits, and why."""
    since = f"{failing.since:%Y-%m-%d %H:%M} UTC"
    what = f"New mail has not been read since {since}"
    if not failing.reads:
        what = f"Some mail has waited since {since} to be judged or moved"
    return f"{what}: {_BLAMES[failing.blame]}."


def explain(mailbox: Mailbox, now: datetime) -> Explanation:
    """The state of `mailbox` at `now` in words."""
    condition = mailbox.condition(now)
    title, cause, remedy, who = _TEXTS[condition]
    if condition in _POLLED and mailbox.notices is Notices.POLL:
        cause = _POLLED[condition]
    if condition is Condition.NEEDS_RECONNECT and mailbox.link_cause:
        cause, _, mends = mailbox.link_cause.partition("\n")
        remedy = mends or remedy
    trouble = mailbox.trouble(now)
    if condition is Condition.DELAYED and trouble is not None:
        cause = delay_text(trouble)
    if condition is Condition.INDEXING and mailbox.index_total:
        cause = f"{cause} {mailbox.index_done} of about {mailbox.index_total} sent emails are read."
    if condition is Condition.PAUSED and mailbox.preferences.paused_until is not None:
        remedy = f"It resumes automatically at {mailbox.preferences.paused_until:%Y-%m-%d %H:%M} UTC."
    return Explanation(condition, title, cause, remedy, who, tuple(_warnings(mailbox, condition, now)))


def _warnings(mailbox: Mailbox, condition: Condition, now: datetime) -> list[str]:
    found: list[str] = []
    if mailbox.missing is not None:
        found.append(MISSING[mailbox.missing])
    told = condition not in (Condition.NEEDS_RECONNECT, Condition.WATCH_LAPSED, Condition.DISCONNECTED)
    if told and mailbox.watch_alarm(now):
        found.append(WATCH_LAPSES)
    trouble = mailbox.trouble(now)
    if condition is Condition.PAUSED and trouble is not None:
        found.append(delay_text(trouble))
    gap = mailbox.gap
    if gap is not None and (gap.cut or gap.unchecked) and (now - gap.until).days < RECENT_DAYS:
        found.append(gap_text(gap))
    return found


def gap_text(gap: Gap) -> str:
    """What a re-list did, in words."""
    span = f"From {gap.since:%Y-%m-%d %H:%M} to {gap.until:%Y-%m-%d %H:%M} UTC"
    text = f"{span} Gmail kept no record of changes; {gap.found} emails were found by searching."
    if gap.cut == "count":
        text += " There were more: older mail from that time stays in the inbox, unread by us."
    if gap.cut == "time":
        text += " Mail from before that time stays in the inbox, unread by us."
    if gap.unchecked:
        text += (
            f" {gap.unchecked} held emails were too many to be compared with Gmail: if you moved some of them in that"
            " time, move them again."
        )
    return text
