"""Our reading of a clause against the library authres, and of comments against reading them character by character."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path

import authres
import pytest

from backend.domain.mail import sender as module
from backend.domain.mail.sender import METHODS, Result, normalise

MAIL = Path(__file__).parents[5] / "shared" / "mail"
NAME = b"authentication-results:"
_NAMED = re.compile(r"\s*([a-z][a-z0-9-]*)", re.I | re.ASCII)
_HOST = re.compile(r"[a-z0-9._-]+")

SPOKEN_OF = {
    "dmarc": ("header.from",), "dkim": ("header.i", "header.d"), "spf": ("smtp.mailfrom", "smtp.mail"),
}  # fmt: skip


@cache
def by_authres(clause: str) -> Result | None:
    """What authres reads in a clause; it knows ASCII only, so names come to it as xn--…"""

    def encoded(match: re.Match[str]) -> str:
        name = normalise(f"x@{match.group()}").partition("@")[2]
        return name if _HOST.fullmatch(name) and not match.group().isascii() else match.group()

    named = _NAMED.match(clause)
    method = named[1].lower() if named else ""
    plain = re.sub(r"[^\s=@;\"]+", encoded, clause).strip()
    try:
        found = authres.AuthenticationResultsHeader.parse_value(f"mx.google.com; {plain}").results
    except (authres.AuthResError, ValueError, IndexError, AttributeError, TypeError):
        return Result(method, "unreadable", "") if method in METHODS else None
    if not found or found[0].method not in METHODS:
        return None
    properties = {f"{p.type}.{p.name}": str(p.value or "") for p in found[0].properties}
    value = next((properties[name] for name in SPOKEN_OF[found[0].method] if properties.get(name)), "")
    domain = normalise(f"x@{value.rpartition('@')[2]}").partition("@")[2]
    return Result(found[0].method, found[0].result.lower(), domain)


WANTED = (
    # clause, what we read, what authres reads, why
    (
        'spf=pass smtp.mailfrom="bo@ext.test" smtp.helo=x', ("pass", "ext.test"), ("pass", ""),
        "a quoted value counts wherever it stands; authres drops it unless it is the last",
    ),
    (
        "dkim=pass header.i=@ext.test.", ("pass", "ext.test"), ("unreadable", ""),
        "a domain may end in a dot, and does for authres too if something stands before the @",
    ),
    (
        "spf=pass smtp.mailfrom=a/b.ext.test", ("pass", ""), ("pass", "a/b.ext.test"),
        "what is no host name has no organisation with which it could align",
    ),
    (
        "dmarc=pass header.from=ext.test policy.=x", ("unreadable", ""), ("pass", "ext.test"),
        "authres skips a property it cannot read; what else is wrong with such a clause, nobody can tell",
    ),
    (
        "spf=pass smtp.mailfrom=bo@evil.test@ext.test", ("unreadable", ""), ("pass", "ext.test"),
        "an address has one @ outside quotes",
    ),
    ("dkim=pass header.i=bo@", ("unreadable", ""), ("pass", ""), "and a domain behind it"),
    ("dmarc=pass=fail", ("unreadable", ""), ("pass=fail", ""), "a result is a word of letters, digits and hyphens"),
    ("dmarc.x=pass", ("unreadable", ""), None, "a name that goes on is no other method's: DMARC said something"),
    ("ſpf=pass smtp.mailfrom=ext.test", None, ("pass", "ext.test"), "only ASCII letters name a method"),
)  # fmt: skip


@pytest.mark.parametrize(("clause", "ours", "theirs", "why"), WANTED)
def test_where_they_differ_it_is_wanted(
    clause: str, ours: tuple[str, str] | None, theirs: tuple[str, str] | None, why: str
) -> None:
    for found, expected in ((read(clause), ours), (by_authres(clause), theirs)):
        assert (found and (found.result, found.domain)) == expected, why


def read(clause: str) -> Result | None:
    return module._result_of(clause, METHODS)


def agree(value: str) -> None:
    """Both read the same, or we believe less. What we alone can read, the first two of `WANTED`, authres gets spelt
    otherwise."""
    plain = module._without_comments(value)
    assert plain == (module._char_by_char(value) if len(value) <= module.MAX_VALUE else None), value
    for clause in module._split(plain or "")[1:]:
        ours, theirs = read(clause), by_authres(clause)
        if ours != theirs and (ours is None or ours.result != "unreadable"):
            spelt = re.sub(r"(@\S*)\.(?!\S)", r"\1", re.sub(r'"(\S+) (\S+)"', r"\1=\2", clause))
            allowed = [one and replace(one, domain="") for one in (theirs, by_authres(spelt))]
            assert ours in (*allowed, by_authres(spelt)), (clause, ours, theirs)


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


NAMES = ("dkim", "spf", "dmarc", "arc", "iprev", "auth", "dkim-adsp", "x-own", "DKIM", "spf/1", "2fa", "")
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

    text = f"{one(BETWEEN, 3)}{one(NAMES, 3)}={one(RESULTS, 4)}{one(COMMENTS, 3)}"
    for _ in range(chance.randint(0, 3)):
        text += f"{one(BETWEEN, 3)}{one(KINDS, 4)}.{one(PROPERTIES, 9)}={one(VALUES, 6)}"
    return text


def test_a_hundred_thousand_generated_fields_are_read_alike() -> None:
    chance = random.Random(1)
    clauses = [clause(chance) for _ in range(12_000)]
    for _ in range(100_000):
        agree(";".join(["mx.google.com", *chance.choices(clauses, k=chance.randint(1, 3))]))
