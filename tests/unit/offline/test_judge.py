"""`pitchgate scan` over archives of every kind, as a person would call it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.commands.scan import scan_command
from backend.demo.letters import letters
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Score, Thresholds
from backend.offline import judge as offline_judge
from backend.offline.archives import ArchivedMessage
from backend.offline.judge import Judge, judge
from backend.scoring.model_file import read_model
from backend.scoring.session import ModelSession
from backend.settings import Settings
from tests.doubles import in_english

PITCH = next(letter for letter in letters() if letter.kind == "pitch")
ORDER = next(letter for letter in letters() if letter.kind == "customer")
ME = "ana@harbourlane.example"


def _mail(sender: str, subject: str, text: str, to: str = ME, **headers: str) -> bytes:
    extra = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return (
        f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: Tue, 24 Nov 2026 12:00:00 +0000\n"
        f"Message-ID: <{abs(hash((sender, subject)))}@x.example>\n{extra}\n{text}"
    ).encode()


def _pitch(**headers: str) -> bytes:
    return _mail(PITCH.sender, PITCH.subject, PITCH.text, **headers)


def _order() -> bytes:
    return _mail(ORDER.sender, ORDER.subject, ORDER.text)


def _mbox(path: Path, *messages: bytes) -> Path:
    path.write_bytes(b"".join(b"From x@y Tue Nov 24 12:00:00 2026\n" + mail + b"\n" for mail in messages))
    return path


def _scan(*arguments: object) -> Result:
    result = CliRunner().invoke(scan_command, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def _lines(*arguments: object) -> dict[str, dict[str, object]]:
    output = [json.loads(line) for line in _scan(*arguments, "--jsonl").stdout.splitlines()]
    return {str(line["file"]): line for line in output}


def test_an_mbox_tells_a_pitch_from_an_order(tmp_path: Path) -> None:
    lines = _lines(_mbox(tmp_path / "mail.mbox", _pitch(), _order()))
    assert lines["mail.mbox#1"]["verdict"] == "hold"
    assert lines["mail.mbox#1"]["row"] == "quarantine"
    assert lines["mail.mbox#1"]["reasons"]
    assert lines["mail.mbox#2"]["verdict"] == "inbox"
    assert set(lines["mail.mbox#2"]) == {"file", "message_id", "verdict", "row", "score", "reasons"}


def test_people_the_owner_wrote_to_are_never_held(tmp_path: Path) -> None:
    wrote = _mail(f"Ana <{ME}>", "Our talk", "Let us meet on Tuesday, I am curious.", to=PITCH.address)
    box = _mbox(tmp_path / "mail.mbox", _pitch(), wrote)
    assert _lines(box)["mail.mbox#1"]["verdict"] == "hold"
    lines = _lines(box, "--me", ME.upper())
    assert lines["mail.mbox#1"]["row"] == "correspondent"
    assert lines["mail.mbox#2"]["row"] == "not_incoming"


def test_a_no_thanks_makes_no_correspondent(tmp_path: Path) -> None:
    refused = _mail(f"Ana <{ME}>", "Re: x", "No thanks.", to=PITCH.address)
    box = _mbox(tmp_path / "mail.mbox", _pitch(), refused)
    assert _lines(box, "--me", ME)["mail.mbox#1"]["verdict"] == "hold"


def test_a_list_that_the_owner_has_written_to_is_believed(tmp_path: Path) -> None:
    signed = {
        "Received": "from lists.example by mx.google.com",
        "Authentication-Results": "mx.google.com; dkim=pass header.i=@lists.example; dmarc=pass header.from=x",
        "List_Id": "<talk.lists.example>",
        "List_Post": "<mailto:talk@lists.example>",
    }
    joined = _mail(f"Ana <{ME}>", "Hello", "I have just moved to Leeds.", to="talk@lists.example")
    box = _mbox(tmp_path / "mail.mbox", _pitch(**signed))
    assert _lines(box, "--me", ME)["mail.mbox#1"]["verdict"] == "hold"
    box = _mbox(tmp_path / "mail.mbox", _pitch(**signed), joined)
    assert _lines(box, "--me", ME)["mail.mbox#1"]["row"] == "machine_mail"


def test_a_second_mail_of_a_held_sender_goes_with_the_first(tmp_path: Path) -> None:
    again = _mail(PITCH.sender, "Re: " + PITCH.subject, PITCH.text)
    lines = _lines(_mbox(tmp_path / "mail.mbox", _pitch(), again))
    assert lines["mail.mbox#2"]["row"] == "held_with_earlier"


def test_emails_of_a_sender_are_evidence_together_for_thirty_days_in_whatever_order_the_archive_has_them() -> (
    None
):
    session = ModelSession.open(Settings().model_path)
    score_message, limits = Judge(session).score_message, session.thresholds(Strictness.NORMAL)
    doubtful, sure = Score(0.01, 0.0), Score(0.99, 0.0)
    score_messages = [
        replace(
            score_message(ArchivedMessage(date, _pitch().replace(b"24 Nov 2026", date.encode()))), score=score
        )
        for date, score in (
            ("24 Dec 2026", doubtful),
            ("23 Dec 2026", doubtful),
            ("23 Nov 2026", doubtful),
            ("24 Nov 2026", sure),
        )
    ]
    beside = {judged.file: judged.verdict.row.value for judged in judge(score_messages[1:], limits)}
    assert beside == {
        "23 Dec 2026": "held_with_earlier",
        "23 Nov 2026": "below_hold",
        "24 Nov 2026": "quarantine",  # by its own score
    }
    alone = judge([score_messages[0], score_messages[3]], limits)
    assert [judged.verdict.row.value for judged in alone] == ["below_hold", "quarantine"]


def test_the_table_names_the_sender_and_cannot_steer_the_terminal(tmp_path: Path) -> None:
    hostile = _mail(PITCH.sender, "[red]\x1b[2J[link=http://x]" + PITCH.subject, PITCH.text)
    output = _scan(_mbox(tmp_path / "mail.mbox", hostile, _order())).output
    assert "1 of 2 messages would be held, from 1 sender." in output
    assert "quarantine" in output, "the row that decided, and what it means"
    assert "Held silently" in output
    assert "\x1b[2J" not in output
    assert "[red]" in output


@pytest.mark.parametrize(
    "raw",
    [b"From: \xff\xfe\nContent-Type: text/plain; charset=klingon\n\n\xff", b"To: x\n" + b"\x00" * 5_000,
     b"\n \n\nSubject: x",
     b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 300],
    ids=["charset", "zeros", "newlines", "nesting"],
)  # fmt: skip
def test_no_bytes_are_too_broken(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.eml").write_bytes(raw)
    assert _lines(tmp_path / "x.eml")["x.eml"]["verdict"] in ("inbox", "ignore", "hold")


def test_raw_mail_of_the_wild_if_it_is_here() -> None:
    wild = Path(__file__).parents[4] / "shared" / "mail"
    if not wild.is_dir():
        pytest.skip("no collection of raw mail beside the project")
    count = 0
    for path in sorted(wild.iterdir()):
        if path.is_dir():
            result = _scan(path, "--jsonl", "--jobs", "1")
            assert result.stdout, path
            assert "damaged" not in result.stderr, "each of these files is a whole one"
            count += len(result.stdout.splitlines())
    assert count >= 1_000


# ---- A large archive is weighed by several processes, and nothing else is different for it


MANY = 2 * offline_judge.PER_PROCESS


def _archive() -> list[ArchivedMessage]:
    """Every letter of the demo again and again, each from a sender of its own; the owner answers each tenth."""
    some, archived = letters(), []
    for number in range(MANY):
        letter = some[number % len(some)]
        from_, to = f"s{number}@out.example", ME
        if number % 10 == 9:
            from_, to = ME, f"s{number - 1}@out.example"
        head = f"From: {from_}\nTo: {to}\nSubject: {letter.subject}\nMessage-ID: <{number}@x.example>\n"
        raw = f"{head}Date: Tue, 24 Nov 2026 12:00:00 +0000\n\n{letter.text}"
        archived.append(ArchivedMessage(f"{number}.eml", raw.encode()))
    return archived


@pytest.fixture(scope="module")
def model() -> tuple[offline_judge.MakeJudge, Thresholds]:
    path = Path(Settings().model_path)
    data, facts = read_model(path)
    return partial(Judge.of, data, path, ME, Strictness.NORMAL), facts.thresholds[Strictness.NORMAL]


def test_two_processes_find_what_one_finds_in_the_same_order(
    model: tuple[offline_judge.MakeJudge, Thresholds],
) -> None:
    begin, limits = model
    archive = _archive()
    one = list(offline_judge.score_messages(begin, archive, 1))
    two = list(offline_judge.score_messages(begin, archive, 2))
    assert [mail.file for mail in two] == [archived.file for archived in archive]
    assert two == one
    rows = {judged.verdict.row.value for judged in judge(two, limits)}
    assert {"correspondent", "quarantine", "not_incoming"} <= rows


def test_a_small_archive_starts_no_process(model: tuple[offline_judge.MakeJudge, Thresholds]) -> None:
    few = _archive()[: offline_judge.PER_PROCESS]
    here: list[int] = []

    def begin() -> Judge:
        here.append(os.getpid())
        return model[0]()

    assert len(list(offline_judge.score_messages(begin, few, 64))) == len(few)
    assert here == [os.getpid()]


def test_no_more_than_the_first_messages_are_looked_at_to_tell_whether_there_are_many() -> None:
    long = ArchivedMessage("long.eml", b"x" * offline_judge.MANY_BYTES)
    endless = iter(lambda: long, None)
    jobs, messages = offline_judge._useful_processes(endless, 2)
    assert jobs == 2
    assert next(iter(messages)) is long
    assert offline_judge._useful_processes(_archive()[: offline_judge.PER_PROCESS], 2)[0] == 1
    assert offline_judge._useful_processes([], 2)[0] == 0


def test_a_process_that_ends_is_told_in_words() -> None:
    no_model = partial(Judge.of, b"no model at all", Path("none.onnx"), ME, Strictness.NORMAL)
    with pytest.raises(PitchgateError) as raised:
        list(offline_judge.score_messages(no_model, _archive(), 2))
    assert "--jobs 1" in in_english(raised.value)


def test_long_messages_are_handed_over_in_small_numbers(model: tuple[bytes, Judge]) -> None:
    long = ArchivedMessage("long.eml", b"x" * offline_judge.BATCH_BYTES)
    batches = list(offline_judge._batches([long, long, *_archive()[:40]]))
    assert [len(batch) for batch in batches] == [1, 1, 32, 8]
