"""What says nothing of a message is no finding: where its sender has an address; and words that mean several things."""

from __future__ import annotations

import pytest

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.reading.wording import prepare
from backend.domain.reading.words import find

ANNA = Owner("anna@firm.test", "Anna Berg")


def read_from(address: str, text: str = "Can you send me two of them by Friday?") -> str:
    to = (Address("anna@firm.test", "Anna Berg"),)
    return prepare(Message(from_=(Address(address, "Tom Reed"),), to=to, subject="Two more", text=text), ANNA)


def test_free_mail_digits_and_a_firm_are_read_alike():
    assert read_from("tom@aldermere.test") == read_from("tom@gmail.com") == read_from("tom84@gmail.com")


@pytest.mark.parametrize("domain", ["mail.aldermere.test", "steelworks.test", "teamster.test", "myfirm.test"])
def test_a_domain_with_a_common_word_is_not_made_for_campaigns(domain: str):
    assert "f_campaign_domain" not in read_from(f"tom@{domain}")


@pytest.mark.parametrize("domain", ["getreedworks.io", "tryskaldi.com", "reedhq.com"])
def test_a_domain_made_for_campaigns_is_one(domain: str):
    assert "f_campaign_domain" in read_from(f"tom@{domain}")


def found(text: str, language: str) -> set[str]:
    return {hit.finding for hit in find(text.split(), language)}


def test_who_offers_a_quotation_does_not_ask_for_a_price():
    assert "asks_price" in found("proszę o wycenę 40 sztuk", "pl")
    offered = found("przygotujemy wycenę w dwa dni", "pl")
    assert "offers_quote" in offered
    assert "asks_price" not in offered


def test_a_radio_is_no_sales_title():
    assert "sales_title" not in found("the sdr drops samples at high rates", "en")
    assert "sales_title" in found("tom reed sdr at skaldi", "en")
