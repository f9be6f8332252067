"""Judge messages of an archive by the policy table, as they would have been judged on arrival.

The differences to a live mailbox, all of which the report of `pitchgate scan` states: nothing is moved or
answered; a mail without Google's own authentication results is taken at its word, since most archives have
none and nothing is done about a forged one; and nobody's credits are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from backend.domain.entry.decline import is_decline
from backend.domain.mail.authentication import Authentication, authenticate
from backend.domain.mail.message import Arrival, Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.mailbox.mailbox import Mode, Preferences, Strictness
from backend.domain.mailbox.verdict import Verdict
from backend.domain.policy.decide import Facts, decide
from backend.domain.policy.standing import Standing
from backend.domain.reading.reasons import illustrate
from backend.domain.reading.score import Reason, Score
from backend.domain.reading.wording import read, written
from backend.offline.archives import Filed
from backend.scoring.session import ModelSession

LABELS = "X-Gmail-Labels"
NOT_INBOX = {"spam": "SPAM", "trash": "TRASH", "drafts": "DRAFT", "sent": "SENT", "chat": "CHAT"}
CATEGORIES = {
    "category promotions": "CATEGORY_PROMOTIONS",
    "category social": "CATEGORY_SOCIAL",
    "category forums": "CATEGORY_FORUMS",
    "category updates": "CATEGORY_UPDATES",
}
ASSUMED = Authentication(True, "", "taken at its word: no results by Google")


@dataclass(frozen=True, slots=True)
class Judged:
    """One message of the archive and what would have become of it."""

    file: str
    message: Message
    verdict: Verdict
    score: Score

    @property
    def held(self) -> bool:
        """Whether it would have left the inbox."""
        return self.verdict.holds

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, the strongest first."""
        return self.score.reasons


@dataclass
class Judge:
    """Judges one archive. `me` is the owner's address, "" if unknown: then each mail's own recipient is
    taken for its owner, and nobody is a correspondent."""

    session: ModelSession
    me: str = ""
    strictness: Strictness = Strictness.NORMAL
    correspondents: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    held_before: set[str] = field(default_factory=set)

    def learn(self, filed: Filed) -> None:
        """First pass: whom the owner wrote to, and which threads he took part in."""
        message = parse(filed.raw)
        if not self.me or message.sender.address != self.me:
            return
        if "X-Pitchgate-Challenge" in message.headers or is_decline(message.text):
            return
        self.written.add(message.message_id)
        self.correspondents |= {address.address for address in (*message.to, *message.cc)} - {"", self.me}

    def judge(self, filed: Filed) -> Judged:
        """Second pass: the verdict on one message. Any bytes will do."""
        message = parse(filed.raw)
        owner = Owner(self.me or (message.to[0].address if message.to else ""))
        reading = read(message, owner)
        score = illustrate(self.session.score(written(reading)), reading)
        received = _received_at(message)
        facts = Facts(
            arrival=Arrival(filed.file, "", _labels(message, self.me), received, message, len(filed.raw)),
            owner=owner,
            authentication=_authentication(message),
            preferences=Preferences(mode=Mode.QUARANTINE, strictness=self.strictness),
            standing=self._standing(message),
        )
        verdict = decide(facts, score, self.session.thresholds(self.strictness), (), received)
        if verdict.holds and message.sender.address:
            self.held_before.add(message.sender.address)
        return Judged(filed.file, message, verdict, score)

    def _standing(self, message: Message) -> Standing:
        sender = message.sender.address
        earlier = {*message.references, message.in_reply_to} - {""}
        return Standing(
            corresponded=sender in self.correspondents,
            took_part=bool(earlier & self.written),
            held_undecided=sender in self.held_before,
        )


def _authentication(message: Message) -> Authentication:
    by_google = any(
        value.strip().lower().startswith("mx.google.com")
        for value in message.headers.all("Authentication-Results")
    )
    return authenticate(message) if by_google else ASSUMED


def _labels(message: Message, me: str) -> frozenset[str]:
    """Gmail's labels as Takeout writes them (in English); mail without them is taken for inbox mail."""
    told = {label.strip(' "').lower() for label in message.headers.first(LABELS).split(",")} - {""}
    labels = {name for word, name in {**NOT_INBOX, **CATEGORIES}.items() if word in told}
    if me and message.sender.address == me:
        labels.add("SENT")
    # An archived mail was in the inbox when it arrived.
    return frozenset(labels if labels & set(NOT_INBOX.values()) else labels | {"INBOX"})


def _received_at(message: Message) -> datetime:
    try:
        at = parsedate_to_datetime(message.headers.first("Date"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return datetime(1970, 1, 1, tzinfo=UTC)
