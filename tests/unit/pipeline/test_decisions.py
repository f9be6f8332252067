"""What the stages decide can be shown again: by the same table, from what was written down, it comes out the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from backend.domain.mail.message import Message
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.message import Outcome, PolicyRow
from backend.domain.reading.score import Score, ScoreTrace
from backend.domain.watching.audit import differences
from backend.transactions.records import Duty
from backend.transactions.script import Heads
from tests.unit.pipeline.conftest import FORGED, Fixture, letter

TEXTS = ("pitchy", "perhaps", "maybe", "dear Ana, the minutes")


async def entries_of(fixture: Fixture) -> list[tuple[dict[str, object], dict[str, object]]]:
    log = await fixture.store.decisions(fixture.mailbox_id)
    return [
        (dict(one.data), json.loads(log.settings.get(one.data.get("setting", ""), "{}")))
        for one in log.entries
    ]


def messages() -> list[Message]:
    found = [letter(f"s{number}@seller{number}.test", text) for number, text in enumerate(TEXTS)]
    found += [
        letter(f"t{number}@seller{number}.test", text, trust=FORGED) for number, text in enumerate(TEXTS)
    ]
    found += [letter("colleague@corp.test"), letter("s0@seller0.test", "pitchy again")]
    found.append(letter("lone@forged.test", "pitchy", trust=FORGED))
    found.append(letter("list@lists.test", "perhaps", List_Id="<x.lists.test>", Precedence="bulk"))
    return found


async def test_every_verdict_comes_out_the_same_again(fixture: Fixture) -> None:
    await fixture.store.set_rule(fixture.mailbox_id, "seller1.test", RuleKind.BLOCK, fixture.now())
    for mode, strictness in (("challenge", "normal"), ("quarantine", "strict"), ("observe", "relaxed")):
        await fixture.save_preferences(mode=mode, strictness=strictness)
        for mail in messages():
            fixture.gmail.deliver(mail)
        fixture.gmail.deliver(letter("own@seller.test"), labels=frozenset({"SPAM"}))
        await fixture.push()
        await fixture.settle()
        fixture.wait(days=31 if mode == "quarantine" else 0, hours=1)
    entries = await entries_of(fixture)
    verdicts = [(says, setting) for says, setting in entries if says["kind"] == "verdict"]
    assert len(verdicts) == 39
    rows = {says["row"] for says, _ in verdicts}
    assert rows >= {
        PolicyRow.BLOCKED,
        PolicyRow.SAME_ORGANISATION,
        PolicyRow.HELD_WITH_EARLIER,
        PolicyRow.CHALLENGE,
        PolicyRow.QUARANTINE,
        PolicyRow.OBSERVE,
        PolicyRow.BELOW_HOLD,
    }
    for says, setting in verdicts:
        assert differences(says, setting, None) == []


async def test_another_bit_or_verdict_is_told(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    ((says, setting),) = await entries_of(fixture)
    assert differences({**says, "outcome": Outcome.INBOX}, setting, None) == ["outcome"]
    other = Score(0.97000000000000008, 0.0, trace=ScoreTrace("", "", "other", 1, 1))
    assert differences(says, setting, other) == ["p"], "mail that was clearly fine has no shares"
    traced = {**says, "shares": "these", "text": "this"}
    other = replace(other, trace=ScoreTrace("", "text", "other", 1, 1))
    assert differences(traced, setting, other) == ["p", "shares"]
    assert differences(traced, setting, other, b"another key") == ["p", "shares", "text"]
    assert differences(says, {}, None) == ["row", "outcome", "guards"]
    spoilt = {**says, "case": {"p": "00"}}
    assert differences(spoilt, setting, None) == ["row", "outcome", "guards"]


async def test_no_word_of_a_stranger_is_in_the_log(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter("sam@seller.test", "pitchy secret-word", subject="Secret subject"))
    await fixture.push()
    await fixture.settle()
    text = json.dumps(await entries_of(fixture)).lower()
    assert not [word for word in ("sam", "seller", "secret", "ana@") if word in text]


async def test_the_head_is_logged_once_a_day_and_noted_beside_the_database(
    fixture: Fixture, tmp_path: Path
) -> None:
    fixture.store.heads = Heads(tmp_path)
    fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    with capture_logs() as logs:
        await fixture.store.request_duty(fixture.mailbox_id, Duty.RETAIN, fixture.now())
        await fixture.settle()
        fixture.wait(seconds=timedelta(hours=2).total_seconds())
        await fixture.settle()
    heads = [line for line in logs if line["event"] == "decisions_head"]
    found = await fixture.store.decision_chain(fixture.mailbox_id)
    assert found is not None
    assert [(line["number"], line["seal"]) for line in heads] == [(1, found.seal.hex())]
    assert list(fixture.store.heads.read()) == [(fixture.mailbox_id, 1, found.seal.hex())]
