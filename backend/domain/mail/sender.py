"""Who an address stands for: organisation, mailbox, person or machine. Total functions over any text."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

# ---- Who an address stands for
# Total functions over any text.


MAX_DOMAIN = 253
"""Characters of a domain's name (RFC 1035)."""

_ADDRESS_LITERAL = re.compile(r"\[.*\]|(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f:.]*")
_LOCAL = re.compile(r"(?!.{65})[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABELS = re.compile(r"[^\s.]+(?:\.[^\s.]+)*")
_TAIL = re.compile(r"(?<![\s.])[\s.]++\Z")
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})

_ROBOTS = """
    mailerdaemon postmaster noreply nonreply donotreply dontreply noanswer nobody bounce bounces notification
    notifications notify notifier alert alerts autoreply autoresponder autoresponse automailer daemon root listserv
    majordomo mailman listmaster abuse hostmaster returns mailer system nichtantworten keineantwort nepasrepondre
    noresponder norespondas nonrispondere naoresponda naoresponder nietantwoorden geenantwoord
"""
_MACHINES = frozenset(_ROBOTS.split())
_NO_REPLY = (
    "noreply",
    "nonreply",
    "donotreply",
    "dontreply",
    "noresponder",
    "nepasrepondre",
    "nichtantworten",
)
_MACHINE_PREFIX = (
    "owner-",
    "bounce-",
    "bounce+",
    "bounce=",
    "bounces-",
    "bounces+",
    "bounces=",
    "msprvs1=",
    "prvs=",
)
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
    """The form under which an address is stored and compared: lower case, its domain in ASCII (xn--…).

    A tag (name+tag@) stays: it is another address. Text without an "@" is only lower-cased.
    """
    address = address.strip().lower()
    local, at, domain = address.rpartition("@")
    return f"{local}@{_ascii(domain)}" if at else address


def is_writable(address: str) -> bool:
    """Whether mail can be sent to `address` by any server: an ASCII local part as RFC 5321 writes it unquoted,
    and a host name or one that has an ASCII form."""
    local, _, domain = normalise(address).rpartition("@")
    return bool(_LOCAL.fullmatch(local) and len(domain) <= MAX_DOMAIN and _HOST.fullmatch(domain))


def mailbox_key(address: str) -> str:
    """What all spellings of one mailbox share: the tag goes, and at Gmail the dots and the old domain too.

    For asking "is this me?". Never for rules or credits, where each address stands for itself.
    """
    local, at, domain = normalise(address).rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}{at}{domain}"


def is_free_mail(domain: str) -> bool:
    """Whether anybody can get an address at `domain`, so that sharing it says nothing."""
    domain = _ascii(domain)
    organisation = organisational_domain(domain)
    if domain in PROVIDERS or organisation in PROVIDERS:
        return True
    return organisation.partition(".")[0] in BRANDS


def organisational_domain(domain: str) -> str:
    """The domain an organisation registered: one label below the public suffix, in ASCII and lower case.

    Private suffixes count as public ones (alice.github.io and bob.github.io are strangers), and so do
    domains whose subdomains are rented out. A public suffix itself, an address literal, a lone word and what
    is no domain at all are their own organisation; "" stays "".
    """
    if len(domain) > MAX_DOMAIN and len(domain := _ascii(domain)) > MAX_DOMAIN:
        return domain
    return _organisational(domain)


@cache
def suffixes() -> PublicSuffixList:
    """The public suffixes, read when the first domain is asked about, if nobody has asked for them before."""
    return PublicSuffixList()


@cache
def registries() -> PublicSuffixList:
    """Those of them below which a name is bought."""
    return PublicSuffixList(only_icann=True)


def load_suffixes() -> None:
    """Read both lists: a fifth of a second that no event loop should wait for."""
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
    """The name under which senders of `domain` are counted together, "" where they are not.

    Who shares a mail provider has nothing else in common. Names below a private suffix cost nothing (shop1.github.io,
    shop2.github.io), so they count as the domain they were handed out from.
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
    # A bare public suffix (co.uk as a sender's domain) is nobody's organisation.
    return ours == organisational_domain(sender_domain) and suffixes().privatesuffix(ours) is not None


def is_machine_local(local: str) -> bool:
    """Whether the part before the "@" names a robot, a list's machinery or a mailbox nobody reads.

    Tags and verification suffixes do not hide it (noreply+a1b2, bounces-123, drive-noreply). Wrong guesses
    cost only that this sender gets no answer from us.
    """
    local = local.strip().strip('"').lower()
    if not local:
        return False
    if local.startswith(_MACHINE_PREFIX) or local.endswith(_MACHINE_SUFFIX):
        return True
    squashed = re.sub(r"[-_.]", "", local.partition("+")[0].partition("=")[0])
    plain = squashed.rstrip("0123456789")
    return squashed in _MACHINES or plain in _MACHINES or any(word in squashed for word in _NO_REPLY)


def _ascii(domain: str) -> str:
    """Lower case, no dot at the end, international names as xn--…; what cannot be encoded stays as it is."""
    domain = domain.strip().lower()
    if domain.endswith("."):
        domain = _TAIL.sub("", domain)
    # Encoding takes time with the square of a label's length, and what is longer than any domain is none.
    if domain.isascii() or len(domain) > MAX_DOMAIN:
        return domain
    try:
        return _TAIL.sub("", domain.encode("idna").decode("ascii").lower())
    except UnicodeError:
        return domain


# ---- Scripts of names
# In which letters a name is written: figures tell by it whether the model errs more for some people.


_ORDINALS = {"MASCULINE", "FEMININE"}  # the signs of "Eng.ª" and "Sr.º"


def script_of(name: str) -> str:
    """Of a name: "latin" (plain), "accents" (Latin with accents and marks), another script by its Unicode name in lower
    case, or "" where it has no letters."""
    letters = [letter for letter in name if letter.isalpha()]
    if not letters:
        return ""
    scripts = {unicodedata.name(letter, "unknown").split(" ")[0] for letter in letters} - _ORDINALS
    if not scripts <= {"LATIN"}:
        return min(scripts - {"LATIN"}).lower()
    return "latin" if all(letter.isascii() for letter in letters) else "accents"
