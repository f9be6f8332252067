"""Without the local Google every other command is there, and those that need it say so in one line."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from backend.__main__ import COMMANDS, SOURCE_ONLY, cli


class Missing:
    """Finds that these packages are not there."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in SOURCE_ONLY:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture(autouse=True)
def installed_from_a_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith((*SOURCE_ONLY, "backend.commands.demo"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])


@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_what_needs_it_says_so_in_one_line(command: str) -> None:
    told = CliRunner().invoke(cli, [command])
    assert told.exit_code == 1
    assert (
        told.output == "Error: The local Google is not part of this installation: run this from the source.\n"
    )


def test_help_lists_every_command() -> None:
    told = CliRunner().invoke(cli, ["--help"])
    assert told.exit_code == 0
    assert all(f"  {name} " in told.output for name in COMMANDS)
