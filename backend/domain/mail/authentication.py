"""Whether Gmail confirms that a message comes from the domain in its From header.

Only Google's own Authentication-Results header counts. Senders can forge such a header, and what Google does with a
forged one is not documented, so two things must hold:

* it is the topmost header whose authserv-id is exactly mx.google.com, and
* it stands in the block of trace headers that Google put on top: at least one Received in the block says
  "by mx.google.com", and no Received above the header was written by another server.

Google checks all mail that arrives from outside and writes its header above everything the sender wrote, so the topmost
one in that block is Google's. A message that reached Gmail another way (fetched from another mailbox, inserted) has no
such block, and then no header is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backend.domain.mail.message import Headers, Message
from backend.domain.mail.sender import normalise, organisational_domain

AUTHSERV_ID = "mx.google.com"

MAX_VALUE = 20_000
"""Longest header value that is read, in characters; Google's own have a few hundred. A longer one is not trusted."""

METHODS = ("dmarc", "dkim", "spf")
_BY = re.compile(r"(?:^|\s)by\s+(\S+)", re.I)
_FROM = re.compile(r"(?:^|\s)from\s", re.I)
_INTERNAL = re.compile(r"[0-9a-f.:\[\]]+|(?:[a-z0-9-]+\.)+google\.com", re.I)
_CLAUSE_ENDS = re.compile(r'"[^"]*+"|;')
_HOST = re.compile(r"[a-z0-9._-]+")
_WORD = r"[a-z][a-z0-9-]*+"
_CHARS = r"[^\s\x00-\x1f\x7f()<>\[\]:;@\\,\"]"
_VALUE = rf'(?:"[^"]*+"|{_CHARS}*+)(?:@{_CHARS}++)?+'
_METHOD = re.compile(rf"\s*+({_WORD})", re.I | re.ASCII)
_OUTCOME = re.compile(
    rf"\s*+(?:/\s*+\d++\s*+)?+=\s*+({_WORD})(?:\s++reason\s*+=\s*+{_VALUE})?+(?:\s++|\Z)", re.I | re.ASCII
)
_PROPERTY = re.compile(rf"({_WORD}\s*+\.\s*+{_WORD})\s*+=\s*+({_VALUE})(?:\s++|\Z)", re.I | re.ASCII)
_INNERMOST = re.compile(r"\([^()]*+\)")
_DEEPEST = 4
_NO_RECORD = frozenset({"none", "bestguesspass"})


@dataclass(frozen=True, slots=True)
class Authentication:
    """Whether the sender is authenticated. `method` is what decided: "dmarc", "dkim", "spf" or "". `detail` says why in
    one phrase, with domains and result words only, never the mail's text."""

    passed: bool
    method: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one method, "unreadable" if it breaks RFC 8601's syntax. `domain` is the domain it is about, in
    ASCII, "" if it names none."""

    method: str
    result: str
    domain: str


def authenticate(message: Message) -> Authentication:
    """Judge `message` by Google's own header. Never raises: what cannot be read counts as not authenticated."""
    domain, trouble = _from_domain(message)
    if trouble:
        return Authentication(False, "", trouble)
    value = _googles_own(message.headers)
    if value is None:
        return Authentication(False, "", "no result by Google")
    verdicts = results(value, ("dmarc",))
    if verdicts is None:
        return Authentication(False, "", "result cannot be read")
    return _by_dmarc(domain, verdicts) or _by_alignment(domain, results(value) or ())


def signing_domains(message: Message) -> frozenset[str]:
    """The domains whose DKIM signatures of `message` Google found valid. Never raises."""
    value = _googles_own(message.headers)
    found = results(value, ("dkim",)) if value is not None else None
    return frozenset(one.domain for one in found or () if one.result == "pass")


def results(value: str, methods: Collection[str] = METHODS) -> list[Result] | None:
    """The results of `methods` in a header value; None if it is unclear where one of its clauses ends.

    Senders choose parts of this text (envelope address, selector, signature identity). So a comment with quotes or
    backslashes, or unbalanced brackets, makes the whole header worthless: a result could be smuggled in that way.
    """
    plain = _without_comments(value)
    if plain is None:
        return None
    return [found for clause in _split(plain)[1:] if (found := _read(clause, methods))]


def _from_domain(message: Message) -> tuple[str, str]:
    """(domain of the only From address, what is wrong or "")."""
    if len(message.headers.all("From")) > 1 or len(message.from_) > 1:
        return "", "several From addresses"
    domain = normalise(message.sender.address).rpartition("@")[2] if "@" in message.sender.address else ""
    return (domain, "") if domain else ("", "no From address")


def _by_dmarc(domain: str, verdicts: Sequence[Result]) -> Authentication | None:
    if all(one.result in _NO_RECORD for one in verdicts):
        return None
    # If there are several results, all must pass: Google writes only one, so a second may be smuggled in.
    refused = [one for one in verdicts if one.result != "pass" or not _covers(one.domain, domain)]
    if refused:
        about = f" for {refused[0].domain or 'no domain'}" if refused[0].result == "pass" else ""
        return Authentication(False, "dmarc", f"dmarc={refused[0].result}{about}")
    return Authentication(True, "dmarc", f"dmarc=pass for {domain}")


def _by_alignment(domain: str, results: Sequence[Result]) -> Authentication:
    for method in ("dkim", "spf"):
        for one in results:
            if one.method == method and one.result == "pass" and _aligned(one.domain, domain):
                return Authentication(True, method, f"{method}=pass for {one.domain}")
    return Authentication(False, "", f"nothing aligned with {domain}")


def _covers(judged: str, domain: str) -> bool:
    """Whether a DMARC result about domain `judged` holds for `domain`: it is the same, or its organisation's."""
    return bool(judged) and judged in (domain, organisational_domain(domain))


def _aligned(proved: str, domain: str) -> bool:
    """Relaxed alignment: one organisation. A bare public suffix aligns with itself alone."""
    return bool(proved) and organisational_domain(proved) == organisational_domain(domain)


def _googles_own(headers: Headers) -> str | None:
    """The value of the header that Google wrote, None if there is none that can only be Google's."""
    results: str | None = None
    entered_google = False
    for name, value in headers:
        kind = name.lower()
        if kind == "received":
            if entered_google:
                break  # everything below was written on the sender's side
            plain = _without_comments(value) or ""
            entered_google = _by_mx_google(plain)
            if not entered_google and not _by_internal_host(plain):
                break
        elif kind == "authentication-results" and results is None and _authserv_id(value) == AUTHSERV_ID:
            results = value
    return results if entered_google else None


def _by_mx_google(plain: str) -> bool:
    match = _BY.search(plain)
    return match is not None and match.group(1).rstrip(";").lower() == AUTHSERV_ID


def _by_internal_host(plain: str) -> bool:
    """Whether a Received value is a hop inside Google: by an IP address or a google.com host, without a `from`."""
    match = _BY.search(plain)
    if match is None or _FROM.search(plain):
        return False
    return _INTERNAL.fullmatch(match.group(1).rstrip(";")) is not None


def _authserv_id(value: str) -> str:
    """The first word of a header value; version number 1 may follow it."""
    words = (_without_comments(value.partition(";")[0]) or "").split()
    return words[0] if words and (len(words) == 1 or words[1:] == ["1"]) else ""


def _read(clause: str, methods: Collection[str]) -> Result | None:
    """The result in a clause without comments; None if it does not begin with the name of one of `methods`."""
    named = _METHOD.match(clause)
    if named is None or (method := named[1].lower()) not in methods:
        return None
    outcome = _OUTCOME.match(clause, named.end())
    properties: dict[str, str] = {}
    at = outcome.end() if outcome else 0
    while outcome and (found := _PROPERTY.match(clause, at)):
        properties["".join(found[1].split()).lower()] = found[2].replace('"', "")
        at = found.end()
    if outcome is None or at < len(clause):  # an unreadable DMARC result must not look like no DMARC result
        return Result(method, "unreadable", "")
    return Result(method, outcome[1].lower(), _domain_of(method, properties))


def _domain_of(method: str, properties: dict[str, str]) -> str:
    if method == "dmarc":
        value = properties.get("header.from", "")
    elif method == "dkim":
        value = properties.get("header.i") or properties.get("header.d") or ""
    else:  # Older mail has smtp.mail. The HELO name proves nothing about an author.
        value = properties.get("smtp.mailfrom") or properties.get("smtp.mail") or ""
    domain = normalise(f"x@{value.rpartition('@')[2]}").partition("@")[2]
    return domain if _HOST.fullmatch(domain) else ""


def _without_comments(value: str) -> str | None:
    """`value` with each comment, nested ones included, replaced by a space; None if it is ambiguous or too long."""
    if len(value) > MAX_VALUE:
        return None
    if '"' not in value and "\\" not in value:
        for _ in range(_DEEPEST):  # each round removes the innermost comments
            if "(" not in value:
                return None if ")" in value else value
            value, found = _INNERMOST.subn(" ", value)
            if not found:
                return None
    return _char_by_char(value)


def _char_by_char(value: str) -> str | None:
    """`_without_comments` for values with deep nesting or quotes."""
    out: list[str] = []
    depth = 0
    quoted = False
    for char in value:
        if depth:
            if char in '"\\':
                return None
            depth += (char == "(") - (char == ")")
            continue
        if char == "\\":
            return None
        if char == '"':
            quoted = not quoted
        elif char == "(" and not quoted:
            depth = 1
            out.append(" ")
            continue
        elif char == ")" and not quoted:
            return None
        out.append(char)
    return None if depth or quoted else "".join(out)


def _split(value: str) -> list[str]:
    """Split at semicolons outside quotes."""
    if '"' not in value:
        return value.split(";")
    ends = [match.start() for match in _CLAUSE_ENDS.finditer(value) if match.group() == ";"]
    return [value[start:end] for start, end in zip([0, *(e + 1 for e in ends)], [*ends, None], strict=True)]
