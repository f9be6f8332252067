"""Machine mail by its form, and how little a stranger gains who only writes the header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.machine_mail import (
    UnsubscribeOffer,
    addressed_to,
    from_machine,
    host_of,
    is_bounce,
    is_machine_mail,
    is_report,
    list_address,
    null_sender,
    unsubscribe_offer,
)
from backend.domain.mail.message import Address, Attachment, Headers, Message
from backend.domain.mail.mime import parse
from backend.domain.mailbox.message import Outcome, PolicyRow
from backend.domain.policy.table import decide
from tests.unit.domain.rules import NOW, OWNER, THRESHOLDS, arrival, facts, pitch, score
from tests.web.offers import offered

SURE, UNSURE = 0.97, 0.7


def row_of(message, probability: float, *labels: str) -> PolicyRow:
    given = facts(message, labels=frozenset({"INBOX", *labels}))
    return decide(given, score(probability), THRESHOLDS, (), NOW).row


BOUNCE = b"""\
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: ana@corp.test
Subject: Delivery Status Notification (Failure)
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Address not found: your message wasn't delivered to sam@seller.test
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com

Final-Recipient: rfc822; sam@seller.test
Action: failed
--b--
"""
RECEIPT = b"""\
Return-Path: <>
From: bo@client.test
To: ana@corp.test
Subject: Read: offer
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="b"

--b
Content-Type: text/plain

Your message was displayed.
--b
Content-Type: message/disposition-notification

Disposition: manual-action/MDN-sent-manually; displayed
--b--
"""
QMAIL_BOUNCE = b"""\
Return-Path: <>
From: MAILER-DAEMON@mx.client.test
To: ana@corp.test
Subject: failure notice

Hi. This is the qmail-send program. I'm afraid I wasn't able to deliver your message.
"""
RSVP = b"""\
Return-Path: <bo@client.test>
From: bo@client.test
To: ana@corp.test
Subject: Accepted: Review
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="a"

--a
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain

bo@client.test has accepted this invitation.
--b
Content-Type: text/calendar; charset="UTF-8"; method=REPLY

BEGIN:VCALENDAR
METHOD:REPLY
END:VCALENDAR
--b--
--a
Content-Type: application/ics; name="invite.ics"
Content-Disposition: attachment; filename="invite.ics"

BEGIN:VCALENDAR
END:VCALENDAR
--a--
"""
INVITATION = RSVP.replace(b"method=REPLY", b"method=REQUEST").replace(b"Accepted: ", b"Invitation: ")


class TestReports:
    @pytest.mark.parametrize("mail", [BOUNCE, RECEIPT, QMAIL_BOUNCE], ids=["bounce", "receipt", "qmail"])
    def test_a_report_passes_unless_it_is_surely_a_pitch(self, mail: bytes):
        assert row_of(parse(mail), UNSURE) is PolicyRow.MACHINE_MAIL
        assert row_of(parse(mail), SURE) is PolicyRow.CHALLENGE  # where no guard objects

    def test_a_whole_report_by_a_postmaster_needs_no_empty_envelope(self):
        assert is_report(parse(BOUNCE.replace(b"Return-Path: <>", b"Return-Path: <x@googlemail.com>")))

    def test_a_pitch_in_a_reports_clothes_is_none(self):
        dressed = parse(BOUNCE.replace(b"Return-Path: <>", b"Return-Path: <sam@seller.test>").replace(
            b"mailer-daemon@googlemail.com", b"sam@seller.test"))  # fmt: skip
        assert not is_report(dressed)
        assert row_of(dressed, UNSURE) is PolicyRow.QUARANTINE

    def test_the_content_type_alone_is_no_report(self):
        bare = parse(BOUNCE.replace(b"message/delivery-status", b"text/plain").replace(
            b"mailer-daemon@googlemail.com", b"sam@seller.test"))  # fmt: skip
        assert not is_report(bare)

    def test_an_empty_envelope_alone_is_no_report(self):
        silent = parse(QMAIL_BOUNCE.replace(b"MAILER-DAEMON@mx.client.test", b"sam@seller.test"))
        assert null_sender(silent)
        assert not is_report(silent)

    def test_a_second_forged_return_path_below_counts_for_nothing(self):
        forged = parse(b"Return-Path: <sam@seller.test>\n" + QMAIL_BOUNCE)
        assert not null_sender(forged)


class TestLists:
    @pytest.mark.parametrize(
        "fields",
        [
            (("List-Id", "Talk <talk.lists.test>"), ("List-Unsubscribe", "<https://lists.test/u>")),
            (("List-Id", "<talk.lists.test>"), ("List-Post", "<mailto:talk@lists.test>")),
            (("List-ID", "talk.lists.test"), ("Precedence", "list")),
            (("List-Id", "News <abc123.list-id.sender.test>"), ("Precedence", "bulk")),
            (("list-id", "<x.lists.test>"), ("Mailing-List", "list x@lists.test")),
        ],
        ids=["unsubscribe", "post", "precedence list", "precedence bulk", "mailing-list"],
    )
    def test_a_mailing_list_is_believed_where_gmail_sorts_it_so(self, fields):
        assert row_of(pitch(*fields), 1.0, "CATEGORY_UPDATES") is PolicyRow.MACHINE_MAIL
        assert row_of(pitch(*fields), SURE) is not PolicyRow.MACHINE_MAIL
        assert row_of(pitch(*fields), UNSURE) is PolicyRow.MACHINE_MAIL

    def test_a_list_that_only_names_itself_is_known_by_its_address(self):
        post = pitch(("List-Id", "<team.corp.test>"), to=("team@corp.test",))
        assert row_of(post, 1.0, "CATEGORY_UPDATES") is PolicyRow.MACHINE_MAIL

    def test_a_category_alone_makes_no_list(self):
        assert row_of(pitch(), UNSURE, "CATEGORY_UPDATES") is PolicyRow.QUARANTINE

    def test_a_one_to_one_pitch_gains_little_by_a_list_id(self):
        dressed = pitch(("List-Id", "<deals.seller.test>"))
        assert row_of(dressed, SURE) is not PolicyRow.MACHINE_MAIL
        assert row_of(dressed, UNSURE) is PolicyRow.MACHINE_MAIL  # a real list may look like this too

    @pytest.mark.parametrize("value", ["", "<>", "deals", "<deals>", "<a@b.test>", "x" * 2_000])
    def test_a_list_id_that_names_no_list_is_none(self, value: str):
        dressed = pitch(("List-Id", value), ("List-Unsubscribe", "<https://seller.test/u>"))
        assert row_of(dressed, UNSURE) is PolicyRow.QUARANTINE

    def test_list_unsubscribe_alone_makes_no_list(self):
        mass = pitch(("List-Unsubscribe", "<https://seller.test/u>"), ("Precedence", "bulk"))
        assert row_of(mass, UNSURE) is PolicyRow.QUARANTINE

    @pytest.mark.parametrize(
        ("posts", "address"),
        [
            (("<mailto:Talk@lists.corp.test>",), "talk@lists.corp.test"),
            (("NO",), ""),
            ((), ""),
            (("<mailto:talk@lists.corp.test>", "<mailto:talk@lists.corp.test>"), ""),
            (("<mailto:talk@other.test>",), ""),
            (("<mailto:bo@gmail.com>",), ""),
            (("<mailto:" + "x" * 400 + "@corp.test>",), ""),
        ],
        ids=["its own", "none", "not said", "said twice", "not signed", "a mail provider's", "too long"],
    )
    def test_a_lists_address_is_believed_of_the_list_that_signed(self, posts, address):
        results = "mx.google.com; dkim=pass header.i=@corp.test; dkim=pass header.i=@gmail.com"
        given = (("Received", "from a by mx.google.com"), ("Authentication-Results", results))
        fields = (*given, *(("List-Post", post) for post in posts))
        sender = (Address("bo@gmail.com"),)
        assert list_address(Message(Headers((*fields, ("List-Id", "<talk.corp.test>"))), sender)) == address
        assert not list_address(Message(Headers(fields), sender))


class TestAutomaticReplies:
    @pytest.mark.parametrize(
        "message",
        [
            pitch(("Auto-Submitted", "auto-replied"), in_reply_to="<a@corp.test>"),
            pitch(("Auto-Submitted", "Auto-Notified; owner=x"), references=("<a@corp.test>",)),
            pitch(("X-Autoreply", "yes"), in_reply_to="<a@corp.test>"),
            pitch(("Precedence", "auto_reply"), in_reply_to="<a@corp.test>"),
            pitch(("Auto-Submitted", "auto-generated"), subject="Automatic reply: Offer"),
            pitch(("Auto-Submitted", "auto-replied"), subject="Abwesenheitsnotiz: Angebot"),
        ],
        ids=["replied", "notified", "x-autoreply", "precedence", "exchange", "german"],
    )
    def test_they_pass_while_the_model_is_not_sure(self, message):
        assert row_of(message, 0.79) is PolicyRow.MACHINE_MAIL
        assert row_of(message, 0.8) is not PolicyRow.MACHINE_MAIL

    def test_a_header_without_anything_that_is_answered_gains_nothing(self):
        assert row_of(pitch(("Auto-Submitted", "auto-replied")), UNSURE) is PolicyRow.QUARANTINE

    @pytest.mark.parametrize("value", ["no", "", "auto-generated", "; auto-replied"])
    def test_other_values_are_no_automatic_reply(self, value: str):
        assert (
            row_of(pitch(("Auto-Submitted", value), in_reply_to="<a@b.test>"), UNSURE) is PolicyRow.QUARANTINE
        )

    def test_a_subject_alone_is_no_automatic_reply(self):
        assert row_of(pitch(subject="Automatic reply: a deal"), UNSURE) is PolicyRow.QUARANTINE


class TestCalendar:
    def test_an_answer_to_an_invitation_passes(self):
        assert row_of(parse(RSVP), UNSURE) is PolicyRow.MACHINE_MAIL

    def test_an_invitation_does_not(self):
        assert row_of(parse(INVITATION), UNSURE) is PolicyRow.QUARANTINE

    @pytest.mark.parametrize(
        "change",
        [(b"; method=REPLY", b""), (b"text/calendar", b"application/ics"), (b"=REPLY", b'="REPLY-TO-ALL"')],
        ids=["no method", "an .ics file", "another method"],
    )
    def test_neither_does_a_file_with_events(self, change: tuple[bytes, bytes]):
        assert row_of(parse(RSVP.replace(*change)), UNSURE) is PolicyRow.QUARANTINE

    def test_an_invitation_beside_an_answer_spoils_it(self):
        both = RSVP.replace(b"--b--", b"--b\nContent-Type: text/calendar; method=REQUEST\n\nx\n--b--")
        assert row_of(parse(both), UNSURE) is PolicyRow.QUARANTINE

    def test_a_sure_pitch_with_an_answer_attached_is_held(self):
        verdict = decide(facts(parse(RSVP)), score(SURE), THRESHOLDS, (), NOW)
        assert verdict.outcome is Outcome.CHALLENGE


class TestAddressing:
    @pytest.mark.parametrize(
        "to", ["ana@corp.test", "Ana@CORP.test", "ana+news@corp.test", "a.corp@other.test"]
    )
    def test_every_spelling_of_the_owner_counts(self, to: str):
        assert addressed_to(pitch(to=(to,)), OWNER)
        assert addressed_to(pitch(to=("x@y.test",), cc=(to,)), OWNER)

    def test_a_blind_copy_is_not_addressed(self):
        assert not addressed_to(pitch(to=("undisclosed@seller.test",)), OWNER)
        assert not addressed_to(pitch(to=()), OWNER)

    def test_the_sender_field_can_betray_a_machine(self):
        assert from_machine(pitch(("Sender", "List <talk-bounces@lists.test>")))
        assert not from_machine(pitch(("Sender", "Sam <sam@seller.test>")))


def test_an_ordinary_pitch_has_no_such_form():
    assert not is_machine_mail(arrival(), OWNER)


# ---- A mail that came back, and what only looks like one


STATUS = (Attachment("", "message/delivery-status"), Attachment("", "message/rfc822"))


def report(
    sender: str = "mailer-daemon@googlemail.com",
    subject: str = "Delivery Status Notification (Failure)",
    content_type: str = "multipart/report",
    attachments: tuple[Attachment, ...] = STATUS,
    path: str = "<>",
) -> Message:
    return Message(
        headers=Headers((("Return-Path", path), ("From", sender), ("Subject", subject))),
        from_=(Address(sender),),
        subject=subject,
        content_type=content_type,
        attachments=attachments,
    )


@pytest.mark.parametrize(
    "message",
    [
        report(),
        report(sender="postmaster@seller.test", subject="Undeliverable: Re: Hello"),
        report(attachments=(Attachment("", "message/global-delivery-status"),), sender="noreply@seller.test"),
        report(content_type="text/plain", attachments=()),  # an old mailer's word, sent by nobody
    ],
)
def test_failed_delivery_is_a_bounce(message: Message) -> None:
    assert is_bounce(message)


@pytest.mark.parametrize(
    "message",
    [
        report(subject="Delivery Status Notification (Delay)"),
        report(sender="sam@seller.test", attachments=(Attachment("", "message/disposition-notification"),)),
        report(sender="sam@seller.test", attachments=(Attachment("", "message/feedback-report"),)),
        report(sender="sam@seller.test", content_type="text/plain", attachments=()),
        report(sender="sam@seller.test", path="<sam@seller.test>"),
    ],
)
def test_lateness_receipts_complaints_and_letters_are_none(message: Message) -> None:
    assert not is_bounce(message)


# ---- RFC 8058: an offer is taken only if it can be believed, and only at an address anybody may be posted to


URL = "https://lists.pitch.test/u?t=1"


def mail(**changes: str) -> Message:
    return Message(headers=Headers(offered("pitch.test", **changes)), from_=(Address("bo@pitch.test", "Bo"),))


def test_a_signed_offer_is_taken() -> None:
    assert unsubscribe_offer(mail()) == UnsubscribeOffer(URL)
    assert unsubscribe_offer(
        mail(covered="From:List-Unsubscribe-Post: list-unsubscribe ")
    ) == UnsubscribeOffer(URL)
    assert unsubscribe_offer(mail(post=" list-unsubscribe=one-click ")) == UnsubscribeOffer(URL)


@pytest.mark.parametrize(
    "changes",
    [
        {"post": ""},
        {"post": "List-Unsubscribe=Two-Clicks"},
        {"List_Unsubscribe": ""},
        {"List_Unsubscribe": "<mailto:off@pitch.test>"},
        {"List_Unsubscribe": "<http://lists.pitch.test/u>"},
        {"List_Unsubscribe": "https://lists.pitch.test/u"},
        {"List_Unsubscribe": "<https://127.0.0.1/u>"},
    ],
)
def test_without_one_click_over_https_there_is_no_offer(changes: dict[str, str]) -> None:
    assert unsubscribe_offer(mail(**changes)) == UnsubscribeOffer(cause="no_offer")


@pytest.mark.parametrize(
    "changes",
    [
        {"covered": "from:to:list-unsubscribe"},
        {"covered": "from:to:list-unsubscribe-post"},
        {"DKIM_Signature": ""},
        {"DKIM_Signature": "v=1; d=other.test; h=list-unsubscribe:list-unsubscribe-post; b=x"},
        {"Authentication_Results": ""},
        {"Received": ""},
        {
            "Authentication_Results": "mx.google.com; dkim=fail header.i=@pitch.test; spf=pass"
            " smtp.mailfrom=a@pitch.test; dmarc=pass header.from=pitch.test"
        },
        {
            "Authentication_Results": "mx.google.com; dkim=pass header.i=@pitch.test; dmarc=fail header.from=pitch.test"
        },
    ],
)
def test_an_offer_nobody_vouches_for_is_not_taken(changes: dict[str, str]) -> None:
    assert unsubscribe_offer(mail(**changes)) == UnsubscribeOffer(cause="unproved")


def test_a_second_signature_of_the_domain_must_cover_the_offer_too() -> None:
    """Google says that the domain signed validly, not with which of its signatures."""
    forged = (("DKIM-Signature", "v=1; d=pitch.test; s=t; h=from; b=x"),)
    message = Message(
        headers=Headers((*offered("pitch.test"), *forged)), from_=(Address("bo@pitch.test", "Bo"),)
    )

    assert unsubscribe_offer(message) == UnsubscribeOffer(cause="unproved")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (URL, "lists.pitch.test"),
        ("HTTPS://Lists.Pitch.test:443/u", "lists.pitch.test"),
        ("https://lists.pitch.test./u", "lists.pitch.test"),
        ("http://lists.pitch.test/u", ""),
        ("https://lists.pitch.test:8443/u", ""),
        ("https://user@lists.pitch.test/u", ""),
        ("https://lists.pitch.test@evil.test/u", ""),
        ("https://localhost/u", ""),
        ("https://127.0.0.1/u", ""),
        ("https://2130706433/u", ""),
        ("https://0x7f.1/u", ""),
        ("https://[::1]/u", ""),
        ("https://[::ffff:10.0.0.1]/u", ""),
        ("https://lists.pitch.test\\@evil.test/", ""),
        ("https://lists.pitch.test/a b", ""),
        ("https://lists.pitch.test/\r\nX: y", ""),
        ("https://lísts.pitch.test/", ""),
        ("https://lists.pitch.test:99999/", ""),
        ("https://" + "a" * 2_000 + ".test/", ""),
        ("ftp://lists.pitch.test/", ""),
        ("https:lists.pitch.test", ""),
        ("", ""),
    ],
)
def test_only_a_named_host_on_the_usual_port(url: str, host: str) -> None:
    assert host_of(url) == host


@given(
    st.lists(
        st.tuples(st.sampled_from(["List-Unsubscribe", "List-Unsubscribe-Post", "DKIM-Signature"]), st.text())
    )
)
def test_whatever_stands_there_is_read(fields: list[tuple[str, str]]) -> None:
    message = Message(headers=Headers((*offered("pitch.test"), *fields)), from_=(Address("bo@pitch.test"),))

    found = unsubscribe_offer(message)

    assert bool(found.url) is not bool(found.cause)
    assert not found.url or host_of(found.url)
