"""The server's machine dies again and again while mail arrives and senders solve."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from backend.commands.demo import demo_command
from backend.demo import play
from tests.machine import Forked

DEATHS = 20


def test_twenty_deaths_lose_nothing_and_double_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "Process", Forked)
    # What a check costs is not asked here, and is a third of the processor time; test_main_job pays the full price.
    monkeypatch.setenv("PITCHGATE_CAPTCHA_COST", "10")
    # On a slow machine most of the deaths can come in a row over one message, which would become a dead letter.
    monkeypatch.setenv("PITCHGATE_MAX_ATTEMPTS", str(DEATHS))
    options = ("--seconds", "12", "--every", "0.4", "--kills", str(DEATHS), "--seed", "11")
    told = CliRunner().invoke(demo_command, ["--json", "--no-browser", *options])
    assert told.exit_code == 0, told.output[-2_000:]
    response = json.loads(told.stdout.splitlines()[-1])
    assert response["kills"] == DEATHS
    assert (response["lost"], response["doubled"], response["ledger_differences"]) == (0, 0, 0)
    # It would also be clean if nothing had happened: so something must have.
    assert response["delivered"] > 30
    assert response["challenged"] >= 4
    assert response["released"] >= 1
    assert (
        response["delivered"]
        == response["ignored"] + response["passed"] + response["held"] + response["released"]
    )
