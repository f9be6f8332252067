"""`pitchgate audit` over a log that is real, and one that somebody has been at."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.__main__ import cli
from backend.domain.mailbox.decisions import Decision, Origin
from backend.domain.mailbox.message import Outcome
from backend.domain.watching.trial import Answer
from backend.settings_read import read_settings
from backend.store.opening import open_configured
from tests.contract.store.stories import Story
from tests.doubles import PlainKeys
from tests.simulations.manipulations import every
from tests.simulations.replay import play


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty decisions about written mail, counts kept, and the keys."""
    made = tmp_path_factory.mktemp("played")
    asyncio.run(play(read_settings(replay_days=30, state_dir=made), 40))
    return made


@pytest.fixture
def played(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be spoiled; the file."""
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.setenv("PITCHGATE_STATE_DIR", str(tmp_path / "copy"))
    return tmp_path / "copy" / "pitchgate.sqlite3"


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["audit", *arguments])
    return done.exit_code, done.output


def spoil(played: Path, change: str) -> None:
    with closing(sqlite3.connect(played)) as connection, connection:
        assert connection.execute(change).rowcount


def test_a_log_in_order(played: Path) -> None:
    code, output = run("verify")
    assert (code, output.splitlines()[0]) == (0, "ana@corp.test: 40 entries, in order")
    assert "outside the database" in output, "it says what it could not look at"


def test_the_document_says_of_each_manipulation_what_finds_it(tmp_path: Path) -> None:
    page = Path("docs/explanation/watching.md").read_text()
    found = [(f"- {name}", *by) for name, *by in every(tmp_path)]
    alone = [line for line, without, _ in found if without]
    with_heads = [line for line, without, with_heads in found if with_heads and not without]
    assert (len(found), len(alone), len(with_heads)) == (27, 24, 3)
    for lines in (alone, with_heads):
        assert "\n\n" + "\n".join(lines) + "\n\n" in page


def test_without_a_mailbox_it_says_so(database: Path) -> None:
    assert run("verify") == (0, "There is no mailbox in the database, so there is no log to verify.\n")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "UPDATE decisions SET payload = replace(payload, '\"row\"', '\"Row\"') WHERE number = 7",
            "entry 7: changed",
        ),
        ("DELETE FROM decisions WHERE number = 8", "entry 8: missing"),
        ("DELETE FROM decisions WHERE number > 30", "entry 31: cut"),
        ("UPDATE chains SET number = 39", "entry 39: head"),
        ("UPDATE chains SET tag = seal", "entry 40: head"),
        ("UPDATE decision_settings SET content = '{}'", "changed"),
        ("UPDATE chains SET sealed_key = X'00'", "no secret key opens"),
        ("DELETE FROM chains", "there was one"),
        ("DELETE FROM decision_settings", "changed"),
        ("UPDATE decision_settings SET name = 'x' || name", "changed"),
        (
            "UPDATE decisions SET at = NULL, gmail_id = NULL, salt = NULL, payload = NULL WHERE number = 9",
            "entry 9: emptied, and no erasure is written down",
        ),
        (
            "UPDATE messages SET policy_row = 'allowed' "
            "WHERE gmail_id = (SELECT gmail_id FROM decisions WHERE number = 5)",
            "its row is not what the log says of it",
        ),
    ],
)
def test_what_somebody_did_to_it_is_told(played: Path, change: str, says: str) -> None:
    spoil(played, change)
    code, output = run("verify", "--mailbox", "ana@corp.test")
    assert code == 1
    assert says in output


def test_an_old_copy_is_found_by_what_was_logged(played: Path, tmp_path: Path) -> None:
    logs = tmp_path / "server.log"
    head = {"event": "decisions_head", "mailbox": "box1", "number": 41, "seal": "00"}
    logs.write_text(f'noise\n{json.dumps(head)}\n{{"event": "decisions_he')
    code, output = run("verify", "--heads", str(logs))
    assert code == 1
    assert "entry 41: differs from the head that was kept of it" in output


def test_a_log_that_is_gone_with_its_mailbox_is_missed_unless_its_owner_left(
    played: Path, tmp_path: Path
) -> None:
    logs = tmp_path / "server.log"
    told = [
        {"event": "decisions_head", "mailbox": name, "number": number, "seal": "00"}
        for name, number in (("box8", 6), ("box9", 6), ("box9", 7))
    ]
    told.append({"event": "mailbox_left", "mailbox": "box8"})
    logs.write_text("".join(f"{json.dumps(line)}\n" for line in told))
    code, output = run("verify", "--heads", str(logs))
    assert code == 1
    assert "box9: 0 entries, NOT in order\n  the log is gone, and there was one" in output
    assert "box8" not in output
    assert run("verify", "--heads", str(logs), "--mailbox", "ana@corp.test")[0] == 0
    logs.write_text("".join(f"{json.dumps(line)}\n" for line in (told[0], told[-1])))
    assert run("verify", "--heads", str(logs))[0] == 0


async def decided() -> None:
    """A message is answered, its sender's check taken, its owner decides, takes it back, and is asked about it."""
    store = await open_configured(read_settings(), PlainKeys())
    story = Story(store)
    await story.mailbox("ana")
    intent = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert intent is not None
    await story.solve(intent)
    await story.decide("ana", "m1", Decision.SALES, key="k1")
    await story.store.undo("ana", "k1", story.now)
    story.pass_time(days=7)
    assert await store.draw_questions("ana", story.now) == 1
    await store.answer_question("ana", "m1", Answer.YES, Origin.PAGE, story.now)
    await store.close()


def test_every_kind_of_entry_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITCHGATE_STATE_DIR", str(tmp_path))
    asyncio.run(decided())
    code, output = run("show", "m1")
    assert code == 0
    assert [line for line in output.splitlines() if not line.startswith("2026")] == [
        "  This looks like a pitch. It was held, and its sender was asked to pass a check. (challenge: challenge)",
        "    + asks for a call: quick, call",
        "  The sender passed the check c1; what waited was delivered.",
        "  The owner decided: sales (by tray, on message m1).",
        "  The owner undid it: sales (by tray, on message m1).",
        "  The owner was asked whether it was a sales pitch, and said: yes (by page).",
    ]


def test_one_decision_is_told_in_words(played: Path) -> None:
    code, output = run("show", "m15")
    assert code == 0
    told = output.splitlines()
    order = ("  score 0.", "  what was known: ", "  model ", "  to the bit: ")
    at = [next(place for place, line in enumerate(told) if line.startswith(start)) for start in order]
    assert told[1] == "  This is not enough like a pitch to be held. (inbox: below_hold)"
    assert told[2].startswith(("    + ", "    – ")), "why, as its owner saw it"
    assert at == sorted(at)
    assert at[-1] == len(told) - 1
    assert 'what was known: labels ["INBOX", "UNREAD"], proved -3.267' in output
    assert run("show", "nothing")[0] == 1


def test_judged_again_from_counts_every_bit_is_the_same(played: Path) -> None:
    code, output = run("replay")
    summary = json.loads(output.splitlines()[-1])
    assert (code, summary["checked"], summary["different"], summary["from_counts"]) == (0, 40, 0, 40)
    code, output = run("replay", "--sample", "5")
    assert json.loads(output.splitlines()[-1])["checked"] == 5


def test_after_a_change_of_the_lexicon_counts_are_still_judged_again(
    played: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.scoring.model_file.reading_digest", lambda: "another")
    code, output = run("replay")
    summary = json.loads(output.splitlines()[-1])
    assert (code, summary["checked"], summary["different"], summary["from_counts"]) == (0, 40, 0, 40)
    assert run("replay", "--fetch")[0] == 1


def test_a_score_that_was_changed_differs(played: Path) -> None:
    spoil(played, "UPDATE decision_counts SET counts = (SELECT counts FROM decision_counts WHERE number = 9)")
    code, output = run("replay")
    assert code == 1
    assert json.loads(output.splitlines()[-1])["different"] > 30
