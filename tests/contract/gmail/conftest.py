"""A sandbox with one connected mailbox, for each test of the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from backend.gmail.client import Google
from tests.contract.gmail.sandbox_story import Story
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def story(sandbox: SandboxProcess) -> Iterator[Story]:
    story = Story(sandbox)
    yield story
    sandbox.clear_faults()
    assert story.hosts <= {"127.0.0.1"}, f"requests left this machine: {story.hosts}"


@pytest.fixture
async def google(story: Story) -> AsyncIterator[Google]:
    async with story.open() as google:
        yield google
