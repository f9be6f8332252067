"""Machine mail by its form, and how little a stranger gains who only writes the header."""

from __future__ import annotations

import pytest

from backend.domain.mail.machine_mail import (
    addressed_to,
    from_machine,
    is_machine_mail,
    is_report,
    null_sender,
)
from backend.domain.mail.mime import parse
from backend.domain.mailbox.message import Outcome, Row
from backend.domain.policy.table import decide
from tests.unit.domain.rules import NOW, OWNER, THRESHOLDS, arrival, facts, pitch, score

SURE, UNSURE = 0.97, 0.7


def row_of(message, probability: float) -> Row:
    return decide(facts(message), score(probability), THRESHOLDS, (), NOW).row


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
    def test_a_report_passes_whatever_the_model_thinks_of_it(self, mail: bytes):
        assert row_of(parse(mail), 1.0) is Row.MACHINE_MAIL

    def test_a_whole_report_by_a_postmaster_needs_no_empty_envelope(self):
        assert is_report(parse(BOUNCE.replace(b"Return-Path: <>", b"Return-Path: <x@googlemail.com>")))

    def test_a_pitch_in_a_reports_clothes_is_none(self):
        dressed = parse(BOUNCE.replace(b"Return-Path: <>", b"Return-Path: <sam@seller.test>").replace(
            b"mailer-daemon@googlemail.com", b"sam@seller.test"))  # fmt: skip
        assert not is_report(dressed)
        assert row_of(dressed, UNSURE) is Row.QUARANTINE

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
    def test_a_mailing_list_is_never_held(self, fields):
        assert row_of(pitch(*fields), 1.0) is Row.MACHINE_MAIL

    def test_a_list_that_only_names_itself_is_known_by_its_address(self):
        post = pitch(("List-Id", "<team.corp.test>"), to=("team@corp.test",))
        assert row_of(post, 1.0) is Row.MACHINE_MAIL

    def test_a_one_to_one_pitch_gains_little_by_a_list_id(self):
        dressed = pitch(("List-Id", "<deals.seller.test>"))
        assert row_of(dressed, SURE) is not Row.MACHINE_MAIL
        assert row_of(dressed, UNSURE) is Row.MACHINE_MAIL  # a real list may look like this too

    @pytest.mark.parametrize("value", ["", "<>", "deals", "<deals>", "<a@b.test>", "x" * 2_000])
    def test_a_list_id_that_names_no_list_is_none(self, value: str):
        dressed = pitch(("List-Id", value), ("List-Unsubscribe", "<https://seller.test/u>"))
        assert row_of(dressed, UNSURE) is Row.QUARANTINE

    def test_list_unsubscribe_alone_makes_no_list(self):
        mass = pitch(("List-Unsubscribe", "<https://seller.test/u>"), ("Precedence", "bulk"))
        assert row_of(mass, UNSURE) is Row.QUARANTINE


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
        assert row_of(message, 0.79) is Row.MACHINE_MAIL
        assert row_of(message, 0.8) is not Row.MACHINE_MAIL

    def test_a_header_without_anything_that_is_answered_gains_nothing(self):
        assert row_of(pitch(("Auto-Submitted", "auto-replied")), UNSURE) is Row.QUARANTINE

    @pytest.mark.parametrize("value", ["no", "", "auto-generated", "; auto-replied"])
    def test_other_values_are_no_automatic_reply(self, value: str):
        assert row_of(pitch(("Auto-Submitted", value), in_reply_to="<a@b.test>"), UNSURE) is Row.QUARANTINE

    def test_a_subject_alone_is_no_automatic_reply(self):
        assert row_of(pitch(subject="Automatic reply: a deal"), UNSURE) is Row.QUARANTINE


class TestCalendar:
    def test_an_answer_to_an_invitation_passes(self):
        assert row_of(parse(RSVP), UNSURE) is Row.MACHINE_MAIL

    def test_an_invitation_does_not(self):
        assert row_of(parse(INVITATION), UNSURE) is Row.QUARANTINE

    @pytest.mark.parametrize(
        "change",
        [(b"; method=REPLY", b""), (b"text/calendar", b"application/ics"), (b"=REPLY", b'="REPLY-TO-ALL"')],
        ids=["no method", "an .ics file", "another method"],
    )
    def test_neither_does_a_file_with_events(self, change: tuple[bytes, bytes]):
        assert row_of(parse(RSVP.replace(*change)), UNSURE) is Row.QUARANTINE

    def test_an_invitation_beside_an_answer_spoils_it(self):
        both = RSVP.replace(b"--b--", b"--b\nContent-Type: text/calendar; method=REQUEST\n\nx\n--b--")
        assert row_of(parse(both), UNSURE) is Row.QUARANTINE

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
