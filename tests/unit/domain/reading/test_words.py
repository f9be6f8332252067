"""A mail's language: known where it is plain, unknown where it is not, and hardly ever wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.reading.model_text import prepare
from backend.domain.reading.words import DETECTED_LANGUAGES, OTHER, find_phrases, language

SHORT_ENGLISH = [
    "Could we do a quick call next week?",
    "Do you have a minute?",
    "Any news on this?",
    "A word about Monday",
    "I am on my way, see you at noon.",
    "Just following up on my last email",
    "Can we talk about a no-deal option?",
    "Hi Pavel, do you do a discount?",
    "Is it a go or a no?",
    "To do: print a poster, do a test run, post on a wall",
    "OK so on Friday we go",
    "Me too, a bit later",
    "a budget of 400k, not 45k to 300k",
    "visitors: 10k, 50k, 100k; v8, v2.1",
    "Twenty five minutes on video",
    "20 hours per week, per person",
]

PLAIN = [
    ("de", "Hätten Sie nächste Woche kurz Zeit für ein Gespräch?"),
    ("de", "Anbei die Rechnung, wie besprochen."),
    ("fr", "Seriez-vous disponible la semaine prochaine pour un appel ?"),
    ("fr", "Merci pour votre réponse, je vous envoie le contrat."),
    ("es", "¿Tendría usted unos minutos la próxima semana?"),
    ("es", "Hola, ¿cómo está? Le adjunto la factura."),
    ("pt", "Você teria alguns minutos na próxima semana?"),
    ("pt", "Obrigado pela sua mensagem, já não preciso."),
    ("it", "Avrebbe qualche minuto la prossima settimana per una chiamata?"),
    ("it", "Grazie per la risposta, è molto gentile."),
    ("nl", "Heb je volgende week even tijd voor een gesprek?"),
    ("nl", "Bedankt voor het bericht, ik kom er graag op terug."),
    ("pl", "Czy mogę zadać państwu krótkie pytanie?"),
    ("pl", "Dzień dobry, proszę o fakturę za ten miesiąc."),
    ("cs", "Měli byste příští týden chvilku na krátký hovor?"),
    ("cs", "Dobrý den, děkuji za odpověď a přeji hezký den."),
    ("sv", "Skulle du ha tid för ett kort samtal nästa vecka?"),
    ("sv", "Tack för ditt svar, jag hör av mig i veckan."),
]


@pytest.mark.parametrize("text", SHORT_ENGLISH)
def test_short_english_is_english_or_unknown_but_nothing_else(text: str):
    assert language(text) in ("en", OTHER)


def test_the_question_a_pitch_is_made_of_is_english():
    assert language("Could we do a quick call next week?") == "en"


@pytest.mark.parametrize(("code", "text"), PLAIN)
def test_a_sentence_is_enough_for_each_language(code: str, text: str):
    assert language(text) == code


@pytest.mark.parametrize(
    "text",
    ["", "ok", "link", "A", "do", "Hi", "foto", "12:30 / 45 %", "PLAT-1904", "🙂", "Köszönöm, viszlát"],
)
def test_too_little_to_tell_is_unknown(text: str):
    assert language(text) == OTHER


@pytest.mark.parametrize(
    "text",
    [
        "Chào anh, em gửi anh ảnh hôm qua. Cảm ơn anh.",
        "Jó napot, át lehet tenni a holnapi időpontot péntekre? Köszönöm.",
        "Mi van a szerződéssel? Péntekig kérem a választ.",
    ],
)
def test_a_language_nobody_here_reads_is_not_taken_for_its_neighbour(text: str):
    assert language(text) == OTHER


def test_a_foreign_name_or_two_in_an_english_mail_change_nothing():
    assert language("Hi Žaneta, Jiří and Łukasz said you are the right person to ask about this.") == "en"


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str):
    assert language(text) in (*DETECTED_LANGUAGES, OTHER)


# ---- What says nothing of a message is no finding: where its sender has an address; and words that mean several things


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
    return {hit.finding for hit in find_phrases(text.split(), language)}


def test_who_offers_a_quotation_does_not_ask_for_a_price():
    assert "asks_price" in found("proszę o wycenę 40 sztuk", "pl")
    offered = found("przygotujemy wycenę w dwa dni", "pl")
    assert "offers_quote" in offered
    assert "asks_price" not in offered


def test_a_radio_is_no_sales_title():
    assert "sales_title" not in found("the sdr drops samples at high rates", "en")
    assert "sales_title" in found("tom reed sdr at skaldi", "en")
