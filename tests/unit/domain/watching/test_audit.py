"""A log in which nothing can be changed unseen."""

from __future__ import annotations

import hashlib
import hmac
import json
import random

import pytest
from hypothesis import given

from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Attachment, Message
from backend.domain.policy.table import Facts, decide
from backend.domain.reading.score import Score, Thresholds
from backend.domain.watching.audit import (
    START,
    Chain,
    Fault,
    KeptVerdict,
    LogEntry,
    bits,
    disagreeing,
    faults,
    grounds,
    replay,
)
from tests.unit.domain import rules as make
from tests.values import appended

KEY = b"k" * 32
NUMBERS = random.Random(17)


def log(length: int, key: bytes = KEY) -> tuple[list[LogEntry], Chain]:
    entries, head = [], Chain()
    for number in range(length):
        payload = f'{{"kind":"verdict","row":"below_hold","n":{number}}}'
        entry, head = appended(
            key, head, 1_700_000_000_000_000 + number, f"{number:016x}", bytes(16), payload
        )
        entries.append(entry)
    return entries, head


def faults_of(entries: list[LogEntry], head: Chain, key: bytes = KEY) -> list[tuple[int, Fault]]:
    return list(faults(key, head, entries))


def test_a_log_that_nobody_touched_is_in_order() -> None:
    for length in (0, 1, 2_000):
        assert faults_of(*log(length)) == []


def test_every_single_changed_byte_of_2000_entries_is_found() -> None:
    entries, head = log(2_000)
    for place, entry in enumerate(entries):
        # An entry is judged by itself and what stands before it: those two and the next stand for the whole log.
        before = entries[place - 1].seal if place else START
        for name, value in entry._asdict().items():
            changed = entry._replace(**{name: spoiled(value)})
            rest = entries[place + 1 : place + 2]
            end = Chain(number=place + 1 + len(rest), seal=(rest or [entry])[-1].seal)
            found = [
                fault for fault in part(before, end, place, [changed, *rest]) if fault[1] is not Fault.HEAD
            ]
            assert found, (place, name)
    assert faults_of(entries, head) == []


def part(before: bytes, end: Chain, began: int, entries: list[LogEntry]) -> list[tuple[int, Fault]]:
    """The faults of a piece of a log."""
    first = [] if not began else [LogEntry(began, None, None, None, None, bytes(32), before)]
    whole = end._replace(began=max(began - 1, 0))
    return [fault for fault in faults(KEY, whole, [*first, *entries]) if fault[0] > began]


def test_every_byte_of_an_entry_counts() -> None:
    entries, head = log(40)
    entry = entries[20]
    for name, value in entry._asdict().items():
        size = len(value) if isinstance(value, (str, bytes)) else 8
        for at in range(size):
            spoilt = entry._replace(**{name: spoiled(value, at)})
            assert faults_of([*entries[:20], spoilt, *entries[21:]], head), (name, at)


def spoiled(value: object, at: int | None = None) -> object:
    if isinstance(value, int):
        return value ^ 1 << 8 * (at or 0)
    assert isinstance(value, (str, bytes))
    at = NUMBERS.randrange(len(value)) if at is None else at
    if isinstance(value, str):
        return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def test_a_removed_entry_is_missed() -> None:
    entries, head = log(30)
    assert (11, Fault.MISSING) in faults_of([*entries[:10], *entries[11:]], head)
    assert faults_of(entries[1:], head)[0] == (1, Fault.MISSING)


def test_two_that_changed_places_are_found() -> None:
    entries, head = log(30)
    one, two = entries[4], entries[9]
    entries[4], entries[9] = two._replace(number=5), one._replace(number=10)
    assert {number for number, _ in faults_of(entries, head)} >= {5, 10}


def test_an_entry_hashed_again_without_the_key_is_found() -> None:
    entries, head = log(30)
    lie = entries[7].payload.replace("below_hold", "allowed")  # type: ignore[union-attr]
    forged, _ = appended(
        b"x" * 32,
        Chain(number=7, seal=entries[6].seal),
        entries[7].at or 0,
        entries[7].about or "",
        bytes(16),
        lie,
    )
    entries[7] = forged
    assert (8, Fault.RESEALED) in faults_of(entries, head)


def test_a_whole_log_sealed_with_another_key_is_found() -> None:
    entries, head = log(10, b"x" * 32)
    assert len(faults_of(entries, head)) == 11


def test_a_cut_end_is_found_by_the_head_and_by_what_was_logged() -> None:
    entries, head = log(30)
    assert faults_of(entries[:25], head) == [(26, Fault.CUT)]
    shorter = head._replace(number=25, seal=entries[24].seal)
    assert faults_of(entries[:25], shorter) == [(25, Fault.HEAD)]
    # Whoever kept an old head can put it back whole; what was logged that day still tells.
    old_entries, old_head = log(25)
    assert faults_of(old_entries, old_head) == []
    logged = [(25, entries[24].seal.hex()), (30, head.seal.hex())]
    assert list(faults(KEY, old_head, old_entries, logged)) == [(30, Fault.LOGGED)]


def test_erased_entries_verify_and_tell_nothing() -> None:
    entries, head = log(50)
    erased = [entry._replace(at=None, about=None, salt=None, payload=None) for entry in entries]
    record, longer = appended(KEY, head, 1_800_000_000_000_000, "", bytes(16), '{"kind":"erased","up_to":50}')
    assert faults_of([*erased, record], longer) == []
    assert faults_of([*erased[:20], *entries[20:], record], longer) == []
    half = erased[3]._replace(about=entries[3].about)
    assert faults_of([*erased[:3], half, *erased[4:], record], longer) == [(4, Fault.CHANGED)]


def test_a_tombstone_that_nobody_wrote_down_is_found() -> None:
    entries, head = log(20)
    record, head = appended(KEY, head, 1_800_000_000_000_000, "", bytes(16), '{"kind":"erased","up_to":9}')
    empty = [entry._replace(at=None, about=None, salt=None, payload=None) for entry in entries]
    assert faults_of([*empty[:9], *entries[9:], record], head) == []
    assert faults_of([*empty[:10], *entries[10:], record], head) == [(10, Fault.EMPTIED)]
    assert len(faults_of([*empty, record], head)) == 11
    forged = record._replace(payload='{"kind":"erased","up_to":20}')
    assert (21, Fault.CHANGED) in faults_of([*empty, forged], head)


def test_messages_are_held_against_the_log() -> None:
    says = json.dumps({"kind": "verdict", "row": "quarantine", "outcome": "hold", "case": {"p": bits(0.9)}})
    first, head = appended(KEY, Chain(), 1_000, "a", bytes(16), says)
    late, head = appended(KEY, head, 1_001, "a", bytes(16), '{"kind":"verdict","row":"credit","late":true}')
    entries = [first, late]
    fits = KeptVerdict("a", "hold", "quarantine", 0.9, 1_000)
    assert list(disagreeing(entries, [fits])) == []
    for other in (
        fits._replace(policy_row="below_hold"),
        fits._replace(outcome="inbox"),
        fits._replace(score=0.9 + 2e-16),
        fits._replace(gmail_id="b"),
    ):
        assert list(disagreeing(entries, [other])) == [other.gmail_id]
    assert list(disagreeing(entries, [fits._replace(gmail_id="b", decided_at=999)])) == [], (
        "older than the log"
    )
    assert list(disagreeing([first._replace(at=None, about=None, salt=None, payload=None)], [fits])) == []


def test_a_log_goes_on_behind_entries_of_a_lost_key() -> None:
    old, _ = log(40, b"x" * 32)
    entry, head = appended(KEY, Chain(began=40, number=40), 1, "m", bytes(16), "{}")
    assert list(faults(KEY, head, [*old, entry])) == []


@pytest.mark.parametrize("number", [0, 1])
def test_the_digest_of_an_entry_is_its_salted_content(number: int) -> None:
    entries, _ = log(2)
    entry = entries[number]
    text = (
        (entry.salt or b"") + (entry.at or 0).to_bytes(8, "big") + f"{entry.about}\0{entry.payload}".encode()
    )
    assert entry.digest == hashlib.sha256(text).digest()


def test_a_seal_is_the_hmac_of_the_number_the_seal_before_and_the_digest() -> None:
    first, second = log(2)[0]
    covered = b"entry" + (2).to_bytes(8, "big") + first.seal + second.digest
    assert second.seal == hmac.digest(KEY, covered, "sha256")


def test_an_entry_whose_number_was_made_negative_is_told_like_any_other() -> None:
    entries, head = log(3)
    entries[1] = entries[1]._replace(number=-2)
    assert (-1, Fault.MISSING) in faults_of(entries, head)
    assert faults_of([entries[1], *log(3)[0]], head)


# ---- A decision that is made again from what was written down of it ends alike


@given(make.all_facts, make.probabilities, make.guard_lists)
def test_the_table_decides_alike_from_what_was_written_down(
    facts: Facts, probability: float, guards: tuple[str, ...]
) -> None:
    score, thresholds = Score(probability, 0.0), Thresholds(0.2, 0.8, 0.9, 0.6)
    first = decide(facts, score, thresholds, guards, make.NOW)
    kept = grounds(facts, score, thresholds, guards, make.NOW)
    again = replay(json.loads(kept.setting), json.loads(kept.case), None)
    assert again is not None
    assert (again.row, again.outcome) == (first.row, first.outcome), (
        "a fact the table reads is not written down"
    )


def test_a_form_that_nobody_looked_at_yet_is_written_down_as_it_is() -> None:
    reply = Attachment("", "text/calendar", 0, "reply")
    facts = make.facts(message=Message(attachments=(reply,)))
    kept = grounds(facts, Score(0.1, 0.0), Thresholds(0.2, 0.8, 0.9, 0.6), (), make.NOW)
    assert json.loads(kept.case)["form"] == MailForm.CLAIMED
