"""The challenge as a mail: what a sender gets, and that nothing of their own mail can break into it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.challenge_mail import compose, preview, reply_subject
from backend.domain.errors import Refused
from backend.domain.mail.message import Address, Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.reading.words import language as language_of
from backend.locale import LANGUAGES, catalogue
from backend.pipeline.act import challenge_wording
from tests.unit.domain.rules import NOW, arrival, html_faults, judge_of, pitch

ANA = Owner("ana@corp.test", "Ana Corp")
LINK = "https://gate.test/c/Zm9vYmFy-_123"
EXPLAINED = "https://gate.test/#how"
UNTIL = NOW + timedelta(days=14)
EXPECTED = {
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "X-Auto-Response-Suppress", "X-Pitchgate-Challenge", "X-Pitchgate-Link", "MIME-Version", "Content-Type",
}  # fmt: skip


def written(
    message: Message | None = None,
    owner: Owner = ANA,
    language: str = "en",
    expires_at: datetime = UNTIL,
    solve: int = 3,
    **changes: Any,
) -> bytes:
    values: dict[str, Any] = {
        "link": LINK,
        "explained": EXPLAINED,
        "message_id": "<c1.9f@corp.test>",
        "marker": "c1-9f",
        "wording": challenge_wording(language, expires_at, solve),
        "own": "",
        "now": NOW,
    }
    return compose(arrival=arrival(message), owner=owner, **values | changes)


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def body(raw: bytes, kind: str) -> str:
    part = read(raw).get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


class Page(HTMLParser):
    """Collects what an HTML body could load, and the words it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data


class TestHeaders:
    def test_it_is_a_reply_that_no_machine_answers(self):
        parent = pitch(references=("<0@seller.test>", "<00@corp.test>"))
        mail = read(written(parent))
        assert mail["From"] == "Ana Corp <ana@corp.test>"
        assert mail["To"] == "sam@seller.test"
        assert mail["Subject"] == "Re: Quick question"
        assert mail["Message-ID"] == "<c1.9f@corp.test>"
        assert mail["In-Reply-To"] == "<1@seller.test>"
        assert mail["References"].split() == ["<0@seller.test>", "<00@corp.test>", "<1@seller.test>"]
        assert mail["Auto-Submitted"] == "auto-replied"
        assert mail["X-Auto-Response-Suppress"] == "All"
        assert mail["X-Pitchgate-Challenge"] == "c1-9f"
        assert mail["Date"].datetime == NOW
        assert set(mail.keys()) == EXPECTED

    def test_the_same_challenge_is_the_same_mail(self):
        assert written() == written()

    def test_it_goes_to_the_reply_address_of_the_same_organisation_only(self):
        friendly = pitch(reply_to=(Address("sales@seller.test"),))
        foreign = pitch(reply_to=(Address("victim@elsewhere.test"),))
        assert read(written(friendly))["To"] == "sales@seller.test"
        assert read(written(foreign))["To"] == "sam@seller.test"

    @pytest.mark.parametrize(
        ("subject", "expected"),
        [
            ("Offer", "Re: Offer"),
            ("Re: Offer", "Re: Offer"),
            ("RE[2]: Offer", "RE[2]: Offer"),
            ("AW: Angebot", "Re: AW: Angebot"),
            ("Report", "Re: Report"),
            ("", "Re:"),
            ("Über \u202egnp.exe", "Re: Über  gnp.exe"),
            ("Offre\u00a0: 2  für 1 👩\u200d💻", "Re: Offre\u00a0: 2  für 1 👩\u200d💻"),
            ("a\r\nBcc: x@y.test", "Re: a  Bcc: x@y.test"),
            ("a\u2028b\u0000c\ud800d", "Re: a b c d"),
            ("=?utf-8?q?x=0D=0ABcc:_y@z.test?=", "Re: = ?utf-8?q?x=0D=0ABcc:_y@z.test?="),
        ],
    )
    def test_the_subject_keeps_the_thread(self, subject: str, expected: str):
        assert reply_subject(subject) == expected
        assert read(written(pitch(subject=subject)))["Subject"] == expected

    def test_a_long_thread_keeps_its_first_and_latest_ids(self):
        ids = tuple(f"<{n}.{'y' * 80}@seller.test>" for n in range(300))
        raw = written(pitch(references=ids))
        kept = read(raw)["References"].split()
        assert kept[0] == ids[0]
        assert kept[1:-1] == list(ids[-19:])
        assert kept[-1] == "<1@seller.test>"

    def test_an_id_is_named_once(self):
        twice = pitch(references=("<0@x.test>", "<1@seller.test>", "<0@x.test>"))
        assert read(written(twice))["References"].split() == ["<0@x.test>", "<1@seller.test>"]

    def test_a_long_id_stays_an_id(self):
        long = f"<{'x' * 190}@seller.test>"
        raw = written(pitch(message_id=long, references=(f"<{'y' * 190}@x.test>",)))
        assert f"\r\nIn-Reply-To: {long}\r\n".encode() in raw
        assert b"=?" not in raw.partition(b"\r\n\r\n")[0]

    @pytest.mark.parametrize(
        "broken", ["", "no brackets", "<a b@x.test>", "<a@x.test>\r\nBcc: y@z.test", "<ä@x.test>", "<@>",
     f"<{'x' * 999}@y>"]
    )  # fmt: skip
    def test_a_parent_without_a_usable_id_is_answered_without_one(self, broken: str):
        mail = read(written(pitch(message_id=broken, references=(broken, "<0@x.test>"))))
        assert "In-Reply-To" not in mail
        assert "References" not in mail

    @pytest.mark.parametrize(
        "name", ["Ana Corp", 'Dr. "Ana" <x@y.test>', "Ána\r\nBcc: x@y.test", "", "\u202e\ud83d", "N" * 500]
    )
    def test_any_owners_name(self, name: str):
        mail = read(written(owner=Owner("ana@corp.test", name)))
        assert [a.addr_spec for a in mail["From"].addresses] == ["ana@corp.test"]
        assert "Bcc" not in mail

    @pytest.mark.parametrize("sender", ["sam@localhost", "sämi@seller.test", "", "a b@c.test"])
    def test_nobody_is_guessed_at(self, sender: str):
        with pytest.raises(Refused) as refused:
            written(pitch(from_=(Address(sender),)))
        assert refused.value.code == "unwritable_address"

    def test_an_international_domain_is_written_in_ascii(self):
        assert read(written(pitch(sender="sam@müller.de")))["To"] == "sam@xn--mller-kva.de"

    @pytest.mark.parametrize(
        "ours",
        [
            {"link": "javascript:alert(1)"},
            {"link": "https://gate.test/c/a b"},
            {"link": 'https://gate.test/"onclick="'},
            {"link": "https://gate.test/<b>"},
            {"marker": "a\r\nBcc: x"},
            {"marker": ""},
            {"message_id": "<a@b>\r\n"},
            {"message_id": "a@b.test"},
        ],
    )
    def test_values_of_ours_that_would_break_a_header_are_a_bug(self, ours: dict[str, str]):
        with pytest.raises(ValueError, match="not fit for a mail"):
            written(**ours)


class TestWords:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_language_says_who_wrote_what_to_do_until_when_and_that_nothing_is_lost(
        self, language: str
    ):
        raw = written(language=language)
        for kind in ("plain", "html"):
            text = body(raw, kind)
            assert "Pitchgate" in text
            assert text.count("Ana Corp") == 2, "named twice, not eight times"
            assert "Sam" in text
            assert "Quick question" in text
            assert LINK in text
            assert EXPLAINED in text
            assert challenge_wording(language, UNTIL, 3).until in text
            assert " 2 " in text, "what the check is worth besides"
            assert "{" not in text
        assert language_of(body(raw, "plain")) == language

    @pytest.mark.parametrize(
        ("language", "shown"),
        [("en", "2 March 2027"), ("de", "2. März 2027"), ("fr", "2 mars 2027"), ("es", "2 de marzo de 2027"),
         ("pt", "2 de março de 2027")],
    )  # fmt: skip
    def test_dates(self, language: str, shown: str):
        assert shown in body(written(language=language, expires_at=datetime(2027, 3, 2, tzinfo=UTC)), "plain")

    def test_an_unknown_language_is_answered_in_english(self):
        assert "Sent automatically" in body(written(language="tlh"), "plain")

    @pytest.mark.parametrize(
        ("name", "greeting"),
        [("Sam Okafor", "Hi Sam,"), ("J. Sam Okafor", "Hi J. Sam Okafor,"),
         ("Dr. María-José O’Neill", "Hi Dr. María-José O’Neill,"),
         ("", "Hello,"), ("Call 555 0100 now", "Hello,"), ("evil.example", "Hello,"), ("a@b.test", "Hello,"),
         ("https://evil.example", "Hello,"), ("One Two Three Four Five Six Seven Eight", "Hello,")],
    )  # fmt: skip
    def test_a_name_is_repeated_if_it_can_be_nothing_else(self, name: str, greeting: str):
        raw = written(pitch(from_=(Address("sam@seller.test", name),)))
        assert body(raw, "plain").startswith(f"{greeting}\n\n")

    @pytest.mark.parametrize(
        "subject", ["", "Look at evil.example", "https://evil.example/x", "mail me@evil.test"]
    )
    def test_a_subject_that_a_mail_program_would_make_a_link_of_is_not_repeated(self, subject: str):
        assert "\n\nYour email reached Ana Corp’s account" in body(written(pitch(subject=subject)), "plain")

    def test_what_a_check_pays_for_besides(self):
        assert "nothing to pay. It also lets your next email through.\n" in body(written(solve=2), "plain")
        assert "nothing to pay.\n\nhttps://" in body(written(solve=1), "plain")

    def test_the_owners_words_replace_the_middle_and_nothing_else(self):
        raw = written(own="I read <b>offers</b> on Fridays.\r\n\r\n{owner} & I\nthank you.")
        text, page = body(raw, "plain"), body(raw, "html")
        assert "\n\nI read <b>offers</b> on Fridays.\n\n{owner} & I\nthank you.\n\n" in text
        assert "but was held" not in text
        assert "Sent automatically" in text
        assert "until 8 December 2026" in text
        assert "<p>I read &lt;b&gt;offers&lt;/b&gt; on Fridays.</p>" in page
        assert "<p>{owner} &amp; I<br>\nthank you.</p>" in page

    def test_blank_words_of_the_owner_are_none(self):
        assert "but was held" in body(written(own=" \n \u200b\n"), "plain")

    def test_the_owners_words_have_an_end(self):
        assert len(body(written(own="x" * 50_000), "plain")) < 4_000

    def test_an_owner_without_a_name_is_named_by_address(self):
        assert "automatically for ana@corp.test by" in body(written(owner=Owner("ana@corp.test")), "plain")


class TestPage:
    def test_nothing_is_loaded_and_nothing_leads_to_anybody_else(self):
        page = Page(body(written(), "html"))
        assert set(page.tags) == {"html", "head", "meta", "title", "body", "p", "a", "br"}
        assert page.links == [LINK, EXPLAINED]
        assert page.attributes == {"lang", "charset", "href"}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_page_names_its_language_and_its_link_is_the_address_it_shows(self, language: str):
        text = body(written(language=language), "html")
        assert f'<html lang="{catalogue(language).tag}">' in text
        assert f'<a href="{LINK}">{LINK}</a>' in text

    def test_text_and_page_say_the_same(self):
        raw = written(language="fr")
        plain = " ".join(body(raw, "plain").split())
        shown = " ".join(Page(body(raw, "html")).words.split())
        assert shown.removeprefix("Re: Quick question ") == plain

    def test_a_link_with_a_query_is_escaped(self):
        raw = written(link="https://gate.test/c?a=1&b=2")
        assert 'href="https://gate.test/c?a=1&amp;b=2"' in body(raw, "html")
        assert "https://gate.test/c?a=1&b=2\n" in body(raw, "plain")


_HOSTILE = st.text(
    st.characters() | st.sampled_from('\r\n\x00\u2028\u0085<>"=?,;:()\ud800'), max_size=120
) | st.sampled_from(
    ["x\r\nBcc: a@b.test", "=?utf-8?b?DQpCY2M6IGFAYi50ZXN0?=", "=?utf-8?q?=0D=0ABcc=3A_a?=", "<a@b.test>"]
)
_IDS = _HOSTILE | st.sampled_from(["<1@seller.test>", "<2@x.test>"])


class TestAnyParent:
    @given(
        subject=_HOSTILE, name=_HOSTILE, owner_name=_HOSTILE, message_id=_IDS,
        references=st.lists(_IDS, max_size=30), own=_HOSTILE, language=st.sampled_from(LANGUAGES),
    )  # fmt: skip
    def test_it_parses_back_and_holds_no_header_of_the_senders(
        self, subject, name, owner_name, message_id, references, own, language
    ):
        parent = pitch(
            subject=subject,
            message_id=message_id,
            references=tuple(references),
            from_=(Address("sam@seller.test", name),),
        )
        raw = written(parent, Owner("ana@corp.test", owner_name), own=own, language=language)
        head = raw.partition(b"\r\n\r\n")[0]
        assert head.isascii()
        assert b"\n" not in head.replace(b"\r\n", b"")
        assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
        names = re.findall(rb"(?m)^([^\s:]+):", head)
        assert {n.decode() for n in names} | {"In-Reply-To", "References"} == EXPECTED
        assert len(names) == len(set(names))

        mail = read(raw)
        assert mail["Subject"] == reply_subject(subject)
        assert [a.addr_spec for a in mail["From"].addresses] == ["ana@corp.test"]
        assert [a.addr_spec for a in mail["To"].addresses] == ["sam@seller.test"]
        assert LINK in body(raw, "plain")
        assert Page(body(raw, "html")).links == [LINK, EXPLAINED]

        ours = parse(raw)
        assert ours.defects == ()
        assert ours.subject == reply_subject(subject)
        assert ours.from_[0].address == "ana@corp.test"
        assert ours.headers.first("X-Pitchgate-Challenge") == "c1-9f"
        if ours.in_reply_to:
            assert ours.in_reply_to == ours.references[-1] == message_id

    def test_a_parent_remembered_without_its_body_gives_the_same_mail(self):
        full = pitch(references=("<0@seller.test>",), reply_to=(Address("sales@seller.test"),))
        kept = replace(full, headers=Message().headers, text="", to=())
        assert written(full) == written(kept)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("own", ["", "Bitte <b>kurz</b>.\n\nSonst nichts."])
def test_a_preview_is_what_is_sent(language: str, own: str) -> None:
    raw = written(pitch(subject="Quick question"), own=own, language=language)
    shown = preview(
        ANA,
        pitch(subject="Quick question"),
        link=LINK,
        explained=EXPLAINED,
        wording=challenge_wording(language, UNTIL, 3),
        own=own,
    )
    assert (shown.subject, shown.text, shown.html) == (
        read(raw)["Subject"], body(raw, "plain"), body(raw, "html"),
    )  # fmt: skip
    assert ("Sonst nichts." in shown.text) == bool(own)
    assert "<b>kurz" not in shown.html


# ---- What Tidy says of its page, and a spam filter of the reply: SpamAssassin's own rules, without the net


MOST = 0.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_page_is_valid_in_every_language(language: str) -> None:
    hostile = pitch(subject="</p><table><b>A & B", from_=(Address("sam@seller.test", '<i>"Sam"'),))
    for message in (None, hostile):
        assert html_faults(body(written(message, language=language), "html")) == []


def test_no_language_looks_like_spam() -> None:
    folder = b"".join(
        b"From x@y Tue Nov 24 12:00:00 2026\n" + written(language=name).replace(b"\r\n", b"\n") + b"\n"
        for name in LANGUAGES
    )  # one run reads them all: most of its time goes into reading its rules
    result = subprocess.run(
        [judge_of("spamassassin"), "--local", "--nocreate-prefs", "--mbox"],
        input=folder,
        capture_output=True,
        check=True,
    )
    points = [
        float(found) for found in re.findall(rb"(?m)^X-Spam-Status: \w+, score=(-?[\d.]+)", result.stdout)
    ]
    assert len(points) == len(LANGUAGES), result.stderr
    assert max(points) <= MOST, dict(zip(LANGUAGES, points, strict=True))
