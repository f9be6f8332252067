"""Which labels a message carries where."""

from __future__ import annotations

import itertools

import pytest

from backend.domain.mailbox.message import NAMES, LabelChange, LabelIds, Placement, changes_for
from tests.unit.domain.rules import LABELS


def applied(labels: frozenset[str], change: LabelChange) -> frozenset[str]:
    return (labels | change.add) - change.remove


def test_held_mail_leaves_the_inbox_and_stays_as_read_or_unread_as_it_was():
    change = changes_for(Placement.HELD, LABELS)
    assert applied(frozenset({"INBOX", "UNREAD"}), change) == {"Label_1", "UNREAD"}
    assert applied(frozenset({"INBOX", "Label_2"}), change) == {"Label_1"}


def test_marked_mail_stays_where_it_is():
    change = changes_for(Placement.MARKED, LABELS)
    assert applied(frozenset({"INBOX", "UNREAD"}), change) == {"INBOX", "UNREAD", "Label_2"}
    assert applied(frozenset({"Label_9"}), change) == {"Label_9", "Label_2"}  # archived meanwhile


def test_released_mail_is_new_again():
    change = changes_for(Placement.INBOX, LABELS)
    assert applied(frozenset({"Label_1"}), change) == {"INBOX", "UNREAD"}
    assert applied(frozenset({"INBOX", "Label_2"}), change) == {"INBOX", "UNREAD"}


@pytest.mark.parametrize("placement", list(Placement))
def test_a_change_done_twice_is_done_once_and_never_touches_the_owners_labels(placement: Placement):
    change = changes_for(placement, LABELS)
    assert not change.add & change.remove
    assert not (change.add | change.remove) & {LABELS.allow, LABELS.block, "Label_9"}
    for some in itertools.combinations(["INBOX", "UNREAD", *("Label_1", "Label_2", "Label_3")], 3):
        once = applied(frozenset(some), change)
        assert applied(once, change) == once


@pytest.mark.parametrize("placement", list(Placement))
def test_labels_that_do_not_exist_yet_are_never_sent_to_google(placement: Placement):
    change = changes_for(placement, LabelIds())
    assert "" not in change.add | change.remove


def test_every_label_has_a_name_below_one_parent():
    assert set(NAMES) == set(LabelIds.__dataclass_fields__)
    assert all(name.startswith("Pitchgate/") for name in NAMES.values())
    assert len(set(NAMES.values())) == 4


def test_an_empty_change_is_none():
    assert not LabelChange()
    assert LabelChange(add=frozenset({"x"}))
    assert LabelChange(remove=frozenset({"x"}))
