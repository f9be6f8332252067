"""Commands of the documents that take a second and need nobody, run as they stand. `tests/deploy` plays the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.shell_blocks import to_play

PITCH = """From x Thu Nov 26 09:00:00 2026
From: Sam Seller <sam@growth.test>
To: rosa@corp.test
Subject: Quick question
Date: Thu, 26 Nov 2026 09:00:00 +0000

We help companies like yours to grow. Do you have 15 minutes for a quick call this week?
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the environment that `make setup` makes."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def play(folder: Path, page: str, heading: str) -> str:
    """The only block there is below the heading; what it said."""
    (block,) = to_play(page, heading)
    done = subprocess.run(
        ["bash", "-e"],
        input=f"make() {{ :; }}\n{block.code}",
        env={
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "PROJECT": "acme-pitchgate",
            "HOST": "pitchgate.example.com",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ones_own_mail_is_scanned_as_the_readme_says(checkout: Path) -> None:
    (checkout / "All mail Including Spam and Trash.mbox").write_text(PITCH)
    assert "sam@growth.test" in play(checkout, "README.md", "Try it")


def test_the_add_ons_deployment_is_written(checkout: Path) -> None:
    play(checkout, "addon_manifest/README.md", "")
    assert "https://pitchgate.example.com" in json.dumps(
        json.loads((checkout / "deployment.json").read_text())
    )


def test_the_files_of_an_environment_are_written(checkout: Path) -> None:
    play(checkout, "docs/how-to/containers.md", "")
    assert {"Containerfile", "compose.yaml", "pitchgate.env"} <= {
        path.name for path in (checkout / "files").iterdir()
    }
