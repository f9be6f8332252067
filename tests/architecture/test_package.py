"""What is installed is complete: every page, query, style and model is in its wheel, and nothing else."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.__main__ import SOURCE_ONLY
from tests.architecture.source import PACKAGES, ROOT, files, listing, parsed, project

OF_BOTH = {"pyproject.toml", "README.md"}
FOLDERS = {".": ("backend", "model_export"), "tray_app": ("tray_app",)}
"""Of each distribution, by where its project file is."""
COMMANDS = [line for folder in FOLDERS for line in project(folder)["project"]["scripts"].values()]


@pytest.fixture(scope="module", params=FOLDERS)
def distribution(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def wheel(distribution: str, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built from a copy of what is under version control."""
    copy = tmp_path_factory.mktemp("source")
    for path in files():
        if path.parts[0] in (*FOLDERS[distribution], "pyproject.toml", "README.md", "LICENSE"):
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, copy / path)
    program = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    built = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(copy / "dist")],
        cwd=copy / distribution,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-2000:]
    (archive,) = (copy / "dist").glob("*.whl")
    return {name for name in zipfile.ZipFile(archive).namelist() if not name.endswith("/")}


def test_every_file_of_the_packages_is_in_the_wheel_but_the_local_google(
    wheel: set[str], distribution: str
) -> None:
    ours = {path.as_posix() for path in files() if path.parts[0] in FOLDERS[distribution]}
    left_out = tuple(f"{name.replace('.', '/')}/" for name in SOURCE_ONLY)
    assert not {name for name in wheel if name.startswith(left_out)}
    ours = {name for name in ours if not name.startswith(left_out)}
    ours -= {f"{distribution}/{name}" for name in OF_BOTH}
    assert ours <= wheel, "see [tool.setuptools.package-data]" + listing(ours - wheel)


def test_nothing_else_is_in_the_wheel(wheel: set[str], distribution: str) -> None:
    tops = {Path(name).parts[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(FOLDERS[distribution])
    assert not wheel & {f"{distribution}/{name}" for name in OF_BOTH}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_something_to_run(command: str) -> None:
    module, _, attribute = command.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def shown() -> Iterator[tuple[Path, str]]:
    """What a wheel's people may read: strings of the code, catalogues, and files that a command writes."""
    for path in files():
        if path.parts[0] not in PACKAGES or {"sandbox", "demo"} & set(path.parts):
            continue
        if path.suffix == ".py":
            tree = parsed(path).tree
            about = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
            constants = (
                one for one in ast.walk(tree) if isinstance(one, ast.Constant) and id(one) not in about
            )
            yield from ((path, one.value) for one in constants if isinstance(one.value, str))
        elif path.suffix == ".po":
            lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
            yield from ((path, line) for line in lines if not line.startswith("#"))
        elif path.suffix in (".html", ".js") or path.parent.name == "templates":
            yield path, (ROOT / path).read_text(encoding="utf-8")


def test_no_message_sends_a_person_to_a_file_that_no_wheel_brings() -> None:
    found = list(shown())
    assert len(found) > 10_000
    assert [(str(path), text[:100]) for path, text in found if re.search(r"\bdocs/[a-z-]+[/.]", text)] == []
