"""What is folded is read back letter for letter: by Python's parser, by Perl's, and by our own."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.message import WIDTH, mailbox_field, text_field
from backend.domain.mail.mime import parse
from tests.conftest import IN_CI

TRIPS = 10_000
WORDS = {
    "german": "Größe für Grüße über Müller Straße Angebot schließlich Zusammenarbeit mit Ihrem Haus im März",
    "english": "Quick question about your team’s outreach – 15 minutes next week? “Yes” or no… re: growth",
    "french": "Réponse\u00a0: où êtes-vous, œuvre d’été à l’hôtel «\u202f50\u00a0%\u202f» ça marche",
    "polish": "Zażółć gęślą jaźń współpraca wycena",
    "greek": "Ερώτηση για τη συνεργασία",
    "russian": "Вопрос о сотрудничестве и ценах",
    "chinese": "关于贵公司的合作建议",
    "japanese": "御社の営業について のご質問",
    "arabic": "سؤال سريع عن شركتكم",
    "hindi": "आपके व्यवसाय के लिए प्रस्ताव",
    "emoji": "👩\u200d💻 🚀 👨\u200d👩\u200d👧 🇵🇹 ❤\ufe0f \U0001fae9",
    "ascii": "Offer =?utf-8?q?no=20word?= a=b ?= \"quoted\" (comment) <x@y.test>, semi; colon: 100% \\ ~",
    "long": f"{'x' * 90} {'ß' * 90} {'https://seller.test/' + 'a' * 120}",
}  # fmt: skip
PERL = r"""
use Email::MIME; use Encode; binmode STDIN; binmode STDOUT; $/ = "\0";
while (<STDIN>) { chomp; print encode("UTF-8", Email::MIME->new($_)->header_str("Subject")), "\0" }
"""


def texts(seed: int, number: int) -> list[str]:
    """Random subjects: of one language or of all mixed, of any length up to what is answered, oddly spaced."""
    chance = random.Random(seed)
    every = [word for line in WORDS.values() for word in line.split(" ")]
    found = []
    for _ in range(number):
        words = chance.choice([*(line.split(" ") for line in WORDS.values()), every])
        blanks = chance.choice([" ", " ", " ", "  ", "\u00a0", "\u3000"])
        text = chance.choice(["", "Re: "])
        for _ in range(chance.randint(1, 40)):
            text += chance.choice(words) + (blanks if chance.random() < 0.2 else " ")
        found.append(text[: chance.randint(1, 900)].strip())
    return found


def by_python(raw: bytes) -> str:
    return str(message_from_bytes(raw, policy=policy.default)["Subject"])


def by_perl(raws: list[bytes]) -> list[str]:
    ran = subprocess.run(["perl", "-e", PERL], input=b"\0".join(raws), capture_output=True, check=True)
    return ran.stdout.decode("utf-8").split("\0")[:-1]


def letter(text: str) -> bytes:
    return f"{text_field('Subject', text)}\r\nX-Next: 1\r\n\r\n".encode("ascii")


@pytest.fixture(scope="module")
def perl() -> None:
    """Perl with Email::MIME; skips without, but not in CI."""
    found = (
        shutil.which("perl")
        and not subprocess.run(["perl", "-MEmail::MIME", "-e", "1"], capture_output=True).returncode
    )
    if not found and not IN_CI:
        pytest.skip("needs Perl's Email::MIME; as root: bash requirements/setup.sh mail")


class TestRoundTrips:
    def test_ten_thousand_through_python_and_our_own_reader(self) -> None:
        for text in texts(1, TRIPS):
            raw = letter(text)
            assert by_python(raw) == text
        for text in texts(2, TRIPS // 10):
            if (
                "=?" not in text
            ):  # ours also decodes words that stand within others, as many senders write them
                assert parse(letter(text)).subject == text

    @pytest.mark.usefixtures("perl")
    def test_ten_thousand_through_perl(self) -> None:
        written = texts(3, TRIPS)
        assert by_perl([letter(text) for text in written]) == written


class TestAnyText:
    @given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=900))
    def test_it_is_ascii_in_short_lines_that_start_no_field(self, text: str) -> None:
        folded = text_field("Subject", text)
        first, *others = folded.split("\r\n")
        assert folded.isascii()
        assert first.startswith("Subject:")
        assert all(re.match(r" \S", line) for line in others)
        assert all(len(line) <= 998 for line in (first, *others))
        if "=?" in folded:
            assert all(len(line) <= WIDTH + 1 for line in (first, *others))
        assert by_python(f"{folded}\r\n\r\n".encode("ascii")) == text

    @pytest.mark.parametrize("text", ["a\r\nBcc: x@y.test", "a\nb", "a\rb", "a\x00b", "half \ud800"])
    def test_what_no_header_can_carry_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - the codec finds the last one
            text_field("Subject", text)

    @given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs", "Cf")), max_size=100))
    def test_a_persons_name_is_never_an_address(self, person: str) -> None:
        raw = f"{mailbox_field('From', person, 'ana@corp.test')}\r\n\r\n".encode("ascii")
        (read,) = message_from_bytes(raw, policy=policy.default)["From"].addresses
        assert read.addr_spec == "ana@corp.test"
        # Python's parser alone puts a space between the encoded words of a long name.
        assert read.display_name.replace(" ", "") == person
