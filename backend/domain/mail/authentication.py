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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import authres

from backend.domain.mail.message import Headers, Message
from backend.domain.mail.sender import normalise, organisational_domain

AUTHSERV_ID = "mx.google.com"

MAX_VALUE = 20_000
"""Characters of a field that are read; Google's own have a few hundred. A longer one is not believed."""

MAX_CLAUSES = 60
MAX_CLAUSE = 2_000
_BY = re.compile(r"(?:^|\s)by\s+(\S+)", re.I)
_FROM = re.compile(r"(?:^|\s)from\s", re.I)
_INTERNAL = re.compile(r"[0-9a-f.:\[\]]+|(?:[a-z0-9-]+\.)+google\.com", re.I)
_METHOD = re.compile(r"\A\s*+([A-Za-z][A-Za-z0-9-]*+)\s*+(?:/\s*+\d++\s*+)?=")
_NAME = re.compile(r"[^\s=@;\"]++")
_CLAUSE_ENDS = re.compile(r'"[^"]*+"|;')
_HOST = re.compile(r"[a-z0-9.-]+")
_VALUE = r"(?:(?:[a-z0-9_-]++(?:\.[a-z0-9_-]++)*+)?@[a-z0-9-]++(?:\.[a-z0-9-]++)*+|[a-z0-9._-]++)(?!\S)"
_PLAIN = re.compile(
    rf"\s*+([a-z][a-z0-9-]*+)=([a-z]++)((?:\s++(?:smtp|header|body|policy)\.[a-z][a-z0-9-]*+={_VALUE})*+)\s*+",
    re.I | re.ASCII,
)
_PROPERTY = re.compile(rf"(?<![a-z])([a-z]++)\.([a-z0-9-]++)=({_VALUE})", re.I | re.ASCII)
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
class _Clause:
    """One method's result. `domain` is the one it speaks of, in ASCII, "" if it names none."""

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
    clauses = _clauses(value)
    if clauses is None:
        return Authentication(False, "", "result cannot be read")
    # Where DMARC decides, nobody asks what the other clauses say.
    judged = _by_dmarc(domain, [one for text in clauses if _may_be_dmarc(text) for one in _read(text)])
    return judged or _by_alignment(domain, [one for text in clauses for one in _read(text)])


def signing_domains(message: Message) -> frozenset[str]:
    """The domains whose DKIM signature under `message` Google found valid. Total, like `authenticate`."""
    value = _googles_own(message.headers)
    found = [one for text in (_clauses(value) if value is not None else None) or () for one in _read(text)]
    return frozenset(one.domain for one in found if one.method == "dkim" and one.result == "pass")


def _from_domain(message: Message) -> tuple[str, str]:
    """(domain of the only From address, what is wrong or "")."""
    if len(message.headers.all("From")) > 1 or len(message.from_) > 1:
        return "", "several From addresses"
    domain = normalise(message.sender.address).rpartition("@")[2] if "@" in message.sender.address else ""
    return (domain, "") if domain else ("", "no From address")


def _may_be_dmarc(text: str) -> bool:
    """Whether a clause may be one of DMARC's. Beyond ASCII it may: there are letters that become others when read."""
    return not text.isascii() or "dmarc" in text.lower()


def _by_dmarc(domain: str, clauses: Sequence[_Clause]) -> Authentication | None:
    verdicts = [c for c in clauses if c.method == "dmarc"]
    decided = [c for c in verdicts if c.result not in _NO_RECORD]
    if not decided:
        return None
    # Of several results none may contradict: a second one did not come out of Google's evaluation.
    refused = [c for c in verdicts if c.result != "pass" or not _covers(c.domain, domain)]
    if refused:
        about = f" for {refused[0].domain or 'no domain'}" if refused[0].result == "pass" else ""
        return Authentication(False, "dmarc", f"dmarc={refused[0].result}{about}")
    return Authentication(True, "dmarc", f"dmarc=pass for {domain}")


def _by_alignment(domain: str, clauses: Sequence[_Clause]) -> Authentication:
    for method in ("dkim", "spf"):
        for clause in clauses:
            if clause.method == method and clause.result == "pass" and _aligned(clause.domain, domain):
                return Authentication(True, method, f"{method}=pass for {clause.domain}")
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


def _clauses(value: str) -> list[str] | None:
    """The clauses of a field, a result each, without comments; None if where one ends cannot be told for sure.

    Senders choose parts of this text (envelope address, selector, signature identity), so a comment
    holding quotes or backslashes, or brackets that do not pair, makes the whole field worthless: it could
    smuggle in a result.
    """
    plain = _without_comments(value)
    return (
        [text for text in _split(plain)[1 : MAX_CLAUSES + 1] if text.strip()] if plain is not None else None
    )


def _read(text: str) -> Iterator[_Clause]:
    """The results of one clause. What Google writes, words and nothing else, is read here; the rest by the library,
    which compiles its patterns at every step and takes thirty times as long. Both agree (a test holds them to it)."""
    plain = _PLAIN.fullmatch(text) if len(text) <= MAX_CLAUSE else None
    if plain is None:
        yield from _read_by_library(text)
        return
    properties = {f"{kind}.{name}".lower(): value for kind, name, value in _PROPERTY.findall(plain[3])}
    method = plain[1].lower()
    yield _Clause(method, plain[2].lower(), _domain_of(method, properties))


def _read_by_library(text: str) -> Iterator[_Clause]:
    named = _METHOD.match(text)
    method = named.group(1).lower() if named else ""
    try:
        if len(text) > MAX_CLAUSE:
            raise ValueError("the parser's time grows with the square of this")
        parsed = authres.AuthenticationResultsHeader.parse_value(f"{AUTHSERV_ID}; {_ascii_words(text)}")
    except (authres.AuthResError, ValueError, IndexError, AttributeError, TypeError):
        if method:  # an unreadable DMARC result must not look like no DMARC result
            yield _Clause(method, "unreadable", "")
        return
    for result in parsed.results:
        properties = {f"{p.type}.{p.name}": str(p.value or "") for p in result.properties}
        kind, outcome = str(result.method or "").lower(), str(result.result or "").lower()
        yield _Clause(kind, outcome, _domain_of(kind, properties))


def _ascii_words(text: str) -> str:
    """International domain names as xn--…, because the parser knows ASCII only."""

    def encoded(match: re.Match[str]) -> str:
        found = match.group()
        name = found if found.isascii() else normalise(f"x@{found}").partition("@")[2]
        return name if _HOST.fullmatch(name) else found

    return _NAME.sub(encoded, text).strip()


def _domain_of(method: str, properties: dict[str, str]) -> str:
    if method == "dmarc":
        value = properties.get("header.from", "")
    elif method == "dkim":
        value = properties.get("header.i") or properties.get("header.d") or ""
    elif method == "spf":
        # Older mail has smtp.mail. The HELO name proves nothing about an author.
        value = properties.get("smtp.mailfrom") or properties.get("smtp.mail") or ""
    else:
        return ""
    return normalise(f"x@{value.rpartition('@')[2]}").partition("@")[2]


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
