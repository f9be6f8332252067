"""Allow and block lists as text: what an owner types, pastes, or brings from elsewhere.

A line is `allow bo@shop.example`, `block,spam.example`, or an address or domain alone, which takes the kind
chosen for the whole text. Empty lines and lines that begin with # say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from backend.domain.errors import Refused
from backend.domain.mail.sender import is_free_mail, is_writable, normalise, organisational_domain
from backend.domain.mailbox.decisions import RuleKind

MOST_RULES = 10_000
"""Rules a mailbox may have."""

MOST_LINES = 5_000
MOST_TEXT = 200_000
"""Characters of one import."""

_KIND = re.compile(r'\s*"?(allow|block)"?\s*[\s,;:]\s*', re.I)
_HEADING = re.compile(r"\W*(?:kind|rule|type)\W+(?:subject|sender|address|email)\W*", re.I)


@dataclass(frozen=True, slots=True)
class Rule:
    """An owner's rule. `subject` is an address or a bare domain, as it is stored."""

    subject: str
    kind: RuleKind


@dataclass(frozen=True, slots=True)
class DatedRule:
    """A rule and when it was set."""

    rule: Rule
    set_at: datetime


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that says nothing we understand: its number from 1, the code of what is wrong, and its beginning."""

    line: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ParsedRules:
    """What a text amounts to. Of two lines about the same subject the later one counts."""

    rules: tuple[Rule, ...]
    faults: tuple[LineFault, ...]


def subject_of(text: str) -> str:
    """An address, or the organisation's domain, as rules are stored. Raises `Refused` (codes rule_empty,
    rule_address, rule_domain, rule_provider) with the field "subject"."""
    plain = text.strip().strip("\"'<>").strip()
    if not plain:
        raise Refused("rule_empty", field="subject")
    local, at, domain = plain.rpartition("@")
    if at and local not in ("", "*"):
        address = normalise(plain)
        if len(address) > 254 or not is_writable(address):
            raise Refused("rule_address", field="subject")
        return address
    host = normalise(f"x@{domain.removeprefix('*.').strip('.')}")
    if len(host) > 254 or not is_writable(host):
        raise Refused("rule_domain", field="subject")
    organisation = organisational_domain(host.rpartition("@")[2])
    if is_free_mail(organisation):
        raise Refused("rule_provider", field="subject")
    return organisation


def read_list(text: str, default: RuleKind) -> ParsedRules:
    """Read a whole text. Raises `Refused` (rules_too_long) when it is longer than we take."""
    lines = text.removeprefix("\ufeff").splitlines()
    if len(text) > MOST_TEXT or len(lines) > MOST_LINES:
        raise Refused("rules_too_long", field="text")
    rules: dict[str, RuleKind] = {}
    faults: list[LineFault] = []
    for number, line in enumerate(lines, 1):
        plain = line.strip()
        if not plain or plain.startswith("#") or (number == 1 and _HEADING.fullmatch(plain)):
            continue
        kind = _KIND.match(plain)
        rest = plain[kind.end() :] if kind else plain
        try:
            subject = subject_of(rest.partition(",")[0].partition(";")[0])
        except Refused as error:
            faults.append(LineFault(number, error.code, plain[:80]))
            continue
        rules.pop(subject, None)
        rules[subject] = RuleKind(kind[1].lower()) if kind else default
    return ParsedRules(tuple(Rule(subject, kind) for subject, kind in rules.items()), tuple(faults))


def write_list(rules: Iterable[Rule]) -> str:
    """The rules as text that `read_list` reads. Each line begins with allow or block, so no spreadsheet takes
    an address for a formula."""
    return "".join(f"{rule.kind} {rule.subject}\n" for rule in rules)


@dataclass(frozen=True, slots=True)
class ImportEffect:
    """What importing would do: rules that are new, that turn round, that are there already."""

    added: int
    changed: int
    same: int


def effect_of(rules: Iterable[Rule], known: Mapping[str, RuleKind]) -> ImportEffect:
    """Compare with the kinds of the rules there are. Changes nothing."""
    added = changed = same = 0
    for rule in rules:
        before = known.get(rule.subject)
        added += before is None
        same += before is rule.kind
        changed += before is not None and before is not rule.kind
    return ImportEffect(added, changed, same)
