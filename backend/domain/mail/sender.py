"""Which organisation, mailbox, person or machine an address belongs to. The functions accept any text."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

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
    if local.startswith(_MACHINE_PREFIX) or local.endswith(_MACHINE_SUFFIX):
        return True
    squashed = re.sub(r"[-_.]", "", local.partition("+")[0].partition("=")[0])
    plain = squashed.rstrip("0123456789")
    return squashed in _MACHINES or plain in _MACHINES or any(word in squashed for word in _NO_REPLY)


def _ascii(domain: str) -> str:
    """The domain in lower case, without a dot at the end, international names as xn--…; unchanged if that fails."""
    domain = domain.strip().lower()
    if domain.endswith("."):
        domain = _TAIL.sub("", domain)
    # Encoding takes quadratic time, so text longer than any domain is left alone.
    if domain.isascii() or len(domain) > MAX_DOMAIN:
        return domain
    try:
        return _TAIL.sub("", domain.encode("idna").decode("ascii").lower())
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
