"""Delivery between local mailboxes, and what the receiving server writes on top."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from backend.sandbox import BadRequest
from backend.sandbox.faults import Knobs
from backend.sandbox.mail.compose import (
    Authentication,
    prepend,
    results_value,
    set_field,
    without_field,
)
from backend.sandbox.mail.mailbox import Mailbox, SendAs, StoredMessage
from backend.sandbox.mail.post_office import Arrival, PostOffice
from tests.sandbox.models import NOW_MS, letter, mailbox

DAY = 86_400_000


class Town:
    """Ana, Bo, and a post office with options to turn."""

    def __init__(self, **options: bool) -> None:
        numbers = itertools.count(1)
        self.ana, self.bo = mailbox("ana@corp.test"), mailbox("bo@ext.test", seed=8)
        boxes = {box.address: box for box in (self.ana, self.bo)}
        self.post = PostOffice(boxes, Knobs(**options), token=lambda: f"{next(numbers):016d}")

    def deliver(self, raw: bytes, mail_from: str = "bo@ext.test", **arrival: Any) -> StoredMessage:
        return self.post.deliver(self.ana, raw, Arrival(mail_from, **arrival), NOW_MS)

    def send(self, sender: Mailbox, now_ms: int = NOW_MS, **headers: str) -> StoredMessage:
        return self.post.send(sender, letter(**headers), None, now_ms)


def arrived(box: Mailbox) -> list[StoredMessage]:
    return list(box.newest_first(["INBOX"]))


def test_mail_between_local_mailboxes() -> None:
    town = Town()
    sent = town.send(town.bo, Message_ID="<1@ext.test>")
    assert sent.labels == {"SENT"}
    [got] = arrived(town.ana)
    assert got.labels == {"INBOX", "UNREAD", "CATEGORY_PERSONAL"}
    assert got.rfc822_id == sent.rfc822_id == "1@ext.test"
    assert got.header("Return-Path") == "<bo@ext.test>"
    assert "dmarc=pass" in got.header("Authentication-Results")


def test_our_stamp_stands_above_a_forged_one() -> None:
    forged = "mx.google.com; dmarc=pass header.from=corp.test"
    got = Town().deliver(
        letter(Authentication_Results=forged), auth=Authentication(dkim="fail", spf="softfail", dmarc="fail")
    )
    stamps = [value for name, value in got.headers if name == "Authentication-Results"]
    assert stamps[0].startswith("mx.google.com;\r\n")
    assert "dmarc=fail" in stamps[0]
    assert stamps[1] == forged
    assert [name for name, _ in got.headers][:3] == ["Delivered-To", "Received", "Return-Path"]


@pytest.mark.parametrize(
    ("auth", "holds", "lacks"),
    [
        ({}, ["dkim=pass header.i=@ext.test", "spf=pass", "smtp.mailfrom=b@ext.test", "dmarc=pass"], []),
        ({"dmarc": "absent"}, ["dkim=pass"], ["dmarc"]),
        ({"dmarc": "none"}, ["dmarc=none header.from=ext.test"], []),
        ({"dkim_domain": "mailer.test", "dmarc": "fail"}, ["header.i=@mailer.test", "dmarc=fail"], []),
        ({"spf_domain": "mailer.test"}, ["smtp.mailfrom=bounce@mailer.test"], []),
        ({"dkim": "absent", "spf": "absent", "dmarc": "absent"}, ["mx.google.com;\r\n       none"], ["dkim"]),
    ],
)
def test_results_say_what_was_asked(auth: dict[str, str], holds: list[str], lacks: list[str]) -> None:
    value = results_value(Authentication(**auth), "ext.test", "b@ext.test")
    assert value is not None
    assert all(text in value for text in holds)
    assert not any(text in value for text in lacks)


def test_the_stamp_can_be_left_out_or_given() -> None:
    town = Town()
    bare = town.deliver(letter(), auth=Authentication(leave_out=True))
    assert bare.header("Authentication-Results") == bare.header("Received-SPF") == ""
    given = town.deliver(letter(), auth=Authentication(verbatim="mx.google.com; arc=pass"))
    assert given.header("Authentication-Results") == "mx.google.com; arc=pass"


def test_blind_copies_stay_blind() -> None:
    town = Town()
    sent = town.send(town.bo, To="other@far.test", Bcc="ana@corp.test")
    assert sent.header("Bcc") == "ana@corp.test"
    [got] = arrived(town.ana)
    assert got.header("Bcc") == ""
    assert town.post.outbox[0].recipients == ("other@far.test", "ana@corp.test")


def test_a_foreign_from_becomes_the_owners() -> None:
    town = Town()
    assert town.send(town.bo, From="ceo@corp.test").header("From") == "Ana <bo@ext.test>"
    town.bo.settings.send_as.append(SendAs("sales@ext.test"))
    assert town.send(town.bo, From="sales@ext.test").header("From") == "sales@ext.test"
    town.bo.settings.send_as.append(SendAs("new@ext.test", accepted=False))
    assert "bo@ext.test" in town.send(town.bo, From="new@ext.test").header("From")


def test_what_gmail_fills_in() -> None:
    town = Town(rewrite_message_ids=True)
    assert town.send(town.bo).rfc822_id.endswith("@mail.gmail.com")
    rewritten = town.send(town.bo, Message_ID="<1@ext.test>")
    assert rewritten.rfc822_id.endswith("@mail.gmail.com")
    assert rewritten.header("Date")


def test_plus_addresses_and_aliases_find_their_mailbox() -> None:
    town = Town()
    town.ana.settings.send_as.append(SendAs("office@corp.test"))
    for address in ("Ana+list@corp.test", "office@corp.test", "ANA@CORP.TEST"):
        assert town.post.find(address) is town.ana
    assert town.post.find("nobody@corp.test") is None


def test_two_addresses_of_one_mailbox_bring_one_copy() -> None:
    town = Town()
    town.send(town.bo, To="ana@corp.test, ana+x@corp.test", Cc="far@away.test")
    assert len(arrived(town.ana)) == 1
    assert len(town.post.outbox[0].recipients) == 3


def test_mail_to_oneself_is_one_message_in_both_places() -> None:
    town = Town()
    sent = town.send(town.bo, To="bo@ext.test")
    assert sent.labels == {"SENT", "INBOX", "UNREAD"}
    assert len(town.bo) == 1


def test_an_unknown_recipient_bounces_if_asked() -> None:
    town = Town(bounces=True)
    sent = town.send(town.bo, To="nobody@far.test", Message_ID="<1@ext.test>", Subject="Hello")
    [bounce] = arrived(town.bo)
    assert bounce.header("Return-Path") == "<>"
    assert bounce.root.mime_type == "multipart/report"
    assert bounce.header("X-Failed-Recipients") == "nobody@far.test"
    assert sent.rfc822_id in bounce.header("References")
    assert Town().send(Town().bo, To="nobody@far.test").labels == {"SENT"}


def test_header_surgery_touches_only_the_header() -> None:
    raw = b"A: 1\r\nBcc: x@y,\r\n z@y\r\nB: 2\r\n\r\nBcc: in the body\r\n"
    assert without_field(raw, "bcc") == b"A: 1\r\nB: 2\r\n\r\nBcc: in the body\r\n"
    assert set_field(raw, "A", "9").startswith(b"A: 9\r\nBcc:")
    with pytest.raises(BadRequest):
        prepend(raw, [("X", "1\r\nBcc: victim@far.test")])
    with pytest.raises(BadRequest):
        prepend(raw, [("X Y", "1")])
