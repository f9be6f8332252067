"""What the owner says by moving mail in Gmail, told from the echoes of our own changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mailbox.decisions import (
    Decision,
    GmailDecisions,
    KnownState,
    Origin,
    TakenBack,
    decisions,
)
from backend.domain.mailbox.mailbox import LabelIds
from backend.domain.mailbox.message import LABEL_NAMES, LabelChange, Placement, changes_for
from backend.ports.gmail import Relabelled
from tests.unit.domain.rules import LABELS

HELD, ALLOW, BLOCK = LABELS.held, LABELS.allow, LABELS.block
AT_REST = KnownState(Placement.HELD, None)


def move(
    *, add: Iterable[str] = (), remove: Iterable[str] = (), now: Iterable[str] | None = None, record: str = "77",
    gmail_id: str = "m1",
) -> Relabelled:  # fmt: skip
    labels = None if now is None else frozenset(now)
    return Relabelled(gmail_id, "t1", frozenset(add), frozenset(remove), labels, record)


def decided(row: KnownState | None, *moves: Relabelled, labels: LabelIds = LABELS) -> list[Decision]:
    rows = {} if row is None else {"m1": row}
    return [correction.decision for correction in decisions(moves, rows, labels).corrections]


class TestTheOwnersWord:
    def test_taking_the_label_off_releases(self):
        assert decided(AT_REST, move(remove=[HELD])) == [Decision.RELEASE]

    def test_taking_it_off_and_leaving_the_mail_archived_releases_too(self):
        assert decided(AT_REST, move(remove=[HELD], now=["Label_9"])) == [Decision.RELEASE]

    def test_moving_to_the_inbox_releases_even_if_the_label_stays(self):
        assert decided(AT_REST, move(add=["INBOX"], now=[HELD, "INBOX"])) == [Decision.RELEASE]

    def test_both_in_one_page_are_one_release(self):
        assert decided(AT_REST, move(add=["INBOX"]), move(remove=[HELD])) == [Decision.RELEASE]

    @pytest.mark.parametrize("placement", list(Placement))
    def test_allow_and_block_count_wherever_the_message_is(self, placement: Placement):
        assert decided(KnownState(placement, None), move(add=[ALLOW])) == [Decision.ALLOW]
        assert decided(KnownState(placement, None), move(add=[BLOCK])) == [Decision.BLOCK]

    def test_allowing_a_held_message_is_more_than_releasing_it(self):
        assert decided(AT_REST, move(add=[ALLOW, "INBOX"], remove=[HELD])) == [Decision.ALLOW]
        assert decided(AT_REST, move(add=[ALLOW]), move(remove=[HELD])) == [Decision.ALLOW]

    def test_of_two_orders_the_later_one_counts(self):
        assert decided(AT_REST, move(add=[ALLOW]), move(add=[BLOCK], remove=[ALLOW])) == [Decision.BLOCK]

    def test_a_decision_names_its_message_and_where_it_was_made(self):
        (correction,) = decisions([move(add=[BLOCK])], {"m1": AT_REST}, LABELS).corrections
        assert (correction.gmail_id, correction.origin) == ("m1", Origin.GMAIL)

    def test_messages_are_told_apart(self):
        found = decisions(
            [move(add=[BLOCK]), move(remove=[HELD], gmail_id="m2"), move(add=[ALLOW], gmail_id="unknown")],
            {"m1": AT_REST, "m2": AT_REST},
            LABELS,
        ).corrections
        assert [(c.gmail_id, c.decision) for c in found] == [("m1", Decision.BLOCK), ("m2", Decision.RELEASE)]


class TestKeys:
    def test_the_same_page_read_twice_decides_once(self):
        page = [move(remove=[HELD])]
        assert decisions(page, {"m1": AT_REST}, LABELS) == decisions(page, {"m1": AT_REST}, LABELS)

    def test_the_same_move_made_again_later_counts_again(self):
        first, second = (
            decisions([move(remove=[HELD], record=record)], {"m1": AT_REST}, LABELS).corrections[0].key
            for record in ("77", "99")
        )
        assert first != second

    def test_keys_of_different_messages_and_decisions_differ(self):
        rows = {"m1": AT_REST, "m2": AT_REST}
        page = [move(remove=[HELD]), move(remove=[HELD], gmail_id="m2")]
        keys = {c.key for c in decisions(page, rows, LABELS).corrections}
        keys |= {c.key for c in decisions([move(add=[ALLOW])], rows, LABELS).corrections}
        assert len(keys) == 3


class TestEchoes:
    """Our own changes come back as history and mean nothing."""

    @pytest.mark.parametrize("placement", list(Placement))
    @pytest.mark.parametrize("stage", [None, "act", "challenge", "release"])
    def test_of_what_a_row_asks_for(self, placement: Placement, stage: str | None):
        change = changes_for(placement, LABELS)
        echo = [move(add=change.add), move(remove=change.remove)]
        assert decided(KnownState(placement, stage), *echo) == []

    def test_of_a_hold_that_was_released_since(self):
        assert decided(KnownState(Placement.INBOX, "release"), move(add=[HELD], remove=["INBOX"])) == []

    def test_of_a_release_that_was_taken_back_before_we_held_again(self):
        assert decided(KnownState(Placement.HELD, "act"), move(add=["INBOX"]), move(remove=[HELD])) == []

    def test_of_a_release_that_was_taken_back_and_held_again(self):
        page = [move(add=["INBOX"]), move(remove=[HELD]), move(add=[HELD]), move(remove=["INBOX"])]
        assert decided(AT_REST, *page) == []

    def test_an_old_release_of_a_message_that_lies_where_it_should(self):
        assert decided(AT_REST, move(remove=[HELD], now=[HELD])) == []

    def test_an_owner_who_undoes_our_hold_before_we_noted_it_is_heard(self):
        page = [move(add=[HELD], remove=["INBOX"]), move(remove=[HELD])]
        assert decided(KnownState(Placement.HELD, "act"), *page) == [Decision.RELEASE]


def told(row: KnownState, *moves: Relabelled) -> GmailDecisions:
    return decisions(moves, {"m1": row}, LABELS)


class TestSpamAndBin:
    @pytest.mark.parametrize(("place", "word"), [("SPAM", Decision.SPAM), ("TRASH", Decision.BIN)])
    def test_held_mail_put_there_is_put_there_and_not_let_in(self, place: str, word: Decision):
        assert decided(AT_REST, move(add=[place])) == [word]
        assert decided(AT_REST, move(add=[place]), move(remove=[HELD])) == [word]
        assert decided(AT_REST, move(add=[place], remove=[HELD])) == [word]

    @pytest.mark.parametrize("placement", [Placement.INBOX, Placement.MARKED, None])
    def test_a_report_counts_wherever_the_message_was(self, placement: Placement | None):
        assert decided(KnownState(placement, None), move(add=["SPAM"], remove=["INBOX"])) == [Decision.SPAM]

    @pytest.mark.parametrize("placement", [Placement.INBOX, Placement.MARKED, None])
    def test_throwing_away_what_was_delivered_says_nothing(self, placement: Placement | None):
        assert decided(KnownState(placement, None), move(add=["TRASH"], remove=["INBOX"])) == []

    @pytest.mark.parametrize("row", [KnownState(Placement.INBOX, "release"), KnownState(None, "screen")])
    def test_but_of_what_is_still_on_its_way_it_does(self, row: KnownState):
        assert decided(row, move(add=["TRASH"])) == [Decision.BIN]

    @pytest.mark.parametrize("by", ["spam", "bin"])
    def test_what_is_known_is_not_told_again(self, by: str):
        assert (
            decided(KnownState(Placement.HELD, None, by), move(add=["SPAM" if by == "spam" else "TRASH"]))
            == []
        )

    def test_what_was_reported_and_thrown_away_stays_reported(self):
        reported = KnownState(Placement.HELD, None, "spam")
        assert told(reported, move(add=["TRASH"], remove=["SPAM"])) == GmailDecisions(())
        assert told(reported, move(add=["TRASH"]), move(remove=["SPAM"])) == GmailDecisions(())
        # and that it came out of the bin later is heard all the same
        assert [one.gmail_id for one in told(reported, move(remove=["TRASH"])).returned] == ["m1"]

    def test_what_is_thrown_away_may_still_be_reported(self):
        binned = KnownState(Placement.HELD, None, "bin")
        assert decided(binned, move(add=["SPAM"], remove=["TRASH"])) == [Decision.SPAM]

    def test_blocking_and_throwing_away_are_two_words(self):
        page = [move(add=[BLOCK]), move(add=["TRASH"])]
        assert decided(AT_REST, *page) == [Decision.BLOCK, Decision.BIN]
        assert decided(AT_REST, *reversed(page)) == [Decision.BIN, Decision.BLOCK]

    @pytest.mark.parametrize("by", ["spam", "bin"])
    def test_taken_out_again_it_has_returned_which_is_no_release_yet(self, by: str):
        place = "SPAM" if by == "spam" else "TRASH"
        row = KnownState(Placement.HELD, None, by)
        to_inbox = told(row, move(add=["INBOX"], remove=[place], now=["INBOX", HELD], record="9"))
        assert to_inbox == GmailDecisions((), (TakenBack("m1", "9", lies_held=False),))
        assert told(row, move(remove=[place], now=[HELD])).returned == (
            TakenBack("m1", "77", lies_held=True),
        )
        assert told(row, move(remove=[place])).returned == (TakenBack("m1", "77", lies_held=True),)
        assert told(row, move(remove=[place], add=["INBOX"])).returned[0].lies_held is False

    def test_there_and_back_in_one_page_is_as_if_nothing_had_been(self):
        assert told(AT_REST, move(add=["TRASH"]), move(remove=["TRASH"])) == GmailDecisions(())

    def test_back_and_there_again_is_where_it_was(self):
        row = KnownState(Placement.HELD, None, "spam")
        assert told(row, move(remove=["SPAM"]), move(add=["SPAM"])) == GmailDecisions(())

    @pytest.mark.parametrize("placement", list(Placement))
    @pytest.mark.parametrize("stage", [None, "act", "challenge", "release"])
    def test_no_change_of_ours_is_taken_for_it(self, placement: Placement, stage: str | None):
        change = changes_for(placement, LABELS)
        assert not (change.add | change.remove) & {"SPAM", "TRASH"}


class TestNothing:
    def test_other_changes_are_the_owners_own_business(self):
        assert decided(AT_REST, move(remove=["UNREAD"]), move(add=["STARRED", "Label_9"])) == []

    def test_but_mail_taken_out_of_the_bin_into_the_inbox_is(self):
        assert decided(AT_REST, move(add=["TRASH"]), move(remove=["TRASH"]), move(add=["INBOX"])) == [
            Decision.RELEASE
        ]

    @pytest.mark.parametrize("placement", [Placement.INBOX, Placement.MARKED, None])
    def test_mail_that_is_not_held_cannot_be_released(self, placement: Placement | None):
        assert decided(KnownState(placement, None), move(add=["INBOX"]), move(remove=[HELD])) == []

    def test_taking_allow_or_block_off_again_undoes_nothing(self):
        assert decided(AT_REST, move(remove=[ALLOW]), move(remove=[BLOCK])) == []

    def test_a_message_without_a_row(self):
        assert decided(None, move(add=[ALLOW])) == []

    def test_before_our_labels_exist_an_empty_id_matches_nothing(self):
        assert decided(AT_REST, move(add=["", "x"], remove=[""]), labels=LabelIds()) == []


@given(
    st.lists(
        st.builds(
            Relabelled,
            st.sampled_from(["m1", "m2", "m3"]),
            st.just("t"),
            st.frozensets(st.sampled_from([HELD, ALLOW, BLOCK, "INBOX", "TRASH", "SPAM", "UNREAD"])),
            st.frozensets(st.sampled_from([HELD, ALLOW, BLOCK, "INBOX", "TRASH", "SPAM", "UNREAD"])),
            st.none() | st.frozensets(st.sampled_from([HELD, "INBOX"])),
            st.sampled_from(["", "7"]),
        ),
        max_size=8,
    ),
    st.dictionaries(
        st.sampled_from(["m1", "m2"]),
        st.builds(
            KnownState,
            st.none() | st.sampled_from(list(Placement)),
            st.sampled_from([None, "act", "release"]),
            st.sampled_from(["", "owner", "spam", "bin"]),
        ),
    ),
)
def test_of_each_kind_one_decision_a_message_and_a_release_only_of_held_mail_that_is_nowhere_else(
    moves, rows
):
    heard = decisions(moves, rows, LABELS)
    found = heard.corrections
    places = [c for c in found if c.decision in (Decision.SPAM, Decision.BIN)]
    others = [c for c in found if c not in places]
    assert len({c.gmail_id for c in others}) == len(others)
    assert len({c.gmail_id for c in places}) == len(places)
    assert len({c.key for c in found}) == len(found)
    assert not {c.gmail_id for c in places} & {one.gmail_id for one in heard.returned}
    for correction in found:
        row = rows[correction.gmail_id]
        held = row.placement is Placement.HELD and row.decided_by not in ("spam", "bin")
        assert correction.decision is not Decision.RELEASE or held


# ---- Which labels a message carries where


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


def test_mail_not_read_in_full_is_labelled_where_it_lies():
    change = changes_for(Placement.INBOX, LABELS, released=False)
    assert applied(frozenset({"INBOX"}), change) == {
        "INBOX",
        "Label_5",
    }  # opened: it does not become unread again
    assert applied(frozenset({"Label_9"}), change) == {"Label_9", "Label_5"}  # archived meanwhile


def test_released_mail_is_new_again():
    change = changes_for(Placement.INBOX, LABELS)
    assert applied(frozenset({"Label_1", "Label_5"}), change) == {"INBOX", "UNREAD"}
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
    assert set(LABEL_NAMES) == set(LabelIds.__dataclass_fields__)
    assert all(name.startswith("Pitchgate/") for name in LABEL_NAMES.values())
    assert len(set(LABEL_NAMES.values())) == 5


def test_an_empty_change_is_none():
    assert not LabelChange()
    assert LabelChange(add=frozenset({"x"}))
    assert LabelChange(remove=frozenset({"x"}))
