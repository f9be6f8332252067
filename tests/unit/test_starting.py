"""What a start leaves out: each of these was a measured part of its time and memory, and no start needs it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from backend.bootstrap import Application
from backend.domain.errors import TryLater
from backend.domain.mail import sender

UNUSED = {
    *("numpy", "onnxruntime", "selectolax"),  # the reading process has them
    *("rich", "pygments"),  # our logs have no traces
    *("psutil", "captcha", "PIL", "requests"),  # asked for by few, imported by what asks
    *("googleapiclient", "httplib2"),  # read when the port is open
    "publicsuffixlist.read",
}
STARTED = """
import sys
from backend import starting

starting._structlog_without_rich()
starting._import_serving()
from backend.domain.mail.sender import suffixes

print(*sys.modules, *(["publicsuffixlist.read"] if suffixes.cache_info().currsize else []))
"""


def test_a_start_imports_nothing_it_does_not_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, text=True, timeout=120, check=True
    )
    imported = set(done.stdout.split())
    assert {"quart", "backend.bootstrap"} <= imported
    assert not UNUSED & imported


def test_rich_can_be_imported_afterwards() -> None:
    code = f"{STARTED}\nimport rich.table\nassert rich.table.Table().row_count == 0"
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, check=True)


async def test_before_the_first_job_the_public_suffixes_are_read_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first challenge kept every request waiting for a fifth of a second."""
    readers: list[threading.Thread] = []
    begun: list[int] = []

    def read(**options: bool) -> object:
        readers.append(threading.current_thread())
        return object()

    async def away() -> None:
        raise TryLater("later.store")

    async def run(stop: asyncio.Event) -> None:
        begun.append(len(readers))

    lists = (sender.suffixes, sender.registries)
    for each in lists:
        each.cache_clear()
    monkeypatch.setattr(sender, "PublicSuffixList", read)
    job = SimpleNamespace(run=run)
    context = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: None),
        settings=SimpleNamespace(notices=None),
        store=SimpleNamespace(mailboxes=away, request_duty=None),
    )
    google = SimpleNamespace(gmail=SimpleNamespace(prepare=lambda: None))
    parts = cast("dict[str, Any]", {"context": context, "google": google, "lanes": job, "models": job})
    try:
        await Application(settings=cast("Any", None), services=cast("Any", None), **parts).work(
            asyncio.Event()
        )
    finally:
        for each in lists:
            each.cache_clear()
    assert begun == [2, 2]
    assert threading.main_thread() not in readers
