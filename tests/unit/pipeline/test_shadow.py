"""A challenger's verdict is kept beside the champion's, and nothing follows from it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backend.domain.digesting import Challenger
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Score, Thresholds
from backend.domain.watching.trial import CHALLENGER, CHAMPION, HELD, PASSED, Act, Answer, TrialLabel
from backend.transactions.records import Duty, StoredModel
from tests.fakes.gmail import FakeGmail
from tests.unit.pipeline.conftest import FORGED, Fixture, letter, open_fixture

LIMITS = {strictness: Thresholds(0.1, 0.5, 0.8, 0.3) for strictness in Strictness}
TEXTS = ("pitchy", "perhaps", "maybe", "dear Ana, the minutes")
KEPT = ("gmail_id", "placement", "outcome", "policy_row", "score", "model", "reasons", "guards", "sender")


def backwards(text: str) -> Score:
    """Takes for a pitch what the other does not."""
    return Score(0.02 if "pitchy" in text else 0.97, 0.0, model="second")


def breaks(text: str) -> Score:
    raise RuntimeError(text)


async def lived(folder: Path, second: Challenger | None) -> tuple[list[dict[str, Any]], list[Any], FakeGmail]:
    """A mailbox's morning: its rows, what the log says, and its Gmail."""
    async with open_fixture(folder) as fixture:
        fixture.reader.second = second
        await morning(fixture)
        rows = await fixture.store.archive_page(fixture.mailbox_id, "messages", "", 100)
        says = [entry.data for entry in (await fixture.store.decisions(fixture.mailbox_id)).entries]
        return [dict(row) for row in rows], says, fixture.gmail


async def morning(fixture: Fixture) -> None:
    for number, text in enumerate(TEXTS):
        fixture.gmail.deliver(letter(f"s{number}@seller{number}.test", text))
        fixture.gmail.deliver(letter(f"t{number}@seller{number}.test", text, trust=FORGED))
    fixture.gmail.deliver(letter("colleague@corp.test"))
    await fixture.push()
    await fixture.settle()


async def test_a_challenger_that_was_found_worse_is_stopped_by_the_daily_duty_and_a_better_one_stays(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, held_by = fixture.store, [CHAMPION]

    async def labels(challenger: str, since: datetime) -> tuple[list[TrialLabel], list[TrialLabel]]:
        alone = [TrialLabel(held_by[-1], 1.0, challenger, "en", "latin", Answer.NO)] * 40
        answers = ((HELD, Answer.YES), (PASSED, Answer.NO)) * 9
        return alone, [
            TrialLabel(stratum, 1.0, "first", "en", "latin", answer) for stratum, answer in answers
        ]

    monkeypatch.setattr(store, "trial_labels", labels)
    await store.add_model(StoredModel("second", "digest", "second.onnx", b"x"), "op", fixture.now())
    for stratum, left in ((CHAMPION, "second"), (CHALLENGER, None)):
        held_by.append(stratum)
        await store.request_duty(fixture.mailbox_id, Duty.RETAIN, fixture.now())
        if (await store.models_in_use()).challenger is None:
            await store.change_models(Act.SHADOW, "second", "op", fixture.now())
        await fixture.settle()
        assert (await store.models_in_use()).challenger == left
    last = (await store.model_acts())[-1]
    assert (last.act, last.by) == (Act.STOP, "pitchgate")


@pytest.mark.parametrize("second", [backwards, breaks])
async def test_everything_else_is_as_without_one(tmp_path: Path, second: Any) -> None:
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    rows, says, gmail = await lived(tmp_path / "with", Challenger(second, LIMITS))
    plain, told, without = await lived(tmp_path / "without", None)
    assert [[row[name] for name in KEPT] for row in rows] == [[row[name] for name in KEPT] for row in plain]
    assert says == told
    assert gmail.calls == without.calls
    assert {row["shadow_model"] for row in plain} == {None}


async def test_it_is_kept_of_strangers_mail_alone(tmp_path: Path) -> None:
    rows, _, _ = await lived(tmp_path, Challenger(backwards, LIMITS))
    kept = {row["sender"]: (row["policy_row"], row["shadow_row"], row["shadow_score"]) for row in rows}
    assert kept["s0@seller0.test"] == ("challenge", "below_hold", 0.02)
    assert kept["s3@seller3.test"] == ("below_hold", "challenge", 0.97)
    assert kept["colleague@corp.test"] == ("same_organisation", None, None)
