"""A real Chromium, and where it leaves its pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect as expect_async
from playwright.sync_api import Browser, expect, sync_playwright

from tests import browsers

ARGUMENTS = [*browsers.ARGUMENTS, "--host-resolver-rules=MAP plain.test 127.0.0.1"]
PATIENCE = 45_000
"""Milliseconds that a page may take on a busy machine before a test gives up on it; nobody waits so long for a pass."""
expect.set_options(timeout=PATIENCE)
expect_async.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A real Chromium: the system's own; a module whose tests need another one says which in CHROMIUM."""
    path = getattr(request.module, "CHROMIUM", browsers.chromium)()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where pictures go: PITCHGATE_SHOTS, so that a person can look at them, or nowhere lasting."""
    folder = Path(os.environ.get("PITCHGATE_SHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
