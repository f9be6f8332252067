"""What an owner may decide over our heads. What follows from each is in `effects`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.domain.errors import Refused
from backend.domain.mail.sender import is_free_mail


class Decision(StrEnum):
    """The owner's word on one held or passed message."""

    RELEASE = "release"  # let this message in; no rule
    ALLOW = "allow"  # let the sender's held mail in, and always let this address in
    ALLOW_DOMAIN = "allow_domain"
    BLOCK = "block"  # keep the sender's held mail held for good, and hold this address silently from now on
    BLOCK_DOMAIN = "block_domain"
    KEEP = "keep"  # seen, with what came before it: off the list, nobody blocked; its sender may still pass the check
    SALES = "sales"  # it slipped through: hold it after all
    REPLIED = "replied"  # the owner answered the sender, who is let in by that
    SPAM = "spam"  # reported in Gmail: block the sender, take their credits
    BIN = "bin"  # put into Gmail's bin: this message is never delivered; it says nothing of its sender


SEEN = frozenset({Decision.REPLIED, Decision.SPAM, Decision.BIN})
"""Those an owner makes in Gmail alone."""

OFFERED = tuple(decision for decision in Decision if decision not in SEEN)
"""Those an owner makes by a button of ours."""


class Origin(StrEnum):
    """Where a decision was made."""

    TRAY = "tray"
    PAGE = "page"
    CARD = "card"
    GMAIL = "gmail"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Correction:
    """One decision. `key` is the caller's idempotency key: the same key is applied once."""

    key: str
    gmail_id: str
    decision: Decision
    origin: Origin


class RuleKind(StrEnum):
    """Owner's rules. `subject` of a rule is an address or a bare domain, lower-case."""

    ALLOW = "allow"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """The rules that match a sender. The one for their address outranks the one for their domain."""

    address: RuleKind | None = None
    domain: RuleKind | None = None

    @property
    def kind(self) -> RuleKind | None:
        """The rule that counts."""
        return self.address or self.domain


def rule_domain(sender: str) -> str:
    """The sender's domain if a rule for all of it makes sense, else ""."""
    domain = sender.rpartition("@")[2] if "@" in sender else ""
    return "" if not domain or is_free_mail(domain) else domain


def refuse_shared_domain(decision: Decision, *senders: str) -> None:
    """Raise `Refused` (malformed) for a decision about whole domains where anybody gets an address at one of them."""
    wide = decision in (Decision.ALLOW_DOMAIN, Decision.BLOCK_DOMAIN)
    if wide and not all(rule_domain(sender) for sender in senders):
        raise Refused("malformed.everybody", field="decision")
