"""Which checks stand between a sender and the inbox, and in what order. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain.errors import Refused
from backend.ports.captcha import Captcha, Kind, TypedCodes


@dataclass(frozen=True, slots=True)
class Checks:
    """`first` is asked of everybody. After `code_after` solves of a sender a typed code follows it.

    Where `first` is a proof of work a typed code will be taken too, from who has no JavaScript; but programs read
    codes, so a wait follows it that doubles as the work does. Another company's check has no such way beside it.
    """

    first: Captcha
    codes: TypedCodes
    code_after: int = 3

    @property
    def code_alone(self) -> bool:
        """Whether a typed code is taken without the first check, and a wait follows."""
        return self.first.kind in (Kind.PROOF_OF_WORK, Kind.TYPED_CODE)

    def code_follows(self, factor: int) -> bool:
        """Whether at this price a typed code is asked for behind the first check."""
        return self.first.kind is not Kind.TYPED_CODE and factor >= 1 << self.code_after

    def of(self, kind: Kind) -> Captcha:
        """The check behind an answer of this kind. Raises `Refused` (captcha_malformed) if it is none of ours."""
        if kind is Kind.TYPED_CODE:
            return self.codes
        if kind is self.first.kind:
            return self.first
        raise Refused("captcha_malformed.not_asked")
