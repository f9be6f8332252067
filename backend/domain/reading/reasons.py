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
    found: dict[str, float] = {}
    for term, share in findings:
        code = finding(term)
        found[code] = found.get(code, 0.0) + share
    listed = [Reason(code, weight) for code, weight in found.items()]
    if net:
        listed.append(Reason(PITCH_WORDS if net > 0 else ORDINARY_WORDS, net, _shown(words)))
    return tuple(sorted(listed, key=lambda r: (-abs(r.weight) * _telling(r.code), r.code))[:most])


def _telling(code: str) -> float:
    """How much a reason tells a person: that a mail is short or signed counts for the model, not for them."""
    return 0.2 if code in _DULL else 1.0


def illustrate(score: Score, reading: Reading) -> Score:
    """`score` with the words of the message beside each reason that is a turn of phrase.

    The model sees only that a phrase is there; `reading` of the same message knows where.
    """
    spans: dict[str, list[str]] = {}
    for hit in reading.hits:
        code = finding(f"t_{hit.finding}")
        words = " ".join(spoken(word) for word in reading.words[hit.start : hit.end])
        spans.setdefault(code, []).append(words)
    filled = tuple(
        r if r.words else Reason(r.code, r.weight, _distinct(spans.get(r.code, ()))) for r in score.reasons
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
    terms = (term for _, same in alike for term, _ in sorted(same))
    # An "and" may weigh; shown by itself it would explain nothing. In a pair, as "we help", it does.
    plain = (term for term in terms if not term.startswith(("c_", "s_")) and not commonplace(_bare(term)))
    return _distinct(" ".join(spoken(_bare(token)) for token in term.split(" ")) for term in plain)


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
