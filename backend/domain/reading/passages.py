"""The passages of a message that are scored. The one most like a pitch decides.

A pitch hidden among other words must still be found by a person: at the beginning, in one place below, or between
sentences that sell nothing. So besides the whole message, these passages are scored as if each were the mail: its plain
text if that differs from the HTML, its opening, the place in the rest with most phrases of pitches, a column of a table
and scattered words: every other one, the sentences of one of several languages, or those with most phrases. Most mail
is short and has one passage, the whole.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from backend.domain.mail.message import Message, Owner
from backend.domain.mail.quoting import sections
from backend.domain.reading.model_text import (
    MAX_OWN_WORDS,
    MAX_SIGNATURE_WORDS,
    MessageTexts,
    ModelInput,
    deobfuscated,
    length_token,
    message_texts,
    model_text,
)
from backend.domain.reading.score import Part, Score
from backend.domain.reading.words import (
    MAX_WORDS,
    OTHER,
    VOTES,
    PhraseHit,
    find_phrases,
    language,
    phrases_within,
    tokens,
)

OPENING = 60
"""Words in the opening, and in the place looked for in the rest."""

LONG_MESSAGE = 2 * OPENING
"""A message whose own text has more words is also scored by its opening."""

MIN_WORDS = 20
"""Fewest words of a place that is scored by itself."""

LONG_LINE = 25
"""A subject or a sender's name with more spaces is also read as a place of its own."""

_STEP = 15  # words from one window to the next

_SENTENCES = 4
"""The most sentences that are scored together, if they are scattered."""
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\])}\"'”’»]*\s+|\n+")
_FEW_PHRASES = 2
_SECOND_VOTES, _SECOND_SHARE = 5, 1 / 12
"""A text's second language counts from so many words of it alone, and from this share of those of the first."""

_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a message, scored as if it were all of it. `own` is its subject and text as a person reads them, ""
    for a place below, of which only the words are known. `cut`: the message was longer than what is read."""

    part: Part
    model_input: ModelInput
    own: str = ""
    cut: bool = False

    @property
    def text(self) -> str:
        return model_text(self.model_input)


def passages(message: Message, owner: Owner) -> tuple[Passage, ...]:
    """The passages of `message`, the whole first. Never raises; bounded."""
    return tuple(_passages(message, owner))


def most_like_a_pitch(seen: Sequence[Passage], score: Callable[[str], Score]) -> tuple[Passage, Score]:
    """The passage most like a pitch (the first of equals), and its score."""
    scored = [(passage, score(passage.text).of_part(passage.part)) for passage in seen]
    return max(scored, key=lambda one: one[1].logit)


def _passages(message: Message, owner: Owner) -> Iterator[Passage]:
    texts = message_texts(message, owner)
    whole = texts.whole
    own = f"{texts.subject}\n{texts.own}"
    yield Passage(Part.WHOLE, whole, own, texts.cut)
    if texts.plain:
        yield _plain(texts, message)
    body_start = whole.own - min(len(texts.body), MAX_OWN_WORDS)
    subject = whole.words[:body_start]
    long = len(texts.body) > LONG_MESSAGE
    if long:
        yield Passage(Part.OPENING, _as_message(whole, subject, texts.body[:OPENING]), own)
        columns = ((tokens(column, texts.names), None) for column in texts.columns)
        pieces = _every_other(texts.body, whole)
        if not pieces and (column := _most_phrases(columns, whole)):
            yield Passage(Part.COLUMN, _as_message(whole, subject, column))
        pieces = pieces or _most_phrases(_by_language(texts), whole) or _scattered(texts, body_start)
        if pieces:
            yield Passage(Part.SCATTERED, _as_message(whole, subject, pieces))
    if (place := _most_phrases(_rest(texts, message, long, body_start), whole)) is not None:
        yield Passage(Part.BELOW, _as_message(whole, subject, place))


def _plain(texts: MessageTexts, message: Message) -> Passage:
    own = sections(texts.plain, message.sender.name).own
    words = tokens(own, texts.names)[:MAX_OWN_WORDS]
    passage = _as_message(texts.whole, tokens(texts.subject, texts.names), words)
    return Passage(Part.PLAIN, passage, f"{texts.subject}\n{own}")


def _as_message(whole: ModelInput, subject: Sequence[str], body: Sequence[str]) -> ModelInput:
    """Some words of a message as the model reads them, with the message's subject and its findings about form."""
    own = [*subject, *body]
    code = language(" ".join(body))
    words = (*own, ".")
    plain = len(body) - list(body).count("?")
    form = [token for token in whole.form if not token.startswith(("f_length_", "f_language_"))]
    return ModelInput(
        words=words,
        own=len(own),
        quoted=(),
        hits=tuple(find_phrases(words, code)),
        form=(*form, length_token(plain), f"f_language_{code}"),
        language=code,
    )


def _scattered(texts: MessageTexts, body_start: int) -> Sequence[str]:
    """The words of the few sentences with most different phrases, of equals the shortest; none if these stand side by
    side, where the other passages find them."""
    hits = [hit for hit in texts.whole.hits if body_start <= hit.start < texts.whole.own]
    if len(hits) < 2:
        return ()
    sentences, ends = list[list[str]](), list[int]()
    end = body_start
    for sentence in _SENTENCE_END.split(texts.own):
        if end > hits[-1].start:
            break
        if words := tokens(sentence, texts.names):
            end += len(words)
            sentences.append(words)
            ends.append(end)
    found = defaultdict[int, set[str]](set)
    for hit in hits:
        if hit.start < end:
            found[bisect_right(ends, hit.start)].add(hit.finding)
    most = sorted(found, key=lambda place: (-len(found[place]), len(sentences[place]), place))
    best = sorted(most[:_SENTENCES])
    if len(best) < 2 or best[-1] - best[0] < len(best):
        return ()
    return [word for place in best for word in sentences[place]][:LONG_MESSAGE]


def _by_language(texts: MessageTexts) -> Iterator[tuple[Sequence[str], None]]:
    """The words of each language's sentences, if a text has several languages: one of them may only distract from the
    pitch."""
    shares = map(VOTES.get, texts.body[:MAX_OWN_WORDS])
    votes = Counter(one[0][0] for one in shares if one and len(one) == 1)
    (_, most), (_, second) = (*votes.most_common(2), ("", 0), ("", 0))[:2]
    if second < max(_SECOND_VOTES, _SECOND_SHARE * most):
        return
    spoken = defaultdict[str, list[str]](list)
    for sentence in _SENTENCE_END.split(texts.own):
        spoken[language(sentence)] += tokens(sentence, texts.names)
        if sum(map(len, spoken.values())) > MAX_OWN_WORDS:
            break
    found = [words for code, words in spoken.items() if code != OTHER and len(words) >= MIN_WORDS]
    yield from ((words, None) for words in found if len(found) > 1)


def _every_other(body: Sequence[str], whole: ModelInput) -> Sequence[str]:
    """Every other word, if those have more phrases than the whole: the words between hide them."""
    most = len({hit.finding for hit in whole.hits})
    best: Sequence[str] = ()
    for first in (0, 1):
        words = body[first : 2 * LONG_MESSAGE : 2]
        hits = find_phrases((*words, "."), language(" ".join(words)))
        if (count := len({hit.finding for hit in hits})) > max(most, _FEW_PHRASES):
            best, most = words, count
    return best


def _rest(
    texts: MessageTexts, message: Message, long: bool, body_start: int
) -> Iterator[tuple[Sequence[str], _Place | None]]:
    """The other texts of the message, as words. Beside each, its (start, end) in the words of the whole if it stands
    there; `body_start` is where its body starts in those."""
    whole = texts.whole
    if long:
        # From the middle of the opening, so that a pitch that begins there is not cut in two.
        yield texts.body[OPENING // 2 :], (body_start + OPENING // 2, whole.own)
    short = len(texts.signature) < MAX_SIGNATURE_WORDS
    yield texts.signature, (whole.own + 1, len(whole.words)) if short else None
    yield texts.quoted, None
    for line, names in ((texts.subject, texts.names), (message.sender.name, {})):
        if line.count(" ") > LONG_LINE:
            yield tokens(line, names), None
    for text in (texts.unseen, texts.plain, *texts.strands):
        if text:
            yield tokens(text, texts.names), None
    for text in message.further_texts:
        yield tokens(deobfuscated(text).text, texts.names), None


def _most_phrases(
    pieces: Iterator[tuple[Sequence[str], _Place | None]], whole: ModelInput
) -> Sequence[str] | None:
    """The words among the pieces with most phrases of the lexicon close together. Phrases that were found in the whole
    are not looked for a second time."""
    best: Sequence[str] | None = None
    most, left = -1, MAX_WORDS
    for piece, place in pieces:
        words = piece[:left]
        left -= len(words)
        if len(words) < MIN_WORDS:
            continue
        code = language(" ".join(words[:400]))
        if place is not None and code == whole.language:
            hits = phrases_within(whole.hits, *place, words, code)
        else:
            hits = find_phrases(words, code)
        start, count = _best_window(hits, len(words))
        if count > most:
            best, most = words[start : start + OPENING], count
    return best


def _best_window(hits: Sequence[PhraseHit], length: int) -> tuple[int, int]:
    """Of all windows of `OPENING` words: (start of the best, its number of different phrases)."""
    best, starts = (0, 0), [hit.start for hit in hits]
    for start in range(0, max(1, length - OPENING + _STEP), _STEP):
        inside = hits[bisect_left(starts, start) : bisect_left(starts, start + OPENING)]
        count = len({hit.finding for hit in inside})
        if count > best[1]:
            best = (start, count)
    return best
