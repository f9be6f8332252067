"""A model's shares per term, as reasons: what was found, and the words that weighed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from backend.domain.reading.language import commonplace
from backend.domain.reading.score import Reason, Score

if TYPE_CHECKING:
    from backend.domain.reading.wording import Reading

MOST = 6
MOST_WORDS = 5
MOST_LETTERS = 160
"""Letters of one of the `MOST_WORDS` words or turns of phrase beside a reason."""

FINDINGS = ("t_", "f_")
"""How terms begin that name a finding; all others are made of words or concepts."""

PITCH_WORDS = "pitch_words"
ORDINARY_WORDS = "ordinary_words"
"""Codes of the two reasons that are made of plain words."""

CLASSES = frozenset(
    {
        *("u_link", "u_mail", "n_money", "n_percent", "n_clock", "n_phone", "n_year", "n_number"),
        *("x_firm", "x_name", "o_firm", "o_name"),
    }
)
"""Tokens that stand for a kind of word."""

_FAMILIES = ("length", "subject", "language")
"""Of these no more is told than that they weighed."""
_NO_FAMILY = "subject_lower"
_DULL = frozenset(
    {
        *(f"family.{name}" for name in _FAMILIES),
        *(
            f"form.{name}"
            for name in (
                "bullets",
                "exclaim",
                "question",
                "questions",
                "signature",
                "signature_long",
                "html",
                "links",
                "mailer_named",
                "ends_asking",
            )
        ),
    }
)


def reasons(
    findings: Iterable[tuple[str, float]],
    words: Iterable[tuple[str, float]] = (),
    net: float = 0.0,
    most: int = MOST,
) -> tuple[Reason, ...]:
    """At most `most` reasons, strongest first, of terms and their shares of the logit.

    `findings` that say the same thing are added up. Plain words and concepts end in one reason: `net` is the sum of
    their shares, `words` are those on its side, the weightiest first. No more of these are read than are told, and
    those are the mail's own.
    """
    of_words = PITCH_WORDS if net > 0 else ORDINARY_WORDS
    found: dict[str, float] = {}
    for term, share in findings:
        code = finding(term)
        found[code] = found.get(code, 0.0) + share
    # How much a reason tells a person: that a mail is short or signed counts for the model, not for them.
    telling = [(-abs(weight) * (0.2 if code in _DULL else 1.0), code) for code, weight in found.items()]
    if net:
        found[of_words] = net
        telling.append((-abs(net), of_words))
    telling.sort()
    return tuple(
        Reason(code, found[code], _shown(words) if code == of_words else ()) for _, code in telling[:most]
    )


def illustrate(score: Score, reading: Reading) -> Score:
    """`score` with the words of the message beside each reason that is a turn of phrase.

    The model sees only that a phrase is there; `reading` of the same message knows where.
    """
    spans: dict[str, list[str]] = {reason.code: [] for reason in score.reasons if not reason.words}
    for hit in reading.hits:
        if (told := spans.get(finding(f"t_{hit.finding}"))) is not None:
            told.append(" ".join(map(spoken, reading.words[hit.start : hit.end])))
    filled = tuple(
        Reason(r.code, r.weight, _distinct(spans[r.code])) if spans.get(r.code) else r for r in score.reasons
    )
    return replace(score, reasons=filled)


@lru_cache(maxsize=5_000)
def finding(term: str) -> str:
    """The code of a finding, or "" if `term` is made of words or concepts."""
    token = term.partition(" ")[0]
    name = token[2:]
    if token.startswith("t_"):
        return f"phrase.{name}"
    if token.startswith("f_"):
        family = name.partition("_")[0]
        return f"family.{family}" if family in _FAMILIES and name != _NO_FAMILY else f"form.{name}"
    return ""


def spoken(token: str) -> str:
    """A token as it stands among the words of a reason: a class in braces."""
    return f"{{{token}}}" if token in CLASSES else token


def _shown(words: Iterable[tuple[str, float]]) -> tuple[str, ...]:
    alike = groupby(words, key=lambda word: abs(word[1]))
    return _distinct(filter(None, (_said(term) for _, same in alike for term, _ in sorted(same))))


@lru_cache(maxsize=5_000)
def _said(term: str) -> str:
    """A term as the mail says it; "" for a concept or a stem, and for a word that would explain nothing by itself: an
    "and" may weigh, but only in a pair, as "we help", does it tell anything."""
    if term.startswith(("c_", "s_")) or commonplace(_bare(term)):
        return ""
    return " ".join(spoken(_bare(token)) for token in term.split(" "))


def _bare(token: str) -> str:
    return token.removeprefix("g_").removeprefix("q_")


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """The first few texts, cut, none of them part of one already taken."""
    taken: list[str] = []
    for whole in texts:
        text = whole[:MOST_LETTERS]
        if not any(text in other or other in text for other in taken):
            taken.append(text)
        if len(taken) == MOST_WORDS:
            break
    return tuple(taken)
