"""A short refusal is not the beginning of a correspondence; anything more is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.quoting import MAX_WORDS, is_decline

QUOTE = (
    "\n\nOn Tue, 3 Nov 2026 at 10:00, Sam <sam@seller.test> wrote:\n> Shall we talk? But maybe later?\n> Sam"
)


@pytest.mark.parametrize(
    "text",
    [
        "No thanks.", "no thank you", "Thanks, but no thanks.", "unsubscribe", "UNSUBSCRIBE!", "Not interested.",
        "We are not currently interested", "Please remove me from your list", "Stop emailing me.", "We’ll pass, thanks",
        "Please don't contact me again.", "no", "stop",
        "Nein danke", "Danke, nein.", "Kein Interesse.", "Vielen Dank, aber kein Interesse", "Kein Bedarf",
        "Bitte keine weiteren Mails.", "Bitte nehmen Sie mich aus Ihrem Verteiler",
        "Non merci", "Pas intéressé, désolé.", "Aucun intérêt", "Merci de me désinscrire",
        "No, gracias", "Gracias, pero no.", "No me interesa", "Quiero darme de baja",
        "Não, obrigado", "Obrigada, mas não", "Não tenho interesse.",
        "No grazie", "Non sono interessato", "Nessun interesse",
        "Nee, bedankt", "Geen interesse", "Niet geïnteresseerd",
    ],
)  # fmt: skip
def test_a_refusal(text: str):
    assert is_decline(text)
    assert is_decline(f"Hi Sam,\n\n{text}\n\nBest regards\nAna Corp\nHead of Growth, Corp")
    assert is_decline(text + QUOTE)


@pytest.mark.parametrize(
    "text",
    [
        "", " \n ", "Yes, let us talk on Tuesday.", "No thanks, but ask me again in May.",
        "No thanks, call me instead.",
        "I'm not interested in A, but B sounds good.", "No problem, see you tomorrow.", "Is there an unsubscribe link?",
        "No thanks — or what would it cost?", "Nein danke, aber vielleicht im Mai.",
        "Non merci, mais en mai volontiers.",
        "No, gracias, pero llámeme en mayo.", "I know you are interested.", "We pass by your office on Friday.",
        "The no-thanks page is broken", "Thanks!",
        "Hi Sam,\nno\nI met Bob on Friday and he said that the plan will work out after all.",
    ],
)  # fmt: skip
def test_no_refusal(text: str):
    assert not is_decline(text)


def test_a_refusal_in_the_quoted_mail_is_not_the_owners():
    assert not is_decline(
        "Great, let us do that.\n\nOn 3 Nov 2026, Sam <s@x.test> wrote:\n> No thanks, they said."
    )


def test_a_long_letter_is_a_conversation_whatever_words_it_holds():
    assert is_decline("No thanks. " + "word " * (MAX_WORDS - 2))
    assert not is_decline("No thanks. " + "word " * (MAX_WORDS - 1))


@given(st.text(max_size=300))
def test_any_text(text: str):
    assert is_decline(text) in (True, False)
