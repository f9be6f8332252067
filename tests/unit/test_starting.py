"""What a start leaves out: each of these was a measured part of its time and memory, and no start needs it."""

from __future__ import annotations

import subprocess
import sys

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
starting._the_rest()
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
