"""Killed again and again while it writes: the file opens, nothing is lost, nothing is applied twice."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from pathlib import Path

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import make_message
from tests.desktop.kill_writer import FORKS
from tray_app.memory import Memory

KILLS = 200 if FORKS else 20


def test_two_hundred_kills_or_twenty_where_nothing_forks(backend: FakeBackend, tmp_path: Path) -> None:
    for number in range(50):
        backend.mailbox.put(make_message(number))
    command = [sys.executable, "-m", "tests.desktop.kill_writer"]
    arguments = [str(tmp_path), backend.url, backend.device_token(), str(KILLS)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    acked = (tmp_path / "acked").read_text().split()
    applied = [key for key, _, _ in backend.mailbox.applied]
    sent = sum(line == "POST /api/v1/corrections" for line in backend.mailbox.requests)
    print(f"\n{report}, decided {len(acked)}, applied {len(applied)}, sent {sent}")

    assert (report["kills"], report["unreadable"]) == (KILLS, 0)
    assert report["waiting_after_kill"] > 0, "some kills fell between storing and sending"
    assert [key for key, times in collections.Counter(applied).items() if times > 1] == []
    assert set(acked) <= set(applied), "nothing that was stored is lost"
    known = set(acked)
    assert [key for key in applied if key in known] == acked, "in the order they were taken"
    assert len(applied) - len(acked) <= KILLS, "at most one a kill was stored and not yet acknowledged"
    assert Memory(tmp_path / "state.json").unsent() == ()
