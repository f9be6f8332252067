"""What the model reads of a message, and what nobody can smuggle into it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.mail.message import Address, Headers, Message, Owner
from backend.domain.mail.quoting import sections
from backend.domain.mail.visible import visible
from backend.domain.reading.lexicon import LANGUAGES, lexicon
from backend.domain.reading.model_text import model_input, prepare
from backend.domain.reading.words import concepts, find_phrases

ANNA = Owner("anna@firm.test", "Anna Berg")


def mail(text: str = "", subject: str = "", html: str | None = None, **more: object) -> Message:
    sender = Address("bob@pitchers.test", "Bob Stone")
    to = (Address("anna@firm.test", "Anna Berg"),)
    return Message(from_=(sender,), to=to, subject=subject, text=text, html=html, **more)  # type: ignore[arg-type]


def tokens(message: Message) -> set[str]:
    return set(prepare(message, ANNA).split())


class TestPrepare:
    def test_names_numbers_and_links_become_classes(self):
        seen = tokens(
            mail("Hi Anna, pitchers saves firm 20% for $99 at 10:30, see https://x.test/a or +49 30 1234567")
        )
        assert {"o_name", "x_firm", "o_firm", "n_percent", "n_money", "n_clock", "u_link", "n_phone"} <= seen
        assert not seen & {"anna", "pitchers", "firm", "99"}

    def test_the_mail_cannot_write_findings_itself(self):
        seen = tokens(mail("f_thread t_picks_up_known c_we g_x q_y s_abcde"))
        assert not {"f_thread", "t_picks_up_known"} & seen
        assert {"thread", "picks"} <= seen

    def test_hidden_text_is_dropped_and_named(self):
        html = '<p>We sell lists of people and firms.</p><div style="display:none">dear mother happy birthday</div>'
        seen = tokens(mail("plain text says something else", html=html))
        assert {"sell", "f_hidden_text"} <= seen
        assert not {"birthday", "mother", "something"} & seen

    def test_quoted_mail_and_signature_are_kept_apart(self):
        text = "Shall we talk?\n\nBest,\nBob\nAccount Executive\n\nOn 3 May 2025 Anna Berg wrote:\n> zebra crossing"
        seen = tokens(mail(text))
        assert {"q_zebra", "g_executive", "f_quotes_owner"} <= seen
        assert not {"zebra", "executive"} & seen

    @pytest.mark.parametrize(
        ("message", "finding"),
        [
            (mail(subject="Re: our call"), "f_re_unanswered"),
            (mail("> old words", subject="AW: Termin"), "f_re_quoting"),
            (mail(headers=Headers((("List-Unsubscribe", "<x>"),))), "f_unsubscribe_header"),
            (mail("book here https://calendly.com/bob"), "f_booking_link"),
            (mail(html='<p>hello there my friend</p><img width="1" src="https://t.test/p">'), "f_pixel"),
            (mail("Hi {{first_name}},"), "f_merge_field"),
            (mail(reply_to=(Address("x@else.test"),)), "f_reply_to_elsewhere"),
            (mail(headers=Headers((("X-Mailer", "Outreach"),))), "f_outreach_tool"),
            (mail(headers=Headers((("X-Mailer", "mail.pitchers.test"),))), "f_mailer_own_host"),
            (mail(headers=Headers((("X-Mailer", "mx1.sender-of-lists.test"),))), "f_mailer_host"),
            (mail(headers=Headers((("X-Mailer", "Thunderbird 128.5.0"),))), "f_mailer_named"),
            (mail(headers=Headers((("X-Mailer", "128.5.0"),))), "f_mailer_named"),
        ],
    )
    def test_form_is_told(self, message: Message, finding: str):
        assert finding in tokens(message)

    @pytest.mark.parametrize("headers", [{"in_reply_to": "<1@x>"}, {"references": ("<1@x>", "<2@x>")}])
    def test_a_forged_earlier_mail_says_nothing_in_the_senders_favour(self, headers: dict[str, object]):
        plain, forged = mail("Free audit?", subject="Hello"), mail("Free audit?", subject="Hello", **headers)
        assert prepare(plain, ANNA) == prepare(forged, ANNA)
        for body in ("Free audit?", "Free audit?\n> old words"):
            without, named = mail(body, subject="Re: Hello"), mail(body, subject="Re: Hello", **headers)
            found = tokens(without) - tokens(named)
            assert found <= {"f_re_unanswered", "f_re_quoting"}
            assert found
            assert not tokens(named) - tokens(without)

    def test_long_mail_is_cut(self):
        assert len(prepare(mail("word other " * 200_000), ANNA).split()) < 4_000

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=300), st.text(max_size=60), st.text(max_size=300))
    def test_any_text_gives_plain_lower_case_tokens(self, text: str, subject: str, html: str):
        prepared = prepare(mail(text, subject, html), ANNA)
        prepared.encode()
        # The graph's tokeniser must see these very tokens, so nothing but word characters may be in them.
        assert all(token.replace("_", "a").isalnum() for token in prepared.split(" ") if token)

    def test_reading_twice_gives_the_same(self):
        message = mail("Worth 15 minutes next week?", "quick question")
        assert prepare(message, ANNA) == prepare(message, ANNA)


class TestLanguages:
    @pytest.mark.parametrize(
        ("text", "language"),
        [
            ("Hätten Sie nächste Woche 15 Minuten Zeit für ein kurzes Gespräch mit uns?", "de"),
            ("Auriez-vous 15 minutes la semaine prochaine pour un bref échange ?", "fr"),
            ("¿Tiene 15 minutos la próxima semana para una llamada breve con nosotros?", "es"),
            ("Máte příští týden 15 minut na krátký hovor s námi?", "cs"),
            ("Do you have 15 minutes next week for a quick call with us?", "en"),
        ],
    )
    def test_the_same_wish_is_found_in_each(self, text: str, language: str):
        reading = model_input(mail(text), ANNA)
        assert reading.language == language
        assert "asks_call" in {hit.finding for hit in reading.hits}

    def test_concepts_are_shared_between_languages(self):
        assert (
            concepts(["angebot"], "de")
            == concepts(["proposons"], "fr")
            == concepts(["nabídka"], "cs")
            == ["c_offer"]
        )

    def test_every_language_knows_every_finding_and_concept(self):
        for part in ("concepts", "phrases"):
            names = {code: {name for name, _ in getattr(lexicon(code), part)} for code in LANGUAGES}
            assert all(found == names["en"] for found in names.values()), names

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_pattern_is_cut_in_two(self, language: str):
        """A blank after a stroke makes a slot of its own of what follows: such a pattern never finds anything."""
        for name, body in lexicon(language).phrases:
            for pattern in body.split("|"):
                assert pattern.strip(), name
                assert all(all(slot.split("/")) for slot in pattern.split()), (name, pattern)

    @pytest.mark.parametrize(
        ("language", "words", "finding"),
        [
            ("sv", "vi finansierar nya maskiner", "what_we_do"),
            ("pt", "nós atendemos empresas", "what_we_do"),
            ("en", "sites like yours", "others_like_you"),
            ("en", "i train sales teams", "what_we_do"),
            ("de", "ich restauriere alte türen", "what_we_do"),
            ("pl", "z tej strony adam", "introduces_self"),
            ("cs", "specializujeme se na okna", "what_we_do"),
            ("it", "dieci minuti domani", "asks_call"),
            ("nl", "kom er nog even op terug", "bump"),
            ("es", "especialistas en fachadas", "what_we_do"),
        ],
    )
    def test_turns_of_phrase_of_each_language(self, language: str, words: str, finding: str):
        assert finding in {hit.finding for hit in find_phrases(words.split(), language)}


class TestPhrases:
    def test_gaps_any_words_and_stems(self):
        words = ["up", "for", "a", "who", "at", "o_firm", "free", "colour", "sample"]
        found = {(hit.finding, hit.start, hit.end) for hit in find_phrases(words, "en")}
        assert {("right_person", 3, 6), ("offers_free", 6, 9)} <= found
        assert all(hit.end <= len(words) for hit in find_phrases(words, "en"))

    def test_an_unknown_language_is_read_as_english(self):
        assert {h.finding for h in find_phrases(["free", "audit"], "xx")} == {
            h.finding for h in find_phrases(["free", "audit"], "en")
        }

    def test_of_a_book_the_first_pages_are_searched(self):
        offer = ["free", "audit"]
        assert find_phrases(["so"] * 9_998 + offer, "en")
        assert find_phrases(["so"] * 10_000 + offer, "en") == []


class TestSections:
    def test_an_earlier_mail_far_below_is_not_looked_for(self):
        earlier = "On 3 May 2025 Ann wrote:\n> first question"
        assert sections("x\n" * 9_000 + earlier).quoted
        assert not sections("x\n" * 10_001 + earlier).quoted

    def test_a_forward_is_told_from_a_reply(self):
        assert sections("fyi\n\n---------- Forwarded message ---------\nFrom: x@y.test\nhello").forwarded

    def test_answers_between_quoted_lines_are_own_words(self):
        parts = sections("On 3 May 2025 Ann wrote:\n> first question\nmy answer\n> second question")
        assert parts.own == "my answer"
        assert parts.quoted == "first question\nsecond question"


class TestVisible:
    def test_deep_nesting_does_not_take_quadratic_time(self):
        assert "deep" in visible("<div>" * 100_000 + "deep").text

    def test_blockquotes_are_marked_as_quoted(self):
        assert visible("<p>new</p><blockquote>old</blockquote>").text.splitlines()[-1] == "> old"
