"""The corpus, read once."""

from __future__ import annotations

import pytest

from model_export.rows import Row, corpus


@pytest.fixture(scope="session")
def every_row() -> list[Row]:
    """The whole of it; rows do not change."""
    return corpus()
