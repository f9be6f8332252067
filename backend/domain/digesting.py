"""Reads a message: keeps of it what a `Digest` holds, or shows its text to its owner."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from backend.domain.digest import Digest, sender_key
from backend.domain.entry.challenge_mail import MAX_SUBJECT
from backend.domain.mail.authentication import authenticate
from backend.domain.mail.machine_mail import (
    addressed_to,
    form_of,
    is_bounce,
    list_address,
    offer,
    reply_address,
)
from backend.domain.mail.message import UNSEEN, Address, Arrival, Message, Owner
from backend.domain.mail.quoting import is_decline
from backend.domain.mail.visible import visible
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpen, Limit
from backend.domain.policy.evidence import CLEARLY_ORDINARY
from backend.domain.policy.guards import objections_of_message
from backend.domain.reading.score import MAX_SHOWN, Reason, Score, Shown, Thresholds, illustrate, marks
from backend.domain.reading.views import View, surest, views
from backend.domain.reading.wording import body, names_of
from backend.domain.reading.words import OTHER, language

# ---- Read a message into a `Digest`
# Everything that looks at a stranger's bytes or text happens in `digest`, `showing.show`, `correspondents` and
# `mail.unsubscribe.offer`, so that it can run where it can be stopped. What comes out can be handed about freely.


MAX_ADDRESS = 320
MAX_NAME = 200
MAX_MESSAGE_ID = 500
MAX_REFERENCES = 20
MAX_CORRESPONDENTS = 500
_LIMITS = {
    "size limit": Limit.SIZE,
    "text limit": Limit.SIZE,
    "part limit": Limit.PARTS,
    "depth limit": Limit.PARTS,
    "nesting limit": Limit.PARTS,
}
"""Defects of a message that leave some of its text unread."""
LANGUAGE_READ = 20_000
"""Characters of a text that tell its language."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """A challenger: how it scores a text, and its own thresholds."""

    score: Callable[[str], Score]
    thresholds: Mapping[Strictness, Thresholds]


def facts(arrival: Arrival, owner: Owner) -> Digest:
    """Everything but the score and what only an answer asks: what headers and form tell. Total."""
    return _facts(arrival, owner, language(arrival.message.text[:LANGUAGE_READ]))


def _facts(arrival: Arrival, owner: Owner, tongue: str) -> Digest:
    message = arrival.message
    authentication = authenticate(message)
    return Digest(
        arrival=replace(arrival, message=_pared(message)),
        authentication=authentication,
        form=form_of(arrival, owner),
        guards=(),
        bounce=is_bounce(message),
        reply_to=_usable(reply_address(message).address),
        language=tongue,
        written_to=addressed_to(message, owner),
        list_address=list_address(message),
        correspondents=correspondents(message, owner) if "SENT" in arrival.labels else (),
    )


def digest(
    arrival: Arrival,
    owner: Owner,
    model: Callable[[str], Score],
    thresholds: Mapping[Strictness, Thresholds],
    second: Challenger | None = None,
    briefly: Callable[[str], Score] | None = None,
    limit: Limit | None = None,
    doubts: Callable[[View, Score], bool] | None = None,
) -> Digest:
    """Everything about a message. `model` scores a text of `wording.written`, `thresholds` are its own; so does the
    `second` one, which may break and cost nothing. `briefly`: as `model` does, at less cost and without reasons, which
    nobody needs of mail that is clearly fine. `limit` says why this is not all of the message. `doubts` says whether
    the view that decided is to be read again, and keeps it for that. What the owner wrote is not scored. Raises nothing
    but `MemoryError` once the facts are known."""
    if "SENT" in arrival.labels and "DRAFT" not in arrival.labels:
        return facts(arrival, owner)
    known, tongue = _facts(arrival, owner, OTHER), OTHER
    cause = FailOpen.UNREADABLE
    try:
        seen = views(arrival.message, owner)
        tongue = seen[0].reading.language
        cause = FailOpen.SCORER_BROKEN
        decisive, score = surest(seen, briefly or model)
        if briefly is not None and _may_tell(score, thresholds):
            score = model(decisive.text).of_part(decisive.part)
        score = illustrate(score, decisive.reading, decisive.own or seen[0].own)
        doubtful = doubts is not None and doubts(decisive, score)
        cause = FailOpen.UNREADABLE
        answerable = doubtful or _may_hold(score, thresholds)
        guards = objections_of_message(arrival, owner, known.authentication) if answerable else ()
    except MemoryError:
        raise
    except Exception as error:
        # Whatever breaks in here must not hold mail back, and would break again.
        return replace(known, language=tongue, cause=cause, fault=fault_of(error))
    challenger: Score | None = None
    with contextlib.suppress(Exception):
        challenger = surest(seen, second.score)[1] if second is not None else None
    limits = second.thresholds if second is not None and challenger is not None else {}
    return replace(
        known,
        language=tongue,
        guards=guards,
        score=score,
        thresholds=thresholds,
        challenger=challenger,
        challenger_thresholds=limits,
        limit=limit or limit_of(arrival.message, seen[0]),
        doubtful=doubtful,
    )


def limit_of(message: Message, whole: View) -> Limit | None:
    """Whether there was more than is read."""
    struck = next(filter(None, map(_LIMITS.get, message.defects)), None)
    if struck is None and whole.cut:
        return Limit.PARTS
    return struck


def _may_hold(score: Score | None, thresholds: Mapping[Strictness, Thresholds]) -> bool:
    """Whether any policy holds or answers mail that scores so, with what its sender wrote before; most scores lower."""
    least = min((limits.strict for limits in thresholds.values()), default=0.0)
    return score is not None and score.probability >= min(least, CLEARLY_ORDINARY)


def _may_tell(score: Score, thresholds: Mapping[Strictness, Thresholds]) -> bool:
    """Whether a score is at any threshold: below them all it is asked for its reasons when somebody looks."""
    return score.probability >= min((min(t.clear, t.strict) for t in thresholds.values()), default=0.0)


def fault_of(error: BaseException) -> str:
    """The type of an error and where it was raised: never its message, which might quote mail."""
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"{type(error).__name__} at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}"
        if frames
        else ""
    )


def costly_sender(arrival: Arrival) -> str:
    """See `sender_key`."""
    message = arrival.message
    return sender_key(authenticate(message), _usable(message.sender.address))


def correspondents(message: Message, owner: Owner) -> tuple[str, ...]:
    """Whom a message the owner wrote makes a correspondent, sorted; nobody if it is automatic or a refusal."""
    automatic = message.headers.first("Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no")
    if automatic or "X-Pitchgate-Challenge" in message.headers or is_decline(_own_words(message)):
        return ()
    written_to = {address.address for address in (*message.to, *message.cc)} - {""}
    known = sorted(address for address in written_to - owner.addresses if len(address) <= MAX_ADDRESS)
    return tuple(known[:MAX_CORRESPONDENTS])


def _own_words(message: Message) -> str:
    """The body as a reader sees it: some programs send HTML alone."""
    return message.text if message.text.strip() or not message.html else visible(message.html).text


def _pared(message: Message) -> Message:
    references = tuple(known for known in message.references if len(known) <= MAX_MESSAGE_ID)
    return Message(
        from_=tuple(Address(_usable(a.address), a.name[:MAX_NAME]) for a in message.from_[:2]),
        subject=message.subject[:MAX_SUBJECT],
        message_id=message.message_id[:MAX_MESSAGE_ID],
        references=references[-MAX_REFERENCES:],
    )


def _usable(address: str) -> str:
    """The address, or "": cut short it would be somebody else's."""
    return address if len(address) <= MAX_ADDRESS else ""


# ---- A message as shown to its owner


_EMPTY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def show(message: Message, owner: Owner, score: Score, model: Callable[[str], Score] | None = None) -> Shown:
    """The message for the page and for the desktop app alike. `score` is that of the same message, with its reasons;
    where it was clearly fine `model`, which scored it, tells them now."""
    late: tuple[Reason, ...] = ()
    if model is not None and not score.reasons:
        seen = views(message, owner)
        decisive, again = surest(seen, model)
        late = illustrate(again, decisive.reading, decisive.own or seen[0].own).reasons
        score = replace(score, reasons=late)
    text = UNSEEN.sub("", body(message).replace("\r\n", "\n")).strip()
    text = _EMPTY_LINES.sub("\n\n", text)
    shown = text[:MAX_SHOWN]
    return Shown(
        text=shown,
        truncated=len(text) > len(shown),
        marks=marks(shown, score, names_of(message, owner)),
        offers=bool(offer(message).url),
        reasons=late,
    )
