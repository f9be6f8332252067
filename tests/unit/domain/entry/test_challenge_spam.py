"""What a spam filter says of the reply: SpamAssassin's own rules, without the net, in every language."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from backend.locale import LANGUAGES
from tests.conftest import IN_CI
from tests.unit.domain.entry.test_challenge_mail import written

MOST = 0.5


@pytest.fixture(scope="module")
def filter_program() -> str:
    """SpamAssassin; skips without, but not in CI."""
    found = shutil.which("spamassassin")
    if found is None:
        assert not IN_CI, "CI has SpamAssassin: bash requirements/setup.sh mail"
        pytest.skip("needs SpamAssassin; as root: bash requirements/setup.sh mail")
    return found


def test_no_language_looks_like_spam(filter_program: str) -> None:
    folder = b"".join(
        b"From x@y Tue Nov 24 12:00:00 2026\n" + written(language=name).replace(b"\r\n", b"\n") + b"\n"
        for name in LANGUAGES
    )  # one run reads them all: most of its time goes into reading its rules
    result = subprocess.run(
        [filter_program, "--local", "--nocreate-prefs", "--mbox"],
        input=folder,
        capture_output=True,
        check=True,
    )
    points = [
        float(found) for found in re.findall(rb"(?m)^X-Spam-Status: \w+, score=(-?[\d.]+)", result.stdout)
    ]
    assert len(points) == len(LANGUAGES), result.stderr
    assert max(points) <= MOST, dict(zip(LANGUAGES, points, strict=True))
