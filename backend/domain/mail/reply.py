"""Where an answer to a message goes."""

from __future__ import annotations

from backend.domain.mail.message import Address, Message
from backend.domain.mail.sender import is_free_mail, is_machine_local, organisational_domain


def reply_address(message: Message) -> Address:
    """Where an answer goes: the From address, or Reply-To where that is surely the same party.

    Reply-To is written by the sender and proved by nobody, so an answer sent there could hit a third
    party. It counts only as one readable address in From's own organisation, and never at a mail provider,
    where two addresses of one domain are two people. `Address("")` if there is no usable From.
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
