"""What an operator does with models at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.commands.audit import watch_command
from backend.commands.models import models_group
from backend.commands.store import with_store
from backend.domain.errors import PitchgateError
from backend.terminal import print_table
from tests.doubles import in_english
from tests.renamed_model import OTHER_VERSION, SHIPPED_VERSION, put, put_renamed


@pytest.fixture
def file(tmp_path: Path, database: Path) -> Path:
    """Another model; the store is empty."""
    put_renamed(tmp_path / "other.onnx")
    return tmp_path / "other.onnx"


def run(*arguments: str) -> str:
    """What is said, or what is refused and why."""
    done = CliRunner().invoke(models_group, arguments)
    if isinstance(done.exception, PitchgateError):
        return in_english(done.exception)
    assert done.exit_code == 0
    return done.output


def states() -> dict[str, str]:
    return {one["version"]: one["state"] for one in map(json.loads, run("list", "--json").splitlines())}


def test_from_adding_one_to_going_back(file: Path) -> None:
    assert states() == {SHIPPED_VERSION: "champion"}
    assert "kept in the database" in run("add", str(file))
    assert "added before" in run("add", str(file))
    run("shadow", OTHER_VERSION)
    assert states() == {SHIPPED_VERSION: "champion", OTHER_VERSION: "challenger"}
    run("stop")
    assert states()[OTHER_VERSION] == ""
    assert "No trial has found" in run("promote", OTHER_VERSION)
    assert "no trial has found it better" in run("promote", "--force", OTHER_VERSION)
    assert states() == {SHIPPED_VERSION: "before", OTHER_VERSION: "champion"}
    assert SHIPPED_VERSION in run("rollback")
    assert states() == {SHIPPED_VERSION: "champion", OTHER_VERSION: ""}
    assert "no model before" in run("rollback"), "what was just taken back does not come back"
    assert "other.onnx" in run("list")
    acts = with_store(lambda store: store.model_acts())
    assert [done.act for done in acts] == ["add", "shadow", "stop", "force", "rollback"]
    assert all("@" in done.by for done in acts)


def test_a_trial_is_told_in_words_in_json_and_on_the_page(file: Path) -> None:
    assert run("trial") == "No trial is under way."
    run("add", str(file))
    run("shadow", OTHER_VERSION)
    told = run("trial")
    assert f"{OTHER_VERSION} beside {SHIPPED_VERSION}" in told
    assert "nothing is proven yet" in told
    found = json.loads(run("trial", "--json"))
    assert (found["finding"], found["answered"], found["f1"]) == (
        "open",
        0,
        {"champion": None, "challenger": None},
    )
    page = file.parent / "page.html"
    assert CliRunner().invoke(watch_command, ["--html", str(page)]).exit_code == 0
    assert f"{OTHER_VERSION} beside" in page.read_text(encoding="utf-8")


def test_what_cannot_be_is_refused_in_words(file: Path) -> None:
    assert "No trial is under way." in run("stop")
    assert "no model before" in run("rollback")
    assert "There is no model nothing." in run("promote", "nothing")
    assert "in use already" in run("promote", SHIPPED_VERSION)
    assert "There is no model" in run("shadow", SHIPPED_VERSION)


def test_a_file_that_must_not_be_served_is_not_added(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, b"not a model")
    assert "not loaded" in run("add", str(file))
    put_renamed(file)
    monkeypatch.setattr("backend.scoring.model_file.reading_digest", lambda: "another preparation")
    assert "another preparation of texts" in run("add", str(file))
    assert with_store(lambda store: store.known_models()) == ()


def test_on_eighty_columns_a_version_stays_whole_and_nothing_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    version, by = "2026.11.30-of-our-own-mail", "operator@a-long-host.example.internal"
    print_table(
        ("version", "state", "file", "added", "by"),
        [(version, "challenger", "model-" * 8, "2026-11-30", by)],
    )
    rows = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if "│" in line]
    cells = ["".join(map(str.strip, column)) for column in zip(*rows, strict=True)]
    assert rows[0][0].strip() == version
    assert cells == [version, "challenger", "model-" * 8, "2026-11-30", by]
