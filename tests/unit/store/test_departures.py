"""Who has left is known by a hash, whatever becomes of the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.domain.errors import StoreAway
from backend.transactions.driver import NAME, Departures


def test_they_are_known_after_a_restart_and_nobody_else_is(tmp_path: Path) -> None:
    Departures(tmp_path).note("box1")
    Departures(tmp_path).note("box1")
    Departures(tmp_path).note("box2")
    known = Departures(tmp_path)
    assert [known.has(name) for name in ("box1", "box2", "box", "box3")] == [True, True, False, False]
    content = (tmp_path / NAME).read_text()
    assert len(content.splitlines()) == 2
    assert "box" not in content
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


def test_without_a_folder_nobody_is_noted() -> None:
    nowhere = Departures(None)
    nowhere.note("box1")
    assert not nowhere.has("box1")


def test_what_cannot_be_noted_is_the_stores_trouble(tmp_path: Path) -> None:
    with pytest.raises(StoreAway):
        Departures(tmp_path / "none").note("box1")
