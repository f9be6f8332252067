"""Prometheus's own checker of rules and metrics."""

from __future__ import annotations

import shutil

import pytest

PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="needs promtool; as root: bash requirements/setup.sh dev"
)
