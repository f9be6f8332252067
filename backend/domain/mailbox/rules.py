"""An owner's allow and block rules, and lists of rules as text: typed, pasted or exported from elsewhere.

A line is `allow bo@shop.example`, `block,spam.example`, or only an address or domain, which gets the kind chosen for
the whole text. Empty lines and lines that begin with # are ignored.
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
"""Most rules in a mailbox."""

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
    """A line that could not be read: its number from 1, the error code, and the beginning of its text."""

    line: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ParsedRules:
    """The rules in a text. Of two lines about the same subject the later one counts."""

    rules: tuple[Rule, ...]
    faults: tuple[LineFault, ...]


def subject_of(text: str) -> str:
    """The address, or the organisation's domain, in the form in which rules are stored. Raises `Refused` (rule_empty,
    rule_address, rule_domain, rule_provider) for the field "subject"."""
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
    """Read a list of rules. Raises `Refused` (rules_too_long) if the text is longer than allowed."""
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
    """The rules as text for `read_list`. Each line begins with allow or block, so a spreadsheet never takes an address
    for a formula."""
    return "".join(f"{rule.kind} {rule.subject}\n" for rule in rules)


@dataclass(frozen=True, slots=True)
class ImportEffect:
    """What an import would do: how many rules are new, how many change their kind, how many exist already."""

    added: int
    changed: int
    same: int


def effect_of(rules: Iterable[Rule], known: Mapping[str, RuleKind]) -> ImportEffect:
    """Compare new rules with those the mailbox has (`known`)."""
    added = changed = same = 0
    for rule in rules:
        before = known.get(rule.subject)
        added += before is None
        same += before is rule.kind
        changed += before is not None and before is not rule.kind
    return ImportEffect(added, changed, same)
