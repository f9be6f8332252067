"""Which Pitchgate this is: a repository tells, or the stamp of a package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from backend import commit
from backend.store.library import Dialect, migrations


def test_the_command_tells_release_commit_and_schema() -> None:
    command = [sys.executable, "-m", "backend", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    schema = migrations(Dialect.SQLITE)[-1].version
    assert re.fullmatch(rf"pitchgate \S+, commit ([0-9a-f]{{12}}\+?|unknown), schema {schema}\n", result)


def test_a_package_tells_what_it_was_built_from(tmp_path: Path) -> None:
    stamp = tmp_path / "COMMIT"
    stamp.write_text("0123456789ab\n")
    assert commit(tmp_path, stamp) == "0123456789ab"
    assert commit(tmp_path, tmp_path / "none") == "unknown"
