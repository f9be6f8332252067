"""A seller who tries eight disguises and then writes three times, as the owner sees it on their pages, in words."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import replace
from email.utils import formatdate

import pytest

from backend.domain.mailbox.message import HELD
from backend.locale import catalogue
from tests.evasion.measure import mails
from tests.evasion.tricks import Mail, Part, tricks
from tests.journeys.conftest import Journey

pytestmark = pytest.mark.asyncio(loop_scope="module")

DISGUISES = (
    "zero_width",
    "cyrillic",
    "override",
    "letter_cells",
    "white_on_white",
    "far_below",
    "idle_plain",
    "list_fields",
)
SAID = {"far_below": "reason.part.below"}
"""What the page says of a disguise that it saw through, where a reason names it."""

SOFT = """Hello Anna,

saw the brackets on your stand in Birmingham, lovely finish. Do you make them in steel as well?

Dan"""
BUMP = "Thanks, Dan"


async def _arrives(walk: Journey, mail: Mail, number: int) -> str:
    """The mail as it is written, to this owner."""
    raw = mail.bytes().replace(b"anna.berg@northwind-tools.test", walk.owner.encode())
    raw = re.sub(rb"Date: [^\r]*", b"Date: " + formatdate().encode(), raw)
    raw = raw.replace(b"<one@sender.test>", f"<{number}@{walk.owner}.sender.test>".encode())
    body = {"to": walk.owner, "raw_base64": base64.b64encode(raw).decode()}
    async with walk.stage.http.post(f"{walk.stage.sandbox.url}/sandbox/deliver", json=body) as answer:
        delivered = (await answer.json())["delivered"][0]
    walk.stage.delivered.append(delivered["id"])
    return str(delivered["id"])


async def _page(walk: Journey, path: str, **query: str) -> str:
    """A page of the owner's, as text."""
    async with walk.browser.get(f"{walk.stage.server_url}{path}", params=query) as answer:
        assert answer.status == 200
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", await answer.text())).split())


async def test_eight_disguises_and_three_emails_are_told_in_words(walk: Journey) -> None:
    words = catalogue("en")
    pitch, *_ = mails("pitches")
    dressed = {trick.name: trick for trick in tricks() if trick.name in DISGUISES}
    assert dressed.keys() == set(DISGUISES)
    for number, name in enumerate(DISGUISES):
        firm = f"ledgerlift{number}.example"
        mail = dressed[name].dress(replace(pitch, sender=f"Dan Whitlock <dan@{firm}>"))
        gmail_id = await _arrives(walk, mail, number)
        await walk.settled(gmail_id, held=True)
        page = await _page(walk, f"/review/mail/{gmail_id}")
        for said in ("reason.pitch_words", SAID.get(name, "reason.pitch_words")):
            assert words[said][1:] in page, name

    sender = "dan@ledgerlift.example"
    written = replace(pitch, sender=f"Dan Whitlock <{sender}>")
    soft = replace(written, subject="your stand in Birmingham", text=SOFT, parts=(Part("text/plain", SOFT),))
    first = await _arrives(walk, soft, 10)
    await walk.quiet()
    assert "INBOX" in await walk.labels(first)
    second = await _arrives(walk, written, 11)
    for gmail_id in (first, second):
        assert HELD in await walk.settled(gmail_id, held=True)
    bump = replace(written, text=BUMP, parts=(Part("text/plain", BUMP),))
    third = await _arrives(walk, bump, 12)
    await walk.settled(third, held=True)

    page = await _page(walk, "/review/sender", address=sender)
    assert re.search(r"Together, their 3 undecided emails of the last 30 days score \d\d of 100\.", page)
    assert words["card.row_held_with_later"] in page
    assert words["card.row_held_with_earlier"] in page
    doubtful = await _page(walk, "/review", order="doubtful")
    assert doubtful.index(sender) < doubtful.index("dan@ledgerlift0.example")
