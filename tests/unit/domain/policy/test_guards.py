"""The challenge guards: each stops an answer that every other guard would have let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.challenge import ChallengeHistory
from backend.domain.challenge_mail import compose
from backend.domain.mail.machine_mail import reply_address
from backend.domain.mail.message import Address, Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.mailbox.mailbox import Mode, Preferences
from backend.domain.policy.guards import (
    COUNT_PERIOD,
    GUARDS,
    RATE_LIMITS,
    SENDER_PAUSE,
    GuardInput,
    limits_reached,
    next_link_at,
    objections,
)
from backend.locale import LANGUAGES
from backend.pipeline.act import challenge_wording
from tests.doubles import START
from tests.unit.domain import rules as make
from tests.unit.domain.rules import AUTHENTIC, FORGED, NOW, OWNER, arrival, inquiry, pitch

ONE = Preferences(mode=Mode.CHALLENGE, daily_challenges=5, domain_challenges=2)


def with_header(name: str, value: str) -> GuardInput:
    return inquiry(pitch((name, value)))


def saying(text: str, subject: str = "Re: hello") -> GuardInput:
    return inquiry(pitch(text=text, subject=subject))


def dealt(**changes: Any) -> GuardInput:
    return inquiry(challenge_history=ChallengeHistory(**changes), preferences=ONE)


def labelled(*labels: str) -> GuardInput:
    return inquiry(arrival=arrival(labels=frozenset({"INBOX", *labels})))


def aged(**age: float) -> GuardInput:
    return inquiry(arrival=replace(arrival(), received_at=NOW - timedelta(**age)))


def without_return_path() -> Message:
    message = pitch()
    kept = tuple(field for field in message.headers if field[0] != "Return-Path")
    return replace(message, headers=replace(message.headers, fields=(("Return-Path", "<>"), *kept)))


SILENCED = [
    ("auto_submitted", with_header("Auto-Submitted", "auto-generated")),
    ("auto_submitted", with_header("auto-submitted", "AUTO-REPLIED; x=y")),
    ("auto_submitted", inquiry(pitch(("Auto-Submitted", "no"), ("Auto-Submitted", "auto-replied")))),
    ("null_sender", inquiry(without_return_path())),
    ("list_headers", with_header("List-Id", "<l.lists.test>")),
    ("list_headers", with_header("List-Unsubscribe", "<mailto:u@seller.test>")),
    ("list_headers", with_header("list-post", "NO")),
    ("list_headers", with_header("Mailing-List", "list x@y.test")),
    ("list_headers", with_header("X-Mailing-List", "x@y.test")),
    ("precedence", with_header("Precedence", "bulk")),
    ("precedence", with_header("Precedence", " LIST ")),
    ("precedence", with_header("precedence", "junk")),
    ("suppressed", with_header("X-Auto-Response-Suppress", "All")),
    ("suppressed", with_header("X-Auto-Response-Suppress", "DR, OOF")),
    ("suppressed", with_header("X-Auto-Response-Suppress", "NRN,autoreply")),
    ("autoreply_headers", with_header("X-Autoreply", "yes")),
    ("autoreply_headers", with_header("X-Autorespond", "")),
    ("autoreply_headers", with_header("X-Autoresponder", "x")),
    *[
        ("autoreply_headers", inquiry(pitch(subject=subject)))
        for subject in (
            "Out of office: Offer", "OUT OF THE OFFICE Re: Offer", "Automatic reply: Offer", "Auto-Reply",
            "Abwesenheitsnotiz: Angebot", "Automatische Antwort: Angebot", "Außer Haus bis Montag",
            "Réponse automatique : Offre", "Re\u0301ponse automatique", "Absence du bureau", "Message d’absence",
            "Respuesta automática: Oferta", "Fuera de la oficina", "Resposta automática: Oferta",
            "Fora do escritório", "Risposta automatica: Offerta", " Automatisch antwoord: Aanbod", "Autosvar: x",
            "Odpowiedź automatyczna: Oferta", "Автоматический ответ: x", "自動応答: x",
        )
    ],
    ("loop", with_header("X-Loop", "ana@corp.test")),
    ("loop", with_header("X-Loop", "Pitchgate")),
    ("feedback_id", with_header("Feedback-ID", "1:2:3:bulk")),
    ("report", with_header("Content-Type", "multipart/report; report-type=delivery-status")),
    ("report", inquiry(pitch(content_type="multipart/report"))),
    ("report", with_header("Content-Type", "multipart/mixed; report-type=feedback-report")),
    *[
        ("machine_address", inquiry(pitch(sender=f"{local}@seller.test")))
        for local in (
            "mailer-daemon", "postmaster", "no-reply", "noreply", "do-not-reply", "donotreply", "bounce", "bounces",
            "notifications", "owner-talk", "talk-request", "talk-owner", "talk-bounces", "noreply+a1b2",
            "drive-noreply",
        )
    ],
    ("machine_address", with_header("Sender", "<talk-bounces@seller.test>")),
    ("own_address", inquiry(pitch(sender="ana@corp.test"))),
    ("own_address", inquiry(pitch(sender="a.corp@other.test"))),
    ("own_address", inquiry(pitch(sender="Ana+self@corp.test"))),
    *[("labels", labelled(label)) for label in ("SENT", "DRAFT", "SPAM", "TRASH", "CHAT")],
    ("not_addressed", inquiry(pitch(to=("all@seller.test",)))),
    ("not_addressed", inquiry(pitch(to=()))),
    ("not_authenticated", inquiry(authentication=FORGED)),
    ("not_one_author", inquiry(pitch(from_=(Address("sam@seller.test"), Address("tim@seller.test"))))),
    ("not_one_author", inquiry(pitch(from_=()))),
    ("not_one_author", inquiry(pitch(from_=(Address("", "Sam"),)))),
    ("not_one_author", with_header("From", "tim@seller.test")),
    ("unwritable_address", inquiry(pitch(sender="sämi@seller.test"))),
    ("unwritable_address", inquiry(pitch(sender="sam@localhost"))),
    ("unwritable_address", inquiry(pitch(sender='"a b"@seller.test'))),
    *[
        ("cut_short", inquiry(pitch(defects=(defect,))))
        for defect in ("header limit", "nesting limit", "unparsable: IndexError", "size limit", "part limit")
    ],
    ("stale", aged(hours=6, seconds=1)),
    ("stale", aged(days=-2)),
    ("backlog", inquiry(backlog=True)),
    ("vacation", inquiry(vacation_on=True)),
    ("foreign_challenge", with_header("X-Pitchgate-Challenge", "abc")),
    ("foreign_challenge", with_header("X-Pitchgate-Anything", "abc")),
    ("foreign_challenge", with_header("X-TMDA-Fingerprint", "abc")),
    ("foreign_challenge", with_header("X-Delivery-Agent", "TMDA/1.1.12")),
    ("foreign_challenge", with_header("X-BoxTrapper-Queue", "1")),
    ("foreign_challenge", with_header("X-SpamArrest-ID", "1")),
    ("foreign_challenge", with_header("X-Boxbe-Id", "1")),
    ("foreign_challenge", with_header("X-Gated-Challenge", "1")),
    ("foreign_challenge", inquiry(pitch(sender="jo@boxbe.com"))),
    ("foreign_challenge", inquiry(pitch(sender="jo@mail.spamarrest.com"))),
    ("foreign_challenge", saying("x", "Your email requires verification verify#abc-123")),
    ("foreign_challenge", saying("x", "Please confirm your message")),
    ("foreign_challenge", saying("Just this once, click the link below to verify that you are a human being.")),
    ("foreign_challenge", saying("Your message has been held. Reply to this mail to release your message.")),
    ("foreign_challenge", saying("This account is protected by Spam Arrest.")),
    ("foreign_challenge", saying("You are not yet on my guest list.")),
    ("foreign_challenge", saying("Bitte lösen Sie das folgende Captcha.")),
    ("foreign_challenge", inquiry(pitch(text="", html="<p>Your email to <b>a@b.test</b> is being held</p>"))),
    ("open_challenge", dealt(open_for_sender=True)),
    ("asked_recently", dealt(sender_last_at=NOW - timedelta(days=7) + timedelta(seconds=1))),
    ("asked_recently", dealt(sender_last_at=NOW + timedelta(hours=1))),
    ("domain_limit", dealt(domain_today=2)),
    ("mailbox_limit", dealt(mailbox_today=5)),
    ("mailbox_limit", inquiry(preferences=Preferences(mode=Mode.CHALLENGE, daily_challenges=0))),
    ("thread_answered", dealt(thread_answered=True)),
]  # fmt: skip

ANSWERED = {
    "an ordinary pitch": inquiry(),
    "Auto-Submitted: no": with_header("Auto-Submitted", "no"),
    "a named envelope sender": inquiry(pitch(sender="sam@seller.test")),
    "another precedence": with_header("Precedence", "first-class"),
    "suppresses receipts only": with_header("X-Auto-Response-Suppress", "DR, NRN, RN"),
    "another mailbox's loop mark": with_header("X-Loop", "list@elsewhere.test"),
    "a multipart body": with_header("Content-Type", 'multipart/alternative; boundary="report"'),
    "a person called Norbert": inquiry(pitch(sender="norbert@seller.test")),
    "info@": inquiry(pitch(sender="info@seller.test")),
    "in copy": inquiry(pitch(to=("boss@corp.test",), cc=("ana@corp.test",))),
    "to a tagged address": inquiry(pitch(to=("ana+web@corp.test",))),
    "a broken charset": inquiry(pitch(defects=("charset klingon",))),
    "just fresh enough": aged(hours=6),
    "asked eight days ago": dealt(sender_last_at=NOW - timedelta(days=7)),
    "below the caps": dealt(domain_today=1, mailbox_today=4),
    "an international domain": inquiry(pitch(sender="sam@müller.de")),
    "a seller of captchas": saying("We sell bot protection. Could I show you our captcha next week?"),
    "a pitch about deliverability": saying("We verify mailing lists so that your campaigns get delivered."),
}


@pytest.mark.parametrize(("name", "case"), SILENCED, ids=[f"{n}-{i}" for i, (n, _) in enumerate(SILENCED)])
def test_this_guard_alone_stops_the_answer(name: str, case: GuardInput):
    assert objections(case) == (name,)


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED.keys())
def test_these_may_be_answered(case: GuardInput):
    assert objections(case) == ()


def test_every_guard_has_such_a_case_and_explains_itself():
    names = [guard.name for guard in GUARDS]
    assert len(names) == len(set(names))
    assert {name for name, _ in SILENCED} == set(names)
    for guard in GUARDS:
        assert guard.description[0].isupper()
        assert guard.description.endswith(".")


def test_all_that_object_are_named_in_the_order_of_the_table():
    case = inquiry(pitch(("Precedence", "bulk")), authentication=FORGED, vacation_on=True, backlog=True)
    assert objections(case) == ("precedence", "not_authenticated", "backlog", "vacation")


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_challenge_is_never_answered_by_another_pitchgate(language: str):
    ours = compose(
        arrival=arrival(),
        owner=Owner("ana@corp.test", "Ana"),
        link="https://gate.test/c/token",
        explained="https://gate.test/#how",
        message_id="<1.2@corp.test>",
        marker="m1",
        wording=challenge_wording(language, NOW, 3),
        own="",
        now=NOW,
    )
    bo = Owner("sam@seller.test", "", frozenset({"sam@seller.test"}))
    received = inquiry(parse(ours), owner=bo)
    assert set(objections(received)) >= {"auto_submitted", "suppressed", "foreign_challenge"}
    # A relay may have dropped all our headers: the words still tell.
    plain = inquiry(pitch(text=parse(ours).text))
    assert objections(plain) == ("foreign_challenge",)


@given(make.messages, st.booleans())
def test_any_message_at_all_gets_a_yes_or_a_no(message: Message, backlog: bool):
    answer = objections(inquiry(message, backlog=backlog))
    assert set(answer) <= {guard.name for guard in GUARDS}
    assert ("backlog" in answer) is backlog


class TestReplyAddress:
    @pytest.mark.parametrize(
        ("sender", "reply_to", "expected"),
        [
            ("sam@seller.test", (), "sam@seller.test"),
            ("sam@seller.test", ("sales@seller.test",), "sales@seller.test"),
            ("sam@mail.seller.test", ("sam@seller.test",), "sam@seller.test"),
            ("sam@seller.test", ("victim@elsewhere.test",), "sam@seller.test"),
            ("sam@seller.test", ("a@seller.test", "b@seller.test"), "sam@seller.test"),
            ("sam@gmail.com", ("victim@gmail.com",), "sam@gmail.com"),
            ("sam@a.github.io", ("victim@b.github.io",), "sam@a.github.io"),
            ("sam@seller.test", ("noreply@seller.test",), "sam@seller.test"),
            ("sam@seller.test", ("",), "sam@seller.test"),
        ],
    )
    def test_never_a_third_party(self, sender: str, reply_to: tuple[str, ...], expected: str):
        message = pitch(sender=sender, reply_to=tuple(Address(address) for address in reply_to))
        assert reply_address(message).address == expected

    @pytest.mark.parametrize("from_", [(), (Address("", "Sam"),), (Address("a@x.test"), Address("b@x.test"))])
    def test_nobody_where_there_is_not_one_author(self, from_):
        assert reply_address(pitch(from_=from_, reply_to=(Address("a@x.test"),))) == Address("")

    def test_asked_again_of_what_was_kept_it_says_the_same(self):
        first = reply_address(pitch(reply_to=(Address("sales@seller.test"),)))
        assert reply_address(pitch(reply_to=(first,))) == first

    def test_an_answer_that_would_come_back_to_the_owner_is_stopped(self):
        owner = replace(OWNER, aliases=frozenset({"ana@seller.test"}))
        case = inquiry(pitch(reply_to=(Address("ana@seller.test"),)), owner=owner, authentication=AUTHENTIC)
        assert objections(case) == ("own_address",)


# ---- How often anybody is answered, at the second it changes


WISHES = Preferences()
NONE = ChallengeHistory()


@pytest.mark.parametrize(
    ("name", "challenge_history"),
    [
        ("open_challenge", replace(NONE, open_for_sender=True)),
        ("asked_recently", replace(NONE, sender_last_at=START - SENDER_PAUSE + timedelta(microseconds=1))),
        ("domain_limit", replace(NONE, domain_today=WISHES.domain_challenges)),
        ("mailbox_limit", replace(NONE, mailbox_today=WISHES.daily_challenges)),
        ("thread_answered", replace(NONE, thread_answered=True)),
    ],
)
def test_each_limit_stands_against_another_challenge(name: str, challenge_history: ChallengeHistory) -> None:
    assert limits_reached(challenge_history, WISHES, START) == (name,)


def test_below_every_limit_a_challenge_may_be_sent() -> None:
    below = ChallengeHistory(
        sender_last_at=START - SENDER_PAUSE,
        domain_today=WISHES.domain_challenges - 1,
        mailbox_today=WISHES.daily_challenges - 1,
    )
    assert limits_reached(below, WISHES, START) == ()


def test_every_limit_is_a_guard() -> None:
    assert RATE_LIMITS.keys() <= {guard.name for guard in GUARDS}


def test_the_next_link_comes_after_the_pause_or_the_full_day() -> None:
    paused = replace(NONE, sender_last_at=START)
    full = replace(NONE, mailbox_today=WISHES.daily_challenges)
    assert next_link_at(NONE, WISHES, START) == START
    assert next_link_at(paused, WISHES, START) == START + SENDER_PAUSE
    assert next_link_at(full, WISHES, START) == START + COUNT_PERIOD
