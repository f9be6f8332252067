"""Mail that is no pitch by its form: reports, automatic and calendar replies, mailing lists.

Anybody can write a header, so a form is worth what it costs to fake. `is_machine_mail` wants the whole form: a
report with its machine-readable part *and* the null sender of one, a list with List-Id *and* its machinery
or its own address as the recipient. `claims_machine_mail` is content with the claim; the policy table lets a
claim pass only while the model is not sure of a pitch, so that one added header never gets a sure pitch
through. Neither says anything about who wrote the mail.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from backend.domain.mail.message import Arrival, Headers, Message, Owner
from backend.domain.mail.sender import is_machine_local, mailbox_key

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
"""How the subjects of vacation replies begin; what follows is the subject they answer."""


class MailForm(StrEnum):
    """How much of the form of machine mail a message has."""

    PERSON = ""
    CLAIMED = "claimed"
    MACHINE = "machine"


def form_of(arrival: Arrival, owner: Owner) -> MailForm:
    """The whole form, the mere claim, or none of it."""
    if is_machine_mail(arrival, owner):
        return MailForm.MACHINE
    return MailForm.CLAIMED if claims_machine_mail(arrival.message) else MailForm.PERSON


def is_machine_mail(arrival: Arrival, owner: Owner) -> bool:
    """Whether the whole form of machine mail is there."""
    return is_report(arrival.message) or is_list(arrival.message, owner)


def claims_machine_mail(message: Message) -> bool:
    """Whether the message says of itself that it is machine mail, in a way that anybody could."""
    return is_auto_reply(message) or is_calendar_reply(message) or _list_id(message.headers)


def is_report(message: Message) -> bool:
    """A bounce, receipt or complaint: a report part with its status, or a postmaster's word, sent by nobody."""
    complete = message.content_type == "multipart/report" and any(
        attachment.content_type in _REPORT_PARTS for attachment in message.attachments
    )
    local = message.sender.local.lower()
    bouncer = local.startswith(_BOUNCERS)
    return (complete and (null_sender(message) or bouncer)) or (bouncer and null_sender(message))


def is_list(message: Message, owner: Owner) -> bool:
    """A List-Id as RFC 2919 writes it, and beside it list machinery, or the list as the recipient."""
    if not _list_id(message.headers):
        return False
    if any(name in message.headers for name in _LIST_MACHINERY) or precedence(message) & {"list", "bulk"}:
        return True
    # A one-to-one mail is addressed to the owner; a list's to the list.
    return bool(message.to or message.cc) and not addressed_to(message, owner)


def is_auto_reply(message: Message) -> bool:
    """An automatic answer to something: it says so, and it names or titles what it answers."""
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
    """Whether the subject is that of an automatic answer, in one of some fifteen languages: anybody could write it."""
    start = unicodedata.normalize("NFC", message.subject.lstrip()[:80]).casefold()
    return start.startswith(_AUTOREPLY_TITLES)


def is_calendar_reply(message: Message) -> bool:
    """An answer to an invitation. An invitation, or a file with events in it, is none."""
    methods = {a.method for a in message.attachments if a.content_type == "text/calendar"}
    return methods == {"reply"}


def auto_submitted(message: Message) -> str:
    """The keyword of Auto-Submitted (RFC 3834), lower-case, "" if the field is missing or empty."""
    return message.headers.first("Auto-Submitted").partition(";")[0].strip().lower()


def precedence(message: Message) -> frozenset[str]:
    """Every value of Precedence, lower-case."""
    return frozenset(value.strip().lower() for value in message.headers.all("Precedence"))


def null_sender(message: Message) -> bool:
    """Whether the envelope sender was empty: what programs use that want no answer."""
    paths = message.headers.all("Return-Path")
    return bool(paths) and "".join(paths[0].split()) in ("<>", "")


def addressed_to(message: Message, owner: Owner) -> str:
    """The first of the owner's addresses that stands, in any spelling of it, in To or else in Cc, as they write from
    it; "" if none does."""
    own = {mailbox_key(address): address for address in (*sorted(owner.aliases), owner.email)}
    named = [address.address for address in (*message.to, *message.cc) if address.address]
    # An alias may be another spelling of the primary address (ana+news@): the one that was written to comes first.
    found = (address if address in owner.addresses else own.get(mailbox_key(address)) for address in named)
    return next((address for address in found if address), "")


def from_machine(message: Message) -> bool:
    """Whether From, or Sender, is an address that nobody reads."""
    named = [address.local for address in message.from_]
    sender = message.headers.first("Sender").rpartition("<")[2].partition(">")[0]
    return any(is_machine_local(local) for local in (*named, sender.rpartition("@")[0]))


def _list_id(headers: Headers) -> bool:
    """Whether there is a List-Id that names a list: an optional phrase and a dotted name in angle brackets."""
    value = headers.first("List-Id").strip()
    bracketed = value.rpartition("<")[2] if "<" in value else value
    return _LIST_ID.match(bracketed[:300]) is not None
