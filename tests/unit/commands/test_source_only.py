"""Without the local Google every other command is there, and those that need it name the extra in one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from backend.__main__ import COMMANDS, SANDBOX


def told(missing: str, *command: str) -> subprocess.CompletedProcess[str]:
    """What the program says where `missing` is not installed."""
    code = f"import sys; sys.modules[{missing!r}] = None; from backend.__main__ import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("missing", SANDBOX)
@pytest.mark.parametrize("command", ["demo", "demo --seconds 5 --json", "sandbox --exports", "demo --help"])
def test_what_needs_it_names_the_extra_in_one_line(command: str, missing: str) -> None:
    said = told(missing, *command.split())
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == (
        "Error: This needs the extra “sandbox”, the local Google, which a production install leaves out. "
        "In a checkout: make setup EXTRAS=sandbox\n"
    )


def test_help_lists_every_command() -> None:
    said = told("backend.sandbox", "--help")
    assert said.returncode == 0
    assert all(f"  {name} " in said.stdout for name in COMMANDS)
