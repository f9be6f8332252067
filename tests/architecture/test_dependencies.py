"""What is imported is asked for: nothing is there only because somebody else's package brought it along."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from backend.__main__ import SANDBOX, SOURCE_ONLY
from tests.architecture.source import PACKAGES, listing, modules, project

EXTRAS = {"backend": ("postgres", "sandbox", "second-reading"), "tray_app": (), "model_export": ("train",)}
"""Whose requirements a folder may rely on beside those of the program."""
ELSEWHERE = {"AppKit": "pyobjc-framework-cocoa", "Foundation": "pyobjc-framework-cocoa",
             "PyObjCTools": "pyobjc-framework-cocoa", "comtypes": "comtypes"}  # fmt: skip
"""Packages of systems that this test may not run on."""
OF_THE_SYSTEM = {"gi"}
"""Debian's, where a desktop has it; without it the desktop app does without."""
SHARED = {"google"}
"""Names that several distributions fill."""


@pytest.mark.parametrize("folder", PACKAGES)
def test_every_import_of_somebody_elses_is_declared(folder: str) -> None:
    whose = packages_distributions()
    found = project("tray_app" if folder == "tray_app" else ".")["project"]
    extras = found.get("optional-dependencies", {})
    lines = found["dependencies"] + [line for extra in EXTRAS[folder] for line in extras[extra]]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    undeclared = {}
    for where, name in _imports(folder):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in PACKAGES or top in OF_THE_SYSTEM:
            continue
        # A name that several distributions fill is told apart by its second part: google.auth is google-auth's.
        of = ["-".join(name.split(".")[:2])] if top in SHARED else whose.get(top, [ELSEWHERE.get(top, top)])
        if not {canonicalize_name(each) for each in of} & declared:
            undeclared[where] = f"{name} (of {' or '.join(of)})"
    assert not undeclared, "declare it in pyproject.toml and run 'make lock'" + listing(undeclared)


def test_the_sandbox_shares_one_file_and_what_serves_needs_nothing_of_its_extra() -> None:
    contracts = project()["tool"]["importlinter"]["contracts"]
    (alone,) = (c for c in contracts if c["name"] == "the sandbox stands alone")
    assert set(alone["source_modules"]) == {
        "backend.sandbox",
        "backend.listening",
    }  # the shared file stands alone too
    parts = {module.path.parts[1].removesuffix(".py") for module in modules("backend")}
    apart_from = parts - {"__init__", "sandbox", "listening"}
    assert set(alone["forbidden_modules"]) == {f"backend.{part}" for part in apart_from}

    extra = [Requirement(line).name for line in project()["project"]["optional-dependencies"]["sandbox"]]
    assert set(SANDBOX) == {*SOURCE_ONLY, *extra}
    apart = ("backend/sandbox/", "backend/demo/", "backend/commands/demo.py")
    shared = [(w, n) for w, n in _imports("backend") if n.startswith(SANDBOX) and not w.startswith(apart)]
    assert not shared, listing(dict(shared))


def _imports(folder: str) -> Iterator[tuple[str, str]]:
    for module in modules(folder):
        for node in module.imports:
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif not node.level and node.module:
                names = [node.module]
                if "." not in node.module:
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            yield from ((f"{module.path}:{node.lineno}", name) for name in names)
