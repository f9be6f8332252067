"""What the review templates are given: mail as text that is only text, and what was just done, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from backend.domain.mail.headers import UNSEEN
from backend.domain.mailbox.decisions import AWAY, OFFERED, Decision, rule_domain
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.review import MOST_COUNTED, Check, Pile, Shelf, Unsubscription, shelf_of
from backend.domain.mailbox.verdict import Row
from backend.domain.reading.score import PITCH_WORDS, Mark
from backend.domain.reading.topics import Topic
from backend.locale import reason as reason_text
from backend.locale import reason_words
from backend.locale.words import Words
from backend.web.owner.review_look import Look
from backend.web.verdict_words import row_words

REASONS = 4
WITH_EARLIER = "+"
"""Before the id of a message: and what its sender has waiting from before it."""

KEYS = (
    ("jk", "move"),
    (("Enter",), "open"),
    ("r", "release"),
    ("a", "allow"),
    ("b", "block"),
    ("e", "keep"),
    ("u", "undo"),
    ("/", "search"),
    ("?", "keys"),
)
"""What the keys of the list do: the names of their words."""

_SPACE = re.compile(r"\s+")
ORDERS = frozenset(str(decision) for decision in OFFERED)
SAYINGS = frozenset({"undone", "lost", "nothing", "again", "no_credit", "rule", "answered", "welcome"})
_LIKE_A_PITCH = (Row.OBSERVE, Row.CREDIT)
"""The rows of mail in the inbox that looks like a pitch all the same."""

LETS_IN = (Decision.RELEASE, Decision.ALLOW)
"""After these orders a topic may be offered."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a mail's text; `kind` is "for", "against" or "" (not marked)."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """One reason: its words in the owner's language, the mail's own words, and on which side it stands."""

    text: str
    words: tuple[str, ...]
    speaks_for: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """What was just done. `key` takes it back, if it can be."""

    text: str
    key: str = ""


def plain(text: str) -> str:
    """A line of a stranger's: without controls, direction marks and line breaks."""
    return _SPACE.sub(" ", UNSEEN.sub("", text)).strip()


def pieces(text: str, marks: Sequence[Mark]) -> list[Piece]:
    """The text cut where something weighed begins and ends."""
    found: list[Piece] = []
    at = 0
    for mark in marks:
        if mark.start < at or mark.end > len(text):
            continue
        found.append(Piece(text[at : mark.start]))
        found.append(Piece(text[mark.start : mark.end], "for" if mark.weight > 0 else "against"))
        at = mark.end
    found.append(Piece(text[at:]))
    return [piece for piece in found if piece.text]


def reasons(view: MessageView, language: str) -> list[Why]:
    """Why it scored so, strongest first."""
    return [
        Why(
            reason_text(language, str(reason.get("text", ""))),
            tuple(plain(reason_words(language, str(word))) for word in reason.get("words", ()))[:5],
            reason.get("weight", 0) > 0,
        )
        for reason in view.reasons
    ]


def strongest(view: MessageView, language: str) -> Why | None:
    """What speaks loudest for a pitch, but for the words nearly all have; or else what speaks against it. Of mail that
    was never held only the latter, and nothing where another rule than its score let it in."""
    found = reasons(view, language)
    if shelf_of(view) is Shelf.PASSED and view.row not in _LIKE_A_PITCH:
        return (
            next((why for why in found if not why.speaks_for), None) if view.row == Row.BELOW_HOLD else None
        )
    coded = zip((reason.get("text") for reason in view.reasons), found, strict=True)
    speaking = sorted((code == PITCH_WORDS, at) for at, (code, why) in enumerate(coded) if why.speaks_for)
    return found[speaking[0][1] if speaking else 0] if found else None


def decided(view: MessageView, welcome: Set[Topic], t: Words) -> str:
    """What the policy made of it; where nothing could be judged, why. A dead letter tells the error instead.
    `welcome`: the topics that its owner welcomes."""
    if f"row_{view.row}" not in t:
        return plain(view.cause)
    # Rows written before causes were codes hold a sentence of another time.
    cause = f"cause_{view.cause}" if view.row == Row.FAIL_OPEN else ""
    said = row_words(view, welcome, t)
    return f"{said} {t(cause)}" if cause in t else said


def named(pile: Pile, look: Look) -> str:
    """The messages that a line of the list stands for, as its form names them."""
    if look.view != "held":
        return pile.messages[0].gmail_id
    if look.narrow:
        return " ".join(view.gmail_id for view in pile.messages)
    return f"{WITH_EARLIER}{pile.messages[0].gmail_id}"


def is_many(pile: Pile) -> bool:
    """Whether counting stopped at what a sender has."""
    return pile.more >= MOST_COUNTED - len(pile.messages)


def place(view: MessageView) -> str:
    """The name of the word for where a message is."""
    shelf = shelf_of(view)
    if shelf is None:
        return "place_none"
    return f"place_{view.decided_by if view.decided_by in AWAY else shelf}"


def offered(view: MessageView) -> str:
    """The one decision that turns a message round: "release" or "sales"; "" for one that the owner has put away."""
    if view.decided_by in AWAY:
        return ""
    return Decision.RELEASE if shelf_of(view) in (Shelf.HELD, Shelf.KEPT) else Decision.SALES


def domain_of(view: MessageView) -> str:
    """The domain a rule may be made for, or ""."""
    return rule_domain(view.sender)


def waiting(count: int, t: Words) -> str:
    """How many are held."""
    return t("waiting_many", count=MOST_COUNTED) if count >= MOST_COUNTED else t.count("waiting", count)


def check_state(check: Check, now: datetime) -> str:
    """The name of the word for how a check stands. That it has expired follows from the time."""
    if check.state in ("intended", "sending", "sent") and check.expires_at <= now:
        return "check_expired"
    return f"check_{check.state}"


def leaving(unsubscription: Unsubscription, t: Words) -> str:
    """How an order to unsubscribe stands, in words."""
    why = f"why_{unsubscription.cause}"
    if unsubscription.state == "failed":
        return t("off_failed", why=t(why if why in t else "why_unreachable"))
    return t(f"off_{unsubscription.state}", host=plain(unsubscription.host))


def notice(args: Mapping[str, str], t: Words, away: bool = False) -> Notice | None:
    """What the address says about the order just given; with `away` we have no access, so nothing has moved yet.
    Whoever writes such an address themselves reads a sentence of ours, and at most undoes what they have a key for."""
    name, count = args.get("done", ""), _number(args.get("n", ""))
    if name in SAYINGS:
        return Notice(t(f"done_{name}"))
    key = args.get("order", "")[:64]
    if name == "credits":
        return Notice(t("done_credits", balance=_number(args.get("balance", ""))), key)
    if name not in ORDERS:
        return None
    if away and name == Decision.RELEASE:
        text = t.count("done_release_away", count)
    else:
        text = t("done_away") if away and name != Decision.KEEP else t.count(f"done_{name}", count)
    if lost := _number(args.get("lost", "")):
        text = f"{text} {t.count('done_gone', lost)}"
    return Notice(text, key)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
