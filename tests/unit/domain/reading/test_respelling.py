"""A text in another spelling is read as what a person reads; one in plain words is left alone."""

import re

import pytest

from backend.domain.mail.letters import deobfuscate
from backend.domain.reading.mending import mend
from backend.domain.reading.respelling import respelled

PLAIN = (
    "hello anna we help companies like yours to save money on marketing and would like to schedule a short call next "
    "week about your website and the results that our customers see"
)
VOWEL = re.compile("[aeiouy]")
ABC = "abcdefghijklmnopqrstuvwxyz"
SYLLABICS = str.maketrans(ABC, "ᗩᗷᑕᗪEᖴGᕼIᒍKᒪᗰᑎOᑭᑫᖇᔕTᑌᐯᗯ᙭Yᘔ")
UPSIDE_DOWN = str.maketrans(ABC, "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz")


def read(text: str) -> str:
    return mend(deobfuscate(text).text)[0].lower()


def each(change) -> str:
    return " ".join(map(change, PLAIN.split()))


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.translate(SYLLABICS),
        PLAIN.translate(UPSIDE_DOWN),
        each(lambda word: word[::-1]),
        each(lambda word: f"{word[:2]}\U0001f680{word[2:]}"),
        each(lambda word: f"{word[:2]}'{word[2:]}" if len(word) > 3 else word),
        each(lambda word: word[0] + "".join(sorted(word[1:-1])) + word[-1] if len(word) > 3 else word),
    ],
    ids=["another script", "upside down", "backwards", "signs within", "apostrophes", "mixed letters"],
)
def test_it_is_read_as_a_person_reads_it(text):
    words, plain = read(text).split(), PLAIN.split()
    assert len(words) == len(plain)
    assert sum(map(str.__eq__, words, plain)) > 0.8 * len(plain)


@pytest.mark.parametrize("sign", ["\u200b", "\ue000", "\u2167", "\ufb01"])
def test_a_sign_that_stands_for_no_letter_or_several_is_no_trouble(sign):
    words = respelled(each(lambda word: word.translate(SYLLABICS) if len(word) > 3 else word + sign)).split()
    assert sum(map(str.__eq__, map(str.lower, words), PLAIN.split())) > 0.5 * len(words)


@pytest.mark.parametrize(
    "text",
    [
        each(lambda word: "".join(2 * letter for letter in word)),
        each(lambda word: f"{word[: len(word) // 2]} {word[len(word) // 2 :]}"),
        each(lambda word: f"{word[:2]}{word[1:]}"),
        each(lambda word: "'".join(word[at : at + 2] for at in range(0, len(word), 2))),
        each(lambda word: word[0] + VOWEL.sub("", word[1:])),
        each(lambda word: VOWEL.sub("", word)),
        each(lambda word: VOWEL.sub("*", word)),
        each(lambda word: VOWEL.sub("'", word)),
        each(lambda word: VOWEL.sub("x", word)),
    ],
    ids=[
        *(
            "all doubled",
            "cut in two",
            "one doubled",
            "apostrophes everywhere",
            "no vowels within",
            "no vowels",
        ),
        *("stars for vowels", "apostrophes for vowels", "a letter for vowels"),
    ],
)
def test_most_of_its_words_become_known(text):
    assert {"marketing", "schedule", "customers"} <= set(read(text).split())


def test_words_that_only_capitals_part_are_parted():
    assert read("".join(map(str.capitalize, PLAIN.split()))) == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "Доброго дня, ми пропонуємо безкоштовний аудит вашого сайту для вашої компанії на наступному тижні разом",
        "Kære alle på lageret, klar til afhentning torsdag efter klokken ti ved porten, hilsen Mads fra Horsens",
        "The JavaScript of our GitHub page needs PostgreSQL and RabbitMQ",
        "5pm 10am 2nd 16k 200km",
        "Pls chk w/ Mr Schmdt: 14x DN50, 3x M12, BSP thrd, PN16, spec xlsx att, PO 4711, ETA wk 42, rgds Krzysztof",
        "GET /srv/www/html/index.php HTTP/1.1 200 nginx kvm qemu ssh tcp dns mtu tls vpn rsync grep fstab xfs lvm cgrp",
        "Strč prst skrz krk. Vlk zmrzl, zhltl hrst zrn. Chrt pln skvrn vtrhl skrz trs chrp v čtvrť Krč, čtvrthrst",
    ],
)
def test_plain_words_of_any_language_stay(text):
    assert mend(deobfuscate(text).text) == (text, False)
