"""What a verdict was reached from, written down so that it can be reached again by the same table, and compared.

No name, address, subject or word of a message is in it: of the sender it holds how they stood with the owner.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from backend.domain.errors import Refused
from backend.domain.mail.authentication import Authentication
from backend.domain.mail.machine_mail import MailForm, form_of
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import LabelIds, Preferences
from backend.domain.mailbox.verdict import Grounds, Verdict
from backend.domain.moments import micros, moment
from backend.domain.policy.table import Facts, Standing, decide, prescreen
from backend.domain.reading.score import Score, Thresholds
from backend.domain.watching.chain import keyed

_OWNER = Owner("owner@owner.test")
_CHOSEN = ("mode", "strictness", "left_alone", "rows_off", "paused_until")
"""The preferences a verdict depends on."""
_STANDING = ("corresponded", "took_part", "held_undecided", "credits")
"""Of a standing, what is written down as it is."""
_json = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def bits(value: float) -> str:
    """A number as the hexadecimal digits of its 64 bits: equal only if every bit is."""
    return struct.pack(">d", value).hex()


def from_bits(text: str) -> float:
    """Inverse of `bits`. Raises `ValueError` or `struct.error`."""
    found: float = struct.unpack(">d", bytes.fromhex(text))[0]
    return found


def grounds(
    facts: Facts, score: Score, thresholds: Thresholds, guards: tuple[str, ...], now: datetime
) -> Grounds:
    """What `decide` takes."""
    standing, rules = facts.standing, facts.standing.rules
    case = {
        "at": micros(now),
        "labels": sorted(facts.arrival.labels),
        "authenticated": facts.authentication.passed,
        "form": form_of(facts.arrival, facts.owner) if facts.form is None else facts.form,
        "own_organisation": facts.own_organisation,
        "rules": [rules.address, rules.domain] if rules.address or rules.domain else [],
        "held_score": None if standing.held_score is None else bits(standing.held_score),
        **{name: getattr(standing, name) for name in _STANDING},
        "guards": list(guards),
        "welcome": sorted(facts.welcome),
        "filtered": facts.filtered,
        "p": bits(score.probability),
        "logit": bits(score.logit),
    }
    model = {"version": score.model, "made_with": score.trace.made_with if score.trace else ""}
    setting = _setting(facts.preferences, facts.labels, thresholds, **model)
    # Without what is nothing: most senders are strangers.
    return Grounds(setting, _json({name: value for name, value in case.items() if value}), score.trace)


def from_history(
    labels: frozenset[str] | None,
    took_part: bool,
    preferences: Preferences,
    blocks: bool,
    now: datetime,
    ours: LabelIds,
) -> Grounds:
    """What `prescreen` takes."""
    history = None if labels is None else sorted(labels)
    case = {"at": micros(now), "history": history, "took_part": took_part, "blocks": blocks}
    return Grounds(_setting(preferences, ours), _json(case))


def decided_again(setting: Mapping[str, Any], case: Mapping[str, Any], score: Score | None) -> Verdict | None:
    """The verdict of today's table on what was written down. `score` in place of the one of then. Raises `Refused`,
    `ValueError`, `KeyError`, `TypeError` or `struct.error` for what `grounds` did not write."""
    now, (allow, block) = moment(case["at"]), setting["labels"]
    preferences = Preferences.from_json({**setting, "welcome": case.get("welcome", [])})
    labels = LabelIds(allow=allow, block=block)
    if "history" in case:
        seen = None if case["history"] is None else frozenset(case["history"])
        return prescreen(seen, case["took_part"], preferences, case["blocks"], now, labels)
    address, domain = (RuleKind(rule) if rule else None for rule in case.get("rules", (None, None)))
    known = {name: case[name] for name in _STANDING if name in case}
    if "held_score" in case:
        known["held_score"] = from_bits(case["held_score"])
    sender = Address("sender@owner.test" if case.get("own_organisation") else "sender@sender.test")
    facts = Facts(
        Arrival("", "", frozenset(case.get("labels", ())), now, Message(from_=(sender,))),
        _OWNER,
        Authentication(case.get("authenticated", False)),
        preferences,
        Standing(rules=RuleMatch(address, domain), **known),
        labels,
        MailForm(case.get("form", "")),
        preferences.welcome,
        case.get("filtered", False),
    )
    thresholds = Thresholds(**{name: from_bits(value) for name, value in setting["thresholds"].items()})
    then = Score(from_bits(case["p"]), from_bits(case["logit"]))
    return decide(facts, score or then, thresholds, tuple(case.get("guards", ())), now)


def differences(
    says: Mapping[str, Any], setting: Mapping[str, Any], score: Score | None, key: bytes | None = None
) -> list[str]:
    """What differs between an entry and the same judged again, by its name there; nothing if every bit is equal.

    `score` is the message's, scored again; None: the one that was written down is believed. `key` is the log's, where
    the very text was scored again.
    """
    written = {**says["case"], "guards": [], **says}
    again: dict[str, Any] = {}
    if score is not None:
        again |= {"p": bits(score.probability), "logit": bits(score.logit)}
        again["shares"] = score.trace and score.trace.shares
        if key and score.trace:
            again["text"] = keyed(key, score.trace.text)
    verdict = None
    with suppress(Refused, KeyError, TypeError, ValueError, struct.error):  # not written by `grounds`
        verdict = decided_again(setting, says["case"], score)
    again |= {"row": verdict and verdict.row, "outcome": verdict and verdict.outcome}
    again["guards"] = verdict and list(verdict.guards)
    return [name for name, value in again.items() if value != written.get(name)]


@lru_cache(1_000)
def _setting(
    preferences: Preferences, labels: LabelIds, thresholds: Thresholds | None = None, **model: str
) -> str:
    """The same for many messages, so it is remembered."""
    chosen = preferences.to_json()
    told: dict[str, Any] = {**model, **{name: chosen[name] for name in _CHOSEN}}
    if thresholds is not None:
        told["thresholds"] = {name: bits(value) for name, value in asdict(thresholds).items()}
    return _json({**told, "labels": [labels.allow, labels.block]})
