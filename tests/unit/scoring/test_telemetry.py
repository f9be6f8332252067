"""The runtime of the model tells nobody anything, and keeps nothing to tell later."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCORES = """
from pathlib import Path
from backend.scoring import SHIPPED
from backend.scoring.session import ModelSession
print(ModelSession.open(SHIPPED).score("quick question about your team").probability)
"""


def test_scoring_leaves_no_device_id_and_no_database_behind(tmp_path: Path) -> None:
    quiet = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    dropped = (
        "ORT_DISABLE_TELEMETRY",
        "CI",
        "GITHUB_ACTIONS",
        "TF_BUILD",
    )  # it keeps quiet in known build machines
    environment = {name: value for name, value in os.environ.items() if name not in dropped} | quiet
    done = subprocess.run(
        [sys.executable, "-c", SCORES], env=environment, capture_output=True, text=True, check=True
    )
    assert 0 <= float(done.stdout) <= 1
    assert "elemetry" not in done.stdout + done.stderr
    assert [str(path) for path in tmp_path.rglob("*")] == []
