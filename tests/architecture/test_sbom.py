"""The bill of materials says of both distributions all that they bring, each package once, and under which licence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.architecture.source import ROOT, project


@pytest.fixture(scope="module", params=[".", "tray_app"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """What is written of a distribution, and its locks."""
    folder: Path = tmp_path_factory.mktemp("sbom")
    subprocess.run([sys.executable, "requirements/sbom.py", str(folder)], cwd=ROOT, check=True)
    about = project(request.param)["project"]
    locks = ("run.txt", "extra-postgres.txt") if request.param == "." else ("extra-tray.txt",)
    text = (folder / f"{about['name'].replace('-', '_')}-{about['version']}.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return json.loads(text), "".join((ROOT / "requirements" / lock).read_text() for lock in locks)


def test_each_package_of_the_locks_stands_there_once(written: tuple[Any, str]) -> None:
    bill, locks = written
    names = [one["name"] for one in bill["components"]]
    assert len(names) == len(set(names))
    lines = [line for line in locks.splitlines() if "==" in line]
    wanted = [line for line in lines if "< '3.1" not in line and "openbsd" not in line]
    assert {re.split(r"==|\[", line)[0] for line in wanted} == set(names)
    (root,) = [one for one in bill["dependencies"] if one.get("dependsOn")]
    assert set(root["dependsOn"]) == {one["purl"] for one in bill["components"]}


def test_each_has_a_licence_that_spdx_knows_and_the_hashes_of_its_files(written: tuple[Any, str]) -> None:
    bill, locks = written
    for one in (bill["metadata"]["component"], *bill["components"]):
        (licence,) = one["licenses"]
        assert licence.get("expression") or licence["license"].get("id"), one["name"]
    for one in bill["components"]:
        hashes = [found["content"] for found in one["externalReferences"][0]["hashes"]]
        assert hashes
        assert all(f"sha256:{found}" in locks for found in hashes)
