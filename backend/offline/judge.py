"""Judges the messages of an archive, on all cores."""

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
from backend.domain.mail.machine_mail import MailForm, form_of, list_address
from backend.domain.mail.message import Arrival, Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.mail.quoting import is_decline
from backend.domain.mail.sender import Authentication, authenticate, organisational_domain
from backend.domain.mailbox.mailbox import Mode, Preferences, Strictness
from backend.domain.mailbox.message import Verdict
from backend.domain.policy.evidence import EVIDENCE_ROWS, Evidence, company_domain
from backend.domain.policy.table import NOT_INCOMING_LABELS, Facts, Standing, decide
from backend.domain.reading.passages import most_like_a_pitch, passages
from backend.domain.reading.score import Reason, Score, Thresholds, with_quotes
from backend.offline.archives import ArchivedMessage
from backend.offline.mbox import system_labels

if TYPE_CHECKING:
    from backend.scoring.session import ModelSession


# ---- Judging an archive
# Differences from a live mailbox, all stated in the report of `pitchgate scan`: nothing is moved or answered; a message
# without Google's authentication results counts as authentic, since most archives have none; and credits are unknown.


ASSUMED = Authentication(True, "", "taken at its word: no results by Google")
STRANGER = Standing()
"""The sender's standing before the whole archive has been read."""


@dataclass(frozen=True, slots=True)
class ScoredMessage:
    """What is kept of a message until all are read: its facts without the text, its score, the ids of the messages it
    replies to (`earlier`), the recipients if the owner wrote it in person, else None (`wrote_to`), and the address of
    the list that has signed it, else ""."""

    file: str
    facts: Facts
    score: Score
    earlier: frozenset[str] = frozenset()
    wrote_to: frozenset[str] | None = None
    list_address: str = ""

    @property
    def message(self) -> Message:
        return self.facts.arrival.message

    @property
    def received_at(self) -> datetime:
        return self.facts.arrival.received_at


@dataclass(frozen=True, slots=True)
class ScannedMessage:
    """A message of the archive and the verdict it would have got."""

    file: str
    message: Message
    verdict: Verdict
    score: Score

    @property
    def held(self) -> bool:
        return self.verdict.holds

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return self.score.reasons


@dataclass
class Judge:
    """Scores the messages of one archive. `me` is the owner's address, "" if unknown: then each message's recipient
    counts as its owner, and nobody as a correspondent."""

    session: ModelSession
    me: str = ""
    strictness: Strictness = Strictness.NORMAL

    @classmethod
    def of(cls, model: bytes, path: Path, me: str, strictness: Strictness) -> Judge:
        """A judge with the model in the bytes `model`, read from `path`. Raises `ModelRefused`, which names the
        path."""
        # Imported late: the process that only distributes the messages does not need the model's runtime.
        from backend.scoring.model_file import admit
        from backend.scoring.session import ModelSession

        return cls(ModelSession(model, admit(model, path), path), me, strictness)

    @cached_property
    def _preferences(self) -> Preferences:
        return Preferences(mode=Mode.QUARANTINE, strictness=self.strictness)

    def score_message(self, archived: ArchivedMessage) -> ScoredMessage:
        """The facts and the score of one message by itself. Accepts any bytes."""
        message = parse(archived.raw)
        owner = Owner(self.me or (message.to[0].address if message.to else ""))
        arrival = Arrival(
            archived.file, "", _labels(message, self.me), _received_at(message), message, len(archived.raw)
        )
        without_text = Message(from_=message.from_, subject=message.subject, message_id=message.message_id)
        facts = Facts(
            arrival=replace(arrival, message=without_text),
            owner=owner,
            authentication=_authentication(message),
            preferences=self._preferences,
            standing=STRANGER,
            form=form_of(arrival, owner),
        )
        readings = passages(message, owner)
        facts = replace(facts, read_limit=limit_of(message, readings[0]))
        decisive, score = most_like_a_pitch(readings, self.session.score)
        score = with_quotes(score, decisive.model_input, decisive.own or readings[0].own)
        earlier = frozenset((*message.references, message.in_reply_to)) - {""}
        signed_list = list_address(message)
        return ScoredMessage(archived.file, facts, score, earlier, self._wrote_to(message), signed_list)

    def _wrote_to(self, message: Message) -> frozenset[str] | None:
        if not self.me or message.sender.address != self.me:
            return None
        if "X-Pitchgate-Challenge" in message.headers or is_decline(message.text):
            return None
        return frozenset(address.address for address in (*message.to, *message.cc)) - {"", self.me}


def judge(messages: Iterable[ScoredMessage], thresholds: Thresholds) -> tuple[ScannedMessage, ...]:
    """The verdict on each message, in the order given, as if they had arrived in the order of their dates. Everybody
    the owner ever wrote to counts as known from the start. `thresholds` are the model's for the chosen strictness."""
    evidence = Evidence()
    listed = list(messages)
    own = [mail for mail in listed if mail.wrote_to is not None]
    authors = {mail.message.message_id: mail.message.sender.address for mail in listed}
    thread_authors = {mail.message.message_id: {authors.get(one) for one in mail.earlier} for mail in own}
    correspondents = frozenset().union(*(mail.wrote_to or () for mail in own))
    firms = {company_domain(organisational_domain(one.rpartition("@")[2])) for one in correspondents} - {""}
    verdicts: dict[int, Verdict] = {}
    for place in sorted(range(len(listed)), key=lambda place: (listed[place].received_at, place)):
        mail = listed[place]
        sender, domain = mail.message.sender.address, organisational_domain(mail.message.sender.domain)
        about = (sender, domain, mail.received_at)
        standing = Standing(
            corresponded=sender in correspondents,
            # It replies to mail of the owner's, and its author took part there or is from a firm they wrote to.
            took_part=any(
                sender in thread_authors[one] or company_domain(domain) in firms
                for one in mail.earlier & thread_authors.keys()
            ),
            earlier=evidence.before(*about),
        )
        form = MailForm.MACHINE if mail.list_address in correspondents else mail.facts.form
        facts = replace(mail.facts, standing=standing, form=form)
        verdict = verdicts[place] = decide(facts, mail.score, thresholds, guards=(), now=mail.received_at)
        if verdict.row in EVIDENCE_ROWS:
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
    """The message's Gmail system labels; without any it counts as inbox mail."""
    labels = set(system_labels(message))
    if me and message.sender.address == me:
        labels.add("SENT")
    # A message that was archived later had been in the inbox when it arrived.
    return frozenset(labels if labels & NOT_INCOMING_LABELS else labels | {"INBOX"})


def _received_at(message: Message) -> datetime:
    try:
        at = parsedate_to_datetime(message.headers.first("Date"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return datetime(1970, 1, 1, tzinfo=UTC)


# ---- An archive on several cores


BATCH, BATCH_BYTES = 32, 1_000_000
"""Most messages of one batch, and the bytes at which it is full with fewer."""

PER_PROCESS = 250
"""Messages that make it worth starting one more process, which takes about half a second."""

MANY_BYTES = 16_000_000
"""Bytes that make all processes worth starting, however few messages."""

_BATCHES_AHEAD = 3
"""Batches submitted ahead for each process, so that none is idle. Bounded, as an archive may be larger than memory."""

_judge: Judge
"""The judge of a worker process."""


def cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


MakeJudge = Callable[[], Judge]
"""Makes the judge of a process. It is pickled to be sent there."""


def score_messages(
    make_judge: MakeJudge, messages: Iterable[ArchivedMessage], jobs: int
) -> Iterator[ScoredMessage]:
    """Score the messages, in order, on up to `jobs` processes; a small number in this one.

    Raises `PitchgateError` if a process dies, most likely because memory ran out.
    """
    jobs, messages = _useful_processes(messages, jobs)
    if jobs <= 1:
        yield from map(make_judge().score_message, messages)
        return
    # Spawned, not forked, because the progress bar already runs a thread.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _start_process, (make_judge,))
    try:
        yield from _in_order(pool, _batches(messages), jobs * _BATCHES_AHEAD)
    except BrokenProcessPool as error:
        raise PitchgateError("reading_ended") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _useful_processes(
    messages: Iterable[ArchivedMessage], jobs: int
) -> tuple[int, Iterable[ArchivedMessage]]:
    """How many processes are worth starting, and the messages. Their number is unknown before they are read, so the
    first ones are read ahead to decide."""
    messages, first, size = iter(messages), list[ArchivedMessage](), 0
    while (
        len(first) < jobs * PER_PROCESS
        and size < MANY_BYTES
        and (archived := next(messages, None)) is not None
    ):
        first.append(archived)
        size += len(archived.raw)
    return jobs if size >= MANY_BYTES else min(jobs, len(first) // PER_PROCESS), chain(first, messages)


def _batches(messages: Iterable[ArchivedMessage]) -> Iterator[list[ArchivedMessage]]:
    batch: list[ArchivedMessage] = []
    size = 0
    for archived in messages:
        batch.append(archived)
        size += len(archived.raw)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _in_order(
    pool: ProcessPoolExecutor, batches: Iterable[list[ArchivedMessage]], ahead: int
) -> Iterator[ScoredMessage]:
    pending: deque[Future[list[ScoredMessage]]] = deque()
    for batch in batches:
        pending.append(pool.submit(_score_batch, batch))
        if len(pending) >= ahead:
            yield from pending.popleft().result()
    while pending:
        yield from pending.popleft().result()


def _start_process(make_judge: MakeJudge) -> None:
    global _judge
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the main process
    _judge = make_judge()


def _score_batch(batch: list[ArchivedMessage]) -> list[ScoredMessage]:
    return [_judge.score_message(archived) for archived in batch]
