"""RFC 8058: an offer is taken only if it can be believed, and only at an address anybody may be posted to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.machine_mail import Offer, host_of, offer
from backend.domain.mail.message import Address, Headers, Message
from tests.web.offers import offered

URL = "https://lists.pitch.test/u?t=1"


def mail(**changes: str) -> Message:
    return Message(headers=Headers(offered("pitch.test", **changes)), from_=(Address("bo@pitch.test", "Bo"),))


def test_a_signed_offer_is_taken() -> None:
    assert offer(mail()) == Offer(URL)
    assert offer(mail(covered="From:List-Unsubscribe-Post: list-unsubscribe ")) == Offer(URL)
    assert offer(mail(post=" list-unsubscribe=one-click ")) == Offer(URL)


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
    assert offer(mail(**changes)) == Offer(cause="no_offer")


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
    assert offer(mail(**changes)) == Offer(cause="unproved")


def test_a_second_signature_of_the_domain_must_cover_the_offer_too() -> None:
    """Google says that the domain signed validly, not with which of its signatures."""
    forged = (("DKIM-Signature", "v=1; d=pitch.test; s=t; h=from; b=x"),)
    message = Message(
        headers=Headers((*offered("pitch.test"), *forged)), from_=(Address("bo@pitch.test", "Bo"),)
    )

    assert offer(message) == Offer(cause="unproved")


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

    found = offer(message)

    assert bool(found.url) is not bool(found.cause)
    assert not found.url or host_of(found.url)
