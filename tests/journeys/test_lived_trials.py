"""Trials of a made-up mailbox, lived week by week through store, duty and API until they are decided."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.commands.models import running_trial
from backend.domain.mailbox.mailbox import Mode
from backend.domain.mailbox.message import Outcome, PolicyRow, Shadow, Verdict
from backend.domain.reading.score import Score
from backend.domain.watching.trial import Act, Finding
from backend.pipeline.stages import run_duty
from backend.transactions.records import Duty, StoredModel
from tests.web.service import Office, office

ROWS = {True: (Outcome.HOLD, PolicyRow.QUARANTINE), False: (Outcome.INBOX, PolicyRow.BELOW_HOLD)}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """A server in which Ana's mail is decided by "old", with "new" in trial."""
    async with office(tmp_path) as opened:
        opened.app.config["QUART_RATE_LIMITER_ENABLED"] = False  # counts real minutes
        opened.story.now = opened.clock.now()
        await opened.story.mailbox("ana", mode=Mode.QUARANTINE, questions_a_week=5)
        for version in ("old", "new"):
            model = StoredModel(version, version * 21, f"{version}.onnx", version.encode())
            await opened.store.add_model(model, "operator", opened.story.now)
        await opened.store.change_models(Act.FORCE, "old", "operator", opened.story.now)
        await opened.store.change_models(Act.SHADOW, "new", "operator", opened.story.now)
        yield opened


@pytest.mark.parametrize(("wrong", "finding"), [("old", Finding.BETTER), ("new", Finding.WORSE)])
async def test_the_duty_stops_a_challenger_that_lost_and_one_that_won_waits_for_a_person(
    here: Office, wrong: str, finding: Finding
) -> None:
    """A week brings four pitches that both hold, four emails that neither holds, and three that `wrong` alone does."""
    caller, found, weeks = await here.caller("ana"), Finding.OPEN, 0
    while found is Finding.OPEN and weeks < 20:
        weeks += 1
        for name, ours, theirs in (
            *((f"pitch{weeks}-{one}", True, True) for one in range(4)),
            *((f"plain{weeks}-{one}", False, False) for one in range(4)),
            *((f"plain{weeks}+{one}", wrong == "old", wrong == "new") for one in range(3)),
        ):
            await here.story.arrive("ana", name)
            score, shadow = Score(0.9 if ours else 0.1, 0.0, model="old"), Shadow("new", ROWS[theirs][1], 0.5)
            verdict = Verdict(*ROWS[ours], score, shadow=shadow)
            facts, job = here.story.screened(f"{name}@s.test"), await here.story.job(name)
            await here.store.record_verdict(job, verdict, facts, None, here.story.now)
            await here.story.work()
        await days(here, 7)
        for asked in (await caller.request("GET", "questions"))["messages"]:
            said = "yes" if asked["gmail_id"].startswith("pitch") else "no"
            await caller.request("PUT", f"questions/{asked['gmail_id']}", json={"answer": said})
        running = await running_trial(here.store)
        assert running is not None
        found = running.found.finding
    assert found is finding
    await days(here, 1)
    left = (await here.store.models_in_use()).challenger
    assert left == (None if finding is Finding.WORSE else "new")


async def days(here: Office, count: int) -> None:
    """Every clock goes on, and the daily duty is done."""
    here.clock.advance(days=count)
    here.story.now = here.clock.now()
    await run_duty(here.context, here.google, await here.story.hold("ana", Duty.RETAIN))
