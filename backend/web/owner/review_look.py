"""What a list of the review page shows, as its address says it, and the way back to where an order was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode

from backend.domain.errors import Refused
from backend.domain.mailbox.review import Position, Shelf, Wanted
from backend.domain.reading.score import LIKENESS, shares
from backend.web.api.reading import packed_cursor, read_cursor

VIEWS: Mapping[str, tuple[Shelf, ...]] = {
    "held": (Shelf.HELD,),
    "let_in": (Shelf.LET_IN,),
    "passed": (Shelf.PASSED,),
    "all": tuple(Shelf),
}
QUERY_MOST = 200
CURSOR_MOST = 600
DONE = frozenset({"done", "n", "lost", "order", "balance"})
"""What an address says about the order just given; it is not carried on."""


@dataclass(frozen=True, slots=True)
class Look:
    """One list. Every field is as it stands in the address; "" is not said."""

    view: str = "held"
    q: str = ""
    band: str = ""
    note: str = ""
    challenged: str = ""
    since: str = ""
    until: str = ""
    cursor: str = ""

    @property
    def narrow(self) -> bool:
        """Whether anything is left out of its view."""
        return self.wanted.narrow

    @property
    def wanted(self) -> Wanted:
        """What the store is asked for."""
        least, below = shares(self.band) if self.band else (None, None)
        until = _day(self.until)
        return Wanted(
            shelves=VIEWS[self.view],
            words=self.q,
            least=least,
            below=below,
            note=self.note == "1",
            challenged=self.challenged == "1",
            since=_start(_day(self.since)),
            until=_start(until + timedelta(days=1)) if until else None,
        )

    @property
    def position(self) -> Position | None:
        """Where the page begins; a cursor that is none of ours begins at the start."""
        return position_of(self.cursor)

    def address(self, **changes: str) -> str:
        """The address of this list with some of it changed."""
        query = {name: value for name, value in asdict(replace(self, **changes)).items() if value}
        if query.get("view") == "held":
            del query["view"]
        return f"/review?{urlencode(query)}" if query else "/review"

    def behind(self, position: Position) -> str:
        """The address of the page behind that position."""
        return self.address(cursor=packed_cursor(position))


def look_of(args: Mapping[str, str]) -> Look:
    """The list an address asks for. What makes no sense is not said."""
    view, band = args.get("view", ""), args.get("band", "")
    since, until = args.get("since", ""), args.get("until", "")
    return Look(
        view=view if view in VIEWS else "held",
        q=args.get("q", "").strip()[:QUERY_MOST],
        band=band if band in LIKENESS else "",
        note="1" if args.get("note") == "1" else "",
        challenged="1" if args.get("challenged") == "1" else "",
        since=since if _day(since) else "",
        until=until if _day(until) else "",
        cursor=args.get("cursor", "")[:CURSOR_MOST],
    )


def position_of(cursor: str) -> Position | None:
    """The position a cursor names; None for none, or none of ours."""
    try:
        return read_cursor(cursor[:CURSOR_MOST])
    except Refused:
        return None


def sender_address(address: str, cursor: str = "") -> str:
    """The page of a sender."""
    query = {"address": address} | ({"cursor": cursor} if cursor else {})
    return f"/review/sender?{urlencode(query)}"


def way_back(given: str, **notice: str) -> str:
    """Where an order leads: the page its form names, rebuilt from what we know of such pages, telling what was
    done. Anything else leads to the list."""
    path, _, query = given.partition("?")
    args = dict(parse_qsl(query, max_num_fields=20)) if len(given) < 4_000 else {}
    if path == "/review/sender" and args.get("address"):
        where = sender_address(args["address"][: QUERY_MOST * 2])
    else:
        where = look_of(args).address()
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
