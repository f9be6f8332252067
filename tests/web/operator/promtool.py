"""Prometheus's own checker of rules and metrics."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import AS_ROOT, IN_CI

PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None and not IN_CI and not AS_ROOT,
    reason="needs promtool; as root: bash requirements/setup.sh dev",
)
