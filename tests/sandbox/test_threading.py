"""Which conversation a message joins."""

from __future__ import annotations

import pytest

from backend.sandbox.mail.mailbox import folded_subject
from tests.sandbox.models import NOW_MS, letter, mailbox, put, put_raw


@pytest.mark.parametrize(
    ("shown", "base"),
    [
        ("Re: Form", "form"),
        ("RE: Fwd:  re: The   Form ", "the form"),
        ("AW: Angebot", "angebot"),
        ("Re[2]: Form", "form"),
        ("Regarding: Form", "regarding: form"),
        ("", ""),
    ],
)
def test_prefixes_do_not_count_in_a_subject(shown: str, base: str) -> None:
    assert folded_subject(shown) == base


def test_a_reply_joins_by_reference_and_subject() -> None:
    box = mailbox()
    first = put(box, Subject="Form", Message_ID="<1@ext.test>")
    reply = put(box, Subject="Re: Form", In_Reply_To="<1@ext.test>")
    later = put(box, Subject="RE: form", References="<0@x.test> <1@ext.test>")
    assert first.id == first.thread_id == reply.thread_id == later.thread_id
    assert [message.id for message in box.threads.members(first.id)] == [first.id, reply.id, later.id]


@pytest.mark.parametrize(
    "headers",
    [
        {"Subject": "Re: Form"},
        {"Subject": "Another matter", "In_Reply_To": "<1@ext.test>"},
        {"Subject": "Re: Form", "In_Reply_To": "<2@ext.test>"},
    ],
    ids=["no reference", "other subject", "unknown reference"],
)
def test_a_message_that_misses_a_condition_starts_its_own_thread(headers: dict[str, str]) -> None:
    box = mailbox()
    first = put(box, Subject="Form", Message_ID="<1@ext.test>")
    other = put_raw(box, letter(**headers))
    assert other.thread_id == other.id != first.thread_id


@pytest.mark.parametrize(
    ("headers", "joins"),
    [
        ({"Subject": "Re: Form", "In_Reply_To": "<1@ext.test>"}, True),
        ({"Subject": "Re: Form", "References": "<1@ext.test>"}, True),
        ({"Subject": "Re: Form"}, False),
        ({"Subject": "Offer", "In_Reply_To": "<1@ext.test>"}, False),
    ],
    ids=["in-reply-to", "references", "no reference", "other subject"],
)
def test_sending_needs_thread_id_reference_and_subject(headers: dict[str, str], joins: bool) -> None:
    box = mailbox()
    first = put(box, Subject="Form", Message_ID="<1@ext.test>")
    sent = put_raw(box, letter(**headers), "SENT", thread_id=first.thread_id)
    assert (sent.thread_id == first.thread_id) is joins


def test_sending_without_a_thread_id_never_joins() -> None:
    box = mailbox()
    put(box, Subject="Form", Message_ID="<1@ext.test>")
    raw = letter(Subject="Re: Form", In_Reply_To="<1@ext.test>")
    sent = box.add(raw, ["SENT"], NOW_MS, by_header=False)
    assert sent.thread_id == sent.id


def test_a_thread_outlives_its_first_message() -> None:
    box = mailbox()
    first = put(box, Subject="Form", Message_ID="<1@ext.test>")
    reply = put(box, Subject="Re: Form", In_Reply_To="<1@ext.test>", Message_ID="<2@ext.test>")
    box.delete([first], NOW_MS)
    assert box.threads.members(first.id) == [reply]
    later = put(box, Subject="Re: Form", In_Reply_To="<2@ext.test>")
    assert later.thread_id == first.id
    box.delete([reply, later], NOW_MS)
    assert first.id not in box.threads
