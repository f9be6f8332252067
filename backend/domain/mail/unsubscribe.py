"""RFC 8058: whether a mail offers to be unsubscribed from by one POST, and whether the offer may be believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from backend.domain.mail.authentication import authenticate, signing_domains
from backend.domain.mail.message import Message
from backend.domain.mail.sender import normalise, organisational_domain

BODY = b"List-Unsubscribe=One-Click"
LONGEST = 2_000
COVERED = frozenset({"list-unsubscribe", "list-unsubscribe-post"})
_URI = re.compile(r"<\s*(https:[^<>\s]*)\s*>", re.I)
_TAG = re.compile(r"(?:^|;)\s*([a-z]+)\s*=([^;]*)", re.I)
_HOST = re.compile(
    r"(?!.{254})(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """`url` is where to post; "" if there is nothing to be done, and `cause` says why: no_offer (none, or not
    with one click), unproved (the sender, or their signature under the offer, is not vouched for)."""

    url: str = ""
    cause: str = ""


def offer(message: Message) -> Offer:
    """The offer of a mail. Total.

    RFC 8058 wants a valid DKIM signature over both fields: else anybody on the way could have written them.
    Google tells which domains signed validly, not which of their signatures; so all of that domain must cover.
    """
    posts = message.headers.all("List-Unsubscribe-Post")
    uris = [uri for value in message.headers.all("List-Unsubscribe") for uri in _URI.findall(value)]
    if [re.sub(r"\s", "", value).lower() for value in posts] != ["list-unsubscribe=one-click"]:
        return Offer(cause="no_offer")
    usable = next((uri for uri in uris if host_of(uri)), "")
    if not usable:
        return Offer(cause="no_offer")
    if not authenticate(message).passed or not _signed(message):
        return Offer(cause="unproved")
    return Offer(usable)


def host_of(url: str) -> str:
    """The host an https address names, if it is one we would post to; else "".

    Names only, never bare numbers; the usual port, no user, nothing but visible ASCII.
    """
    if len(url) > LONGEST or not url.isascii() or re.search(r"[\\\s\x00-\x20\x7f]", url):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".").lower()
    plain = parts.username is None and parts.password is None and port in (None, 443)
    return host if parts.scheme.lower() == "https" and plain and _HOST.fullmatch(host) else ""


def _signed(message: Message) -> bool:
    ours = organisational_domain(message.sender.domain)
    proved = {domain for domain in signing_domains(message) if organisational_domain(domain) == ours}
    signatures: dict[str, list[frozenset[str]]] = {}
    for value in message.headers.all("DKIM-Signature"):
        tags = {name.lower(): text for name, text in _TAG.findall(value)}
        domain = normalise(f"x@{tags.get('d', '').strip()}").partition("@")[2]
        names = frozenset(name.strip().lower() for name in tags.get("h", "").split(":"))
        signatures.setdefault(domain, []).append(names)
    return any(
        all(names >= COVERED for names in covered)
        for domain, covered in signatures.items()
        if domain in proved
    )
