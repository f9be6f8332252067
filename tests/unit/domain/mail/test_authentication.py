"""Whose word counts for a sender's identity: Google's own, in the place where only Google writes."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.message import Address, Headers, Message
from backend.domain.mail.mime import parse
from backend.domain.mail.sender import METHODS, authenticate, results
from tests.unit.domain import rules as make

INSIDE = ("Received", "by 2002:a05:6a10:1::7 with SMTP id a1csp; Tue, 24 Nov 2026 04:00:00 -0800 (PST)")
BORDER = (
    "Received",
    "from mail.ext.test (mail.ext.test. [192.0.2.7]) by mx.google.com with ESMTPS id q7 for <ana@corp.test>;"
    " Tue, 24 Nov 2026 04:00:00 -0800 (PST)",
)
OUTSIDE = ("Received", "from laptop (unknown [198.51.100.9]) by mail.ext.test (Postfix) with ESMTP id 4; Tue")
PASS = "mx.google.com; dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=ext.test"
FAIL = "mx.google.com; spf=fail smtp.mailfrom=x@evil.test; dmarc=fail (p=REJECT) header.from=ext.test"


def result(value: str) -> tuple[str, str]:
    return ("Authentication-Results", value)


def mail(*fields: tuple[str, str], sender: str = "bo@ext.test") -> Message:
    return Message(headers=Headers((*fields, ("From", sender))), from_=(Address(sender),))


def received(value: str, sender: str = "bo@ext.test") -> Message:
    """A mail as Gmail delivers it, with `value` as Google's own result."""
    return mail(
        ("Delivered-To", "ana@corp.test"), INSIDE, ("Return-Path", f"<{sender}>"), BORDER, result(value), OUTSIDE,
        sender=sender,
    )  # fmt: skip


FULL = """mx.google.com;
       dkim=pass header.i=@ext.test header.s=s1 header.b=qL2sbyGF;
       spf=pass (google.com: domain of bo@ext.test designates 192.0.2.7 as permitted sender) smtp.mailfrom=bo@ext.test;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=ext.test"""


class TestResults:
    @pytest.mark.parametrize(
        ("value", "method"),
        [
            (FULL, "dmarc"),
            (PASS, "dmarc"),
            ("mx.google.com 1; dmarc=pass header.from=EXT.test", "dmarc"),
            ("mx.google.com; dmarc=pass (p=NONE (nested (deeper)) x) header.from=ext.test", "dmarc"),
            ("mx.google.com; dkim=pass header.i=@ext.test", "dkim"),
            ("mx.google.com; dkim=pass header.i=bo@mail.ext.test header.b=a/b+c=", "dkim"),
            ("mx.google.com; dkim=pass header.d=ext.test", "dkim"),
            (
                "mx.google.com; dkim=temperror (no key) header.i=@ext.test; dkim=pass header.i=@ext.test",
                "dkim",
            ),
            (
                "mx.google.com; dkim=pass header.i=@esp.test; spf=pass smtp.mailfrom=b+1=corp.test@mail.ext.test",
                "spf",
            ),
            ("mx.google.com; spf=pass (google.com: domain of bo@ext.test) smtp.mail=bo@ext.test", "spf"),
            ("mx.google.com; dmarc=none header.from=ext.test; dkim=pass header.i=@ext.test", "dkim"),
            (
                "mx.google.com; dmarc=bestguesspass header.from=ext.test; spf=pass smtp.mailfrom=x@ext.test",
                "spf",
            ),
            (
                "mx.google.com; arc=pass (i=1 dmarc=pass fromdomain=ext.test); dkim=pass header.i=@ext.test",
                "dkim",
            ),
            ("mx.google.com; spf=none smtp.mailfrom=<>; dmarc=pass header.from=ext.test", "dmarc"),
        ],
    )
    def test_google_vouches(self, value: str, method: str):
        found = authenticate(received(value))
        assert (found.passed, found.method) == (True, method)

    @pytest.mark.parametrize(
        "value",
        [
            FAIL,
            "mx.google.com",
            "mx.google.com; none",
            "mx.google.com; dmarc=pass header.from=other.test",
            "mx.google.com; dmarc=pass",
            "mx.google.com; dmarc=fail header.from=ext.test; dkim=pass header.i=@ext.test",
            "mx.google.com; dmarc=temperror header.from=ext.test; dkim=pass header.i=@ext.test",
            "mx.google.com; dmarc=permerror header.from=ext.test; spf=pass smtp.mailfrom=x@ext.test",
            "mx.google.com; dmarc=bestguesspass header.from=ext.test",
            "mx.google.com; dmarc=; dkim=pass header.i=@ext.test",
            "mx.google.com; dmarc=??? header.from=ext.test; dkim=pass header.i=@ext.test",
            "mx.google.com; dkim=pass header.i=@evil.test; spf=pass smtp.mailfrom=x@evil.test",
            "mx.google.com; dkim=fail header.i=@ext.test; spf=softfail smtp.mailfrom=bo@ext.test",
            "mx.google.com; dkim=neutral header.i=@ext.test; spf=neutral smtp.mailfrom=bo@ext.test",
            "mx.google.com; spf=pass smtp.helo=ext.test",
            "mx.google.com; dkim=pass header.i=@notext.test",
            "mx.google.com; dkim=pass header.i=@test",
            "mx.google.com; arc=pass (i=1 spf=pass spfdomain=ext.test dkim=pass dkdomain=ext.test dmarc=pass)",
            "mx.google.com; dmarc=pass header.from=ext.test; dmarc=fail header.from=ext.test",
            "mx.google.com; dmarc=pass header.from=evil.test; dmarc=pass header.from=ext.test",
            "mx.google.com; iprev=pass; auth=pass header.from=ext.test",
        ],
    )
    def test_google_does_not_vouch(self, value: str):
        assert not authenticate(received(value)).passed

    @pytest.mark.parametrize(
        ("value", "detail"),
        [
            (PASS, "dmarc=pass for ext.test"),
            (FAIL, "dmarc=fail"),
            ("mx.google.com; dmarc=pass header.from=other.test", "dmarc=pass for other.test"),
            ("mx.google.com; dmarc=pass", "dmarc=pass for no domain"),
            ("mx.google.com; dkim=pass header.i=@mail.ext.test", "dkim=pass for mail.ext.test"),
            ("mx.google.com; none", "nothing aligned with ext.test"),
        ],
    )
    def test_it_says_why(self, value: str, detail: str):
        assert authenticate(received(value)).detail == detail

    def test_dmarc_of_the_organisation_covers_its_subdomains(self):
        assert authenticate(received(PASS, sender="bo@news.ext.test")).passed

    def test_but_not_of_a_neighbour_on_a_shared_domain(self):
        tenant = "mx.google.com; dkim=pass header.i=@evil.github.io"
        assert not authenticate(received(tenant, sender="bo@good.github.io")).passed
        assert not authenticate(
            received("mx.google.com; dmarc=pass header.from=github.io", sender="bo@good.github.io")
        ).passed
        rented = "mx.google.com; dkim=pass header.i=@evil.onmicrosoft.com"
        assert not authenticate(received(rented, sender="bo@good.onmicrosoft.com")).passed

    @pytest.mark.parametrize("judged", ["müller.de", "xn--mller-kva.de"])
    @pytest.mark.parametrize("written", ["müller.de", "xn--mller-kva.de"])
    def test_international_domains_are_compared_in_one_form(self, judged: str, written: str):
        value = f"mx.google.com; dmarc=pass header.from={judged}"
        assert authenticate(received(value, sender=f"bo@{written}")).passed


class TestForgery:
    @pytest.mark.parametrize(
        "value",
        [
            PASS.replace("mx.google.com", "MX.google.com"),
            PASS.replace("mx.google.com", "mx.google.com.evil.test"),
            PASS.replace("mx.google.com", "evil.mx.google.com"),
            PASS.replace("mx.google.com", "mx.google.com evil"),
            PASS.replace("mx.google.com", "mail.ext.test"),
            PASS.replace("mx.google.com;", ""),
        ],
    )
    def test_only_googles_exact_name_counts(self, value: str):
        assert not authenticate(received(value)).passed

    def test_the_topmost_result_decides_over_forged_ones_below(self):
        message = mail(INSIDE, BORDER, result(FAIL), result(PASS), OUTSIDE, result(PASS))
        assert not authenticate(message).passed

    def test_a_result_by_another_server_above_changes_nothing(self):
        assert authenticate(mail(INSIDE, BORDER, result("gw.corp.test; spf=fail"), result(PASS))).passed

    def test_a_forged_result_below_the_senders_own_hops_is_not_seen(self):
        assert not authenticate(mail(INSIDE, BORDER, OUTSIDE, result(PASS))).passed

    def test_a_forged_border_below_the_senders_hop_is_not_seen(self):
        assert not authenticate(mail(INSIDE, OUTSIDE, BORDER, result(PASS))).passed
        assert not authenticate(mail(OUTSIDE, INSIDE, BORDER, result(PASS))).passed

    def test_a_second_border_is_the_senders_own_invention(self):
        assert not authenticate(mail(INSIDE, BORDER, BORDER, result(PASS))).passed

    def test_a_mail_that_never_crossed_googles_border_proves_nothing(self):
        assert not authenticate(mail(result(PASS))).passed
        assert not authenticate(mail(INSIDE, result(PASS))).passed
        fetched = ("Received", "from pop.ext.test by 10.0.0.1 with POP3 id x; Tue")
        assert not authenticate(mail(fetched, result(PASS))).passed

    @pytest.mark.parametrize(
        "odd",
        [
            "from pop.ext.test by 10.0.0.1 with POP3 id x",
            "no hop at all",
            "from x (((",
            "by mail.evil.test with SMTP",
        ],
    )
    def test_a_field_no_machine_of_googles_writes_ends_its_block(self, odd: str):
        assert not authenticate(mail(("Received", odd), BORDER, result(PASS))).passed

    def test_a_hop_that_only_mentions_the_border_is_not_one(self):
        liar = ("Received", "from mx.google.com (by mx.google.com) by mail.evil.test with ESMTP; Tue")
        assert not authenticate(mail(liar, result(PASS))).passed

    def test_arc_and_original_results_are_no_proof(self):
        for name in ("ARC-Authentication-Results", "X-Original-Authentication-Results"):
            assert not authenticate(mail(INSIDE, BORDER, (name, f"i=1; {PASS}"), (name, PASS))).passed

    @pytest.mark.parametrize(
        "smuggled",
        [
            'spf=pass (domain of "a) ; dmarc=pass header.from=ext.test (b"@evil.test) smtp.mailfrom=x@evil.test',
            "spf=pass (a\\) ; dmarc=pass header.from=ext.test (b) smtp.mailfrom=x@evil.test",
            "spf=pass smtp.mailfrom=a);dmarc=pass header.from=ext.test;(b@evil.test",
            'spf=pass smtp.mailfrom="a; dmarc=pass header.from=ext.test; "@evil.test',
            'spf=pass smtp.mailfrom="a; dmarc=pass header.from=ext.test',
        ],
    )
    def test_a_result_smuggled_into_an_envelope_address_is_not_believed(self, smuggled: str):
        assert not authenticate(received(f"mx.google.com; {smuggled}")).passed

    @pytest.mark.parametrize(
        "field",
        [
            "mx.google.com; spf=pass x); dmarc=pass header.from=ext.test",
            "mx.google.com; dmarc=pass header.from=ext.test (unclosed",
            'mx.google.com; spf=pass smtp.mailfrom="a\\"; dmarc=pass header.from=ext.test; b=\\""@evil.test',
        ],
    )
    def test_a_field_whose_comments_or_quotes_do_not_pair_is_worthless(self, field: str):
        assert authenticate(received(field)).detail == "result cannot be read"

    @pytest.mark.parametrize("local", ["a(b", "a)b", "a;b", "a;dmarc=fail"])
    def test_odd_characters_within_quotes_are_only_that(self, local: str):
        value = f'mx.google.com; spf=pass smtp.mailfrom="{local}"@ext.test; dmarc=pass header.from=ext.test'
        assert authenticate(received(value)).passed

    def test_fullwidth_punctuation_does_not_start_a_result(self):
        value = "mx.google.com; spf=pass smtp.mailfrom=x@evil.test；dmarc=pass header.from=ext.test"
        assert not authenticate(received(value)).passed


class TestAuthors:
    def test_several_authors_are_nobody(self):
        two = Message(
            headers=received(FULL).headers, from_=(Address("bo@ext.test"), Address("victim@corp.test"))
        )
        assert authenticate(two).detail == "several From addresses"

    def test_two_from_fields_are_nobody(self):
        headers = Headers((*received(FULL).headers.fields, ("from", "victim@corp.test")))
        assert not authenticate(Message(headers=headers, from_=(Address("bo@ext.test"),))).passed

    @pytest.mark.parametrize("from_", [(), (Address(""),), (Address("bo"),), (Address("bo@"),)])
    def test_no_author_is_nobody(self, from_):
        assert authenticate(Message(headers=received(FULL).headers, from_=from_)).detail == "no From address"

    def test_a_display_name_with_an_address_fools_nobody(self):
        raw = (
            f"Received: {INSIDE[1]}\nReceived: {BORDER[1]}\nAuthentication-Results: mx.google.com;"
            " dmarc=pass header.from=evil.test\nFrom: \"boss@ext.test\" <x@evil.test>\n\nhi"
        )  # fmt: skip
        message = parse(raw.encode())
        assert message.sender.address == "x@evil.test"
        assert authenticate(message).passed  # as evil.test, which is what rules and history are asked about


class TestAnyInput:
    @given(make.messages)
    def test_it_never_raises(self, message: Message):
        assert authenticate(message).passed in (True, False)

    @given(st.text(max_size=300), st.sampled_from(["", "mx.google.com; ", "mx.google.com; dmarc=pass "]))
    def test_no_garbage_authenticates(self, garbage: str, start: str):
        found = authenticate(received(start + garbage))
        assert not found.passed or "ext.test" in garbage

    @given(
        st.lists(
            st.sampled_from(
                [
                    *';=./"@( )',
                    "dmarc",
                    "DKIM",
                    "spf",
                    "pass",
                    "header",
                    "i",
                    "from",
                    "ext.test",
                    "reason",
                    "ü",
                    "\r\n ",
                ]
            )
            | st.characters(),
            max_size=60,
        )
    )
    def test_whatever_a_field_holds_is_read_within_bounds(self, pieces: list[str]):
        value = "mx.google.com;" + "".join(pieces)
        found = results(value)
        assert found is None or len(found) <= value.count(";")
        for one in found or ():
            assert one.method in METHODS
            assert re.fullmatch(r"[a-z][a-z0-9-]*", one.result)
            assert re.fullmatch(r"[a-z0-9._-]*", one.domain)

    @pytest.mark.parametrize(
        "piece",
        ["(", "dkim=pass ", "; ", '"', "(a)", ";dkim=pass header.i=@x.test", "é", " header.i=@x.test"],
    )
    def test_long_fields_cost_little(self, piece: str):
        began = time.thread_time()
        assert not authenticate(received("mx.google.com; " + piece * (500_000 // len(piece)))).passed
        assert not authenticate(received("mx.google.com; " + piece * (19_000 // len(piece)))).passed
        assert time.thread_time() - began < 2.0
