"""`--help` of every script and of every command of the server: little memory, none of the heavy packages.

Times are not asserted.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from backend.__main__ import COMMANDS as SERVER_COMMANDS
from model_export.entry import ABOUT, COMMANDS
from tests.architecture.source import project

SCRIPTS = {
    name: entry
    for folder in (".", "tray_app")
    for table in ("scripts", "gui-scripts")
    for name, entry in project(folder)["project"].get(table, {}).items()
}
LIMIT_KB = 60_000
HEAVY = {
    "aiohttp",
    "aiosql",
    "googleapiclient",
    "hypercorn",
    "numpy",
    "onnxruntime",
    "pydantic",
    "pystray",
    "quart",
}
HEAVY |= {"cryptography", "jinja2", "sklearn", "sqlite3", "webview"}
CALL = """
import atexit, sys
from importlib import import_module

def told():
    if sys.platform == "linux":
        print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
    print("MODULES", *{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)

atexit.register(told)
module, function = sys.argv.pop(1).split(":")
getattr(import_module(module), function)()
"""


def assert_light(told: str) -> None:
    (modules,) = re.findall(r"^MODULES (.*)$", told, re.MULTILINE)
    assert not HEAVY & set(modules.split())
    if found := re.search(r"^VmHWM:\s+(\d+) kB$", told, re.MULTILINE):
        assert int(found[1]) < LIMIT_KB


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_takes_little_memory_and_imports_little(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CALL, SCRIPTS[script], "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "--help" in done.stdout
    assert_light(done.stderr)


@pytest.mark.parametrize("command", SERVER_COMMANDS)
def test_help_of_a_command_is_as_light(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CALL, SCRIPTS["pitchgate"], command, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "--help" in done.stdout
    assert_light(done.stderr)


def test_the_models_commands_are_listed_as_they_are() -> None:
    from model_export.__main__ import cli

    shown = {name: command.get_short_help_str(200) for name, command in cli.commands.items()}
    listed = {name: click.Command(name, help=text).get_short_help_str(200) for name, text in COMMANDS.items()}
    assert (cli.help, shown) == (ABOUT, listed)


@pytest.mark.parametrize(
    ("script", "missing", "arguments"),
    [("pitchgate-model", "joblib", ["train"]), ("pitchgate-tray", "tinydb", [])],
)
def test_a_missing_package_is_one_line(
    script: str, missing: str, arguments: list[str], tmp_path: Path
) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\n{CALL}"
    done = subprocess.run(
        [sys.executable, "-c", code, SCRIPTS[script], *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PITCHGATE_TRAY_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 1
    (said,) = [
        line for line in done.stderr.splitlines() if line and not line.startswith(("VmHWM", "MODULES"))
    ]
    assert said.startswith(
        f"{script}: the package {missing} is not installed. In a checkout: make setup EXTRAS="
    )
