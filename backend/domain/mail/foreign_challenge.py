"""Whether a message is itself some system's challenge: answering it would set two machines talking.

Recognised by the header fields and addresses such systems use, and by what they cannot help saying. It is for
the guards only: a wrong guess here costs a sender nothing but our answer.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from backend.domain.mail.charset import may_match
from backend.domain.mail.message import Message
from backend.domain.mail.sender import organisational_domain

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
# An order to do something, what for, and whose word is doubted: one after another, not far apart. Three patterns, for
# one with two gaps takes time with the square of the gap.
_ORDER = re.compile(r"click|follow|visit|use|open|reply", re.I)
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
# What no match is without: most mail is looked through for them alone.
_BODY_SIGNS = """
verification confirmation held quarantined queued gated tmda boxtrapper arrest boxbe pitchgate guest allow white safe
approved spammer robot captcha
"""
_OF_BODY = tuple(_BODY_SIGNS.split())
_OF_AIM = ("verif", "confirm", "prove", "release", "deliver")
_MAX_TEXT = 4_000
_TAG = re.compile(r"<[^<>]{0,2000}>")


def is_challenge(message: Message) -> bool:
    """Whether `message` asks its recipient to prove themselves before an earlier message is delivered."""
    names = [name.lower() for name, _ in message.headers]
    if any(name.startswith(_FIELD_PREFIXES) for name in names):
        return True
    if any(_FIELD_WORDS.search(value) for field in _AGENT_FIELDS for value in message.headers.all(field)):
        return True
    if organisational_domain(message.sender.domain) in _SYSTEMS:
        return True
    words = _words(message)
    if _SUBJECT.search(message.subject[:500]):
        return True
    return (may_match(words, _OF_BODY) and _BODY.search(words) is not None) or _orders_proof(words)


def _orders_proof(words: str) -> bool:
    if not may_match(words, _OF_AIM):
        return False
    orders = [match.end() for match in _ORDER.finditer(words)]
    doubts = [match.start() for match in _DOUBT.finditer(words)]
    for aim in _AIM.finditer(words):
        before = bisect_right(orders, aim.start())
        after = bisect_left(doubts, aim.end())
        ordered = before > 0 and aim.start() - orders[before - 1] <= _GAP
        if ordered and after < len(doubts) and doubts[after] - aim.end() <= _GAP:
            return True
    return False


def _words(message: Message) -> str:
    """The start of the body on one line; of HTML without its tags where there is no plain text."""
    text = message.text or _TAG.sub(" ", (message.html or "")[: _MAX_TEXT * 4])
    return " ".join(text[:_MAX_TEXT].split())
