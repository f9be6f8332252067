"""Where in a mail's text the reasons for its score stand, for a page that shows text and reasons side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from backend.domain.mail.quoting import earlier_mail
from backend.domain.reading.language import language
from backend.domain.reading.phrases import find
from backend.domain.reading.reasons import CLASSES, ORDINARY_WORDS, PITCH_WORDS, finding, spoken
from backend.domain.reading.score import Reason, Score
from backend.domain.reading.shown import Mark
from backend.domain.reading.tokens import Placed, placed

MOST_MARKS = 100
MOST_TEXT = 50_000
_TOKENS = {spoken(token): token for token in CLASSES}


def marks(text: str, score: Score, names: Mapping[str, str] | None = None) -> tuple[Mark, ...]:
    """The places of `text` that `score.reasons` speak of: not overlapping, in order of position, at most `MOST_MARKS`.

    `text` is what the reader sees (`wording.body`), `score` that of the same message, fresh or rebuilt from
    stored reasons. `names` (`wording.names_of`) finds phrases that hold somebody's name as well. Reasons about
    headers, form or earlier mail have no place and get no mark. Total and pure: a text that has nothing to do with
    the score gets few marks or none. Where two places overlap the weightier reason keeps its own.
    """
    shown = text[: min(MOST_TEXT, earlier_mail(text[:MOST_TEXT]))]
    tokens = placed(shown, names or {})
    found = [*_phrases(shown, tokens, score.reasons), *_words(tokens, score.reasons)]
    taken: list[Mark] = []
    used = bytearray(len(shown))
    for mark in sorted(found, key=lambda m: (-abs(m.weight), m.start, -m.end)):
        if len(taken) < MOST_MARKS and not any(used[mark.start : mark.end]):
            used[mark.start : mark.end] = b"\x01" * (mark.end - mark.start)
            taken.append(mark)
    return tuple(sorted(taken, key=lambda m: m.start))


def _phrases(text: str, tokens: Sequence[Placed], reasons: Sequence[Reason]) -> Iterator[Mark]:
    weights = {reason.code: reason.weight for reason in reasons}
    for hit in find([token.token for token in tokens], language(text)):
        weight = weights.get(finding(f"t_{hit.finding}"))
        if weight:
            yield Mark(tokens[hit.start].start, tokens[hit.end - 1].end, weight)


def _words(tokens: Sequence[Placed], reasons: Sequence[Reason]) -> Iterator[Mark]:
    """Single words and word pairs; a pair is one for the model too when a one-letter word or "?" is between."""
    longer = [token for token in tokens if len(token.token) > 1]
    wanted = {
        tuple(_TOKENS.get(piece, piece) for piece in shown.split()): reason.weight
        for reason in reasons
        if reason.code in (PITCH_WORDS, ORDINARY_WORDS)
        for shown in reason.words
    }
    for start in range(len(longer)):
        for length in (2, 1):
            words = tuple(token.token for token in longer[start : start + length])
            if words in wanted:
                last = longer[start + len(words) - 1]
                yield Mark(longer[start].start, last.end, wanted[words])
                break
