"""The ways in which a message can be read: the surest pitch among them decides.

Who hides a pitch among other words has to let a person find it: at the beginning, or in one place below. So besides the
whole, its plain text where that says something else, its opening and the richest place of the rest are read, each as if
it were the mail. Most mail is short and one thing only, and has one view.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from backend.domain.mail.message import Message, Owner
from backend.domain.mail.quoting import sections
from backend.domain.reading.score import Part, Score
from backend.domain.reading.wording import (
    MAX_OWN_WORDS,
    MAX_QUOTED_WORDS,
    MAX_SIGNATURE_WORDS,
    Reading,
    TakenApart,
    as_seen,
    length_of,
    taken_apart,
    written,
)
from backend.domain.reading.words import MAX_WORDS, Hit, find, found_within, language, tokens

OPENING = 60
"""Words of the opening, and of the place that is looked for."""

LONG = 2 * OPENING
"""Words of its own above which a message has an opening."""

LEAST = 20
"""Words of a part that is read by itself."""

_STEP = 15

_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class View:
    """A part of a message, read as if it were all. `own` is its subject and its own text as a person reads them; "" of
    a place below, of which there are only words. `cut`: of the whole, there was more than is read."""

    part: Part
    reading: Reading
    own: str = ""
    cut: bool = False

    @property
    def text(self) -> str:
        """The text to score."""
        return written(self.reading)


def views(message: Message, owner: Owner) -> tuple[View, ...]:
    """The whole first. Pure, total and bounded."""
    return tuple(_views(message, owner))


def surest(seen: Sequence[View], score: Callable[[str], Score]) -> tuple[View, Score]:
    """The view that is most like a pitch, the first of equals, and its score."""
    scored = [(view, score(view.text).of_part(view.part)) for view in seen]
    return max(scored, key=lambda one: one[1].logit)


def _views(message: Message, owner: Owner) -> Iterator[View]:
    apart = taken_apart(message, owner)
    whole = apart.whole
    own = f"{apart.subject}\n{apart.parts.own}"
    yield View(Part.WHOLE, whole, own, apart.cut)
    if apart.plain:
        yield _plain(apart, message)
    before = whole.own - min(len(apart.body), MAX_OWN_WORDS)
    subject = whole.words[:before]
    long = len(apart.body) > LONG
    if long:
        yield View(Part.OPENING, _part(whole, subject, apart.body[:OPENING]), own)
    if (place := _richest(_rest(apart, message, long, before), whole)) is not None:
        yield View(Part.BELOW, _part(whole, subject, place))


def _plain(apart: TakenApart, message: Message) -> View:
    own = sections(apart.plain, message.sender.name).own
    words = tokens(own, apart.names)[:MAX_OWN_WORDS]
    reading = _part(apart.whole, tokens(apart.subject, apart.names), words)
    return View(Part.PLAIN, reading, f"{apart.subject}\n{own}")


def _part(whole: Reading, subject: Sequence[str], body: Sequence[str]) -> Reading:
    """Some words of a message, with its subject and what its form tells."""
    own = [*subject, *body]
    tongue = language(" ".join(body))
    words = (*own, ".")
    plain = len(body) - list(body).count("?")
    form = [token for token in whole.form if not token.startswith(("f_length_", "f_language_"))]
    return Reading(
        words=words,
        own=len(own),
        quoted=(),
        hits=tuple(find(words, tongue)),
        form=(*form, length_of(plain), f"f_language_{tongue}"),
        language=tongue,
    )


def _rest(
    apart: TakenApart, message: Message, long: bool, before: int
) -> Iterator[tuple[Sequence[str], _Place | None]]:
    """What stands elsewhere in the message, a piece at a time, and from where to where it begins in the words of the
    whole, if it does: its body has `before` words before it."""
    whole = apart.whole
    if long:
        yield apart.body[OPENING // 2 :], (before + OPENING // 2, whole.own)
    signature = whole.words[whole.own + 1 :]
    if len(signature) < MAX_SIGNATURE_WORDS:
        yield signature, (whole.own + 1, len(whole.words))
    else:
        yield tokens(apart.parts.signature, apart.names), None
    short = len(whole.quoted) < MAX_QUOTED_WORDS
    yield whole.quoted if short else tokens(apart.parts.quoted, apart.names), None
    for text in (apart.unseen, apart.plain):
        if text:
            yield tokens(text, apart.names), None
    for text in message.beside:
        yield tokens(as_seen(text).text, apart.names), None


def _richest(pieces: Iterator[tuple[Sequence[str], _Place | None]], whole: Reading) -> Sequence[str] | None:
    """The words among the pieces in which most turns of phrase of a language stand close together. What has been found
    in the whole is not looked for again."""
    best: Sequence[str] | None = None
    most, left = -1, MAX_WORDS
    for piece, place in pieces:
        words = piece[:left]
        left -= len(words)
        if len(words) < LEAST:
            continue
        tongue = language(" ".join(words[:400]))
        if place is not None and tongue == whole.language:
            hits = found_within(whole.hits, *place, words, tongue)
        else:
            hits = find(words, tongue)
        start, rich = _place(hits, len(words))
        if rich > most:
            best, most = words[start : start + OPENING], rich
    return best


def _place(hits: Sequence[Hit], length: int) -> tuple[int, int]:
    """(where it begins, how many different turns of phrase stand in it)."""
    best, starts = (0, 0), [hit.start for hit in hits]
    for start in range(0, max(1, length - OPENING + _STEP), _STEP):
        near = hits[bisect_left(starts, start) : bisect_left(starts, start + OPENING)]
        within = {hit.finding for hit in near}
        if len(within) > best[1]:
            best = (start, len(within))
    return best
