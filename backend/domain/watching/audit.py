"""The log of decisions: a tamper-evident chain of entries, with the inputs from which each verdict can be replayed."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from typing import Any, NamedTuple

from backend.domain.errors import Refused
from backend.domain.mail.machine_mail import MailForm, form_of
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mail.sender import Authentication
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import Grounds, LabelIds, ReadLimit, Verdict
from backend.domain.moments import micros, moment
from backend.domain.policy.evidence import EarlierEvidence
from backend.domain.policy.table import Facts, Standing, decide, prescreen
from backend.domain.reading.score import Score, ScoreTrace, Thresholds

# ---- The log as a chain
# A seal is an HMAC with the mailbox's own key. Without this key, nobody who can write to the database can change an
# entry, its position or the end of the log without being noticed. A seal covers only the salted digest of an entry's
# content, so the content can be erased: the tombstone that remains still verifies and reveals nothing. Each erasure is
# an entry in the log itself, so a forged tombstone is noticed. An older copy of the whole log, head included, verifies
# too; that its end is missing is found by comparison with the heads that are logged daily outside the database, and
# with the messages that are still kept.


KEY_BYTES = 32
SALT_BYTES = 16
START = bytes(32)
"""The seal before the first entry."""
ERASED = "erased"
"""The kind of an entry about an erasure; its `up_to` is the number of the last erased entry."""


class LogEntry(NamedTuple):
    """One entry, numbered from 1. `about` is a message's id, `at` is in microseconds since 1970. In a tombstone, these
    two, `payload` and `salt` are None."""

    number: int
    at: int | None
    about: str | None
    salt: bytes | None
    payload: str | None
    digest: bytes
    seal: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The parsed payload; empty in a tombstone."""
        parsed: dict[str, Any] = json.loads(self.payload or "{}")
        return parsed


class Chain(NamedTuple):
    """A log's key (encrypted); the number up to which entries were sealed with a key that is lost (`began`); and its
    head: number and seal of the last entry, and `tag`, a seal over both. `setting` names the settings of the last
    verdict."""

    sealed_key: bytes = b""
    began: int = 0
    number: int = 0
    seal: bytes = START
    tag: bytes = START
    setting: str = ""


class Fault(StrEnum):
    """What is wrong with a log at an entry."""

    CHANGED = "changed"  # its content, time or message was changed
    RESEALED = "resealed"  # its digest, its position or the seal before it was changed
    MISSING = "missing"  # it is missing, and so are those up to the next one
    CUT = "cut"  # the last entry is not the one in the head
    HEAD = "head"  # the head was not sealed with this key
    EMPTIED = "emptied"  # it is a tombstone without an entry about the erasure
    LOGGED = "logged"  # its seal differs from the head that was logged outside the database


def sealed(key: bytes, chain: Chain, at: int, about: str, salt: bytes, payload: str) -> tuple[bytes, Chain]:
    """The digest of the next entry, and the chain with that entry, whose number and seal are the entry's."""
    number, digest = chain.number + 1, _digest(at, about, salt, payload)
    place = number.to_bytes(8, "big", signed=True)
    seal = _mac(key, b"entry" + place + chain.seal + digest)
    tag = _mac(key, b"head" + place + seal)
    return digest, Chain(chain.sealed_key, chain.began, number, seal, tag, chain.setting)


def faults(
    key: bytes, chain: Chain, entries: Iterable[LogEntry], logged: Iterable[tuple[int, str]] = ()
) -> Iterator[tuple[int, Fault]]:
    """All faults in `entries`, which are in order, with their numbers. Entries sealed with a lost key are trusted. Each
    entry is checked against the one before it, so that one fault does not hide the next. `logged` are heads that were
    logged outside the database: number and seal in hex."""
    number, before, seals = chain.began, START, dict[int, bytes]()
    emptied, erased = list[int](), 0
    for entry in entries:
        seals[entry.number] = entry.seal
        if 0 < entry.number <= chain.began:
            continue
        if entry.number > number + 1:
            yield number + 1, Fault.MISSING
        follows = entry.number == number + 1
        genuine = compare_digest(_seal(key, b"entry", number + 1, before + entry.digest), entry.seal)
        if follows and not genuine:
            yield entry.number, Fault.RESEALED
        if not _digest_fits(entry):
            yield entry.number, Fault.CHANGED
        elif entry.payload is None:
            emptied.append(entry.number)
        elif follows and genuine and entry.data.get("kind") == ERASED:
            erased = max(erased, entry.data["up_to"])
        number, before = entry.number, entry.seal
    for tombstone in emptied:
        if tombstone > erased:
            yield tombstone, Fault.EMPTIED
    if number != chain.number or not compare_digest(before, chain.seal):
        yield number + 1, Fault.CUT
    head = _seal(key, b"head", chain.number, chain.seal)
    if chain.number > chain.began and not compare_digest(head, chain.tag):
        yield chain.number, Fault.HEAD
    for place, seal in logged:
        if place and seals.get(place, b"").hex() != seal:
            yield place, Fault.LOGGED


class KeptVerdict(NamedTuple):
    """The verdict in a message's database row; `decided_at` is in microseconds since 1970."""

    gmail_id: str
    outcome: str
    policy_row: str
    score: float | None
    decided_at: int


def disagreeing(entries: Sequence[LogEntry], kept: Iterable[KeptVerdict]) -> Iterator[str]:
    """The ids of messages whose database row differs from their last verdict in the log, or that have none there.
    Messages decided before the first readable entry are left out."""
    verdicts, begun = dict[str, Mapping[str, Any]](), None
    for entry in entries:
        if entry.at is None or entry.about is None:
            continue
        begun = entry.at if begun is None else begun
        data = entry.data
        if data.get("kind") == "verdict" and not data.get("late"):
            verdicts[entry.about] = data
    for message in kept:
        if begun is None or message.decided_at < begun:
            continue
        logged = verdicts.get(message.gmail_id, {})
        score = logged.get("case", {}).get("p")
        other = score is not None and (message.score is None or bits(message.score) != score)
        if (logged.get("row"), logged.get("outcome")) != (message.policy_row, message.outcome) or other:
            yield message.gmail_id


@lru_cache(1_000)
def content_name(content: str) -> str:
    """The name of content that many entries share: 32 hex digits of its digest."""
    return sha256(content.encode()).hexdigest()[:32]


def keyed_digest(key: bytes, text: str) -> str:
    """A digest of `text`, 16 hex digits, that nobody without the key can compare with a guess."""
    return _mac(key, b"text" + text.encode()).hex()[:16]


def _digest_fits(entry: LogEntry) -> bool:
    at, about, salt, payload = content = entry[1:5]
    if at is None or about is None or salt is None or payload is None:
        return content == (None, None, None, None)
    return compare_digest(_digest(at, about, salt, payload), entry.digest)


def _digest(at: int, about: str, salt: bytes, payload: str) -> bytes:
    return sha256(salt + at.to_bytes(8, "big", signed=True) + f"{about}\0{payload}".encode()).digest()


def _seal(key: bytes, what: bytes, number: int, covered: bytes) -> bytes:
    return _mac(key, what + number.to_bytes(8, "big", signed=True) + covered)


def _mac(key: bytes, covered: bytes) -> bytes:
    begun_inner, begun_outer = _begun(key)
    inner, outer = begun_inner.copy(), begun_outer.copy()
    inner.update(covered)
    outer.update(inner.digest())
    sealed: bytes = outer.digest()
    return sealed


@lru_cache(1_000)
def _begun(key: bytes) -> tuple[Any, Any]:
    """The inner and outer digest of HMAC-SHA256 (RFC 2104), fed the key. `hmac` takes three times as long an entry."""
    block = key.ljust(64, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))


# ---- The inputs of a verdict, for replay
# They contain no name, address, subject or word of a message; of the sender only how they stand with the owner.


_OWNER = Owner("owner@owner.test")
_CHOSEN = ("mode", "strictness", "left_alone", "rows_off", "paused_until")
"""The preferences a verdict depends on."""
_STANDING = ("corresponded", "took_part", "keeps", "credits")
"""Fields of `Standing` that are recorded as they are."""
_EARLIER = tuple(one.name for one in fields(EarlierEvidence))
_json = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def bits(value: float) -> str:
    """A number as the hex digits of its 64 bits, so that equal texts mean equal bits."""
    return struct.pack(">d", value).hex()


def from_bits(text: str) -> float:
    """Inverse of `bits`. Raises `ValueError` or `struct.error`."""
    found: float = struct.unpack(">d", bytes.fromhex(text))[0]
    return found


def grounds(
    facts: Facts, score: Score, thresholds: Thresholds, guards: tuple[str, ...], now: datetime
) -> Grounds:
    """The arguments of `decide`, as they are recorded: `p` the probability, `at` the time in microseconds, `first` the
    logit of the first reading where there was a second."""
    standing, rules = facts.standing, facts.standing.rules
    case = {
        "at": micros(now),
        "labels": sorted(facts.arrival.labels),
        "authenticated": facts.authentication.passed,
        "form": form_of(facts.arrival, facts.owner) if facts.form is None else facts.form,
        "own_organisation": facts.own_organisation,
        "rules": [rules.address, rules.domain] if rules.address or rules.domain else [],
        **{name: bits(value) for name in _EARLIER if (value := getattr(standing.earlier, name))},
        **{name: getattr(standing, name) for name in _STANDING},
        "guards": list(guards),
        "filtered": facts.filtered,
        "limit": facts.read_limit,
        "p": bits(score.probability),
        "logit": bits(score.logit),
        "part": score.part,
    }
    again = score.trace.again if score.trace else None
    if again is not None:
        case |= {"first": bits(again.first), "embedding": again.embedding}
    model = {"version": score.model, "made_with": score.trace.made_with if score.trace else ""}
    if again is not None:
        model["judge"] = again.judge
    setting = _setting(facts.preferences, facts.labels, thresholds, **model)
    # Empty values are left out: most senders are strangers.
    return Grounds(setting, _json({name: value for name, value in case.items() if value}), score.trace)


_SEPARATOR = "\n"


def kept_counts(trace: ScoreTrace) -> str:
    """What is kept to score a message again: its term counts, and the numbers of its second reading."""
    return trace.counts if trace.again is None else f"{trace.counts}{_SEPARATOR}{trace.again.numbers}"


def from_kept(kept: str) -> tuple[str, str]:
    """Inverse of `kept_counts`: (counts, numbers); the numbers are "" if there was no second reading."""
    counts, _, numbers = kept.partition(_SEPARATOR)
    return counts, numbers


def from_history(
    labels: frozenset[str] | None,
    preferences: Preferences,
    blocks: bool,
    now: datetime,
    ours: LabelIds,
) -> Grounds:
    """The arguments of `prescreen`, as they are recorded. `blocks`: whether the owner has block rules."""
    history = None if labels is None else sorted(labels)
    case = {"at": micros(now), "history": history, "blocks": blocks}
    return Grounds(_setting(preferences, ours), _json(case))


def replay(setting: Mapping[str, Any], case: Mapping[str, Any], score: Score | None) -> Verdict | None:
    """The verdict of the present policy table on recorded inputs. `score` replaces the recorded score. Raises
    `Refused`, `ValueError`, `KeyError`, `TypeError` or `struct.error` for inputs that `grounds` did not write."""
    now, (allow, block) = moment(case["at"]), setting["labels"]
    preferences = Preferences.from_json(dict(setting))
    labels = LabelIds(allow=allow, block=block)
    if "history" in case:
        seen = None if case["history"] is None else frozenset(case["history"])
        return prescreen(seen, preferences, case["blocks"], now, labels)
    address, domain = (RuleKind(rule) if rule else None for rule in case.get("rules", (None, None)))
    known = {name: case[name] for name in _STANDING if name in case}
    earlier = {name: from_bits(case[name]) for name in _EARLIER if name in case}
    sender = Address("sender@owner.test" if case.get("own_organisation") else "sender@sender.test")
    facts = Facts(
        Arrival("", "", frozenset(case.get("labels", ())), now, Message(from_=(sender,))),
        _OWNER,
        Authentication(case.get("authenticated", False)),
        preferences,
        Standing(rules=RuleMatch(address, domain), earlier=EarlierEvidence(**earlier), **known),
        labels,
        MailForm(case.get("form", "")),
        case.get("filtered", False),
        ReadLimit(case["limit"]) if "limit" in case else None,
    )
    thresholds = Thresholds(**{name: from_bits(value) for name, value in setting["thresholds"].items()})
    recorded = Score(from_bits(case["p"]), from_bits(case["logit"]))
    return decide(facts, score or recorded, thresholds, tuple(case.get("guards", ())), now)


def differences(
    data: Mapping[str, Any], setting: Mapping[str, Any], score: Score | None, key: bytes | None = None
) -> list[str]:
    """The names of the values in an entry's `data` that differ in a replay; none if every bit is equal.

    `score` is from scoring the message again; None: use the recorded score. `key` is the log's, given if the same text
    was scored again.
    """
    recorded = {**data["case"], "guards": [], **data}
    again: dict[str, Any] = {}
    if score is not None:
        again |= {"p": bits(score.probability), "logit": bits(score.logit)}
        if score.trace and score.trace.shares and "shares" in data:
            again["shares"] = score.trace.shares
        second = score.trace and score.trace.again
        again |= {"first": second and bits(second.first), "embedding": second and second.embedding}
        if key and score.trace and score.trace.text and "text" in data:
            again["text"] = keyed_digest(key, score.trace.text)
    verdict = None
    with suppress(Refused, KeyError, TypeError, ValueError, struct.error):  # not written by `grounds`
        verdict = replay(setting, data["case"], score)
    again |= {"row": verdict and verdict.row, "outcome": verdict and verdict.outcome}
    again["guards"] = verdict and list(verdict.guards)
    return [name for name, value in again.items() if value != recorded.get(name)]


@lru_cache(1_000)
def _setting(
    preferences: Preferences, labels: LabelIds, thresholds: Thresholds | None = None, **model: str
) -> str:
    """The settings part of the inputs, cached because many messages share it."""
    chosen = preferences.to_json()
    setting: dict[str, Any] = {**model, **{name: chosen[name] for name in _CHOSEN}}
    if thresholds is not None:
        setting["thresholds"] = {name: bits(value) for name, value in asdict(thresholds).items()}
    return _json({**setting, "labels": [labels.allow, labels.block]})
