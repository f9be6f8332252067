"""The letters a name is written in."""

from __future__ import annotations

import pytest

from backend.domain.mail.sender import script_of


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
