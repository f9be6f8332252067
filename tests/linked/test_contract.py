"""The Gmail contract on a real account. Opt in with `pytest --linked tests/linked`."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from backend.gmail.client import Google
from tests.contract.gmail.portable import PortableContract
from tests.linked.conftest import TOPIC, RealAccount

pytestmark = pytest.mark.linked


class TestAgainstGoogle(PortableContract):
    """On the account of the environment."""

    async def test_watch_lasts_a_week_and_stop_may_run_again(
        self, story: RealAccount, google: Google
    ) -> None:
        if not os.environ.get(TOPIC):
            pytest.skip(f"needs a topic Gmail may publish to: {TOPIC}")
        granted = await google.gmail.watch("m1")
        left = granted.expires_at - datetime.now(UTC)
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7, minutes=1)
        await google.gmail.stop_watch("m1")
        await google.gmail.stop_watch("m1")
