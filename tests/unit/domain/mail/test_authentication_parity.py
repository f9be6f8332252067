"""Our own reading of a clause against the library's, and of comments against reading them character by character."""

from __future__ import annotations

import random
from collections.abc import Iterator
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path

import pytest

from backend.domain.mail import authentication as module

MAIL = Path(__file__).parents[5] / "shared" / "mail"
NAME = b"authentication-results:"


def agree(value: str) -> None:
    plain = module._without_comments(value)
    assert plain == (module._char_by_char(value) if len(value) <= module.MAX_VALUE else None), value
    for text in module._split(plain or "")[1 : module.MAX_CLAUSES + 1]:
        found = tuple(module._read(text))
        assert found == tuple(module._read_by_library(text)) or not text.strip(), text
        assert module._may_be_dmarc(text) or not any(one.method == "dmarc" for one in found), text


def fields(path: Path) -> Iterator[str]:
    """Every Authentication-Results field in a file of mail, unfolded as a reader would."""
    data = path.read_bytes()
    start = -1
    while (start := data.lower().find(NAME, start + 1)) >= 0:
        head = message_from_bytes(data[start : start + 20_000], policy=policy.compat32)
        for value in head.get_all("Authentication-Results", [])[:1]:
            yield " ".join(str(value).split())


def test_both_read_every_field_of_the_mail_collection_alike() -> None:
    if not MAIL.is_dir():
        pytest.skip("the mail collection is not here")
    found = 0
    for path in sorted(MAIL.rglob("*")):
        if path.is_file() and NAME in path.read_bytes().lower():
            for value in fields(path):
                agree(value)
                found += 1
    assert found >= 10


METHODS = ("dkim", "spf", "dmarc", "arc", "iprev", "auth", "dkim-adsp", "x-own", "DKIM", "spf/1", "2fa", "")
RESULTS = (
    "pass",
    "fail",
    "softfail",
    "none",
    "Neutral",
    "bestguesspass",
    "pass.",
    "",
    "temp-error",
    "permerror",
)
KINDS = ("header", "smtp", "policy", "body", "Header", "other", "")
PROPERTIES = ("i", "d", "from", "mailfrom", "mail", "helo", "b", "s", "a", "From", "rfc822-from", "")
VALUES = (
    "@ext.test", "ext.test", "bo@ext.test", "BO@Ext.Test", "qL2sbyGF", "a.b-c_d", "<>", "<bo@ext.test>", "a=b",
    "x+y@z.test",
    '"quoted word"', "münchen.test", "@münchen.test",
    "192.0.2.7", "", "a/b", "bo@", "@", "a@b@c", ".x", "x.", "-", "_dmarc.x",
)  # fmt: skip
COMMENTS = (
    "",
    " (p=REJECT sp=NONE)",
    " (google.com: a (b) c)",
    " (",
    ")",
    ' ("x")',
    " (a\\b)",
    " ((((((x))))))",
)
BETWEEN = (" ", "  ", "\r\n       ", "\t", "")


def clause(chance: random.Random) -> str:
    """A clause like Google's, with something odd in it now and then."""
    odd = chance.random() < 0.5

    def one(choices: tuple[str, ...], usual: int) -> str:
        return chance.choice(choices if odd and chance.random() < 0.3 else choices[:usual])

    text = f"{one(BETWEEN, 3)}{one(METHODS, 3)}={one(RESULTS, 4)}{one(COMMENTS, 3)}"
    for _ in range(chance.randint(0, 3)):
        text += f"{one(BETWEEN, 3)}{one(KINDS, 4)}.{one(PROPERTIES, 9)}={one(VALUES, 6)}"
    return text


def test_both_read_a_hundred_thousand_generated_fields_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(1)
    clauses = [clause(chance) for _ in range(12_000)]
    library = module._read_by_library
    by_library = cache(lambda text: tuple(library(text)))  # it is slow, and clauses come again
    monkeypatch.setattr(module, "_read_by_library", by_library)
    for _ in range(100_000):
        agree(";".join(["mx.google.com", *chance.choices(clauses, k=chance.randint(1, 3))]))


def test_googles_own_fields_are_not_given_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(text: str) -> Iterator[module._Clause]:
        raise AssertionError(text)

    monkeypatch.setattr(module, "_read_by_library", refused)
    value = (
        "mx.google.com;\r\n       dkim=pass header.i=@ext.test header.s=s1 header.b=qL2sbyGF;\r\n"
        "       spf=pass (google.com: domain of bo@ext.test designates 192.0.2.7 as permitted sender)"
        " smtp.mailfrom=bo@ext.test;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=ext.test"
    )
    clauses = module._clauses(value)
    assert clauses is not None
    assert [(one.method, one.result, one.domain) for text in clauses for one in module._read(text)] == [
        ("dkim", "pass", "ext.test"),
        ("spf", "pass", "ext.test"),
        ("dmarc", "pass", "ext.test"),
    ]
