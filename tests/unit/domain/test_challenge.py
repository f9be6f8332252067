"""A link while it lives and after, a word to the owner, and what a solve earns and costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.challenge import (
    FIRST_WAIT,
    MAX_DOUBLINGS,
    MAX_NOTE,
    ChallengeState,
    LedgerEntry,
    Posting,
    adjusted_by_owner,
    earned,
    forfeited,
    note_line,
    refunded,
    restored,
    spent,
    token_hash,
    unrefunded,
    wait_for,
    work_factor,
)
from backend.domain.errors import Expired, Refused
from backend.domain.mail.message import Address, Owner
from tests.values import challenge

LAST = challenge().expires_at
INTENDED, SENT, SOLVED, VOIDED, FAILED = (
    ChallengeState.INTENDED, ChallengeState.SENT, ChallengeState.SOLVED, ChallengeState.VOIDED, ChallengeState.FAILED,
)  # fmt: skip
BO = "bo@pitch.test"


def refusal(ask: Callable[[], object]) -> str:
    """The code it is refused with, "" if it is not."""
    try:
        ask()
    except (Expired, Refused) as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("changes", "to_solve", "to_write"),
    [
        ({"state": SENT}, "", ""),
        ({"state": INTENDED}, "", ""),
        ({"state": SENT, "is_open": False}, "", ""),
        ({"state": VOIDED}, "link_voided", "link_voided"),
        ({"state": FAILED}, "link_voided", "link_voided"),
        ({"state": SOLVED}, "link_used", ""),
        ({"state": SOLVED, "waiting": 1}, "", ""),
        ({"state": SOLVED, "is_open": False}, "link_used", "link_used"),
        ({"state": SOLVED, "is_open": False, "waiting": 1}, "link_used", "link_used"),
    ],
)
def test_what_a_link_is_still_good_for(changes: dict[str, Any], to_solve: str, to_write: str) -> None:
    link = replace(challenge(), **changes)
    now = LAST - timedelta(seconds=1)
    assert refusal(lambda: link.refuse_closed(now)) == to_solve
    assert refusal(lambda: link.refuse_note(now)) == to_write


def test_a_links_life_ends_to_the_second_unless_a_typed_code_waits() -> None:
    link = challenge()
    assert not link.expired(LAST - timedelta(seconds=1))
    assert link.expired(LAST)
    assert refusal(lambda: link.refuse_closed(LAST)) == "link_expired"
    assert refusal(lambda: link.refuse_note(LAST)) == "link_expired"
    used = challenge(state=SOLVED)
    assert refusal(lambda: used.refuse_note(LAST)) == "link_expired"
    assert refusal(lambda: replace(link, deliver_at=LAST).refuse_closed(LAST)) == ""


@pytest.mark.parametrize(
    ("waiting", "balance", "worth", "delivered"), [(3, 0, 2, 2), (3, 1, 2, 3), (1, 4, 3, 1), (0, 4, 3, 0)]
)
def test_a_solve_delivers_what_waits_as_far_as_credit_goes(
    waiting: int, balance: int, worth: int, delivered: int
) -> None:
    assert replace(challenge(), waiting=waiting, balance=balance).delivers(worth) == delivered


def test_its_page_speaks_of_the_oldest_that_waits_by_the_owners_name_there() -> None:
    link, ana = challenge("m7"), Owner("ana@corp.test", "Ana Torres", frozenset({"sales@corp.test"}))
    assert link.about == "m7"
    assert replace(link, oldest="m2").about == "m2"
    assert link.signed_by(ana) == ana
    known = replace(link, reply_from=Address("sales@corp.test", "Ana at Sales")).signed_by(ana)
    assert known == Owner("sales@corp.test", "Ana at Sales", ana.aliases)


def test_of_a_token_only_its_hash_is_stored() -> None:
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("text", "line"),
    [("", ""), (" \n\t ", ""), ("a\u2028b\u0085c", "a b c"), ("é" * MAX_NOTE, "é" * MAX_NOTE),
     ("x" + " " * 3_000 + "y", "x y"), ("\ud800x", "x"), ("x" + " " * 3_999 + "y", "x")],
)  # fmt: skip
def test_a_line_is_one_line_of_what_can_be_seen(text: str, line: str) -> None:
    assert note_line(text) == line


def test_a_line_has_an_end() -> None:
    with pytest.raises(Refused) as refused:
        note_line("x" * (MAX_NOTE + 1))
    assert (refused.value.code, refused.value.field) == ("note_long", "line")


@pytest.mark.parametrize(
    ("entry", "amount", "posting", "key"),
    [
        (earned(BO, "c1", 3), 3, Posting.EARNED, "earn:c1"),
        (earned(BO, "c1", 3, 1), 3, Posting.EARNED, "earn:c1:2"),
        (spent(BO, "m1"), -1, Posting.SPENT, "spend:m1"),
        (refunded(BO, "m1"), 1, Posting.REFUNDED, "refund:m1"),
        (refunded(BO, "m1", "d2"), 1, Posting.REFUNDED, "refund:m1:d2"),
        (unrefunded(BO, "m1", "d2"), -1, Posting.REVOKED, "undo:d2:m1"),
        (forfeited(BO, 4, "d1"), -4, Posting.REVOKED, "forfeit:d1"),
        (restored(BO, 4, "d1"), 4, Posting.REFUNDED, "undo:d1"),
        (adjusted_by_owner(BO, 1, "k"), 1, Posting.GRANTED, "k"),
        (adjusted_by_owner(BO, -1, "k"), -1, Posting.REVOKED, "k"),
    ],
)
def test_what_is_posted_for_what(entry: LedgerEntry, amount: int, posting: Posting, key: str) -> None:
    assert entry == LedgerEntry(BO, amount, posting, key)


@pytest.mark.parametrize(
    ("sender", "amount", "posting", "key"),
    [
        *((BO, 0, posting, "k") for posting in Posting),
        *((BO, -1, posting, "k") for posting in (Posting.EARNED, Posting.GRANTED, Posting.REFUNDED)),
        *((BO, 1, posting, "k") for posting in (Posting.SPENT, Posting.REVOKED)),
        ("", 1, Posting.EARNED, "k"),
        (BO, 1, Posting.EARNED, ""),
    ],
)
def test_an_entry_that_says_two_things_is_none(sender: str, amount: int, posting: Posting, key: str) -> None:
    with pytest.raises(ValueError, match=r"cannot post|names its sender"):
        LedgerEntry(sender, amount, posting, key)


@pytest.mark.parametrize(
    ("solved", "factor"), [(-1, 1), (0, 1), (1, 2), (2, 4), (5, 32), (6, 64), (7, 64), (90, 64)]
)
def test_the_price_doubles_with_every_solve_and_then_stays(solved: int, factor: int) -> None:
    assert 1 << MAX_DOUBLINGS == 64
    assert work_factor(solved) == factor
    assert wait_for(solved) == factor * FIRST_WAIT == timedelta(minutes=10 * factor)
