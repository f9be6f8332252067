"""A large archive is weighed by several processes, and nothing else is different for it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from backend.demo.letters import letters
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Thresholds
from backend.offline import judge as offline_judge
from backend.offline.archives import Filed
from backend.offline.judge import Judge, judge
from backend.scoring.model_file import read_model
from backend.settings import Settings
from tests.doubles import in_english

ME = "ana@harbourlane.example"
MANY = 2 * offline_judge.WORTH


def _archive() -> list[Filed]:
    """Every letter of the demo again and again, each from a sender of its own; the owner answers each tenth."""
    some, filed = letters(), []
    for number in range(MANY):
        letter = some[number % len(some)]
        from_, to = f"s{number}@out.example", ME
        if number % 10 == 9:
            from_, to = ME, f"s{number - 1}@out.example"
        head = f"From: {from_}\nTo: {to}\nSubject: {letter.subject}\nMessage-ID: <{number}@x.example>\n"
        raw = f"{head}Date: Tue, 24 Nov 2026 12:00:00 +0000\n\n{letter.text}"
        filed.append(Filed(f"{number}.eml", raw.encode()))
    return filed


@pytest.fixture(scope="module")
def model() -> tuple[offline_judge.Begin, Thresholds]:
    path = Path(Settings().model_path)
    data, facts = read_model(path)
    return partial(Judge.of, data, path, ME, Strictness.NORMAL), facts.thresholds[Strictness.NORMAL]


def test_two_processes_find_what_one_finds_in_the_same_order(
    model: tuple[offline_judge.Begin, Thresholds],
) -> None:
    begin, limits = model
    archive = _archive()
    one = list(offline_judge.weighed(begin, archive, 1))
    two = list(offline_judge.weighed(begin, archive, 2))
    assert [mail.file for mail in two] == [filed.file for filed in archive]
    assert two == one
    rows = {judged.verdict.row.value for judged in judge(two, limits)}
    assert {"correspondent", "quarantine", "not_incoming"} <= rows


def test_a_small_archive_starts_no_process(model: tuple[offline_judge.Begin, Thresholds]) -> None:
    few = _archive()[: offline_judge.WORTH]
    here: list[int] = []

    def begin() -> Judge:
        here.append(os.getpid())
        return model[0]()

    assert len(list(offline_judge.weighed(begin, few, 64))) == len(few)
    assert here == [os.getpid()]


def test_no_more_than_the_first_messages_are_looked_at_to_tell_whether_there_are_many() -> None:
    long = Filed("long.eml", b"x" * offline_judge.MANY_BYTES)
    endless = iter(lambda: long, None)
    jobs, messages = offline_judge._worth(endless, 2)
    assert jobs == 2
    assert next(iter(messages)) is long
    assert offline_judge._worth(_archive()[: offline_judge.WORTH], 2)[0] == 1
    assert offline_judge._worth([], 2)[0] == 0


def test_a_process_that_ends_is_told_in_words() -> None:
    no_model = partial(Judge.of, b"no model at all", Path("none.onnx"), ME, Strictness.NORMAL)
    with pytest.raises(PitchgateError) as raised:
        list(offline_judge.weighed(no_model, _archive(), 2))
    assert "--jobs 1" in in_english(raised.value)


def test_long_messages_are_handed_over_in_small_numbers(model: tuple[bytes, Judge]) -> None:
    long = Filed("long.eml", b"x" * offline_judge.BYTES_HANDED)
    handfuls = list(offline_judge._handfuls([long, long, *_archive()[:40]]))
    assert [len(handful) for handful in handfuls] == [1, 1, 32, 8]
