"""Raw bytes to messages: ordinary mail, broken mail, hostile mail."""

from __future__ import annotations

import base64
import email
import os
import time
from email.message import Message as StdMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.mail.message import Address, Attachment
from backend.domain.mail.mime import MimeLimits, Part, from_parts, parse


def mail(head: str, body: str = "hello\n", charset: str = "utf-8") -> bytes:
    return (head.strip().replace("\n", "\r\n") + "\r\n\r\n").encode() + body.encode(charset)


def nested(levels: int) -> bytes:
    lines = ["Subject: deep"]
    for level in range(levels):
        lines += [f'Content-Type: multipart/mixed; boundary="b{level}"', "", f"--b{level}"]
    return "\n".join([*lines, "Content-Type: text/plain", "", "bottom"]).encode()


class TestOrdinaryMail:
    def test_a_simple_letter(self):
        message = parse(
            mail(
                """
From: "Doe, Jane" <Jane@Acme.TEST>
To: Bo <bo@ext.test>, list: a@b.test, c@d.test;
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?IGF1cyBXaWVu?=
Message-ID: <1@acme.test>
In-Reply-To: <0@ext.test>
References: <x@ext.test>
 <0@ext.test>
Content-Type: text/plain; charset=utf-8""",
                "Schöne Grüße\r\nJane\r\n",
            )
        )
        assert message.sender == Address("jane@acme.test", "Doe, Jane")
        assert [a.address for a in message.to] == ["bo@ext.test", "a@b.test", "c@d.test"]
        assert message.subject == "Grüße aus Wien"
        assert (message.message_id, message.in_reply_to) == ("<1@acme.test>", "<0@ext.test>")
        assert message.references == ("<x@ext.test>", "<0@ext.test>")
        assert message.text == "Schöne Grüße\nJane"
        assert message.html is None
        assert message.defects == ()

    def test_both_bodies_and_attachments_are_told_apart(self):
        message = parse(
            mail(
                "Content-Type: multipart/mixed; boundary=o",
                "--o\nContent-Type: multipart/alternative; boundary=i\n\n"
                "--i\nContent-Type: text/plain\n\nplain\n--i\nContent-Type: text/html\n\n<p>rich</p>\n--i--\n"
                "--o\nContent-Type: application/pdf; name*=utf-8''%C3%84.pdf\n"
                "Content-Transfer-Encoding: base64\nContent-Disposition: attachment\n\nAAAA\n"
                "--o\nContent-Type: text/plain\nContent-Disposition: attachment; filename=notes.txt\n\nnot body\n"
                "--o\nContent-Type: message/rfc822\n\nSubject: inner\n\nnot body either\n--o--\n",
            )
        )
        assert (message.text, message.html) == ("plain", "<p>rich</p>")
        assert message.attachments == (
            Attachment("Ä.pdf", "application/pdf", 3),
            Attachment("notes.txt", "text/plain", 8),
            Attachment("", "message/rfc822", 0),
        )
        assert message.content_type == "multipart/mixed"

    def test_a_forwarded_mail_is_read_but_not_one_that_a_report_returns(self):
        assert parse(CASES["forward"]).further_texts == ("inner text",)
        assert parse(CASES["bounce"]).further_texts == ()

    def test_header_lookup_keeps_order_and_repeats(self):
        message = parse(mail("Received: b\nReceived: a\nX-Thing: 1"))
        assert message.headers.all("received") == ("b", "a")
        assert message.headers.first("x-thing") == "1"


class TestAddresses:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("ceo@own.test <evil@out.test>", Address("evil@out.test", "ceo@own.test")),
            ('"ceo@own.test, really" <evil@out.test>', Address("evil@out.test", "ceo@own.test, really")),
            ("Doe, Jane <jane@acme.test>", Address("jane@acme.test", "Doe, Jane")),
            ("jane@acme.test (Jane Doe)", Address("jane@acme.test", "Jane Doe")),
            ("=?iso-8859-1?q?J=FCrgen=2C_M?= <j@x.test>", Address("j@x.test", "Jürgen, M")),
            ("undisclosed-recipients:;", None),
            ("nobody at all", Address("", "nobody at all")),
            ("", None),
        ],
    )
    def test_from_values(self, value: str, expected: Address | None):
        found = parse(mail(f"From: {value}")).from_
        assert found == ((expected,) if expected else ())


class TestBrokenMail:
    def test_a_wrong_charset_is_guessed_and_named(self):
        message = parse(mail("Content-Type: text/plain; charset=klingon", "Grüße"))
        assert message.text == "Grüße"
        assert message.defects == ("charset klingon",)

    def test_latin_1_that_says_ascii(self):
        message = parse(mail("Content-Type: text/plain; charset=us-ascii", "Grüße", "latin-1"))
        assert message.text == "Grüße"

    @pytest.mark.parametrize(
        "codec", ["idna", "punycode", "hex", "unicode_escape", "undefined", "zip", "../x"]
    )
    def test_codecs_that_are_no_charsets_are_not_run(self, codec: str):
        message = parse(mail(f"Content-Type: text/plain; charset={codec}", r"a\u0041"))
        assert message.text == r"a\u0041"
        assert message.defects == (f"charset {codec}",)

    def test_eight_bit_headers_and_lone_surrogates(self):
        message = parse(
            "Subject: Grüße\nFrom: Jörg <j@x.test>\n\n".encode("latin-1") + b"\xed\xa0\x80 nul \x00"
        )
        assert message.subject == "Grüße"
        assert message.sender.name == "Jörg"
        message.text.encode()
        assert "\x00" not in message.text

    def test_a_multipart_without_its_boundary_is_read_as_text(self):
        assert parse(mail("Content-Type: multipart/mixed", "just text")).text == "just text"

    def test_comments_beside_a_type_and_an_encoding_are_left_out(self):
        head = 'Content-Type: text/(a)plain (b)\nContent-Transfer-Encoding: (c)\n "base64" (d)'
        assert parse(mail(head, "aGVsbG8=")).text == "hello"
        named = parse(mail('Content-Type: text/plain (b); name="a (1).txt"')).attachments
        assert [one.filename for one in named] == ["a (1).txt"]

    def test_lines_that_a_program_joins_are_joined(self):
        head = "Content-Type: text/plain; format=flowed; delsp=yes"
        assert parse(mail(head, "so \nap\n-- \nBo\n")).text.split() == ["soap", "--", "Bo"]

    def test_broken_base64_gives_what_there_is(self):
        message = parse(mail("Content-Transfer-Encoding: base64", "aGVsbG8*"))
        assert message.text.startswith("hello")

    def test_nothing_at_all(self):
        assert parse(b"").text == ""


class TestHostileMail:
    def test_deep_nesting_is_cut(self):
        message = parse(nested(60))
        assert message.defects == ("depth limit",)
        assert message.subject == "deep"

    def test_absurd_nesting_is_not_even_parsed(self):
        begun = time.thread_time()
        message = parse(nested(20_000))
        assert "nesting limit" in message.defects
        assert message.subject == "deep"
        assert time.thread_time() - begun < 5

    def test_many_parts_many_headers_long_headers(self):
        limits = MimeLimits(parts=10, headers=20, header_chars=100)
        parts = "".join(f"--b\nContent-Type: text/plain\n\np{i}\n" for i in range(50))
        head = "Content-Type: multipart/mixed; boundary=b\nSubject: " + "x" * 500
        head += "".join(f"\nX-{i}: y" for i in range(50))
        message = parse(mail(head, parts), limits)
        assert set(message.defects) == {"part limit", "header limit", "long header"}
        assert len(message.headers.fields) == 20
        assert len(message.subject) == 100

    def test_sizes_are_capped(self):
        limits = MimeLimits(raw=1000, text_chars=50)
        message = parse(mail("Subject: big", "x" * 5000), limits)
        assert set(message.defects) == {"size limit", "text limit"}
        assert len(message.text) == 50

    def test_a_depth_bomb_of_parts_is_cut_too(self):
        part = Part(body=b"bottom")
        for _ in range(500):
            part = Part("multipart/mixed", children=(part,))
        assert from_parts(part).defects == ("depth limit",)

    @settings(max_examples=150, deadline=None)
    @given(st.binary(max_size=400), st.binary(max_size=400))
    def test_no_bytes_at_all_make_it_raise(self, head: bytes, body: bytes):
        message = parse(head + b"\nContent-Type: multipart/mixed; boundary=a\n\n--a\n" + body)
        "".join((message.text, message.subject, message.html or "")).encode()

    @settings(max_examples=150, deadline=None)
    @given(st.text(max_size=200), st.sampled_from(["From", "Subject", "Content-Type", "Content-Disposition"]))
    def test_no_header_value_makes_it_raise(self, value: str, name: str):
        data = f"{name}: {value}\n\nx".encode("utf-8", "surrogatepass")
        message = parse(data)
        repr(message).encode()


class TestPartTrees:
    def test_a_missing_body_is_a_defect_not_an_error(self):
        message = from_parts(Part("text/plain", size=70, headers=(("Subject", "x"),)))
        assert (message.text, message.defects) == ("", ("body missing",))

    def test_headers_already_decoded_are_left_alone(self):
        part = Part(headers=(("Subject", "Grüße =?x"), ("From", "Jörg <j@x.test>")), body=b"x")
        assert (from_parts(part).subject, from_parts(part).sender.name) == ("Grüße =?x", "Jörg")

    def test_the_charset_comes_from_the_header_when_not_given(self):
        part = Part(headers=(("Content-Type", "text/plain; charset=iso-8859-2"),), body=b"\xb1")
        assert from_parts(part).text == "ą"

    def test_an_attachment_without_body_counts_with_its_size(self):
        pdf = Part("application/pdf", filename="form.pdf", size=48211)
        root = Part("multipart/mixed", children=(Part(body=base64.b64decode("aGVsbG8=")), pdf))
        assert from_parts(root).attachments == (Attachment("form.pdf", "application/pdf", 48211),)


# ---- Raw bytes and a Gmail payload of the same mail give equal messages


def report(author: bytes, text: bytes) -> bytes:
    return (
        b"Subject: r\nTo: Ann@own.test\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        b"--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nAction: failed\n\n"
        b"--b\nContent-Type: message/rfc822\n\nFrom: "
        + author
        + b"\nSubject: inner\n\n"
        + text
        + b"\n--b--\n"
    )


CASES = {
    "plain": b"From: a@b.test\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n",
    "alternative": b"Subject: y\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b\n"
    b"Content-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n<p>=FC</p>\n--b--\n",
    "attachment": b"Subject: z\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n"
    b'Content-Type: image/png; name="a.png"\nContent-Transfer-Encoding: base64\n\nAAAAAAAA\n--b--\n',
    "forward": b"Subject: f\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n"
    b"Content-Type: message/rfc822\n\nSubject: inner\n\ninner text\n--b--\n",
    "bounce": report(b"Ann <ann@own.test>", b"returned text"),
    "not a bounce": report(b"Joe <joe@seller.test>", b"a pitch"),
    "no headers": b"\n\nbody only",
}


def gmail_payload(part: StdMessage, part_id: str = "") -> dict[str, Any]:
    """What `format=full` shows of a part: bytes in base64url, attachments without any."""
    children = part.get_payload() if part.is_multipart() else []
    name = part.get_filename() or ""
    data = part.get_payload(decode=True) if not part.is_multipart() else None
    data = data if isinstance(data, bytes) else b""
    attached = bool(name) or part.get_content_maintype() not in ("text", "multipart")
    body: dict[str, Any] = {"size": len(data)}
    if attached:
        body["attachmentId"] = "ANGjdJ8"
    else:
        body["data"] = base64.urlsafe_b64encode(data).decode()
    return {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": "" if "\ufffd" in name else name,  # the standard library lost its bytes
        "headers": [{"name": k, "value": str(v)} for k, v in part.raw_items()],
        "body": body,
        "parts": [gmail_payload(child, f"{part_id}.{i}".strip(".")) for i, child in enumerate(children)],
    }


def part_of(payload: dict[str, Any]) -> Part:
    body = payload["body"]
    return Part(
        content_type=payload["mimeType"],
        filename=payload["filename"],
        headers=tuple((h["name"], h["value"]) for h in payload["headers"]),
        body=base64.urlsafe_b64decode(body["data"]) if "data" in body else None,
        size=body["size"],
        children=tuple(part_of(child) for child in payload.get("parts", ())),
    )


def test_only_mail_that_a_report_returns_to_its_author_is_left_out():
    read = {name: "".join(parse(CASES[name]).further_texts) for name in ("bounce", "not a bounce")}
    assert "returned text" not in read["bounce"]
    assert "a pitch" in read["not a bounce"]


@pytest.mark.parametrize("name", CASES)
def test_own_cases(name: str):
    raw = CASES[name]
    assert from_parts(part_of(gmail_payload(email.message_from_bytes(raw)))) == parse(raw)


def collected_mail() -> list[Path]:
    """Mail files of the machine's own, named by PITCHGATE_MAIL; the project ships none."""
    folder = os.environ.get("PITCHGATE_MAIL", "")
    return sorted(p for p in Path(folder).rglob("*") if p.is_file()) if folder else []


def test_every_collected_mail_where_there_are_any():
    paths = collected_mail()
    if not paths:
        pytest.skip("PITCHGATE_MAIL names no folder of mail")
    different = []
    for path in paths:
        raw = path.read_bytes()
        built = from_parts(part_of(gmail_payload(email.message_from_bytes(raw))))
        if built != parse(raw):
            different.append(path.name)
    assert different == []
