"""A small run of what `python -m tests.fuzz` does a million times."""

from __future__ import annotations

from backend.domain.history import read_push
from backend.domain.mail.mime import parse
from backend.domain.mail.sender import authenticate
from backend.pipeline import account
from tests.fuzz import seeds
from tests.fuzz.__main__ import run
from tests.fuzz.mutate import written
from tests.fuzz.targets import TARGETS


def test_nothing_that_strangers_send_crashes_hangs_or_stays_in_memory() -> None:
    # Ten times what a long run allows: this one shares its machine with other tests.
    report = run(750, 7, hang=5.0)
    assert set(report.inputs) == set(TARGETS)
    assert report.good, (report.crashes, report.slow, report.memory)


def test_what_it_spoils_is_good_before() -> None:
    """A seed that is refused at once would try nothing further."""
    _, lists = account._checked(written(seeds.archive()))
    assert all(lists.values())
    assert all(read_push(written(push))[1] for push in seeds.pushes())
    assert authenticate(parse(seeds.MESSAGES[0])).passed
    assert len(seeds.messages()) > 200
