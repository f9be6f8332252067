"""Recognises mail by its form: bounces, automatic replies, mailing lists, other systems' challenges, one-click
unsubscribing; and finds the address that a reply goes to."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from backend.domain.mail.message import Address, Arrival, Headers, Message, Owner, may_match
from backend.domain.mail.sender import (
    authenticate,
    is_free_mail,
    is_machine_local,
    mailbox_key,
    normalise,
    organisational_domain,
    signing_domains,
)

# ---- Machine mail
# Reports, automatic and calendar replies, mailing lists. All these forms can be forged, so `is_machine_mail` believes
# only lists that Gmail itself has sorted. For `claims_machine_mail` the form is enough; the policy table then lets the
# mail pass unless the model finds a clear pitch. Neither says who wrote the mail.


_REPORT_PARTS = frozenset(
    {
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "message/global-disposition-notification",
        "message/feedback-report",
    }
)
_BOUNCERS = ("mailer-daemon", "mailerdaemon", "postmaster")
_LIST_ID = re.compile(r"\A<?\s*+[^\s<>@][^\s<>@.]*+\.[^\s<>@]++\s*+>?\s*+\Z")
_LIST_MACHINERY = (
    "List-Post", "List-Unsubscribe", "List-Subscribe", "List-Help", "List-Archive", "List-Owner", "Mailing-List",
    "X-BeenThere",
)  # fmt: skip
_MAILTO = re.compile(r"<\s*+mailto:([^\s<>?]{3,320})", re.I)
_AUTOMATIC = frozenset({"auto-replied", "auto-notified"})
_AUTOREPLY_FIELDS = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply")
_AUTOREPLY_TITLES = tuple(
    line.strip()
    for line in """
    automatic reply
    automatic response
    auto reply
    auto-reply
    autoreply
    auto response
    auto-response
    autoresponse
    out of office
    out of the office
    automatische antwort
    automatische rückantwort
    abwesenheit
    abwesend
    nicht im büro
    außer haus
    réponse automatique
    absence du bureau
    absent du bureau
    absente du bureau
    message d'absence
    message d’absence
    respuesta automática
    respuesta automatica
    fuera de la oficina
    fuera de oficina
    mensaje de ausencia
    resposta automática
    resposta automatica
    fora do escritório
    ausência temporária
    mensagem de ausência
    risposta automatica
    fuori ufficio
    fuori sede
    automatisch antwoord
    afwezig
    odpowiedź automatyczna
    automatyczna odpowiedź
    poza biurem
    automatiskt svar
    autosvar
    frånvaro
    automatická odpověď
    mimo kancelář
    automatisk svar
    automaattinen vastaus
    автоответ
    автоматический ответ
    otomatik yanıt
    自動返信
    自動応答
    自动回复
    自動回覆
    """.casefold().splitlines()
    if line.strip()
)
"""How the subjects of vacation replies begin; the subject they answer follows."""


SORTED_CATEGORIES = frozenset(
    {"CATEGORY_FORUMS", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "CATEGORY_UPDATES"}
)
"""Gmail's categories for mail from mailing lists, shops and programs."""


class MailForm(StrEnum):
    """Whether a message is known to be machine mail, only claims to be such, or looks like a person's."""

    PERSON = ""
    CLAIMED = "claimed"
    MACHINE = "machine"


def form_of(arrival: Arrival, owner: Owner) -> MailForm:
    if is_machine_mail(arrival, owner):
        return MailForm.MACHINE
    return MailForm.CLAIMED if claims_machine_mail(arrival.message) else MailForm.PERSON


def is_machine_mail(arrival: Arrival, owner: Owner) -> bool:
    """Whether it has the form of a mailing list's mail, and Gmail put it into one of `SORTED_CATEGORIES`."""
    return not SORTED_CATEGORIES.isdisjoint(arrival.labels) and is_list(arrival.message, owner)


def claims_machine_mail(message: Message) -> bool:
    """Whether the message claims to be machine mail, which any sender could."""
    is_reply = is_auto_reply(message) or is_calendar_reply(message)
    return is_reply or is_report(message) or _list_id(message.headers)


def list_address(message: Message) -> str:
    """Where the members of its list write to, if the list's own domain has signed the message; else "".

    A mail provider signs whatever its users write, so its signature does not prove a list.
    """
    posts = message.headers.all("List-Post")
    named = _MAILTO.search(posts[0][:1_000]) if len(posts) == 1 else None
    if named is None or not _list_id(message.headers):
        return ""
    address = normalise(named[1])
    domain = organisational_domain(address.rpartition("@")[2])
    signed = {organisational_domain(one) for one in signing_domains(message)}
    return address if domain in signed and not is_free_mail(domain) else ""


def is_report(message: Message) -> bool:
    """A bounce, receipt or complaint. It has at least two of three signs: a multipart/report with its status part, an
    empty envelope sender, a mailer daemon as its author."""
    has_status_part = message.content_type == "multipart/report" and any(
        attachment.content_type in _REPORT_PARTS for attachment in message.attachments
    )
    local = message.sender.local.lower()
    from_daemon = local.startswith(_BOUNCERS)
    return (has_status_part and (null_sender(message) or from_daemon)) or (
        from_daemon and null_sender(message)
    )


def is_list(message: Message, owner: Owner) -> bool:
    """A valid List-Id (RFC 2919), and other list headers or the list as the recipient."""
    if not _list_id(message.headers):
        return False
    if any(name in message.headers for name in _LIST_MACHINERY) or precedence(message) & {"list", "bulk"}:
        return True
    # Personal mail is addressed to the owner, mail of a list to the list.
    return bool(message.to or message.cc) and not addressed_to(message, owner)


def is_auto_reply(message: Message) -> bool:
    """An automatic reply: its headers say so, and its subject or references show what it replies to."""
    submitted = auto_submitted(message)
    says_so = (
        submitted in _AUTOMATIC
        or bool(precedence(message) & {"auto_reply", "auto-reply"})
        or any(name in message.headers for name in _AUTOREPLY_FIELDS)
    )
    if not says_so and submitted in ("", "no"):
        return False
    return is_titled_auto_reply(message) or (says_so and bool(message.in_reply_to or message.references))


def is_titled_auto_reply(message: Message) -> bool:
    """Whether the subject is that of an automatic reply, in some fifteen languages. Any sender could write it."""
    start = unicodedata.normalize("NFC", message.subject.lstrip()[:80]).casefold()
    return start.startswith(_AUTOREPLY_TITLES)


def is_calendar_reply(message: Message) -> bool:
    """An answer to an invitation. An invitation itself, or a file with events, is not one."""
    methods = {a.method for a in message.attachments if a.content_type == "text/calendar"}
    return methods == {"reply"}


def auto_submitted(message: Message) -> str:
    """The keyword of Auto-Submitted (RFC 3834), lower-case, "" if missing or empty."""
    return message.headers.first("Auto-Submitted").partition(";")[0].strip().lower()


def precedence(message: Message) -> frozenset[str]:
    return frozenset(value.strip().lower() for value in message.headers.all("Precedence"))


def null_sender(message: Message) -> bool:
    """Whether the envelope sender is empty, as in mail of programs that want no reply."""
    paths = message.headers.all("Return-Path")
    return bool(paths) and "".join(paths[0].split()) in ("<>", "")


def addressed_to(message: Message, owner: Owner) -> str:
    """The owner's address that the message was sent to: the first in To, else in Cc, in any spelling, returned in the
    owner's own spelling; "" if there is none."""
    own = {mailbox_key(address): address for address in (*sorted(owner.aliases), owner.email)}
    named = [address.address for address in (*message.to, *message.cc) if address.address]
    # An alias may be another spelling of the primary address (ana+news@): an exact match comes first.
    found = (address if address in owner.addresses else own.get(mailbox_key(address)) for address in named)
    return next((address for address in found if address), "")


def from_machine(message: Message) -> bool:
    """Whether From or Sender is an address that nobody reads."""
    named = [address.local for address in message.from_]
    sender = message.headers.first("Sender").rpartition("<")[2].partition(">")[0]
    return any(is_machine_local(local) for local in (*named, sender.rpartition("@")[0]))


def _list_id(headers: Headers) -> bool:
    """Whether there is a valid List-Id: an optional phrase, and a dotted name in angle brackets."""
    value = headers.first("List-Id").strip()
    bracketed = value.rpartition("<")[2] if "<" in value else value
    return _LIST_ID.match(bracketed[:300]) is not None


# ---- Bounces of our challenges


_DELIVERY = frozenset({"message/delivery-status", "message/global-delivery-status"})
_NOT_YET = ("delay", "verzöger", "retard", "retras", "atras", "warning")


def is_bounce(message: Message) -> bool:
    """Whether it reports that delivery failed.

    Receipts, complaints and reports of a delay are not bounces. Which mail it is about is not checked here: Gmail puts
    a report into the thread of that mail.
    """
    if not is_report(message):
        return False
    about_delivery = any(attachment.content_type in _DELIVERY for attachment in message.attachments)
    from_daemon = message.sender.local.lower().startswith(_BOUNCERS)
    late = any(word in message.subject.lower() for word in _NOT_YET)
    return (about_delivery or from_daemon) and not late


# ---- Other systems' challenges
# Recognised by the headers and addresses of such systems and by their typical sentences. Only the guards use this, so
# a wrong guess costs a sender the challenge, and nothing else.


_FIELD_PREFIXES = (
    "x-pitchgate-", "x-tmda-", "x-boxtrapper", "x-boxbe", "x-spamarrest", "x-spam-arrest", "x-gated", "x-qconfirm",
    "x-ask-", "x-challenge-response", "x-bluebottle", "x-mailblocks", "x-sendio",
)  # fmt: skip
_FIELD_WORDS = re.compile(r"\b(?:tmda|boxtrapper|spam ?arrest|boxbe|qconfirm)\b", re.I)
_AGENT_FIELDS = ("X-Delivery-Agent", "X-Mailer", "User-Agent", "X-Generated-By")
_SYSTEMS = frozenset(
    {"boxbe.com", "spamarrest.com", "gated.com", "bluebottle.com", "mailblocks.com", "sendio.com"}
)
_SUBJECT = re.compile(
    r"verify#|\bverif(?:y|ication) (?:of )?(?:your (?:e-?mail|message|identity|address)|required)"
    r"|your e-?mail requires verification|confirmation (?:is )?required to deliver"
    r"|(?:please )?confirm (?:your|that you sent this) (?:message|e-?mail|mail)"
    r"|(?:message|e-?mail) (?:is )?(?:awaiting|waiting for|pending) (?:your )?(?:verification|confirmation)"
    r"|(?:bestätig\w{1,4}|verifizier\w{1,4}).{0,30}\b(?:e-?mail|nachricht|absender)"
    r"|confirme[rz]? votre (?:message|e-?mail|courriel|envoi)"
    r"|confirm[ae] (?:su|tu|seu|o seu|a sua) (?:mensaje|correo|mensagem|e-?mail)",
    re.I,
)
# A request to do something, its purpose, and what is doubted, one after another and not far apart. Three patterns,
# because a single one with two gaps takes quadratic time.
_REQUEST = re.compile(r"click|follow|visit|use|open|reply", re.I)
_AIM = re.compile(
    r"\b(?:to (?:verify|confirm|prove|release)|verif(?:y|ication)|deliver(?:ed|y)? (?:your|the) )", re.I
)
_DOUBT = re.compile(
    r"\b(?:human|real (?:person|sender)|not (?:a )?(?:spam|robot|bot)|your (?:message|e-?mail|mail))", re.I
)
_GAP = 200
_BODY = re.compile(
    r"(?:one[- ]time|sender) (?:verification|confirmation) (?:process|request|step)?"
    r"|your (?:message|e-?mail) (?:to \S{3,80} )?(?:has been|was|is being|is|will be) (?:held|quarantined|queued|gated)"
    r"|(?:uses?|using|protected by|powered by) (?:tmda|boxtrapper|spam ?arrest|boxbe|gated|pitchgate)\b"
    r"|\b(?:by|von|par|por|pelo) pitchgate\. "  # our own, where a relay dropped its headers
    r"|(?:not (?:yet )?(?:on|in)|added to) (?:my|his|her|their|the|our)"
    r" (?:guest|allow|white|safe|approved)[- ]?(?:list|senders)"
    r"|i (?:am|'m) not (?:a )?(?:spammer|robot).{0,100}(?:link|button)"
    r"|(?:solve|complete|pass|löse\w{0,3}|résou\w{0,5}|resuelv\w{0,3}|resolv\w{0,3}).{0,60}captcha",
    re.I,
)
# Each match contains one of these words; most mail contains none, and the patterns need not run.
_BODY_SIGNS = """
verification confirmation held quarantined queued gated tmda boxtrapper arrest boxbe pitchgate guest allow white safe
approved spammer robot captcha
"""
_BODY_WORDS = tuple(_BODY_SIGNS.split())
_AIM_WORDS = ("verif", "confirm", "prove", "release", "deliver")
_MAX_TEXT = 4_000
_MARKUP_TAG = re.compile(r"<[^<>]{0,2000}>")


def is_challenge(message: Message) -> bool:
    """Whether `message` asks its recipient to prove themselves before an earlier message is delivered."""
    names = [name.lower() for name, _ in message.headers]
    if any(name.startswith(_FIELD_PREFIXES) for name in names):
        return True
    if any(_FIELD_WORDS.search(value) for field in _AGENT_FIELDS for value in message.headers.all(field)):
        return True
    if organisational_domain(message.sender.domain) in _SYSTEMS:
        return True
    text = message.text or _MARKUP_TAG.sub(" ", (message.html or "")[: _MAX_TEXT * 4])
    words = " ".join(text[:_MAX_TEXT].split())
    if _SUBJECT.search(message.subject[:500]):
        return True
    return (may_match(words, _BODY_WORDS) and _BODY.search(words) is not None) or _asks_for_proof(words)


def _asks_for_proof(words: str) -> bool:
    if not may_match(words, _AIM_WORDS):
        return False
    requests = [match.end() for match in _REQUEST.finditer(words)]
    doubts = [match.start() for match in _DOUBT.finditer(words)]
    for aim in _AIM.finditer(words):
        before = bisect_right(requests, aim.start())
        after = bisect_left(doubts, aim.end())
        requested = before > 0 and aim.start() - requests[before - 1] <= _GAP
        if requested and after < len(doubts) and doubts[after] - aim.end() <= _GAP:
            return True
    return False


# ---- One-click unsubscribing (RFC 8058)
# Whether a mail offers to unsubscribe by one POST request, and whether the offer is genuine.


ONE_CLICK_BODY = b"List-Unsubscribe=One-Click"
MAX_URL = 2_000
SIGNED_FIELDS = frozenset({"list-unsubscribe", "list-unsubscribe-post"})
_URI = re.compile(r"<\s*(https:[^<>\s]*)\s*>", re.I)
_DKIM_TAG = re.compile(r"(?:^|;)\s*([a-z]+)\s*=([^;]*)", re.I)
_HOST = re.compile(
    r"(?!.{254})(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


@dataclass(frozen=True, slots=True)
class UnsubscribeOffer:
    """`url` is where to send the request; "" if that is not possible, and `cause` says why: no_offer (none, or not with
    one click), unproved (the sender, or their signature of the offer, is not authenticated)."""

    url: str = ""
    cause: str = ""


def unsubscribe_offer(message: Message) -> UnsubscribeOffer:
    """The unsubscribe offer in a message. Never raises.

    RFC 8058 wants a valid DKIM signature of both headers, because anybody on the way could have added them. Google
    names the domains with a valid signature, but not which of a domain's signatures is valid, so all of them must cover
    both headers.
    """
    posts = message.headers.all("List-Unsubscribe-Post")
    uris = [uri for value in message.headers.all("List-Unsubscribe") for uri in _URI.findall(value)]
    if [re.sub(r"\s", "", value).lower() for value in posts] != ["list-unsubscribe=one-click"]:
        return UnsubscribeOffer(cause="no_offer")
    usable = next((uri for uri in uris if host_of(uri)), "")
    if not usable:
        return UnsubscribeOffer(cause="no_offer")
    if not authenticate(message).passed or not _signed(message):
        return UnsubscribeOffer(cause="unproved")
    return UnsubscribeOffer(usable)


def host_of(url: str) -> str:
    """The host of an https URL if we may send a request there, else "".

    Only host names, no IP addresses; the usual port, no user name, only visible ASCII.
    """
    if len(url) > MAX_URL or not url.isascii() or re.search(r"[\\\s\x00-\x20\x7f]", url):
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
    author_domain = organisational_domain(message.sender.domain)
    proved = {domain for domain in signing_domains(message) if organisational_domain(domain) == author_domain}
    signatures: dict[str, list[frozenset[str]]] = {}
    for value in message.headers.all("DKIM-Signature"):
        tags = {name.lower(): text for name, text in _DKIM_TAG.findall(value)}
        domain = normalise(f"x@{tags.get('d', '').strip()}").partition("@")[2]
        names = frozenset(name.strip().lower() for name in tags.get("h", "").split(":"))
        signatures.setdefault(domain, []).append(names)
    return any(
        all(names >= SIGNED_FIELDS for names in covered)
        for domain, covered in signatures.items()
        if domain in proved
    )


# ---- Reply addresses


def reply_address(message: Message) -> Address:
    """Where a reply goes: the From address, or the Reply-To if it surely belongs to the same sender.

    Nobody verifies Reply-To, so a reply sent there could reach a third party. It is used only if it is a single address
    in From's organisation, and never at a mail provider, where two addresses are two people. `Address("")` if there is
    no usable From.
    """
    sender = message.sender
    if len(message.from_) != 1 or not sender.domain:
        return Address("")
    if len(message.reply_to) != 1 or not message.reply_to[0].domain:
        return sender
    other = message.reply_to[0]
    if is_free_mail(sender.domain) or is_machine_local(other.local):
        return sender
    same = organisational_domain(other.domain) == organisational_domain(sender.domain)
    return other if same else sender
