"""When a digest is due, what its mail looks like, and how we know our own message."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import Refused
from backend.domain.mail.message import Owner
from backend.domain.mailbox import owner_digest as rules
from backend.domain.mailbox.mailbox import DigestPace
from backend.domain.mailbox.owner_digest import Button, DigestLetter, SenderBlock, compose, page, text
from tests.doubles import START
from tests.unit.domain.rules import html_faults

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
BUTTONS = tuple(
    Button(name, f"{name} Sam", f"https://gate.test/d/{name}") for name in ("Release", "Allow", "Block")
)
SAM = SenderBlock(
    "Sam Seller",
    "sam@seller.test",
    "3 emails",
    "98",
    "Pitch",
    "pitch",
    "More leads?",
    "Looks like a pitch: states a price",
    "Note: “We met.”",
    BUTTONS,
)
LETTER = DigestLetter(
    "en",
    "3 emails held from 1 sender",
    "3 emails held from 1 sender",
    "Sam Seller",
    "Since 23 Nov, 08:00",
    (SAM,),
    ("Nothing happens before.",),
    Button("Review all", "", "https://gate.test/review"),
    Button("Off", "", "https://gate.test/settings#digest"),
)


def composed(letter: DigestLetter = LETTER) -> bytes:
    return compose(Owner("ana@corp.test", "Ana"), letter, "<digest.abc@corp.test>", "mark", NOON)


@pytest.mark.parametrize(
    ("after", "pace", "due"),
    [
        (NOON, DigestPace.DAILY, datetime(2026, 11, 25, 7, tzinfo=UTC)),
        (NOON.replace(hour=6), DigestPace.DAILY, datetime(2026, 11, 24, 7, tzinfo=UTC)),
        (NOON.replace(hour=7), DigestPace.DAILY, datetime(2026, 11, 25, 7, tzinfo=UTC)),
        (NOON, DigestPace.WEEKLY, datetime(2026, 11, 30, 7, tzinfo=UTC)),
        (datetime(2026, 3, 28, 12, tzinfo=UTC), DigestPace.DAILY, datetime(2026, 3, 29, 6, tzinfo=UTC)),
    ],
)
def test_it_comes_at_eight_by_the_owners_clock(after: datetime, pace: DigestPace, due: datetime) -> None:
    assert rules.next_at(after, pace, BERLIN) == due


@given(st.integers(0, 5_000_000), st.sampled_from([*DigestPace][1:]))
def test_it_is_always_later_and_never_more_than_a_period_away(minutes: int, pace: DigestPace) -> None:
    after = NOON + timedelta(minutes=minutes)
    at = rules.next_at(after, pace, BERLIN)
    period = timedelta(days=7 if pace is DigestPace.WEEKLY else 1, hours=1)
    assert timedelta(0) < at - after <= period
    assert at.astimezone(BERLIN).hour == 8


def test_the_mail_is_ascii_says_the_same_twice_and_loads_nothing() -> None:
    raw = composed(replace(LETTER, subject="3 E-Mails zurückgehalten", blocks=(replace(SAM, name="Zoë"),)))
    mail = email.message_from_bytes(raw, policy=policy.default)

    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert str(mail["Subject"]) == "3 E-Mails zurückgehalten"
    assert (str(mail["To"]), str(mail["Message-ID"])) == ("ana@corp.test", "<digest.abc@corp.test>")
    for part in mail.iter_parts():
        content = part.get_content()
        for words in ("Zoë", "sam@seller.test", "More leads?", "We met.", "Since 23 Nov", "Nothing happens"):
            assert words in content, (part.get_content_type(), words)
        assert {button.url for button in BUTTONS} <= set(re.findall(r"https://[^\s\"<]+", content))
    assert not re.search(r"<(img|script|link|iframe|form)|url\(|src=|@import", page(LETTER))
    assert raw == composed(
        replace(LETTER, subject="3 E-Mails zurückgehalten", blocks=(replace(SAM, name="Zoë"),))
    )


def test_its_page_is_valid() -> None:
    assert html_faults(page(replace(LETTER, blocks=(SAM, replace(SAM, name='<i>"Sam', note=""))))) == []
    assert html_faults("<p><b>open</p></i>"), "Tidy says what is wrong"


class Read(HTMLParser):
    """The words of a page as they are read out, each link followed by where it leads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._unseen: list[bool] = []
        self._links: list[str] = []
        self.feed(html.replace("<wbr>", ""))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "br"):
            return
        given = dict(attributes)
        unseen = tag in ("head", "style") or given.get("aria-hidden") == "true"
        self._unseen.append(unseen or "display:none" in str(given.get("style")) or any(self._unseen[-1:]))
        if tag == "a":
            self._links.append(str(given["href"]))

    def handle_endtag(self, tag: str) -> None:
        self._unseen.pop()
        if tag == "a" and not (link := self._links.pop()).startswith("mailto:"):
            self.words.append(link)

    def handle_data(self, data: str) -> None:
        self.words += [] if any(self._unseen[-1:]) else data.split()


@pytest.mark.parametrize(
    "block", [SAM, replace(SAM, name="", count="", note=""), replace(SAM, name=SAM.address)]
)
def test_text_and_page_say_the_same_in_the_same_order(block: SenderBlock) -> None:
    letter = replace(LETTER, blocks=(block, SAM))
    words = text(letter).replace(": https://", " https://").split()
    assert [word for word in Read(page(letter)).words if word != "·"] == [w for w in words if w != "·"]
    assert words.count(SAM.address) == 2


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_nothing_a_stranger_wrote_breaks_the_mail_or_its_page(name: str, subject: str, note: str) -> None:
    name, subject, note = (
        words.encode("utf-8", "ignore").decode() for words in (name, subject, note)
    )  # a parsed mail has no halves of characters
    hostile = replace(SAM, name=f"<script>{name}", subject=f'"><a href="x">{subject}', note=note)
    letter = replace(LETTER, blocks=(hostile,), glance=name)
    shown = page(letter)

    assert "<script" not in shown
    assert shown.count("<a ") == page(LETTER).count("<a ")
    found = text(letter)
    assert len(found.splitlines()) <= len(text(LETTER).splitlines())
    mail = email.message_from_bytes(composed(letter), policy=policy.default)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_what_is_sealed_is_good_for_one_mailbox_and_about_then() -> None:
    words = rules.sealed_content("box1", NOON)
    assert rules.placed_by_us(words, "box1", NOON + timedelta(minutes=3))
    assert not rules.placed_by_us(words, "box2", NOON)
    assert not rules.placed_by_us(words, "box1", NOON + timedelta(days=2))
    assert not rules.placed_by_us("box1", "box1", NOON)
    sealed = b"gAAAA-_x=="
    assert rules.sealed_in(rules.message_id(sealed, "corp.test")) == sealed


@pytest.mark.parametrize("other", ["", "<x@y.test>", "digest.", "<digest.abc>", "<digest.ä@y.test>", "<@>"])
def test_another_id_claims_nothing(other: str) -> None:
    assert rules.sealed_in(other) == b""


# ---- Which addresses a browser may name, which senders its owner hears of, and when a failed try is made again


POINT, SECRET = "B" + "x" * 86, "c" * 22
GOOD = "https://updates.push.maker.test/wpush/v2/gAAAA"


def test_what_a_browser_hands_out_is_taken_with_or_without_padding() -> None:
    found = rules.subscription(GOOD, POINT + "=", SECRET + "==", "key")
    assert (found.endpoint, found.p256dh, found.auth, found.key) == (GOOD, POINT, SECRET, "key")


@pytest.mark.parametrize(
    ("endpoint", "point", "secret"),
    [
        ("http://push.maker.test/x", POINT, SECRET),
        ("https://127.0.0.1/x", POINT, SECRET),
        ("https://[::1]/x", POINT, SECRET),
        ("https://localhost/x", POINT, SECRET),
        ("https://push.maker.test:8443/x", POINT, SECRET),
        ("https://ana@push.maker.test/x", POINT, SECRET),
        ("https://push.maker.test/" + "x" * 1_000, POINT, SECRET),
        ("", POINT, SECRET),
        (GOOD, "A" + POINT[1:], SECRET),
        (GOOD, POINT[:-1], SECRET),
        (GOOD, "", SECRET),
        (GOOD, POINT, SECRET + "c"),
        (GOOD, POINT, ""),
        (GOOD, POINT, "ü" * 22),
    ],
)
def test_anything_else_is_refused(endpoint: str, point: str, secret: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.subscription(endpoint, point, secret, "key")
    assert refused.value.key == "malformed.web_push"


@pytest.mark.parametrize(
    ("failed", "named", "wait"),
    [
        (timedelta(0), None, timedelta(seconds=5)),
        (timedelta(seconds=40), None, timedelta(seconds=40)),
        (timedelta(hours=5), None, timedelta(minutes=15)),
        (timedelta(0), timedelta(minutes=2), timedelta(minutes=2)),
        (timedelta(0), timedelta(hours=9), timedelta(minutes=15)),
        (timedelta(minutes=1), timedelta(seconds=-9), timedelta(minutes=1)),
    ],
)
def test_a_failed_try_is_made_again_after_as_long_again(
    failed: timedelta, named: timedelta | None, wait: timedelta
) -> None:
    at = None if named is None else START + named
    assert rules.next_try(START - failed, START, at) == START + wait
