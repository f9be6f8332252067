"""What is known of a mailbox is kept from one look to the next, and never beyond a change of its row."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.domain.errors import AccessLost
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import (
    AccessState,
    Mailbox,
    Mode,
    NoticeHint,
    NoticeMode,
    Preferences,
    PullFailure,
)
from backend.domain.mailbox.message import LabelIds
from backend.transactions import rows

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ASKING, QUIET = Preferences(mode=Mode.CHALLENGE), Preferences(mode=Mode.QUARANTINE)
TIMES = ("safe_since", "watch_expires_at", "indexed_at", "moved_at", "unheard_since", "grant_expires_at")
ROW = {
    **dict.fromkeys(rows.mailbox.columns, ""),
    "id": "ana",
    "sub": "s1",
    "email": "ana@corp.test",
    "name": "Ana",
    "aliases": "[]",
    "former": "[]",
    "scopes": "[]",
    "link": "connected",
    "preferences": json.dumps(QUIET.to_json()),
    "notices": "push",
    "created_at": 1,
    "label_held": "L1",
    "label_would_hold": "L2",
    "label_allow": "L3",
    "label_block": "L4",
    "label_partly_read": "L5",
    **dict.fromkeys(TIMES),
    "told_to": "5",
    "told_at": 1,
    "index_done": 0,
    "index_total": 0,
}
LABELS = LabelIds("L1", "L2", "L3", "L4", "L5")
LATER = EPOCH + timedelta(microseconds=7)
CHANGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "id": ("eve", {"id": "eve"}),
    "sub": ("s2", {"sub": "s2"}),
    "email": ("a@corp.test", {"owner": Owner("a@corp.test", "Ana")}),
    "name": ("A.", {"owner": Owner("ana@corp.test", "A.")}),
    "aliases": ('["a@x.test"]', {"owner": Owner("ana@corp.test", "Ana", frozenset({"a@x.test"}))}),
    "former": ('["o@x.test"]', {"owner": Owner("ana@corp.test", "Ana", frozenset({"o@x.test"}))}),
    "link": ("needs_reconnect", {"link": AccessState.NEEDS_RECONNECT}),
    "link_cause": ("policy", {"lost": AccessLost.POLICY}),
    "scopes": ('["openid"]', {"scopes": frozenset({"openid"})}),
    "preferences": (json.dumps(ASKING.to_json()), {"preferences": ASKING}),
    "label_held": ("X", {"labels": replace(LABELS, held="X")}),
    "label_would_hold": ("X", {"labels": replace(LABELS, would_hold="X")}),
    "label_allow": ("X", {"labels": replace(LABELS, allow="X")}),
    "label_block": ("X", {"labels": replace(LABELS, block="X")}),
    "label_partly_read": ("X", {"labels": replace(LABELS, partly_read="X")}),
    "cursor": ("9", {"cursor": "9"}),
    "page_token": ("t", {"page_token": "t"}),
    "page_start": ("8", {"page_start": "8"}),
    "index_page": ("p", {"index_page": "p"}),
    "index_done": (3, {"index_done": 3}),
    "index_total": (4, {"index_total": 4}),
    "notices": ("poll", {"notices": NoticeMode.POLL}),
    "notices_missing": ("right", {"pull_failure": PullFailure.PERMISSION}),
    "created_at": (7, {"created_at": LATER}),
    "told_to": ("8", {"hint": NoticeHint(8, EPOCH + timedelta(microseconds=1))}),
    "told_at": (7, {"hint": NoticeHint(5, LATER)}),
    **{name: (7, {name: LATER}) for name in TIMES},
}


def seen(**changes: Any) -> Mailbox:
    """The mailbox of the row with these columns changed."""
    return rows.mailbox({**ROW, **changes})


@pytest.mark.parametrize("column", CHANGES)
def test_a_look_after_a_change_sees_it_and_nothing_else(column: str) -> None:
    value, told = CHANGES[column]
    before = seen()
    assert seen(**{column: value}) == replace(before, **told)
    assert seen() == before


def test_every_column_is_in_this_walk() -> None:
    assert rows.mailbox.columns.keys() == CHANGES.keys() | {"last_gap"}


def test_settings_are_parsed_once_while_they_stay_as_they_are() -> None:
    assert seen(cursor="1").preferences is seen(cursor="2").preferences
