"""A raw message as the API shows it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sandbox.gmail.messages import message_json
from backend.sandbox.mail.compose import (
    MAX_PARTS,
    Letter,
    addresses,
    first,
    html_of,
    parse,
    read_headers,
    snippet_of,
    text_of,
    without_tags,
    write,
)
from tests.sandbox.models import NOW_MS, mailbox

MIXED = b"""\
Received: from a\r\n by b; then\r\nRECEIVED: second\r\nFrom: Bo <bo@ext.test>\r\nX-odd-Case: 1\r
Content-Type: multipart/mixed; boundary=o\r\n\r
--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r
--i\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r
caf=E9 & more\r
--i\r\nContent-Type: text/html\r\n\r\n<style>x{}</style><p>caf&eacute;</p>\r\n--i--\r
--o\r\nContent-Type: application/pdf; name="a b.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r
JVBERg==\r\n--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello\r\n--o--\r\n"""


WORDS = st.lists(
    st.tuples(st.text("abcdéü漢", min_size=1, max_size=30), st.integers(1, 4)), min_size=2, max_size=14
)


@given(words=WORDS)
def test_folding_and_unfolding_a_subject_keep_its_white_space(words: list[tuple[str, int]]) -> None:
    """RFC 5322, 2.2.3: a fold is the line break alone, the white space behind it belongs to the field."""
    subject = "".join(word + " " * gap for word, gap in words).strip()
    for text in (subject, subject.encode("ascii", "ignore").decode().strip() or "a"):
        raw = write(Letter("bo@ext.test", ["ana@corp.test"], subject=text, text="x"), NOW_MS)
        assert first(read_headers(raw), "Subject") == text


def test_a_field_is_unfolded_as_it_was_folded() -> None:
    raw = b"Subject: one\r\n  two\r\n\tthree \r\n four\n  five\r\n\r\n"
    assert first(read_headers(raw), "Subject") == "one  two\tthree  four  five"


@pytest.mark.parametrize("piece", ["<!--", "<script>", "<style ", "<"])
def test_markup_that_never_ends_takes_no_minutes(piece: str) -> None:
    assert "</" not in without_tags(piece * 40_000)


def test_what_is_no_text_for_people_is_left_out() -> None:
    source = "<head><title>a</title></head>b<!-- c --> <STYLE>d</style >e<script>f</script><p>g &amp; h"
    assert without_tags(source).split() == ["b", "e", "g", "&", "h"]
    assert without_tags("a <!-- b <script>c</script> d").split() == ["a", "<!--", "b", "d"]


def test_parts_are_numbered_and_decoded_from_transfer_encoding_only() -> None:
    root = parse(MIXED)
    shape = [(part.part_id, part.mime_type, part.filename) for part in root.walk()]
    assert shape == [
        ("", "multipart/mixed", ""),
        ("0", "multipart/alternative", ""),
        ("0.0", "text/plain", ""),
        ("0.1", "text/html", ""),
        ("1", "application/pdf", "a b.pdf"),
        ("2", "message/rfc822", ""),
        ("2.0", "text/plain", ""),
    ]
    assert root.children[0].children[0].body == b"caf\xe9 & more"
    assert root.children[1].body == b"%PDF"


def test_text_html_and_snippet() -> None:
    root = parse(MIXED)
    assert text_of(root) == "café & more"
    assert html_of(root) == "<style>x{}</style><p>caf&eacute;</p>"
    assert snippet_of(root) == "café &amp; more"
    only_html = parse(
        b"Content-Type: text/html\r\n\r\n<style>x{}</style><p>caf&eacute;</p><script>bad()</script>"
    )
    assert text_of(only_html).split() == ["café"]


def test_headers_keep_order_spelling_and_repeats() -> None:
    names = [name for name, _ in read_headers(MIXED)]
    assert names == ["Received", "RECEIVED", "From", "X-odd-Case", "Content-Type"]
    assert read_headers(MIXED)[0] == ("Received", "from a\r\n by b; then")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus\r\n Bonn", "Grüße aus Bonn"),
        (
            "From: =?utf-8?q?Bo_=28Sales=29=2C_a=40b=2Etest?= <bo@ext.test>",
            '"Bo (Sales), a@b.test" <bo@ext.test>',
        ),
        ("From: =?utf-8?q?B=C3=B8?= <bo@ext.test>", "Bø <bo@ext.test>"),
        ("Subject: =?no-such-charset?q?x?=", "x"),
        ("Subject: =?utf-8?b?!!!?=", "=?utf-8?b?!!!?="),
        ("Subject: Gr\u00fc\u00dfe", "Grüße"),
    ],
)
def test_encoded_words_are_decoded(line: str, shown: str) -> None:
    name, value = read_headers(line.encode() + b"\r\n\r\n")[0]
    assert first([(name, value)], name.lower()) == shown


def test_a_decoded_name_cannot_pass_for_a_second_address() -> None:
    raw = b"From: =?utf-8?q?ceo=40corp=2Etest=2C?= <bo@ext.test>\r\n\r\n"
    assert [address for _, address in addresses(first(read_headers(raw), "From"))] == ["bo@ext.test"]


def test_a_bomb_of_parts_is_cut() -> None:
    body = b"".join(b"--b\r\n\r\nx\r\n" for _ in range(3 * MAX_PARTS))
    root = parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body + b"--b--\r\n")
    assert len(root.walk()) <= MAX_PARTS + 1


def test_deep_nesting_is_cut_not_fatal() -> None:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2000)
    )
    root = parse(head + b"\r\ndeep")
    assert root.mime_type in ("multipart/mixed", "text/plain")


@given(st.binary(max_size=400))
def test_any_bytes_are_shown_somehow(raw: bytes) -> None:
    root = parse(raw)
    assert isinstance(snippet_of(root), str)
    assert all(isinstance(value, str) for part in root.walk() for _, value in part.headers)


def test_formats_of_one_message() -> None:
    message = mailbox().add(MIXED, ["INBOX"], NOW_MS)
    full, metadata, minimal = (message_json(message, form) for form in ("full", "metadata", "minimal"))
    assert base64.urlsafe_b64decode(message_json(message, "raw")["raw"]) == MIXED
    assert "payload" not in minimal
    assert set(metadata["payload"]) == {"mimeType", "headers"}
    assert full["payload"]["body"] == {"size": 0}
    text = full["payload"]["parts"][0]["parts"][0]["body"]
    assert base64.urlsafe_b64decode(text["data"]) == b"caf\xe9 & more"
    only = message_json(message, "metadata", ["from", "RECEIVED"])["payload"]["headers"]
    assert [item["name"] for item in only] == ["Received", "RECEIVED", "From"]


def test_an_attachment_has_an_id_that_differs_each_time() -> None:
    message = mailbox().add(MIXED, [], NOW_MS)
    ids = [message_json(message)["payload"]["parts"][1]["body"]["attachmentId"] for _ in range(2)]
    assert ids[0] != ids[1]
