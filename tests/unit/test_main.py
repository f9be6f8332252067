"""The command line as a whole: what it lists, what it needs, how light its help is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from backend.__main__ import COMMANDS as SERVER_COMMANDS
from backend.__main__ import SANDBOX
from model_export.entry import ABOUT, COMMANDS
from tests.architecture.shell_blocks import to_play
from tests.architecture.source import project

SCRIPTS = {
    name: entry
    for folder in (".", "tray_app")
    for table in ("scripts", "gui-scripts")
    for name, entry in project(folder)["project"].get(table, {}).items()
}
LIMIT_KB = 60_000
HEAVY = {*"aiohttp aiosql googleapiclient hypercorn numpy onnxruntime pydantic pystray quart".split()}
HEAVY |= {"cryptography", "jinja2", "sklearn", "sqlite3", "webview"}
CALL = """
import sys
from contextlib import suppress
from importlib import import_module

module, function = sys.argv.pop(1).split(":")
call = getattr(import_module(module), function)
for arguments in sys.argv[1:]:
    sys.argv[1:] = arguments.split()
    with suppress(SystemExit):
        call()
if sys.platform == "linux":
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
print("MODULES", *{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_takes_little_memory_and_imports_little(script: str) -> None:
    """That of each command too, all in one process: together they are as light as one has to be."""
    each = ["--help", *(f"{name} --help" for name in SERVER_COMMANDS if script == "pitchgate")]
    command = [sys.executable, "-c", CALL, SCRIPTS[script], *each]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.lower().count("usage: ") == len(each)
    (modules,) = re.findall(r"^MODULES (.*)$", done.stderr, re.MULTILINE)
    assert not HEAVY & set(modules.split())
    if found := re.search(r"^VmHWM:\s+(\d+) kB$", done.stderr, re.MULTILINE):
        assert int(found[1]) < LIMIT_KB


def test_the_models_commands_are_listed_as_they_are() -> None:
    from model_export.__main__ import cli

    shown = {name: command.get_short_help_str(200) for name, command in cli.commands.items()}
    listed = {name: click.Command(name, help=text).get_short_help_str(200) for name, text in COMMANDS.items()}
    assert (cli.help, shown) == (ABOUT, listed)


def told(script: str, missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a program says where `missing` is not installed."""
    module, _, function = SCRIPTS[script].partition(":")
    code = f"import sys; sys.modules[{missing!r}] = None; from {module} import {function}; {function}()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={"PITCHGATE_TRAY_HOME": "/nowhere", "PATH": "/usr/bin:/bin"},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "missing", "arguments"),
    [("pitchgate-model", "joblib", ["train"]), ("pitchgate-tray", "tinydb", [])],
)
def test_a_missing_package_is_one_line(script: str, missing: str, arguments: list[str]) -> None:
    said = told(script, missing, *arguments)
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert said.stderr.startswith(
        f"{script}: the package {missing} is not installed. In a checkout: make setup EXTRAS="
    )


# ---- Without the local Google every other command is there, and those that need it name the extra in one line


@pytest.mark.parametrize("missing", SANDBOX)
@pytest.mark.parametrize("command", ["demo", "demo --seconds 5 --json", "sandbox --exports", "demo --help"])
def test_what_needs_it_names_the_extra_in_one_line(command: str, missing: str) -> None:
    said = told("pitchgate", missing, *command.split())
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == (
        "Error: This needs the extra “sandbox”, the local Google, which a production install leaves out. "
        "In a checkout: make setup EXTRAS=sandbox\n"
    )


def test_help_lists_every_command() -> None:
    said = told("pitchgate", "backend.sandbox", "--help")
    assert said.returncode == 0
    assert all(f"  {name} " in said.stdout for name in SERVER_COMMANDS)


# ---- Commands of the documents that take a second and need nobody, run as they stand. `tests/deploy` plays the rest


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
