"""Values for the review pages' templates: the list that a URL asks for, texts from mail cleaned for display, what was
just done, a sender's timeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from urllib.parse import parse_qsl, urlencode

from backend.domain.errors import Refused
from backend.domain.mail.message import INVISIBLE
from backend.domain.mailbox.decisions import IN_SPAM_OR_BIN, OFFERED, OVERRIDABLE, Decision, rule_domain
from backend.domain.mailbox.message import MessageView, Outcome, PolicyRow, ReadLimit
from backend.domain.mailbox.review import (
    MOST_COUNTED,
    Check,
    Position,
    ReviewFilter,
    SenderPile,
    SenderProfile,
    Shelf,
    Unsubscription,
    reasons_of,
    shelf_of,
    shown_reason,
)
from backend.domain.policy.evidence import EVIDENCE_LASTS, EVIDENCE_ROWS, combined_probability, evidence_of
from backend.domain.reading.score import SCORE_BANDS, Mark, Reason, percent, score_range
from backend.locale import Words
from backend.locale import reason as reason_text
from backend.web.api.routes import packed_cursor, read_cursor
from backend.web.pages import kept_whole, row_words

# ---- A list of the review page


VIEWS: Mapping[str, tuple[Shelf, ...]] = {
    "held": (Shelf.HELD,),
    "let_in": (Shelf.LET_IN,),
    "passed": (Shelf.PASSED,),
    "all": tuple(Shelf),
}
QUERY_MOST = 200
CURSOR_MOST = 600
DONE = frozenset({"done", "n", "lost", "overruled", "order", "balance"})
"""URL parameters about the decision just made; links on the page leave them out."""


@dataclass(frozen=True, slots=True)
class ListView:
    """One list. The fields are the URL's parameters, "" if missing; `order` is how the list is sorted."""

    view: str = "held"
    q: str = ""
    band: str = ""
    note: str = ""
    challenged: str = ""
    unread: str = ""
    since: str = ""
    until: str = ""
    order: str = ""
    cursor: str = ""

    @property
    def narrow(self) -> bool:
        return self.wanted.narrow

    @property
    def wanted(self) -> ReviewFilter:
        """The query for the store."""
        least, below = score_range(self.band) if self.band else (None, None)
        until = _day(self.until)
        return ReviewFilter(
            shelves=VIEWS[self.view],
            words=self.q,
            least=least,
            below=below,
            note=self.note == "1",
            challenged=self.challenged == "1",
            unread=self.unread == "1",
            since=_start(_day(self.since)),
            until=_start(until + timedelta(days=1)) if until else None,
            doubtful=self.view == "held" and self.order == "doubtful",
        )

    @property
    def position(self) -> Position | None:
        """Where the page begins; an invalid cursor means the first page."""
        return position_of(self.cursor)

    def address(self, **changes: str) -> str:
        """The URL of this list with `changes`."""
        query = {name: value for name, value in asdict(replace(self, **changes)).items() if value}
        if query.get("view") == "held":
            del query["view"]
        return f"/review?{urlencode(query)}" if query else "/review"

    def page_after(self, position: Position) -> str:
        return self.address(cursor=packed_cursor(position))


def list_view_from(args: Mapping[str, str]) -> ListView:
    """The list that a URL asks for. Invalid parameters are ignored."""
    view, band = args.get("view", ""), args.get("band", "")
    since, until = args.get("since", ""), args.get("until", "")
    return ListView(
        view=view if view in VIEWS else "held",
        q=args.get("q", "").strip()[:QUERY_MOST],
        band=band if band in SCORE_BANDS else "",
        note="1" if args.get("note") == "1" else "",
        challenged="1" if args.get("challenged") == "1" else "",
        unread="1" if args.get("unread") == "1" else "",
        since=since if _day(since) else "",
        until=until if _day(until) else "",
        order="doubtful" if args.get("order") == "doubtful" and view in ("", "held") else "",
        cursor=args.get("cursor", "")[:CURSOR_MOST],
    )


def position_of(cursor: str) -> Position | None:
    """The position in a cursor; None if it is empty or invalid."""
    try:
        return read_cursor(cursor[:CURSOR_MOST])
    except Refused:
        return None


def sender_address(address: str, cursor: str = "") -> str:
    query = {"address": address} | ({"cursor": cursor} if cursor else {})
    return f"/review/sender?{urlencode(query)}"


def return_url(given: str, **notice: str) -> str:
    """The URL to return to after an order: the page that its form names, with parameters about what was done. It is
    rebuilt from valid parameters only, so a form cannot lead elsewhere; anything unknown leads to the list."""
    path, _, query = given.partition("?")
    args = dict(parse_qsl(query, max_num_fields=20)) if len(given) < 4_000 else {}
    if path == "/insights":
        where = path
    elif path == "/review/sender" and args.get("address"):
        where = sender_address(args["address"][: QUERY_MOST * 2])
    else:
        where = list_view_from(args).address()
    text = urlencode({name: value for name, value in notice.items() if value})
    return where + ("&" if "?" in where else "?") + text if text else where


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return found if found and 1970 <= found.year <= 9000 else None


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


# ---- Values for the templates


REASONS = 4
QUOTES = 3
WITH_EARLIER = "+"
"""Prefix of a message's id in a form: the sender's older held mail is meant too."""

KEYS = (
    ("jk", "move"),
    ("x", "pick"),
    (("Enter",), "open"),
    ("r", "release"),
    ("a", "allow"),
    ("b", "block"),
    ("e", "keep"),
    ("u", "undo"),
    ("/", "search"),
    ("?", "keys"),
)
"""The keyboard shortcuts of the list, and the names of their texts."""

ONLY_IN = {"release": ("held", "all"), "keep": ("held",)}
"""The views whose rows have a button for the key; every view has the others."""


def keys_in(view: str) -> list[tuple[Iterable[str], str]]:
    """`KEYS` that do something in this view."""
    return [(keys, act) for keys, act in KEYS if view in ONLY_IN.get(act, (view,))]


_SPACE = re.compile(r"\s+")
DECISION_NAMES = frozenset(str(decision) for decision in OFFERED)
NOTICES = frozenset({"undone", "lost", "overruled", "nothing", "again", "no_credit", "rule", "answered"})


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of a mail's text; `kind` is "for", "against" or "" (not marked)."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ShownReason:
    """One reason: its text in the owner's language, quotes from the mail, and whether it speaks for a pitch."""

    text: str
    words: tuple[str, ...]
    speaks_for: bool


@dataclass(frozen=True, slots=True)
class PageNotice:
    """What was just done. `key` is for undoing it, "" if that is impossible."""

    text: str
    key: str = ""


def plain(text: str) -> str:
    """A stranger's text on one line, without control characters and direction marks."""
    return _SPACE.sub(" ", INVISIBLE.sub("", text)).strip()


def pieces(text: str, marks: Sequence[Mark]) -> list[TextPiece]:
    """The text, cut where marks begin and end."""
    found: list[TextPiece] = []
    at = 0
    for mark in marks:
        if mark.start < at or mark.end > len(text):
            continue
        found.append(TextPiece(text[at : mark.start]))
        found.append(TextPiece(text[mark.start : mark.end], "for" if mark.weight > 0 else "against"))
        at = mark.end
    found.append(TextPiece(text[at:]))
    return [piece for piece in found if piece.text]


def reasons(view: MessageView, language: str) -> list[ShownReason]:
    return [as_shown(one, language) for one in reasons_of(view)]


def strongest_reason(view: MessageView, language: str) -> ShownReason | None:
    """The one reason to show if there is room for only one."""
    reason = shown_reason(view)
    return as_shown(reason, language) if reason else None


def as_shown(reason: Reason, language: str) -> ShownReason:
    quotes = tuple(map(plain, reason.quotes[:QUOTES]))
    return ShownReason(kept_whole(reason_text(language, reason.code)), quotes, reason.weight > 0)


def verdict_text(view: MessageView, t: Words) -> str:
    """The verdict in words, and why if the message could not be judged. For a dead letter, the error instead."""
    if f"row_{view.row}" not in t:
        return plain(view.cause)
    # Messages from old releases have a whole sentence as their cause, not a code.
    cause = f"cause_{view.cause}" if view.row == PolicyRow.FAIL_OPEN or view.cause in tuple(ReadLimit) else ""
    verdict = row_words(view, t)
    return f"{verdict} {t(cause)}" if cause in t else verdict


def form_value(pile: SenderPile, look: ListView) -> str:
    """The value by which a form names the messages of a line of the list."""
    if look.view != "held":
        return pile.messages[0].gmail_id
    if look.narrow:
        return " ".join(view.gmail_id for view in pile.messages)
    return f"{WITH_EARLIER}{pile.messages[0].gmail_id}"


def is_many(pile: SenderPile) -> bool:
    return pile.more >= MOST_COUNTED - len(pile.messages)


def place_key(view: MessageView) -> str:
    """The key of the text for where a message is."""
    shelf = shelf_of(view)
    if shelf is None:
        return "place_none"
    return f"place_{view.decided_by if view.decided_by in IN_SPAM_OR_BIN else shelf}"


def reversing_decision(view: MessageView) -> str:
    """The decision offered to reverse the verdict: "release" or "sales"; "" for mail in spam or the bin."""
    if view.decided_by in IN_SPAM_OR_BIN:
        return ""
    return Decision.RELEASE if shelf_of(view) in (Shelf.HELD, Shelf.KEPT) else Decision.SALES


def domain_of(view: MessageView) -> str:
    """The domain for which a rule can be set, or ""."""
    return rule_domain(view.sender)


def waiting_text(count: int, t: Words) -> str:
    return t("waiting_many", count=MOST_COUNTED) if count >= MOST_COUNTED else t.count("waiting", count)


def check_state_key(check: Check, now: datetime) -> str:
    """The key of the text for a check's state. Whether it has expired follows from the time."""
    if check.state in ("intended", "sending", "sent") and check.expires_at <= now:
        return "check_expired"
    return f"check_{check.state}"


def unsubscribe_text(unsubscription: Unsubscription, t: Words) -> str:
    why = f"why_{unsubscription.cause}"
    if unsubscription.state == "failed":
        return t("off_failed", why=t(why if why in t else "why_unreachable"))
    return t(f"off_{unsubscription.state}", host=plain(unsubscription.host))


def notice_from(args: Mapping[str, str], t: Words, away: bool = False) -> PageNotice | None:
    """The notice about the decision just made, from the URL. `away`: we have no access to Gmail, so nothing has moved
    yet. Somebody who makes up such a URL sees one of our sentences, and can undo only what they have a key for."""
    name, count = args.get("done", ""), _number(args.get("n", ""))
    if name in NOTICES:
        return PageNotice(t(f"done_{name}"))
    key = args.get("order", "")[:64]
    if name == "credits":
        return PageNotice(t("done_credits", balance=_number(args.get("balance", ""))), key)
    if name not in DECISION_NAMES:
        return None
    if away and name == Decision.RELEASE:
        text = t.count("done_release_away", count)
    else:
        text = t("done_away") if away and name != Decision.KEEP else t.count(f"done_{name}", count)
    if lost := _number(args.get("lost", "")):
        text = f"{text} {t.count('done_gone', lost)}"
    if overruled := _number(args.get("overruled", "")):
        text = f"{text} {t.count('done_stands', overruled)}"
    return PageNotice(text, key)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


# ---- The page of a sender

TREND_MOST = 8
TREND_STEP, TREND_EDGE = 44, 16
TREND_LEAST = 3
"""Fewest emails for a statement about a trend."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The scores of a sender's latest emails as a line: (x, y, score) of each, oldest first. `way` is "up" or "down" if
    every score is higher or lower than the one before, otherwise ""."""

    points: tuple[tuple[int, int, int], ...] = ()
    way: str = ""

    @property
    def width(self) -> int:
        return TREND_STEP * (len(self.points) - 1) + 2 * TREND_EDGE


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of the timeline. `kind` is "held", "passed", "word" (the owner's decision), "check" or "credit"."""

    at: datetime
    kind: str
    text: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class SenderEvidence:
    """The evidence in a sender's undecided emails of the last 30 days: how many there are, their combined score, and
    how many of them stayed in the inbox after the latest held one (`later`)."""

    count: int
    score: int
    later: int


def recent_evidence(views: Sequence[MessageView], now: datetime) -> SenderEvidence | None:
    """The evidence in a sender's emails, which are given newest first; None for fewer than two."""
    counted = [
        (view, view.score)
        for view in views
        if view.score is not None
        and view.decided_by in OVERRIDABLE
        and (view.row in EVIDENCE_ROWS or view.row == PolicyRow.HELD_WITH_LATER)
        and now - (view.received_at or view.first_seen_at) < EVIDENCE_LASTS
    ]
    if len(counted) < 2:
        return None
    scores = [score for _, score in counted]
    shelves = [shelf_of(view) for view, _ in counted]
    later = shelves.index(Shelf.HELD) if Shelf.HELD in shelves else 0
    return SenderEvidence(
        len(scores), percent(combined_probability(scores[0], sum(map(evidence_of, scores[1:])))), later
    )


def held_and_others(views: Sequence[MessageView]) -> tuple[list[MessageView], list[MessageView]]:
    held = [view for view in views if shelf_of(view) is Shelf.HELD]
    return held, [view for view in views if shelf_of(view) is not Shelf.HELD]


def trend(views: Sequence[MessageView]) -> Trend:
    """The scores of a sender's emails as a line; empty for a single one."""
    scores = [percent(view.score) for view in views[:TREND_MOST] if view.score is not None][::-1]
    if len(scores) < 2:
        return Trend()
    steps = {(later > earlier) - (later < earlier) for earlier, later in pairwise(scores)}
    way = ""
    if len(scores) >= TREND_LEAST:
        way = "up" if steps == {1} else "down" if steps == {-1} else ""
    drawn = ((TREND_EDGE + at * TREND_STEP, 34 - score * 26 // 100, score) for at, score in enumerate(scores))
    return Trend(tuple(drawn), way)


def timeline(found: SenderProfile, t: Words, now: datetime) -> list[TimelineEntry]:
    """Everything that happened with a sender, the latest first."""
    subjects = {view.gmail_id: plain(view.subject) or t("no_subject") for view in found.messages}
    lines = [
        TimelineEntry(
            view.received_at or view.first_seen_at,
            kind := "held" if view.outcome in (Outcome.HOLD, Outcome.CHALLENGE) else "passed",
            t(f"happened_{kind}"),
            subjects[view.gmail_id],
        )
        for view in found.messages
        if view.outcome
    ]
    for word in found.decisions:
        text = f"{t(f'said_{word.decision}')} {t(f'origin_{word.origin}')}"
        if word.undone_at:
            text += f"; {t('said_undone', at=t.moment(word.undone_at))}"
        lines.append(TimelineEntry(word.at, "word", text, subjects.get(word.gmail_id, "")))
    for check in found.checks:
        until = check.is_open and check.expires_at > now
        more = t("check_until", at=t.moment(check.expires_at)) if until else ""
        lines.append(
            TimelineEntry(check.sent_at or check.created_at, "check", t(check_state_key(check, now)), more)
        )
        steps = (
            (check.started_at, "check_started"),
            (check.solved_at, "check_solved_at"),
            (check.bounced_at, "check_bounced"),
        )
        lines += [TimelineEntry(at, "check", t(name)) for at, name in steps if at]
    for entry in found.ledger:
        amount = f"{'+' if entry.amount > 0 else '−'}{t.number(abs(entry.amount))}"
        lines.append(
            TimelineEntry(entry.at, "credit", f"{t(f'posting_{entry.posting}')}{t('colon')} {amount}")
        )
    return sorted(lines, key=lambda line: line.at, reverse=True)
