"""The fault journey at small scale: every fault once, and nothing lost, doubled, mislabelled or misbooked."""

from __future__ import annotations

from pathlib import Path

from tests.faults.journey import SCALES, clean, run
from tests.faults.trouble import PLANNED


async def test_every_fault_once_ends_as_no_fault_does(tmp_path: Path) -> None:
    result = await run(7, SCALES["small"], tmp_path, lambda _: None)
    assert {*PLANNED, "delete_messages"} <= {name for name, times in result["faults"].items() if times > 0}
    assert clean(result), {name: value for name, value in result.items() if name != "faults"}
    assert result["kills"] == SCALES["small"].kills
    # It would also be clean if nothing had been at stake.
    assert result["challenges"] >= 4
