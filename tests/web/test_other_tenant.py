"""Every route, called by one owner with another's ids: nothing of the other's is shown or changed.

New routes are walked without being named here. What they may need is a value for a new kind of id: a route whose
address has a part this walk knows no value for fails, and so does a form or query field it has never heard of.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import backend.web
from backend.domain.challenge import LedgerEntry, Posting
from backend.domain.mailbox.decisions import Decision, RuleKind
from backend.domain.mailbox.message import Outcome
from backend.web.browser_session import csrf_of
from tests.contract.store.dump import Rows, dump
from tests.web.service import Office, office, unopened

SECRET = "zanzibar"
"""Stands in everything of Ana's that has text, and in nothing that is asked."""
KEY = "key-of-anas-word-0123456789"
HELD, ANSWERED, RELEASED = "m-held", "m-answered", "m-released"
SENDER = "bo@pitch.test"

NOBODYS = {
    # for anybody: what the server is, pages, and the way in
    *("health.", "assets.", "api.openapi", "connect.", "live."),
    # proven otherwise than by a sign-in, each with tests of its own: Google's signature, a link only one has
    *("push.", "addon.", "challenge.", "digest."),
}
"""Beginnings of endpoint names that know no owner who could be another."""

ANAS: dict[str, str] = {
    # parts of addresses
    "gmail_id": HELD,
    "key": KEY,
    "device_id": "",  # filled in
    "secret": "a-receipt-nobody-was-given-0000",
    # fields of forms, of queries and of JSON
    "one": f"release {HELD}",
    "bulk": "release",
    "pick": HELD,
    "address": SENDER,
    "subject": SENDER,
    "rule": "block",
    "kind": "block",
    "amount": "1",
    "way": "give",
    "session": "",  # filled in
    "about": HELD,
    "cursor": HELD,
    "decision": "release",
    "say": f"sales {HELD}",
    "confirm": "ana@corp.test",
}
HARMLESS = set(
    """
    mode all half age overruled questions_a_week strictness done ended order back n balance lost
    q view band day show
    endpoint p256dh auth
    account since until note challenged placement limit by after v t language text default do
    confirmed answer request ticket csrf wording left_alone rows_off until_at
    scopes other typed line code verifier name leads_to page hours
    unread at of digest
    """.split()
)
"""Settings, searches, where a browser is reached: they name nothing of anybody's."""

NUMBERS = count()
PART = re.compile(r"<(?:\w+:)?(\w+)>")
ACCESS = ("sessions", "devices", "one_time_codes")
"""Tables in which the calls themselves leave something."""


@dataclass(frozen=True)
class Route:
    """One way to call one endpoint."""

    endpoint: str
    method: str
    path: str

    @property
    def is_api(self) -> bool:
        """Whether a device's token opens it; else a browser's session does."""
        return self.path.startswith("/api/")


def every_route() -> list[Route]:
    rules = unopened().app.url_map.iter_rules()
    found = [
        Route(rule.endpoint, method, rule.rule)
        for rule in rules
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return sorted(found, key=lambda route: (route.path, route.method))


def owned() -> list[Route]:
    return [route for route in every_route() if not route.endpoint.startswith(tuple(NOBODYS))]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """Ana's mailbox with one of everything, Eve's with nothing. Streams end as soon as they have begun."""
    stopping = asyncio.Event()
    stopping.set()
    async with office(tmp_path, stopping) as found:
        story = found.story
        await found.hold(HELD, text=f"The {SECRET} offer")
        await story.receive("ana", ANSWERED, Outcome.CHALLENGE, "di@other.test")
        await found.hold(RELEASED, "ed@third.test", text=f"Another {SECRET} offer")
        await story.decide("ana", RELEASED, Decision.RELEASE, KEY)
        await story.work()
        await story.store.set_rule("ana", f"{SECRET}.test", RuleKind.BLOCK, story.now)
        await story.store.set_rule("ana", SENDER, RuleKind.ALLOW, story.now)
        await story.store.post("ana", LedgerEntry(SENDER, 3, Posting.GRANTED, "grant:1"), story.now)
        with closing(sqlite3.connect(tmp_path / "web.sqlite3")) as file, file:
            file.execute(f"UPDATE messages SET subject = '{SECRET}', sender_name = '{SECRET}'")
        file.close()
        yield found


async def names(here: Office) -> dict[str, str]:
    """Ana's computer and browser, by the ids a form would give."""
    await here.token("ana", name=SECRET)
    await here.browser("ana")
    (device,) = await here.service.devices("ana")
    (session, *_) = await here.service.sessions("ana")
    return ANAS | {"device_id": device.id, "session": session.token_hash[:24]}


def tries(route: Route, values: dict[str, str]) -> list[dict[str, str]]:
    """What to send: everything at once, and, where one field might have the call refused for another, less."""
    if route.method != "GET":
        return [values, values | {"key": "a-key-of-this-walk-0123456789"}]
    return [{}, values, *({name: value} for name, value in values.items())]


async def call(
    here: Office, route: Route, who: str, values: dict[str, str], sent: dict[str, str], secret: str = ""
) -> tuple[int, str]:
    """The answer to `who`, whose address names `values` and who sends `sent` along, by this `secret` or a new one."""
    unknown = set(PART.findall(route.path)) - values.keys()
    assert not unknown, f"{route.path}: say in ANAS what of Ana's {unknown} would be"
    path = PART.sub(lambda part: values[part[1]], route.path)
    client = here.app.test_client()
    more: dict[str, Any] = {"query_string": sent} if route.method == "GET" else {}
    secret = secret or await way_in(here, route, who)
    if route.is_api:
        more["headers"] = {"Authorization": f"Bearer {secret}"}
        if route.method != "GET":
            more["json"] = sent
    else:
        client.set_cookie("localhost", "pitchgate-session", secret)
        if route.method != "GET":
            more["form"] = sent | {"csrf": csrf_of(secret), "order": "an-order-of-this-walk-01"}
    somewhere = {
        "client": (f"10.0.{next(NUMBERS) % 250}.1", 4000)
    }  # each from another place: limits are by network
    answer = await client.open(path, method=route.method, scope_base=somewhere, **more)
    return answer.status_code, str(await answer.get_data(as_text=True))


async def way_in(here: Office, route: Route, who: str) -> str:
    """The token or the session that somebody calls the route with."""
    return await (here.token(who) if route.is_api else here.service.sign_in(who))


async def anas(folder: Path) -> Rows:
    """Every row of Ana's."""
    return await dump(str(folder / "web.sqlite3"), "ana")


def shown(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", owned(), ids=shown)
async def test_another_owners_ids_lead_nowhere(route: Route, here: Office, tmp_path: Path) -> None:
    values = await names(here)
    before = await anas(tmp_path)
    assert before["messages"]
    assert before["devices"]
    # A page is asked for two dozen times. Where nobody wrote, nothing changed.
    secret = await way_in(here, route, "eve") if route.method == "GET" else ""
    written = -1
    with closing(sqlite3.connect(tmp_path / "web.sqlite3")) as file:
        for sent in tries(route, values):
            status, text = await call(here, route, "eve", values, sent, secret)
            assert status < 500, text
            assert status != 429, "a limit answered in place of the route"
            last, (written,) = written, file.execute("PRAGMA data_version").fetchone()
            assert written == last or await anas(tmp_path) == before
            assert SECRET not in text
            if values["confirm"] not in sent.values():  # what was typed is shown again
                assert values["confirm"] not in text


REACHING = """
GET /api/v1/held
GET /api/v1/messages
GET /api/v1/messages/<gmail_id>/preview
GET /api/v1/devices
POST /api/v1/corrections
POST /api/v1/corrections/<key>/undo
DELETE /api/v1/devices/<device_id>
GET /review
GET /review/mail/<gmail_id>
GET /review/sender
GET /devices
GET /settings/lists/export
POST /review/decide
POST /review/undo
POST /review/credits
POST /review/rule
POST /devices/remove
POST /devices/browsers/end
POST /settings/lists/remove
POST /settings/lists/add
""".strip().splitlines()


@pytest.mark.parametrize("name", REACHING)
async def test_the_same_calls_by_their_owner_reach_what_is_theirs(
    name: str, here: Office, tmp_path: Path
) -> None:
    """The walk would find nothing wrong either if its calls were all refused for their form."""
    (route,) = (route for route in owned() if shown(route) == name)
    values = await names(here)
    for sent in tries(route, values):
        before = await anas(tmp_path)
        _, text = await call(here, route, "ana", values, sent)
        after = await anas(tmp_path)
        # The call's own token or session is new; that something else is gone or changed is what is looked for.
        lost = any(set(rows) - set(after[table]) for table, rows in before.items())
        more = any(len(rows) > len(before[table]) for table, rows in after.items() if table not in ACCESS)
        if SECRET in text or lost or more:
            return
    pytest.fail(f"{name} as it is called here reaches nothing even for its owner")


def test_only_what_is_there_is_left_out_of_the_walk() -> None:
    endpoints = {route.endpoint for route in every_route()}
    assert [name for name in NOBODYS if not any(one.startswith(name) for one in endpoints)] == []


READS = re.compile(
    r"\b(?:fields|form|sent|args|changes|told)(?:\.get\(|\.getlist\(|\[)\"([a-z_]+)\""
    r"|text\(sent, \"([a-z_]+)\"\)"
)


def test_every_field_that_is_read_is_known_to_the_walk() -> None:
    """A new field may name something of somebody's: say so in ANAS, or that it names nothing in HARMLESS."""
    found: dict[str, str] = {}
    for path in Path(backend.web.__file__).parent.rglob("*.py"):
        for match in READS.finditer(path.read_text(encoding="utf-8")):
            found[match[1] or match[2]] = path.name
    unknown = {name: where for name, where in found.items() if name not in ANAS and name not in HARMLESS}
    assert unknown == {}
