"""Opt-in, `make test-deploy`: needs root, Linux, Buildah and debootstrap, and Debian's and PyPI's packages."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.deploy.image import Builder, Image

PROJECT, HOST = "acme-pitchgate", "pitchgate.example.com"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them carry the mark by which `make test` leaves them out."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.deploy)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an environment, as a person renders them."""
    folder = tmp_path_factory.mktemp("files")
    given = ["--env", "production", "--project", PROJECT, "--url", f"https://{HOST}", str(folder)]
    subprocess.run([sys.executable, "-m", "backend", "cloud", "files", *given], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    builder = Builder(tmp_path_factory.mktemp("buildah"))
    yield builder
    builder.close()


@pytest.fixture(scope="session")
def image(builder: Builder, files: Path) -> Image:
    began = time.monotonic()
    built = builder.build(files / "Containerfile")
    print(f"\nimage: {built.size / 1e6:.0f} MB in {time.monotonic() - began:.0f} s")
    return built
