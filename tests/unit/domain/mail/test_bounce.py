"""A mail that came back, and what only looks like one."""

from __future__ import annotations

import pytest

from backend.domain.mail.machine_mail import is_bounce
from backend.domain.mail.message import Address, Attachment, Headers, Message

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
