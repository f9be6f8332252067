"""A pitch that stands beside, below or beneath other words is read by itself, and the surest view decides."""

import pytest

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.reading.mending import mend
from backend.domain.reading.passages import (
    LONG_LINE,
    LONG_MESSAGE,
    MIN_WORDS,
    OPENING,
    most_like_a_pitch,
    passages,
)
from backend.domain.reading.score import PART_PENALTY, Part, Reason, Score

ANNA = Owner("anna@northwind-tools.test")
IDLE = "the old dog slept under the apple tree by the river and the grey cat slept on the wall "
PITCH = "we help companies like yours would you have fifteen minutes for a quick call next week "


def parts(message: Message) -> dict[Part, list[str]]:
    return {view.part: view.text.split(" ") for view in passages(message, ANNA)}


def test_a_short_mail_has_one_view():
    assert list(parts(Message(text=PITCH * 4))) == [Part.WHOLE]


def test_a_long_one_has_an_opening_of_so_many_words_and_a_place_below():
    found = parts(Message(text=IDLE * (LONG_MESSAGE // 10) + PITCH))
    assert list(found) == [Part.WHOLE, Part.OPENING, Part.BELOW]
    assert "help" in found[Part.BELOW]
    assert "help" not in found[Part.OPENING]
    assert sum(word.isalpha() for word in found[Part.OPENING]) >= OPENING


@pytest.mark.parametrize(
    "message",
    [
        Message(text=f"see below\n\nOn Mon, 2 Nov 2026, A <a@b.test> wrote:\n> {PITCH * 2}"),
        Message(text=f"see below\n\n-- \n{PITCH * 2}"),
        Message(text="see the invitation", further_texts=(PITCH * 2,)),
        Message(html=f"<p>{IDLE}</p><p style='display:none'>{PITCH * 2}</p>"),
    ],
)
def test_what_stands_elsewhere_is_read_by_itself(message: Message):
    assert "t_asks_call" in parts(message)[Part.BELOW]


def test_sentences_scattered_among_others_are_read_together():
    apart = (
        "we help companies like yours",
        IDLE * 8,
        "would you have fifteen minutes for a quick call",
        IDLE * 8,
    )
    read = parts(Message(text=". ".join(apart)))[Part.SCATTERED]
    assert {"help", "t_asks_call"} <= set(read)
    assert read.count("dog") < 4
    assert Part.SCATTERED not in parts(Message(text=PITCH + IDLE * 16))


def test_an_idle_word_behind_each_is_left_out():
    other = IDLE * 20
    words = [word for pair in zip((PITCH * 4).split(), other.split(), strict=False) for word in pair]
    read = parts(Message(text=" ".join(words)))
    assert "t_asks_call" not in read[Part.WHOLE]
    assert "t_asks_call" in read[Part.SCATTERED]
    assert "dog" not in read[Part.SCATTERED]


def test_the_sentences_of_each_of_two_languages_are_read_by_themselves():
    foreign = "Die Ernte war spät in diesem Jahr, und der Hund schlief unter dem Tisch, bis es kühl wurde."
    pitch = "We help companies like yours.", "Would you have fifteen minutes for a quick call next week?"
    read = parts(Message(text=" ".join(f"{said} {foreign} {foreign}" for said in pitch * 2)))
    assert "f_language_de" in read[Part.WHOLE]
    assert {"t_asks_call", "f_language_en"} <= set(read[Part.SCATTERED])
    assert "ernte" not in read[Part.SCATTERED]


def test_each_column_of_a_table_is_read_by_itself():
    words, idle = (PITCH * 4).split(), (IDLE * 40).split()
    rows = "".join(
        f"<tr><td>{' '.join(words[at : at + 4])}</td><td>{' '.join(idle[at : at + 4])}</td></tr>"
        for at in range(0, len(words), 4)
    )
    read = parts(Message(html=f"<table>{rows}</table>"))
    assert "t_asks_call" in read[Part.COLUMN]
    assert "dog" not in read[Part.COLUMN]


def test_words_that_stand_in_links_or_without_blanks_are_read():
    letter = (
        "we help companies like yours to save their time and money each month " * 2 + "and would show you how"
    )
    links = " ".join(f"<https://a.test/b/{word}>" for word in letter.split())
    for text in (links, letter.replace(" ", "%20"), letter.replace(" ", "0")):
        assert " ".join(mend(text)[0].split()) == letter
    assert mend("they-\n".join(["we help com-\npanies like yours "] * 21))[0].count("companies") == 21
    assert mend(listed := "https://a.test/one https://a.test/two")[0] == listed


def test_a_subject_or_a_name_as_long_as_a_letter_is_read_as_one():
    long = "word " * LONG_LINE + PITCH
    assert "t_asks_call" in parts(Message(subject=long))[Part.BELOW]
    assert "t_asks_call" in parts(Message(from_=(Address("a@b.test", long),)))[Part.BELOW]


def test_a_plain_text_that_says_something_else_is_read_too():
    assert "t_asks_call" in parts(Message(text=PITCH, html=f"<p>{IDLE * 2}</p>"))[Part.PLAIN]
    assert Part.PLAIN not in parts(Message(text=PITCH, html=f"<p>{PITCH}</p>"))


def test_a_few_words_elsewhere_are_no_view():
    assert list(parts(Message(text=f"{PITCH}\n\n-- \n{'word ' * (MIN_WORDS - 1)}"))) == [Part.WHOLE]


def test_the_surest_decides_and_a_part_has_to_be_surer():
    seen = passages(Message(text=IDLE * (LONG_MESSAGE // 10) + PITCH), ANNA)

    def score(text: str) -> Score:
        return Score(0.5, 3.0 if "help" in text.split(" ") else -3.0, (Reason("pitch_words", 1.0),))

    view, found = most_like_a_pitch(
        seen, lambda text: score(text) if text != seen[0].text else Score(0.5, 2.5)
    )
    assert (view.part, found.part) == (Part.WHOLE, Part.WHOLE)
    view, found = most_like_a_pitch(
        seen, lambda text: score(text) if text != seen[0].text else Score(0.1, 0.5)
    )
    assert (view.part, found.part, found.logit) == (Part.BELOW, Part.BELOW, 3.0 - PART_PENALTY)
    assert found.reasons[-1] == Reason("part.below", -PART_PENALTY)
    assert found.probability == pytest.approx(0.7311, abs=1e-4)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("c4n we h3lp y0ur c0mp4ny f1nd cl13nt$", "can we help your company find clients"),
        ("we he*lp comp*anies find cli*ents and sup*pliers", "help companies find clients and suppliers"),
        ("wĕ hĕlp cŏmpănĭĕs fĭnd clĭĕnts", "help companies find clients"),
        ("wehelpcompanieslikeyoursfindmoreclientseverymonth", None),
    ],
)
def test_broken_words_are_put_together_where_they_are_words(written: str, read: str | None):
    text, broken = mend(written)
    assert broken is (read is not None)
    assert (read or written) in text


@pytest.mark.parametrize(
    "text",
    [
        "part GX200, 15min, b2b, k8s, follow-up, e-mail, 3/4, AC/DC, don't, l'offre, 4x4 and mp3",
        "Die größten Äpfel fürs Café über Köln, naïve façade, señor Núñez, dětský příběh",
        "see http://a.test/x?y=1&z=2 or mail a.b@c.test, file v1.2.3-rc4.tar.gz",
    ],
)
def test_ordinary_signs_in_words_stay(text: str):
    assert mend(text) == (text, False)
