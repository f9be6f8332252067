"""Behind a router: nobody can push here. Mail is found all the same, and no death loses or doubles any."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.demo import play
from tests.machine import Forked


@pytest.mark.parametrize("notices", ["poll", "pull"])
async def test_nothing_is_lost_or_doubled_where_nobody_pushes(
    notices: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "Process", Forked)
    options = play.Options(
        tmp_path, seconds=6, every=0.3, scripted=True, kills=2, notices=notices, poll_interval=1.0
    )
    tally = await play.play(options, lambda text: None, lambda stage: None)
    assert tally.delivered >= 10
    assert tally.kills == 2
    assert not tally.lost
    assert not tally.doubled
    assert tally.held + tally.released > 0
