"""Reads a message: makes a `Digest` of it, or prepares its text to be shown to its owner."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from backend.domain.challenge_mail import MARKER_HEADER, MAX_SUBJECT
from backend.domain.digest import Digest, sender_key
from backend.domain.mail.machine_mail import (
    addressed_to,
    form_of,
    is_bounce,
    list_address,
    reply_address,
    unsubscribe_offer,
)
from backend.domain.mail.message import INVISIBLE, Address, Arrival, Message, Owner
from backend.domain.mail.quoting import is_decline
from backend.domain.mail.sender import authenticate
from backend.domain.mail.visible import visible
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpenCause, ReadLimit
from backend.domain.policy.evidence import CLEARLY_ORDINARY
from backend.domain.policy.guards import objections_of_message
from backend.domain.reading.model_text import body, names_of
from backend.domain.reading.passages import Passage, most_like_a_pitch, passages
from backend.domain.reading.score import (
    MAX_SHOWN,
    Reason,
    Score,
    ShownMessage,
    Thresholds,
    marks,
    with_quotes,
)
from backend.domain.reading.words import OTHER, language

# ---- Read a message into a `Digest`
# Everything that reads a stranger's bytes or text happens in `read_and_score`, `show`, `correspondents` and
# `unsubscribe_offer`, so that it can run in a process that can be killed. Their results are small and safe to pass on.


MAX_ADDRESS = 320
MAX_NAME = 200
MAX_MESSAGE_ID = 500
MAX_REFERENCES = 20
MAX_CORRESPONDENTS = 500
_LIMITS = {
    "size limit": ReadLimit.SIZE,
    "text limit": ReadLimit.SIZE,
    "part limit": ReadLimit.PARTS,
    "depth limit": ReadLimit.PARTS,
    "nesting limit": ReadLimit.PARTS,
}
"""Defects of a message that leave some of its text unread."""
LANGUAGE_READ = 20_000
"""Characters of a text that are read to detect its language."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """The model in trial: how it scores a text, and its own thresholds."""

    score: Callable[[str], Score]
    thresholds: Mapping[Strictness, Thresholds]


def unscored_digest(arrival: Arrival, owner: Owner) -> Digest:
    """A digest without score and guards: what headers and form say. Never raises."""
    return _unscored(arrival, owner, language(arrival.message.text[:LANGUAGE_READ]))


def _unscored(arrival: Arrival, owner: Owner, language_code: str) -> Digest:
    message = arrival.message
    authentication = authenticate(message)
    return Digest(
        arrival=replace(arrival, message=_trimmed(message)),
        authentication=authentication,
        form=form_of(arrival, owner),
        guards=(),
        bounce=is_bounce(message),
        reply_to=_usable(reply_address(message).address),
        language=language_code,
        written_to=addressed_to(message, owner),
        list_address=list_address(message),
        correspondents=correspondents(message, owner) if "SENT" in arrival.labels else (),
    )


def read_and_score(
    arrival: Arrival,
    owner: Owner,
    model: Callable[[str], Score],
    thresholds: Mapping[Strictness, Thresholds],
    challenger: Challenger | None = None,
    briefly: Callable[[str], Score] | None = None,
    read_limit: ReadLimit | None = None,
    keep_if_doubtful: Callable[[Passage, Score], bool] | None = None,
) -> Digest:
    """Read and score a message. Mail that the owner wrote is not scored.

    `model` scores a prepared text (`model_text`) and has `thresholds`; `challenger` is the model in trial, whose errors
    are ignored. `briefly` scores like `model`, faster and without reasons, which are not needed for mail that is
    clearly fine. `read_limit`: why this is not all of the message. `keep_if_doubtful` decides whether the decisive
    passage needs a second reading, and keeps it for that. Once the headers are read, only `MemoryError` is raised.
    """
    if "SENT" in arrival.labels and "DRAFT" not in arrival.labels:
        return unscored_digest(arrival, owner)
    known, language_code = _unscored(arrival, owner, OTHER), OTHER
    cause = FailOpenCause.UNREADABLE
    try:
        found = passages(arrival.message, owner)
        language_code = found[0].model_input.language
        cause = FailOpenCause.SCORER_BROKEN
        decisive, score = most_like_a_pitch(found, briefly or model)
        # Below all thresholds, reasons are made only when somebody opens the message.
        least_explained = min((min(each.clear, each.strict) for each in thresholds.values()), default=0.0)
        if briefly is not None and score.probability >= least_explained:
            score = model(decisive.text).of_part(decisive.part)
        score = with_quotes(score, decisive.model_input, decisive.own or found[0].own)
        doubtful = keep_if_doubtful is not None and keep_if_doubtful(decisive, score)
        cause = FailOpenCause.UNREADABLE
        # Most mail cannot be held or challenged in any strictness, whatever its sender wrote before.
        least_held = min((each.strict for each in thresholds.values()), default=0.0)
        answerable = doubtful or score.probability >= min(least_held, CLEARLY_ORDINARY)
        guards = objections_of_message(arrival, owner, known.authentication) if answerable else ()
    except MemoryError:
        raise
    except Exception as error:
        # An error in here must not hold mail back, and a retry would raise it again.
        return replace(known, language=language_code, cause=cause, fault=fault_of(error))
    of_challenger: Score | None = None
    with contextlib.suppress(Exception):
        of_challenger = most_like_a_pitch(found, challenger.score)[1] if challenger is not None else None
    challenger_thresholds = (
        challenger.thresholds if challenger is not None and of_challenger is not None else {}
    )
    return replace(
        known,
        language=language_code,
        guards=guards,
        score=score,
        thresholds=thresholds,
        challenger=of_challenger,
        challenger_thresholds=challenger_thresholds,
        read_limit=read_limit or limit_of(arrival.message, found[0]),
        doubtful=doubtful,
    )


def limit_of(message: Message, whole: Passage) -> ReadLimit | None:
    """Why the message was not read in full; None if it was."""
    reached = next(filter(None, map(_LIMITS.get, message.defects)), None)
    if reached is None and whole.cut:
        return ReadLimit.PARTS
    return reached


def fault_of(error: BaseException) -> str:
    """The type of an error and where it was raised: never its message, which might quote mail."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    return f"{type(error).__name__} at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}"


def message_sender_key(arrival: Arrival) -> str:
    message = arrival.message
    return sender_key(authenticate(message), _usable(message.sender.address))


def correspondents(message: Message, owner: Owner) -> tuple[str, ...]:
    """The recipients of a message by the owner who become correspondents, sorted; none if it is automatic or a short
    refusal."""
    automatic = message.headers.first("Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no")
    # Some mail programs send only HTML.
    own = message.text if message.text.strip() or not message.html else visible(message.html).text
    if automatic or MARKER_HEADER in message.headers or is_decline(own):
        return ()
    written_to = {address.address for address in (*message.to, *message.cc)} - {""}
    known = sorted(address for address in written_to - owner.addresses if len(address) <= MAX_ADDRESS)
    return tuple(known[:MAX_CORRESPONDENTS])


def _trimmed(message: Message) -> Message:
    """The fields that are kept, cut to length."""
    references = tuple(known for known in message.references if len(known) <= MAX_MESSAGE_ID)
    return Message(
        from_=tuple(Address(_usable(a.address), a.name[:MAX_NAME]) for a in message.from_[:2]),
        subject=message.subject[:MAX_SUBJECT],
        message_id=message.message_id[:MAX_MESSAGE_ID],
        references=references[-MAX_REFERENCES:],
    )


def _usable(address: str) -> str:
    """The address, or "" if it is too long: a shortened one would be another address."""
    return address if len(address) <= MAX_ADDRESS else ""


# ---- A message as shown to its owner


_EMPTY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def show(
    message: Message, owner: Owner, score: Score, model: Callable[[str], Score] | None = None
) -> ShownMessage:
    """The message as the page and the desktop app show it. `score` is its score with reasons; mail that was clearly
    fine has none yet, and `model` makes them now."""
    new_reasons: tuple[Reason, ...] = ()
    if model is not None and not score.reasons:
        found = passages(message, owner)
        decisive, again = most_like_a_pitch(found, model)
        new_reasons = with_quotes(again, decisive.model_input, decisive.own or found[0].own).reasons
        score = replace(score, reasons=new_reasons)
    text = INVISIBLE.sub("", body(message).replace("\r\n", "\n")).strip()
    text = _EMPTY_LINES.sub("\n\n", text)
    shown = text[:MAX_SHOWN]
    return ShownMessage(
        text=shown,
        truncated=len(text) > len(shown),
        marks=marks(shown, score, names_of(message, owner)),
        offers=bool(unsubscribe_offer(message).url),
        reasons=new_reasons,
    )
