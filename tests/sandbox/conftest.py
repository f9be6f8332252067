"""One sandbox for all tests of a worker; each test has mailboxes of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import browsers
from tests.sandbox.gmail_client import Driver
from tests.sandbox_process import MODIFY, SandboxProcess

_numbers = count(1)


@pytest.fixture(scope="session")
def shared() -> Iterator[SandboxProcess]:
    """The worker's sandbox; tests that turn knobs for everybody start their own."""
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def google(shared: SandboxProcess) -> Iterator[SandboxProcess]:
    """The sandbox, its knobs, faults and push modes put back afterwards."""
    before = shared.settings()
    modes = shared.push()["modes"]
    yield shared
    shared.clear_faults()
    shared.settings(**before)
    shared.push(**modes)


@pytest.fixture
def ana(google: SandboxProcess) -> str:
    return str(google.create_mailbox(f"ana{next(_numbers)}@corp.test", "Ana Ferrer")["email"])


@pytest.fixture
def bo(google: SandboxProcess) -> str:
    """The address of another fresh mailbox, in another domain."""
    return str(google.create_mailbox(f"bo{next(_numbers)}@ext.test", "Bo Lindqvist")["email"])


@pytest.fixture
def api(google: SandboxProcess, ana: str) -> Iterator[Driver]:
    """The real client, authorized for Ana's mailbox with gmail.modify."""
    with Driver(google.url, google.tokens(ana, MODIFY)["access_token"]) as driver:
        yield driver


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium: the system's own."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browsers.chromium(), args=list(browsers.ARGUMENTS)
        )
        yield chromium
        chromium.close()
