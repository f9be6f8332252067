"""Whether Gmail itself vouches that a message comes from the domain its From names.

Only Google's own Authentication-Results counts. Anybody can write such a field into their mail, and what
Google does with a forged one is not documented, so two things must hold:

* it is the topmost field whose authserv-id is exactly mx.google.com, and
* it stands in the block of trace fields that Google put on top: at least one Received in it says
  "by mx.google.com", and no Received above the field was written by anybody else.

Google evaluates all mail it takes in from outside and writes its field above everything the sender wrote,
so the topmost one in that block is Google's. A message Google took in another way (fetched from a foreign
mailbox, inserted) has no such block, and then a forged field proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backend.domain.mail.message import Headers, Message
from backend.domain.mail.sender import normalise, organisational_domain

AUTHSERV_ID = "mx.google.com"

MAX_VALUE = 20_000
"""Characters of a field that are read; Google's own have a few hundred. A longer one is not believed."""

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
    """`method` is what decided: "dmarc", "dkim", "spf" or "" ; `detail` says why in one phrase.

    `detail` holds domains and result words only, never the mail's text.
    """

    passed: bool
    method: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result, "unreadable" if it is not written as RFC 8601 wants it. `domain` is the one it speaks of,
    in ASCII, "" if it names none."""

    method: str
    result: str
    domain: str


def authenticate(message: Message) -> Authentication:
    """Judge `message` by Google's own field. Total: what cannot be read was not authenticated."""
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
    """The domains whose DKIM signature under `message` Google found valid. Total, like `authenticate`."""
    value = _googles_own(message.headers)
    found = results(value, ("dkim",)) if value is not None else None
    return frozenset(one.domain for one in found or () if one.result == "pass")


def results(value: str, methods: Collection[str] = METHODS) -> list[Result] | None:
    """What a field's value says by `methods`; None if where a clause of it ends cannot be told for sure.

    Senders choose parts of this text (envelope address, selector, signature identity), so a comment
    holding quotes or backslashes, or brackets that do not pair, makes the whole field worthless: it could
    smuggle in a result.
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
    # Of several results none may contradict: a second one did not come out of Google's evaluation.
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
    """DMARC speaks of the From domain, or of the organisation it belongs to."""
    return bool(judged) and judged in (domain, organisational_domain(domain))


def _aligned(proved: str, domain: str) -> bool:
    """Relaxed alignment: one organisation. A bare public suffix aligns with itself alone."""
    return bool(proved) and organisational_domain(proved) == organisational_domain(domain)


def _googles_own(headers: Headers) -> str | None:
    """The value of the field Google wrote, None if there is none that must be Google's."""
    results: str | None = None
    border = False
    for name, value in headers:
        kind = name.lower()
        if kind == "received":
            if border:
                break  # from here on the sender's side wrote
            plain = _without_comments(value) or ""
            border = _by_border(plain)
            if not border and not _by_inside(plain):
                break
        elif kind == "authentication-results" and results is None and _authserv_id(value) == AUTHSERV_ID:
            results = value
    return results if border else None


def _by_border(plain: str) -> bool:
    match = _BY.search(plain)
    return match is not None and match.group(1).rstrip(";").lower() == AUTHSERV_ID


def _by_inside(plain: str) -> bool:
    """A hop between Google's own machines: by an address or a google.com host, without a `from` clause."""
    match = _BY.search(plain)
    if match is None or _FROM.search(plain):
        return False
    return _INTERNAL.fullmatch(match.group(1).rstrip(";")) is not None


def _authserv_id(value: str) -> str:
    """The first word; a version number behind it is allowed."""
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
    """`value` with every comment, nested ones too, as one blank; None where that is ambiguous or too long."""
    if len(value) > MAX_VALUE:
        return None
    if '"' not in value and "\\" not in value:
        for _ in range(_DEEPEST):  # each round takes away the comments that hold no others
            if "(" not in value:
                return None if ")" in value else value
            value, found = _INNERMOST.subn(" ", value)
            if not found:
                return None
    return _char_by_char(value)


def _char_by_char(value: str) -> str | None:
    """The same for whatever is nested deeply or quoted."""
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
