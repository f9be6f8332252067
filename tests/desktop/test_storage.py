"""The state file survives whatever happens to it short of being deleted twice."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinydb import TinyDB

from tests.desktop.rights import private, windows_only
from tray_app.memory import AtomicStorage, Memory, UnsentDecision, put_in_place
from tray_app.state import Message

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def waiting(number: int) -> UnsentDecision:
    return UnsentDecision(f"key{number}", f"m{number}", "allow", f"Allowed {number}")


def test_what_was_stored_is_there_again(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state.json")
    memory.change(notices=False, server="https://p.example", email="o@p.example")
    held = (Message("m1", "a@x.example", "Ann", "x.example", "Hi", score=0.9, told="why", received_at=NOW),)
    memory.save_lists(held, (), NOW)
    for number in (1, 2, 3):
        memory.add(waiting(number))
    memory.mark_tried(waiting(1))
    memory.remove(waiting(2))
    again = Memory(tmp_path / "state.json")
    assert again.recovered == ""
    assert again.settings == memory.settings
    assert again.last_known() == (held, (), NOW)
    assert [(item.key, item.tried) for item in again.unsent()] == [("key1", True), ("key3", False)]


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "deep" / "state.json")
    memory.add(waiting(1))
    memory.add(waiting(2))
    for name in ("state.json", "state.json.bak"):
        assert private(tmp_path / "deep" / name)
    assert private(tmp_path / "deep")


@pytest.mark.parametrize(
    "torn", [b"", b'{"outbox":{"1":{"key"', b"\0" * 400, b"[1,2]", b'{"a":1}', b"\xff\xfe"]
)
def test_a_torn_file_is_replaced_by_its_backup_and_kept_aside(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "state.json"
    memory = Memory(path)
    memory.add(waiting(1))
    memory.add(waiting(2))
    path.write_bytes(torn)
    again = Memory(path)
    assert again.recovered == "backup"
    assert [item.key for item in again.unsent()] == ["key1"]
    assert (tmp_path / "state.json.damaged").read_bytes() == torn
    again.add(waiting(3))
    assert [item.key for item in Memory(path).unsent()] == ["key1", "key3"]


def test_a_missing_file_with_a_backup_is_recovered(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    memory = Memory(path)
    memory.add(waiting(1))
    memory.add(waiting(2))
    path.unlink()
    again = Memory(path)
    assert (again.recovered, [item.key for item in again.unsent()]) == ("backup", ["key1"])


def test_both_torn_starts_empty_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    memory = Memory(path)
    memory.add(waiting(1))
    memory.add(waiting(2))
    path.write_bytes(b"{")
    path.with_name("state.json.bak").write_bytes(b"")
    again = Memory(path)
    assert (again.recovered, again.unsent()) == ("lost", ())


def test_a_write_that_fails_leaves_the_state_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(tmp_path / "state.json")
    memory.add(waiting(1))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        memory.add(waiting(2))
    monkeypatch.undo()
    assert [item.key for item in memory.unsent()] == ["key1"], "in memory too"
    memory.add(waiting(3))
    assert [item.key for item in Memory(tmp_path / "state.json").unsent()] == ["key1", "key3"]
    assert not list(tmp_path.glob("*.tmp*"))


def test_leftovers_of_a_killed_write_are_swept(tmp_path: Path) -> None:
    (tmp_path / "state.json.tmp4711").write_text("half")
    Memory(tmp_path / "state.json")
    assert not list(tmp_path.glob("*.tmp*"))


def test_a_file_system_without_hard_links_still_gets_its_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    memory = Memory(tmp_path / "state.json")
    memory.add(waiting(1))
    memory.add(waiting(2))
    assert len(json.loads((tmp_path / "state.json.bak").read_bytes())["outbox"]) == 1


def test_settings_of_a_later_version_are_read_as_far_as_known(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    rows = {"settings": {"1": {"format": 9, "notices": False, "colour": "blue"}}}
    path.write_text(json.dumps(rows))
    assert Memory(path).settings.notices is False


@given(st.lists(st.dictionaries(st.text(min_size=1), st.integers() | st.text()), max_size=8))
def test_any_rows_come_back_equal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("db") / "state.json"
    with TinyDB(path, storage=AtomicStorage) as db:
        db.insert_multiple(rows)
    with TinyDB(path, storage=AtomicStorage) as db:
        assert [dict(row) for row in db.all()] == rows


@windows_only
def test_a_file_somebody_is_reading_is_replaced_once_they_have_finished(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    new.write_text("new")
    naps: list[float] = []
    with old.open() as reader:

        def pause(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 3:
                reader.close()

        put_in_place(new, old, pause)
    assert (old.read_text(), len(naps)) == ("new", 3)
    new.write_text("newer")
    with old.open(), pytest.raises(PermissionError):
        put_in_place(new, old, naps.append, tries=4)
    assert (old.read_text(), new.read_text(), len(naps)) == ("new", "newer", 6)
