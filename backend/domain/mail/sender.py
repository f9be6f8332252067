"""Who wrote a message: the organisation, mailbox, person or machine an address belongs to, and whether Gmail confirms
the address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

from backend.domain.mail.message import Headers, Message

# ---- Addresses
# The functions accept any text.


MAX_DOMAIN = 253
"""Characters of a domain's name (RFC 1035)."""

_ADDRESS_LITERAL = re.compile(r"\[.*\]|(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f:.]*")
_LOCAL = re.compile(r"(?!.{65})[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABELS = re.compile(r"[^\s.]+(?:\.[^\s.]+)*")
_FINAL_DOTS = re.compile(r"(?<![\s.])[\s.]++\Z")
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})

_ROBOTS = """
    mailerdaemon postmaster noreply nonreply donotreply dontreply noanswer nobody bounce bounces notification
    notifications notify notifier alert alerts autoreply autoresponder autoresponse automailer daemon root listserv
    majordomo mailman listmaster abuse hostmaster returns mailer system nichtantworten keineantwort nepasrepondre
    noresponder norespondas nonrispondere naoresponda naoresponder nietantwoorden geenantwoord
"""
_MACHINES = frozenset(_ROBOTS.split())
_NO_REPLY = re.compile("noreply|nonreply|donotreply|dontreply|noresponder|nepasrepondre|nichtantworten")
_MACHINE_PREFIX = re.compile("owner-|bounces?[-+=]|(?:msprvs1|prvs)=")
_MACHINE_SUFFIX = (
    "-request", "-owner", "-bounces", "-bounce", "-notification", "-notifications", "-daemon", "-admin-bounces",
)  # fmt: skip


def _listed() -> dict[str, frozenset[str]]:
    parts: dict[str, list[str]] = {}
    words: list[str] = []
    for line in files(__package__).joinpath("providers.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            words = parts[line.strip("[]")] = []
        elif not line.startswith("#"):
            words += line.split()
    return {name: frozenset(words) for name, words in parts.items()}


_LISTED = _listed()
BRANDS, PROVIDERS, SHARED_PARENTS = (_LISTED[part] for part in ("brands", "providers", "rented out"))
"""What `providers.txt` lists, lower-case."""


def normalise(address: str) -> str:
    """The form in which addresses are stored and compared: lower case, the domain in ASCII (xn--…).

    A tag (name+tag@) is kept, because that is another address. Text without "@" is only lower-cased.
    """
    address = address.strip().lower()
    local, at, domain = address.rpartition("@")
    return f"{local}@{_ascii(domain)}" if at else address


def is_writable(address: str) -> bool:
    """Whether any server can send mail to `address`: an unquoted ASCII local part (RFC 5321), and a domain that is or
    can be written in ASCII."""
    local, _, domain = normalise(address).rpartition("@")
    return bool(_LOCAL.fullmatch(local) and len(domain) <= MAX_DOMAIN and _HOST.fullmatch(domain))


def mailbox_key(address: str) -> str:
    """A key that is equal for all spellings of a mailbox: without the tag, and at Gmail without dots and with one
    domain.

    For asking "is this the owner?". Never for rules or credits, where each address counts for itself.
    """
    local, at, domain = normalise(address).rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}{at}{domain}"


def is_free_mail(domain: str) -> bool:
    """Whether anybody can get an address at `domain`, so that people who share it are strangers."""
    domain = _ascii(domain)
    organisation = organisational_domain(domain)
    if domain in PROVIDERS or organisation in PROVIDERS:
        return True
    return organisation.partition(".")[0] in BRANDS


def organisational_domain(domain: str) -> str:
    """The domain an organisation registered: one label below the public suffix, in ASCII and lower case.

    Private suffixes count as public ones (alice.github.io and bob.github.io are strangers), and so do domains whose
    subdomains are rented out. Anything without a registered part (a public suffix, an address literal, a single word,
    no domain at all) is returned as it is.
    """
    if len(domain) > MAX_DOMAIN and len(domain := _ascii(domain)) > MAX_DOMAIN:
        return domain
    return _organisational(domain)


@cache
def suffixes() -> PublicSuffixList:
    """All public suffixes, private ones included."""
    return PublicSuffixList()


@cache
def registries() -> PublicSuffixList:
    """The public suffixes below which names are bought from a registry."""
    return PublicSuffixList(only_icann=True)


def load_suffixes() -> None:
    """Load both lists now. It takes a fifth of a second, which the event loop should not wait for later."""
    suffixes()
    registries()


@lru_cache(maxsize=4096)
def _organisational(domain: str) -> str:
    domain = _ascii(domain)
    if len(domain) > MAX_DOMAIN or not _LABELS.fullmatch(domain) or _ADDRESS_LITERAL.fullmatch(domain):
        return domain
    found = suffixes().privatesuffix(domain)
    organisation = found if isinstance(found, str) and found else domain
    if organisation in SHARED_PARENTS and domain != organisation:
        tenant = domain.removesuffix(f".{organisation}").rpartition(".")[2]
        return f"{tenant}.{organisation}"
    return organisation


def counted_domain(domain: str) -> str:
    """The domain under which senders at `domain` are counted together in daily limits; "" for mail providers, whose
    users have nothing in common.

    Names below a private suffix are free (shop1.github.io, shop2.github.io), so they count as the domain that hands
    them out.
    """
    if is_free_mail(domain):
        return ""
    organisation = organisational_domain(domain)
    if not _LABELS.fullmatch(organisation) or _ADDRESS_LITERAL.fullmatch(organisation):
        return organisation
    registered = registries().privatesuffix(organisation)
    return registered if isinstance(registered, str) and registered else organisation


def same_organisation(owner_domain: str, sender_domain: str) -> bool:
    """Whether two domains belong to one organisation. Never true for a mail provider's domain."""
    if not owner_domain or not sender_domain or is_free_mail(owner_domain) or is_free_mail(sender_domain):
        return False
    ours = organisational_domain(owner_domain)
    # A public suffix itself (co.uk as a sender's domain) is no organisation.
    return ours == organisational_domain(sender_domain) and suffixes().privatesuffix(ours) is not None


def is_machine_local(local: str) -> bool:
    """Whether the part before the "@" names a program, mailing-list software or a mailbox that nobody reads.

    Tags and suffixes do not hide it (noreply+a1b2, bounces-123, drive-noreply). After a wrong guess this sender gets
    no reply from us, and nothing else.
    """
    local = local.strip().strip('"').lower()
    if not local:
        return False
    if _MACHINE_PREFIX.match(local) or local.endswith(_MACHINE_SUFFIX):
        return True
    squashed = re.sub(r"[-_.]", "", local.partition("+")[0].partition("=")[0])
    plain = squashed.rstrip("0123456789")
    return squashed in _MACHINES or plain in _MACHINES or _NO_REPLY.search(squashed) is not None


def _ascii(domain: str) -> str:
    """The domain in lower case, without a dot at the end, international names as xn--…; unchanged if that fails."""
    domain = domain.strip().lower()
    if domain.endswith("."):
        domain = _FINAL_DOTS.sub("", domain)
    # Encoding takes quadratic time, so text longer than any domain is left alone.
    if domain.isascii() or len(domain) > MAX_DOMAIN:
        return domain
    try:
        return _FINAL_DOTS.sub("", domain.encode("idna").decode("ascii").lower())
    except UnicodeError:
        return domain


# ---- Scripts of names
# The insights compare error rates by script, to see whether the model is worse for some people.


_ORDINALS = {"MASCULINE", "FEMININE"}  # the signs of "Eng.ª" and "Sr.º"


def script_of(name: str) -> str:
    """The script of a name: "latin" (plain), "accents" (Latin with accents), another script's Unicode name in lower
    case, or "" without letters."""
    letters = [letter for letter in name if letter.isalpha()]
    if not letters:
        return ""
    scripts = {unicodedata.name(letter, "unknown").split(" ")[0] for letter in letters} - _ORDINALS
    if not scripts <= {"LATIN"}:
        return min(scripts - {"LATIN"}).lower()
    return "latin" if all(letter.isascii() for letter in letters) else "accents"


# ---- Authentication: whether Gmail confirms that a message comes from the domain in its From header
# Only Google's own Authentication-Results header counts. Senders can forge such a header, and what Google does with a
# forged one is not documented, so two things must hold:
#
# * it is the topmost header whose authserv-id is exactly mx.google.com, and
# * it stands in the block of trace headers that Google put on top: at least one Received in the block says
#   "by mx.google.com", and no Received above the header was written by another server.
#
# Google checks all mail that arrives from outside and writes its header above everything the sender wrote, so the
# topmost one in that block is Google's. A message that reached Gmail another way (fetched from another mailbox,
# inserted) has no such block, and then no header is trusted.


AUTHSERV_ID = "mx.google.com"

MAX_VALUE = 20_000
"""Longest header value that is read, in characters; Google's own have a few hundred. A longer one is not trusted."""

METHODS = ("dmarc", "dkim", "spf")
_BY = re.compile(r"(?:^|\s)by\s+(\S+)", re.I)
_FROM = re.compile(r"(?:^|\s)from\s", re.I)
_INTERNAL = re.compile(r"[0-9a-f.:\[\]]+|(?:[a-z0-9-]+\.)+google\.com", re.I)
_CLAUSE_ENDS = re.compile(r'"[^"]*+"|;')
_RESULT_HOST = re.compile(r"[a-z0-9._-]+")
_WORD = r"[a-z][a-z0-9-]*+"
_CHARS = r"[^\s\x00-\x1f\x7f()<>\[\]:;@\\,\"]"
_VALUE = rf'(?:"[^"]*+"|{_CHARS}*+)(?:@{_CHARS}++)?+'
_METHOD = re.compile(rf"\s*+({_WORD})", re.I | re.ASCII)
_OUTCOME = re.compile(
    rf"\s*+(?:/\s*+\d++\s*+)?+=\s*+({_WORD})(?:\s++reason\s*+=\s*+{_VALUE})?+(?:\s++|\Z)", re.I | re.ASCII
)
_PROPERTY = re.compile(rf"({_WORD}\s*+\.\s*+{_WORD})\s*+=\s*+({_VALUE})(?:\s++|\Z)", re.I | re.ASCII)
_INNERMOST = re.compile(r"\([^()]*+\)")
_MOST_NESTED = 4
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
    return [found for clause in _split(plain)[1:] if (found := _result_of(clause, methods))]


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
    ours = (domain, organisational_domain(domain))
    refused = [one for one in verdicts if one.result != "pass" or not one.domain or one.domain not in ours]
    if refused:
        about = f" for {refused[0].domain or 'no domain'}" if refused[0].result == "pass" else ""
        return Authentication(False, "dmarc", f"dmarc={refused[0].result}{about}")
    return Authentication(True, "dmarc", f"dmarc=pass for {domain}")


def _by_alignment(domain: str, results: Sequence[Result]) -> Authentication:
    # Relaxed alignment: one organisation. A bare public suffix aligns with itself alone.
    organisation = organisational_domain(domain)
    for method in ("dkim", "spf"):
        for one in results:
            aligned = one.domain and organisational_domain(one.domain) == organisation
            if one.method == method and one.result == "pass" and aligned:
                return Authentication(True, method, f"{method}=pass for {one.domain}")
    return Authentication(False, "", f"nothing aligned with {domain}")


def _googles_own(headers: Headers) -> str | None:
    """The value of the header that Google itself wrote; None if no header is certain to be Google's."""
    results: str | None = None
    entered_google = False
    for name, value in headers:
        kind = name.lower()
        if kind == "received":
            if entered_google:
                break  # everything below was written on the sender's side
            plain = _without_comments(value) or ""
            by = _BY.search(plain)
            entered_google = by is not None and by.group(1).rstrip(";").lower() == AUTHSERV_ID
            if not entered_google and not _by_internal_host(plain):
                break
        elif kind == "authentication-results" and results is None and _authserv_id(value) == AUTHSERV_ID:
            results = value
    return results if entered_google else None


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


def _result_of(clause: str, methods: Collection[str]) -> Result | None:
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
    return domain if _RESULT_HOST.fullmatch(domain) else ""


def _without_comments(value: str) -> str | None:
    """`value` with each comment, nested ones included, replaced by a space; None if it is ambiguous or too long."""
    if len(value) > MAX_VALUE:
        return None
    if '"' not in value and "\\" not in value:
        for _ in range(_MOST_NESTED):  # each round removes the innermost comments
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
