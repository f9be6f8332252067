"""The shelf a message stands on, and what narrows a list."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.mailbox.message import Placement
from backend.domain.mailbox.review import ReviewFilter, Shelf, shelf_of
from tests.doubles import START
from tests.values import message


@pytest.mark.parametrize(
    ("placement", "decided_by", "shelf"),
    [
        (None, "", None), (Placement.HELD, "", Shelf.HELD), (Placement.HELD, "page", Shelf.KEPT),
        (Placement.INBOX, "", Shelf.PASSED), (Placement.INBOX, "page", Shelf.LET_IN),
    ],
)  # fmt: skip
def test_where_a_message_stands(placement: Placement | None, decided_by: str, shelf: Shelf | None) -> None:
    assert shelf_of(message(placement=placement, decided_by=decided_by)) is shelf


@pytest.mark.parametrize(
    "filters",
    [{"words": "x"}, {"least": 0.0}, {"below": 1.0}, {"note": True}, {"challenged": True}, {"since": START},
     {"until": START}],
)  # fmt: skip
def test_any_filter_narrows_a_list(filters: dict[str, Any]) -> None:
    assert not ReviewFilter((Shelf.HELD,)).narrow
    assert ReviewFilter((Shelf.HELD,), **filters).narrow
