"""Judges what lies in archives, on all cores."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from backend.domain.digesting import limit_of
from backend.domain.errors import PitchgateError
from backend.domain.mail.authentication import Authentication, authenticate
from backend.domain.mail.machine_mail import form_of
from backend.domain.mail.message import Arrival, Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.mail.quoting import is_decline
from backend.domain.mail.sender import organisational_domain
from backend.domain.mailbox.mailbox import Mode, Preferences, Strictness
from backend.domain.mailbox.message import Verdict
from backend.domain.policy.evidence import COUNTED, Evidence, firm
from backend.domain.policy.table import NOT_INCOMING_LABELS, Facts, Standing, decide
from backend.domain.reading.score import Reason, Score, Thresholds, illustrate
from backend.domain.reading.views import surest, views
from backend.offline.archives import Filed
from backend.offline.mbox import system_labels

if TYPE_CHECKING:
    from backend.scoring.session import ModelSession


# ---- Judging an archive
# The differences to a live mailbox, all of which the report of `pitchgate scan` states: nothing is moved or answered;
# a mail without Google's own authentication results is taken at its word, since most archives have none and nothing
# is done about a forged one; and nobody's credits are known.


ASSUMED = Authentication(True, "", "taken at its word: no results by Google")
STRANGER = Standing()
"""Until the whole archive has been read."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is kept of one message of the archive until all are read: its facts without its text, its score, what it
    answers, and, if the owner wrote it as one human to another, to whom (else None)."""

    file: str
    facts: Facts
    score: Score
    earlier: frozenset[str] = frozenset()
    wrote_to: frozenset[str] | None = None

    @property
    def message(self) -> Message:
        """Sender, subject and id."""
        return self.facts.arrival.message

    @property
    def received_at(self) -> datetime:
        """When it came, by its Date."""
        return self.facts.arrival.received_at


@dataclass(frozen=True, slots=True)
class ScannedMessage:
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
    """Weighs the mail of one archive. `me` is the owner's address, "" if unknown: then each mail's own recipient is
    taken for its owner, and nobody is a correspondent."""

    session: ModelSession
    me: str = ""
    strictness: Strictness = Strictness.NORMAL

    @classmethod
    def of(cls, model: bytes, path: Path, me: str, strictness: Strictness) -> Judge:
        """With the model in these bytes, which `path` held. Raises `ModelRefused`, which names it."""
        # Imported here: a process that only hands mail to others does without the model's runtime.
        from backend.scoring.model_file import admit
        from backend.scoring.session import ModelSession

        return cls(ModelSession(model, admit(model, path), path), me, strictness)

    @cached_property
    def _preferences(self) -> Preferences:
        return Preferences(mode=Mode.QUARANTINE, strictness=self.strictness)

    def weigh(self, filed: Filed) -> Weighed:
        """The facts and the score of one message, whatever the others are. Any bytes will do."""
        message = parse(filed.raw)
        owner = Owner(self.me or (message.to[0].address if message.to else ""))
        arrival = Arrival(
            filed.file, "", _labels(message, self.me), _received_at(message), message, len(filed.raw)
        )
        kept = Message(from_=message.from_, subject=message.subject, message_id=message.message_id)
        facts = Facts(
            arrival=replace(arrival, message=kept),
            owner=owner,
            authentication=_authentication(message),
            preferences=self._preferences,
            standing=STRANGER,
            form=form_of(arrival, owner),
        )
        seen = views(message, owner)
        facts = replace(facts, limit=limit_of(message, seen[0]))
        decisive, score = surest(seen, self.session.score)
        score = illustrate(score, decisive.reading, decisive.own or seen[0].own)
        earlier = frozenset((*message.references, message.in_reply_to)) - {""}
        return Weighed(filed.file, facts, score, earlier, self._wrote_to(message))

    def _wrote_to(self, message: Message) -> frozenset[str] | None:
        if not self.me or message.sender.address != self.me:
            return None
        if "X-Pitchgate-Challenge" in message.headers or is_decline(message.text):
            return None
        return frozenset(address.address for address in (*message.to, *message.cc)) - {"", self.me}


def judge(messages: Iterable[Weighed], limits: Thresholds) -> tuple[ScannedMessage, ...]:
    """The verdict on each message, in their order, as if they had come in the order of their dates. Whom the owner
    wrote to at any time was known to them all along; `limits` are the model's for their strictness."""
    evidence = Evidence()
    listed = list(messages)
    own = [mail for mail in listed if mail.wrote_to is not None]
    authors = {mail.message.message_id: mail.message.sender.address for mail in listed}
    belong = {mail.message.message_id: {authors.get(one) for one in mail.earlier} for mail in own}
    correspondents = frozenset().union(*(mail.wrote_to or () for mail in own))
    firms = {firm(organisational_domain(one.rpartition("@")[2])) for one in correspondents} - {""}
    verdicts: dict[int, Verdict] = {}
    for place in sorted(range(len(listed)), key=lambda place: (listed[place].received_at, place)):
        mail = listed[place]
        sender = mail.message.sender.address
        about = (sender, organisational_domain(mail.message.sender.domain), mail.received_at)
        standing = Standing(
            corresponded=sender in correspondents,
            took_part=any(
                sender in belong[one] or firm(about[1]) in firms for one in mail.earlier & belong.keys()
            ),
            earlier=evidence.before(*about),
        )
        facts = replace(mail.facts, standing=standing)
        verdict = verdicts[place] = decide(facts, mail.score, limits, (), mail.received_at)
        if verdict.row in COUNTED:
            evidence.add(*about, facts.authentication.passed, mail.score.probability, verdict.holds)
    return tuple(
        ScannedMessage(mail.file, mail.message, verdicts[place], mail.score)
        for place, mail in enumerate(listed)
    )


def _authentication(message: Message) -> Authentication:
    by_google = any(
        value.strip().lower().startswith("mx.google.com")
        for value in message.headers.all("Authentication-Results")
    )
    return authenticate(message) if by_google else ASSUMED


def _labels(message: Message, me: str) -> frozenset[str]:
    """Gmail's own labels of a message; one without them is taken for inbox mail."""
    labels = set(system_labels(message))
    if me and message.sender.address == me:
        labels.add("SENT")
    # An archived mail was in the inbox when it arrived.
    return frozenset(labels if labels & NOT_INCOMING_LABELS else labels | {"INBOX"})


def _received_at(message: Message) -> datetime:
    try:
        at = parsedate_to_datetime(message.headers.first("Date"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return datetime(1970, 1, 1, tzinfo=UTC)


# ---- An archive on several cores


HANDED, BYTES_HANDED = 32, 1_000_000
"""Messages handed over at once, and when they are fewer because they are long."""

WORTH = 250
"""Messages for which it is worth it to start one more process, which takes about half a second."""

MANY_BYTES = 16_000_000
"""As good as many messages."""

_AHEAD = 3
"""Handfuls in hand for each process, so that none waits; an archive is larger than memory."""

_judge: Judge
"""In a process that weighs: the one it weighs with."""


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


Begin = Callable[[], Judge]
"""What each process that weighs begins with. It is sent to processes."""


def weighed(begin: Begin, messages: Iterable[Filed], jobs: int) -> Iterator[Weighed]:
    """The messages weighed, in their order, on up to `jobs` processes; a few of them by this one.

    Raises `PitchgateError` if a process is lost, most likely because memory ran out.
    """
    jobs, messages = _worth(messages, jobs)
    if jobs <= 1:
        yield from map(begin().weigh, messages)
        return
    # Started fresh, not forked: the progress bar has a thread by now.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (begin,))
    try:
        yield from _in_order(pool, _handfuls(messages), jobs * _AHEAD)
    except BrokenProcessPool as error:
        raise PitchgateError("reading_ended") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _worth(messages: Iterable[Filed], jobs: int) -> tuple[int, Iterable[Filed]]:
    """How many processes are worth it, and the messages again. How many there are nobody knows before they are read:
    the first ones tell."""
    messages, first, size = iter(messages), list[Filed](), 0
    while len(first) < jobs * WORTH and size < MANY_BYTES and (filed := next(messages, None)) is not None:
        first.append(filed)
        size += len(filed.raw)
    return jobs if size >= MANY_BYTES else min(jobs, len(first) // WORTH), chain(first, messages)


def _handfuls(messages: Iterable[Filed]) -> Iterator[list[Filed]]:
    handful: list[Filed] = []
    size = 0
    for filed in messages:
        handful.append(filed)
        size += len(filed.raw)
        if len(handful) >= HANDED or size >= BYTES_HANDED:
            yield handful
            handful, size = [], 0
    if handful:
        yield handful


def _in_order(pool: ProcessPoolExecutor, handfuls: Iterable[list[Filed]], ahead: int) -> Iterator[Weighed]:
    handed: deque[Future[list[Weighed]]] = deque()
    for handful in handfuls:
        handed.append(pool.submit(_weigh, handful))
        if len(handed) >= ahead:
            yield from handed.popleft().result()
    while handed:
        yield from handed.popleft().result()


def _begin(begin: Begin) -> None:
    global _judge
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    _judge = begin()


def _weigh(handful: list[Filed]) -> list[Weighed]:
    return [_judge.weigh(filed) for filed in handful]
