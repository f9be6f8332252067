"""What a verdict was reached from, written down so that it can be reached again by the same table, and compared.

No name, address, subject or word of a message is in it: of the sender it holds how they stood with the owner.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from backend.domain.errors import Refused
from backend.domain.mail.authentication import Authentication
from backend.domain.mail.machine_mail import MailForm, form_of
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mail.sender import same_organisation
from backend.domain.mailbox.correction import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import LabelIds, Preferences
from backend.domain.mailbox.verdict import Grounds, Verdict
from backend.domain.moments import micros, moment
from backend.domain.policy.decide import decide, prescreen
from backend.domain.policy.standing import Standing
from backend.domain.policy.table import Facts
from backend.domain.reading.score import Score, Thresholds

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
    domain = facts.arrival.message.sender.domain
    own = {address.rpartition("@")[2] for address in facts.owner.addresses}
    standing, rules = facts.standing, facts.standing.rules
    case = {
        "at": micros(now),
        "labels": sorted(facts.arrival.labels),
        "authenticated": facts.authentication.passed,
        "form": form_of(facts.arrival, facts.owner) if facts.form is None else facts.form,
        "own_organisation": any(same_organisation(ours, domain) for ours in own),
        "rules": [rules.address, rules.domain] if rules.address or rules.domain else [],
        "held_score": None if standing.held_score is None else bits(standing.held_score),
        **{name: getattr(standing, name) for name in _STANDING},
        "guards": list(guards),
        "welcome": sorted(facts.welcome),
        "p": bits(score.probability),
        "logit": bits(score.logit),
    }
    made_with = score.trace.made_with if score.trace else ""
    setting = _setting(score.model, made_with, thresholds, facts.preferences, facts.labels)
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
    case = {
        "at": micros(now),
        "history": None if labels is None else sorted(labels),
        "took_part": took_part,
        "blocks": blocks,
    }
    return Grounds(_json(_settings(preferences, ours)), _json(case))


def decided_again(setting: Mapping[str, Any], case: Mapping[str, Any], score: Score | None) -> Verdict | None:
    """The verdict of today's table on what was written down. `score` in place of the one of then. Raises `Refused`,
    `ValueError`, `KeyError` or `TypeError` for what `grounds` did not write."""
    now = moment(case["at"])
    chosen = {name: setting[name] for name in _CHOSEN if name in setting}
    preferences = Preferences.from_json({**chosen, "welcome": case.get("welcome", [])})
    labels = LabelIds(allow=setting["labels"][0], block=setting["labels"][1])
    if "history" in case:
        seen = None if case["history"] is None else frozenset(case["history"])
        return prescreen(seen, case["took_part"], preferences, case["blocks"], now, labels)
    address, domain = (RuleKind(rule) if rule else None for rule in case.get("rules", (None, None)))
    held_score = case.get("held_score")
    standing = Standing(
        rules=RuleMatch(address, domain),
        held_score=None if held_score is None else from_bits(held_score),
        **{name: case[name] for name in _STANDING if name in case},
    )
    sender = Address("sender@owner.test" if case.get("own_organisation") else "sender@sender.test")
    facts = Facts(
        arrival=Arrival("", "", frozenset(case.get("labels", ())), now, Message(from_=(sender,))),
        owner=_OWNER,
        authentication=Authentication(case.get("authenticated", False)),
        preferences=preferences,
        standing=standing,
        labels=labels,
        form=MailForm(case.get("form", "")),
        topics=preferences.welcome,
    )
    thresholds = Thresholds(**{name: from_bits(value) for name, value in setting["thresholds"].items()})
    then = Score(from_bits(case["p"]), from_bits(case["logit"]))
    return decide(facts, score or then, thresholds, tuple(case.get("guards", ())), now)


def differences(
    says: Mapping[str, Any], setting: Mapping[str, Any], score: Score | None, text: str = ""
) -> Iterator[str]:
    """What differs between an entry and the same judged again, by name; nothing if every bit is equal.

    `score` is the message's, scored again; None: the one that was written down is believed. `text` is the digest of its
    text under the log's key, where the message was read again.
    """
    case = says["case"]
    if score is not None:
        if bits(score.probability) != case["p"]:
            yield "probability"
        if bits(score.logit) != case["logit"]:
            yield "logit"
        if score.trace is None or score.trace.shares != says.get("shares"):
            yield "shares"
    if text and text != says.get("text"):
        yield "text"
    try:
        verdict = decided_again(setting, case, score)
    except (Refused, KeyError, TypeError, ValueError):
        yield "grounds"
        return
    again = verdict and (verdict.row, verdict.outcome, list(verdict.guards))
    if again != (says["row"], says["outcome"], says.get("guards", [])):
        yield "verdict"


@lru_cache(1_000)
def _setting(
    version: str, made_with: str, thresholds: Thresholds, preferences: Preferences, labels: LabelIds
) -> str:
    """The same for many messages, so it is remembered."""
    limits = {name: bits(value) for name, value in asdict(thresholds).items()}
    model = {"version": version, "made_with": made_with, "thresholds": limits}
    return _json({**model, **_settings(preferences, labels)})


def _settings(preferences: Preferences, labels: LabelIds) -> dict[str, Any]:
    chosen = preferences.to_json()
    return {**{name: chosen[name] for name in _CHOSEN}, "labels": [labels.allow, labels.block]}
