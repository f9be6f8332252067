"""What is in both distributions, as CycloneDX JSON: `python requirements/sbom.py FOLDER`, from the development set.

Each package of a lock stands there once, in the version that Python 3.13 gets, with the hashes of its files and its
licence as an SPDX expression. The same locks give the same bytes.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCKS = {
    "pyproject.toml": ("run.txt", "extra-postgres.txt"),
    "tray_app/pyproject.toml": ("extra-tray.txt",),
}
SYSTEMS = ({"sys_platform": "linux"}, {"sys_platform": "win32"}, {"sys_platform": "darwin"})
PYTHON = {"python_full_version": "3.13.0", "python_version": "3.13"}
WORDS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "LGPLv2+": "LGPL-2.1-or-later",
    "LGPLv3": "LGPL-3.0-only",
    "MIT License": "MIT",
}
"""What metadata calls otherwise than SPDX."""
READ = {
    **dict.fromkeys(("clr-loader", "comtypes", "pythonnet"), "MIT"),
    "itsdangerous": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "pyasn1-modules": "BSD-2-Clause",
    "pywebview": "BSD-3-Clause",
    "pywin32-ctypes": "BSD-3-Clause",
    "tinycss2": "BSD-3-Clause",
    "uvloop": "MIT OR Apache-2.0",
    "webencodings": "BSD-3-Clause",
}
"""Licences read by a person: the metadata is vague, or not here because the package is another system's."""


def main(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for project, locks in LOCKS.items():
        described = tomllib.loads((ROOT / project).read_text())["project"]
        text = JsonV1Dot6(bill(described, locks)).output_as_string(indent=2)
        name = described["name"].replace("-", "_")
        (folder / f"{name}-{described['version']}.cdx.json").write_text(text + "\n")


def bill(project: dict[str, str], locks: tuple[str, ...]) -> Bom:
    """Of a distribution and everything in its locks, without time or serial number."""
    root = Component(
        name=project["name"], version=project["version"], type=ComponentType.APPLICATION, bom_ref=project["name"],
        description=project["description"], licenses=[_spdx(project["license"])],
    )  # fmt: skip
    found = [
        _component(block)
        for lock in locks
        for block in re.split(r"\n(?=\S)", (ROOT / "requirements" / lock).read_text())
        if block.strip()
    ]
    bom = Bom(components=[one for one in found if one])
    bom.metadata.component = root
    bom.serial_number = bom.metadata.timestamp = None
    bom.register_dependency(root, bom.components)
    return bom


def _component(block: str) -> Component | None:
    """A requirement of a lock with its continuation lines; None if Python 3.13 has no use for it anywhere."""
    wanted = Requirement(block.partition("\\")[0].partition("#")[0].strip())
    if wanted.marker and not any(wanted.marker.evaluate({**PYTHON, **system}) for system in SYSTEMS):
        return None
    version = str(wanted.specifier).removeprefix("==")
    url = PackageURL("pypi", name=wanted.name, version=version)
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one) for one in re.findall(r"sha256:(\w+)", block)]
    files = ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(url)), hashes=hashes)
    return Component(
        name=wanted.name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url),
        licenses=[_licence(wanted.name)], external_references=[files],
    )  # fmt: skip


def _licence(name: str) -> DisjunctiveLicense | LicenseExpression:
    if name in READ or name.startswith("pyobjc-"):
        return _spdx(READ.get(name, "MIT"))
    said = metadata(name)
    classified = [line.removeprefix("License :: OSI Approved :: ") for line in said.get_all("Classifier", [])]
    for text in (said["License-Expression"], said["License"], *classified):
        found = _spdx(WORDS.get(text, text) if text else "")
        if isinstance(found, LicenseExpression) or found.id:
            return found
    raise LookupError(f"{name}: no licence that SPDX knows; read it, and add it to READ")


def _spdx(text: str) -> DisjunctiveLicense | LicenseExpression:
    return LicenseFactory().make_from_string(
        text or "unknown", license_acknowledgement=LicenseAcknowledgement.DECLARED
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
