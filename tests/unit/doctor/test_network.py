"""What doctor and a home tell the operator of accesses that Google ends by itself, and of a topic."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from backend.doctor.checks import check_grants, check_topic
from backend.doctor.machine import CheckState
from backend.domain.errors import NO_TOPIC, TryLater
from backend.home import Guide
from backend.settings import Settings
from tests.unit.domain.mailbox.test_mailbox import NOW, WORKING


def test_a_consent_screen_in_testing_is_a_warning_that_names_the_first_end() -> None:
    assert check_grants((WORKING, replace(WORKING, grant_expires_at=NOW)), NOW) == []
    ends = [replace(WORKING, grant_expires_at=NOW + timedelta(days=days)) for days in (6, 3)]
    (finding,) = check_grants((WORKING, *ends), NOW)
    assert finding.state is CheckState.WARNING
    assert "2026-11-27 12:00" in finding.text
    assert "2" in finding.text
    assert finding.mend


async def test_a_missing_topic_is_broken_and_comes_with_the_command_that_makes_it() -> None:
    class Gmail:
        async def watch(self, mailbox_id: str) -> None:
            raise TryLater("later.topic", reason=NO_TOPIC)

    google = SimpleNamespace(gmail=Gmail())
    finding = await check_topic(google, Settings(topic="projects/acme/topics/mail"), WORKING)
    assert finding.state is CheckState.BROKEN
    assert finding.mend == "gcloud pubsub topics create mail --project=acme"


@pytest.mark.parametrize(("days", "told"), [(None, False), (-1, False), (1, True)])
def test_a_home_that_starts_again_says_when_the_access_ends(days: int | None, told: bool) -> None:
    heard: list[str] = []
    ends = None if days is None else NOW + timedelta(days=days)
    guide = Guide(lambda key, **_: heard.append(key), browser=False)
    guide._tell_when_grants_end([replace(WORKING, grant_expires_at=ends)], "http://127.0.0.1:8400", NOW)
    assert heard == ["home.ends"] * told
