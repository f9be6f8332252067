"""Organisations, mail providers, robots and the spellings of one address."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.domain.mail.sender import (
    PROVIDERS,
    counted_domain,
    is_free_mail,
    is_machine_local,
    is_writable,
    mailbox_key,
    normalise,
    organisational_domain,
    same_organisation,
    script_of,
)

WORDS = st.text("ab.-@+ü\x00 []1:", max_size=30) | st.text(max_size=30)


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "googlemail.com", "yahoo.co.uk", "yahoo.com.br", "web.de", "qq.com", "gmx.at", "gmx.net",
        "proton.me",
        "hotmail.fr", "outlook.com", "icloud.com", "orange.fr", "libero.it", "seznam.cz", "wp.pl", "naver.com",
        "GMAIL.COM.",
        "mail.yahoo.com", "vip.163.com", "tampabay.rr.com", "mailinator.com",
    ],
)  # fmt: skip
def test_a_mail_provider_is_known(domain: str):
    assert is_free_mail(domain)
    assert not same_organisation(domain, domain)


@pytest.mark.parametrize(
    "domain", ["corp.test", "google.com", "yahoo-inc.com", "gmail.com.evil.test", "mygmx.test", ""]
)
def test_a_company_is_no_mail_provider(domain: str):
    assert not is_free_mail(domain)


def test_the_list_is_a_big_one_and_well_formed():
    assert len(PROVIDERS) > 700
    assert all(name == name.lower().strip(".") and "." in name for name in PROVIDERS)


@pytest.mark.parametrize(
    ("domain", "organisation"),
    [
        ("corp.test", "corp.test"),
        ("a.b.corp.test", "corp.test"),
        ("mail.corp.co.uk", "corp.co.uk"),
        ("Alice.GitHub.io", "alice.github.io"),
        ("mail.acme.onmicrosoft.com", "acme.onmicrosoft.com"),
        ("support.zendesk.com", "support.zendesk.com"),
        ("zendesk.com", "zendesk.com"),
        ("müller.de", "xn--mller-kva.de"),
        ("mail.xn--mller-kva.de.", "xn--mller-kva.de"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("", ""),
    ],
)
def test_what_an_organisation_registered(domain: str, organisation: str):
    assert organisational_domain(domain) == organisation


@pytest.mark.parametrize(
    ("owner", "sender", "same"),
    [
        ("corp.test", "corp.test", True),
        ("corp.test", "mail.corp.test", True),
        ("eu.corp.test", "us.corp.test", True),
        ("müller.de", "mail.xn--mller-kva.de", True),
        ("corp.test", "corp.test.evil.test", False),
        ("corp.test", "notcorp.test", False),
        ("a.github.io", "b.github.io", False),
        ("a.onmicrosoft.com", "b.onmicrosoft.com", False),
        ("co.uk", "co.uk", False),
        ("localhost", "localhost", False),
        ("", "", False),
        ("corp.test", "", False),
    ],
)
def test_colleagues(owner: str, sender: str, same: bool):
    assert same_organisation(owner, sender) is same
    assert same_organisation(sender, owner) is same


@pytest.mark.parametrize(
    "local",
    ["no_reply", "No.Reply", "noreply-dmarc", "bounces+123-456", "bounce-9", "MAILER-DAEMON", '"noreply"',
     "nicht-antworten",
     "ne-pas-repondre", "notifications", "alerts2", "prvs=ab12=sam", "dev-owner"],
)  # fmt: skip
def test_robots(local: str):
    assert is_machine_local(local)


@pytest.mark.parametrize(
    "local", ["sam", "norbert", "norepl", "info", "sales", "bouncer", "rooted", "owner", "request", ""]
)
def test_people(local: str):
    assert not is_machine_local(local)


def test_one_form_for_storing_and_another_for_recognising_oneself():
    assert normalise("  Sam.Lee+x@MÜLLER.de. ") == "sam.lee+x@xn--mller-kva.de"
    assert normalise("Nobody") == "nobody"
    assert mailbox_key("Ana.Corp+web@GoogleMail.com") == mailbox_key("anacorp@gmail.com")
    assert mailbox_key("ana.corp@corp.test") != mailbox_key("anacorp@corp.test")
    assert mailbox_key("+x@corp.test") == "+x@corp.test"


@pytest.mark.parametrize("address", ["sam@seller.test", "o'hara+x@a-b.co.uk", "sam@müller.de", "x@1.2.test"])
def test_addresses_mail_can_be_sent_to(address: str):
    assert is_writable(address)


@pytest.mark.parametrize(
    "address",
    ["", "sam", "sam@", "@x.test", "sam@localhost", "sämi@x.test", "a b@x.test", "sam@x..test", ".sam@x.test",
     "sam.@x.test",
     '"a"@x.test', "sam@x.test\r\nBcc: y@z.test", "sam@[192.0.2.1]", "sam@-x.test", "a,b@x.test", f"{'a' * 65}@x.test",
     f"a@{'b.' * 130}test"],
)  # fmt: skip
def test_addresses_it_cannot(address: str):
    assert not is_writable(address)


@given(WORDS, WORDS)
@example("1 .", "")
@example("x@y。", "x。 .")
def test_no_text_breaks_them(first: str, second: str):
    once = normalise(first)
    assert normalise(once) == once
    assert organisational_domain(organisational_domain(first)) == organisational_domain(first)
    assert same_organisation(first, second) == same_organisation(second, first)
    assert isinstance(is_machine_local(first), bool)
    assert isinstance(is_writable(first), bool)
    assert mailbox_key(mailbox_key(first)) == mailbox_key(first)


@pytest.mark.parametrize(
    ("domain", "counted"),
    [
        ("gmail.com", ""),
        ("yahoo.co.uk", ""),
        ("mail.gmx.at", ""),
        ("seller.test", "seller.test"),
        ("news.seller.co.uk", "seller.co.uk"),
        ("shop1.github.io", "github.io"),
        ("www.shop2.github.io", "github.io"),
        ("github.io", "github.io"),
        ("tenant.onmicrosoft.com", "onmicrosoft.com"),
        ("shop.blogspot.com", "blogspot.com"),
        ("co.uk", "co.uk"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("", ""),
    ],
)
def test_what_costs_nothing_is_counted_as_one(domain: str, counted: str) -> None:
    assert counted_domain(domain) == counted


# ---- The letters a name is written in


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("Ana Silva", "latin"),
        ("Zoë Müller", "accents"),
        ("Eng.ª Rita", "accents"),
        ("Иван", "cyrillic"),
        ("7", ""),
    ],
)
def test_the_script_of_a_name(name: str, script: str) -> None:
    assert script_of(name) == script
