"""The policy table: every row decides something no other row would, and the promises that hold across rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import ROWS_ALWAYS_ON, Mode, Preferences
from backend.domain.mailbox.message import FailOpenCause, LabelIds, Outcome, PolicyRow, ReadLimit, Verdict
from backend.domain.policy import table as policy
from backend.domain.policy.evidence import CLEARLY_ORDINARY, EarlierEvidence, combined_probability
from backend.domain.policy.table import TABLE, Facts, Standing, decide, fail_open, prescreen
from backend.domain.reading.score import Score
from tests.unit.domain import rules as make
from tests.unit.domain.rules import FORGED, NOW, THRESHOLDS, facts, pitch, score

ALLOW, BLOCK = RuleKind.ALLOW, RuleKind.BLOCK
LIST = pitch(("List-Id", "Talk <talk.lists.test>"), ("List-Post", "<mailto:talk@lists.test>"))
COLLEAGUE = pitch(sender="bo@mail.corp.test")


def verdict_on(given: Facts, probability: float = 0.97, guards: tuple[str, ...] = ()) -> Verdict:
    return decide(given, score(probability), THRESHOLDS, guards, NOW)


def known(**changes: Any) -> Standing:
    return replace(Standing(), **changes)


def wrote(proved: float, held_score: float | None = None) -> Standing:
    """A sender whose earlier emails add up to so much."""
    return known(earlier=EarlierEvidence(proved, proved, held_score))


@dataclass(frozen=True)
class Story:
    """A message only `row` decides as it does: without the row it would end as `otherwise`."""

    row: PolicyRow
    outcome: Outcome
    otherwise: Outcome
    facts: Facts
    probability: float = 0.97
    guards: tuple[str, ...] = ()


STORIES = (
    Story(
        PolicyRow.NOT_INCOMING, Outcome.IGNORE, Outcome.CHALLENGE, facts(labels=frozenset({"INBOX", "SPAM"}))
    ),
    Story(PolicyRow.NOT_INCOMING, Outcome.IGNORE, Outcome.CHALLENGE, facts(labels=frozenset({"UNREAD"}))),
    Story(
        PolicyRow.BLOCKED,
        Outcome.HOLD,
        Outcome.INBOX,
        facts(standing=known(rules=RuleMatch(address=BLOCK))),
        0.01,
    ),
    Story(
        PolicyRow.BLOCKED,
        Outcome.HOLD,
        Outcome.INBOX,
        facts(standing=known(rules=RuleMatch(None, BLOCK))),
        0.01,
    ),
    Story(
        PolicyRow.BLOCKED, Outcome.HOLD, Outcome.INBOX, facts(labels=frozenset({"INBOX", "Label_4"})), 0.01
    ),
    Story(PolicyRow.ALLOWED, Outcome.INBOX, Outcome.CHALLENGE, facts(standing=known(rules=RuleMatch(ALLOW)))),
    Story(
        PolicyRow.ALLOWED,
        Outcome.INBOX,
        Outcome.CHALLENGE,
        facts(standing=known(rules=RuleMatch(None, ALLOW))),
    ),
    Story(PolicyRow.ALLOWED, Outcome.INBOX, Outcome.CHALLENGE, facts(labels=frozenset({"INBOX", "Label_3"}))),
    Story(
        PolicyRow.OWNERS_FILTER,
        Outcome.INBOX,
        Outcome.CHALLENGE,
        facts(labels=frozenset({"INBOX", "STARRED"})),
    ),
    Story(PolicyRow.SAME_ORGANISATION, Outcome.INBOX, Outcome.CHALLENGE, facts(COLLEAGUE)),
    Story(
        PolicyRow.CORRESPONDENT, Outcome.INBOX, Outcome.CHALLENGE, facts(standing=known(corresponded=True))
    ),
    Story(PolicyRow.CORRESPONDENT, Outcome.INBOX, Outcome.CHALLENGE, facts(standing=known(took_part=True))),
    Story(
        PolicyRow.MACHINE_MAIL,
        Outcome.INBOX,
        Outcome.CHALLENGE,
        facts(LIST, labels=frozenset({"INBOX", "CATEGORY_UPDATES"})),
    ),
    Story(
        PolicyRow.LEFT_ALONE,
        Outcome.INBOX,
        Outcome.CHALLENGE,
        facts(labels=frozenset({"INBOX", "CATEGORY_SOCIAL"})),
    ),
    Story(
        PolicyRow.LEFT_ALONE, Outcome.INBOX, Outcome.CHALLENGE, facts(paused_until=NOW + timedelta(hours=1))
    ),
    Story(PolicyRow.MACHINE_MAIL, Outcome.INBOX, Outcome.CHALLENGE, facts(LIST, standing=known(keeps=True))),
    Story(PolicyRow.HELD_WITH_EARLIER, Outcome.HOLD, Outcome.INBOX, facts(standing=wrote(0.9)), 0.3),
    Story(
        PolicyRow.HELD_WITH_EARLIER, Outcome.CHALLENGE, Outcome.INBOX, facts(standing=wrote(0.9, 0.8)), 0.3
    ),
    Story(PolicyRow.HELD_WITH_EARLIER, Outcome.CHALLENGE, Outcome.INBOX, facts(standing=wrote(4.0)), 0.3),
    Story(
        PolicyRow.HELD_WITH_EARLIER,
        Outcome.HOLD,
        Outcome.INBOX,
        facts(authentication=FORGED, standing=known(earlier=EarlierEvidence(claimed=1.5))),
        0.3,
    ),
    Story(
        PolicyRow.HELD_WITH_EARLIER,
        Outcome.MARK,
        Outcome.INBOX,
        facts(standing=wrote(1.5), mode=Mode.OBSERVE),
        0.3,
    ),
    Story(PolicyRow.UNREAD, Outcome.INBOX, Outcome.INBOX, facts(read_limit=ReadLimit.TIME), 0.49),
    Story(PolicyRow.BELOW_HOLD, Outcome.INBOX, Outcome.HOLD, facts(), 0.49),
    Story(PolicyRow.CREDIT, Outcome.INBOX, Outcome.CHALLENGE, facts(standing=known(credits=1))),
    Story(PolicyRow.OBSERVE, Outcome.MARK, Outcome.HOLD, facts(mode=Mode.OBSERVE)),
    Story(PolicyRow.QUARANTINE, Outcome.HOLD, Outcome.CHALLENGE, facts(mode=Mode.QUARANTINE)),
    Story(PolicyRow.QUARANTINE, Outcome.HOLD, Outcome.CHALLENGE, facts(), 0.79),
    Story(PolicyRow.QUARANTINE, Outcome.HOLD, Outcome.CHALLENGE, facts(), 0.97, ("stale",)),
    Story(PolicyRow.QUARANTINE, Outcome.HOLD, Outcome.CHALLENGE, facts(authentication=FORGED)),
    Story(PolicyRow.QUARANTINE, Outcome.HOLD, Outcome.CHALLENGE, facts(read_limit=ReadLimit.SIZE)),
    Story(PolicyRow.CHALLENGE, Outcome.CHALLENGE, Outcome.INBOX, facts(), 0.8),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.row))
def test_the_row_decides_and_without_it_the_message_ends_elsewhere(story: Story, monkeypatch):
    verdict = verdict_on(story.facts, story.probability, story.guards)
    assert (verdict.row, verdict.outcome) == (story.row, story.outcome)

    monkeypatch.setattr(policy, "TABLE", tuple(entry for entry in TABLE if entry.row is not story.row))
    without = verdict_on(story.facts, story.probability, story.guards)
    assert without.outcome is story.otherwise


def test_every_row_of_the_table_has_such_a_story_and_the_table_is_in_the_order_of_the_names():
    assert [entry.row for entry in TABLE] == [
        row for row in PolicyRow if row not in (PolicyRow.FAIL_OPEN, PolicyRow.HELD_WITH_LATER)
    ]
    assert {story.row for story in STORIES} == {entry.row for entry in TABLE}


def test_every_row_explains_itself_in_one_sentence_and_knows_whether_it_can_be_switched_off():
    for entry in TABLE:
        assert entry.description[0].isupper()
        assert entry.description.endswith(".")
        assert entry.always_on is (entry.row in ROWS_ALWAYS_ON)


@pytest.mark.parametrize(
    "story", [s for s in STORIES if s.row not in ROWS_ALWAYS_ON], ids=lambda story: str(story.row)
)
def test_a_row_switched_off_is_skipped(story: Story):
    off = replace(story.facts, preferences=replace(story.facts.preferences, rows_off=frozenset({story.row})))
    assert verdict_on(off, story.probability, story.guards).outcome is story.otherwise


@pytest.mark.parametrize("row", sorted(ROWS_ALWAYS_ON))
def test_a_row_that_cannot_be_switched_off_decides_even_if_it_is_listed(row: PolicyRow):
    story = next(s for s in STORIES if s.row is row)
    preferences = replace(story.facts.preferences)
    object.__setattr__(
        preferences, "rows_off", frozenset({row})
    )  # past the check, as an old row of data may be
    verdict = verdict_on(replace(story.facts, preferences=preferences), story.probability, story.guards)
    assert verdict.row is row


class TestWhoProfits:
    """A forged From must not reap what the real owner of the address has sown."""

    @pytest.mark.parametrize(
        "favour",
        [
            known(rules=RuleMatch(address=ALLOW)),
            known(rules=RuleMatch(domain=ALLOW)),
            known(corresponded=True),
            known(took_part=True),
            known(credits=5),
            known(keeps=True),
        ],
        ids=["address rule", "domain rule", "correspondent", "thread", "credit", "list"],
    )
    def test_nothing_on_record_helps_a_forged_sender(self, favour: Standing):
        verdict = verdict_on(facts(authentication=FORGED, standing=favour))
        assert verdict.outcome is Outcome.HOLD
        assert not verdict.spends_credit

    def test_a_forged_colleague_is_a_stranger(self):
        assert verdict_on(facts(COLLEAGUE, authentication=FORGED)).outcome is Outcome.HOLD

    def test_a_label_that_allows_does_not_help_a_forged_sender(self):
        labelled = facts(authentication=FORGED, labels=frozenset({"INBOX", "Label_3"}))
        assert verdict_on(labelled).outcome is Outcome.HOLD

    def test_an_allowed_address_excuses_from_its_blocked_domain_only_when_proved(self):
        mixed = known(rules=RuleMatch(address=ALLOW, domain=BLOCK))
        assert verdict_on(facts(standing=mixed)).row is PolicyRow.ALLOWED
        assert verdict_on(facts(standing=mixed, authentication=FORGED)).row is PolicyRow.BLOCKED

    def test_a_blocked_address_stays_blocked_in_an_allowed_domain(self):
        mixed = known(rules=RuleMatch(address=BLOCK, domain=ALLOW))
        assert verdict_on(facts(standing=mixed)).row is PolicyRow.BLOCKED

    def test_a_free_mail_owner_has_no_colleagues(self):
        owner = replace(make.OWNER, email="ana@gmail.com", aliases=frozenset())
        assert verdict_on(facts(pitch(sender="bo@gmail.com"), owner=owner)).outcome is Outcome.CHALLENGE

    def test_an_alias_of_the_owner_has_colleagues_too(self):
        assert verdict_on(facts(pitch(sender="bo@other.test"))).row is PolicyRow.SAME_ORGANISATION


class TestBesideEarlierMail:
    """Mail of a sender who has written before."""

    def test_a_guard_that_says_no_is_named(self):
        held = verdict_on(facts(standing=wrote(2.0, 0.9)), 0.97, ("open_challenge",))
        assert (held.row, held.outcome) == (PolicyRow.HELD_WITH_EARLIER, Outcome.HOLD)
        assert held.guards == ("open_challenge",)

    def test_forged_mail_that_waits_holds_nothing_of_the_real_sender_back(self):
        forged_waits = known(earlier=EarlierEvidence(claimed=4.0), credits=1)
        assert verdict_on(facts(standing=forged_waits), 0.97).row is PolicyRow.CREDIT
        assert verdict_on(facts(standing=forged_waits), 0.3).row is PolicyRow.BELOW_HOLD

    @pytest.mark.parametrize("mode", [Mode.QUARANTINE, Mode.CHALLENGE])
    def test_it_is_answered_in_mode_challenge_alone(self, mode: Mode):
        outcome = verdict_on(facts(standing=wrote(2.0, 0.9), mode=mode), 0.4).outcome
        assert outcome is (Outcome.CHALLENGE if mode is Mode.CHALLENGE else Outcome.HOLD)

    @pytest.mark.parametrize(
        ("earlier", "probability", "row"),
        [
            (0.85, 0.3, PolicyRow.HELD_WITH_EARLIER),
            (0.84, 0.3, PolicyRow.BELOW_HOLD),
            (1.25, 0.01, PolicyRow.BELOW_HOLD),
            (1.26, 0.01, PolicyRow.HELD_WITH_EARLIER),  # counts twice
            (2.0, 0.001, PolicyRow.HELD_WITH_EARLIER),
        ],
    )
    def test_all_emails_together_are_held_against_the_hold_threshold(
        self, earlier: float, probability: float, row: PolicyRow
    ):
        assert verdict_on(facts(standing=wrote(earlier)), probability).row is row

    def test_a_plainly_ordinary_email_is_held_with_nothing(self):
        assert verdict_on(facts(standing=wrote(4.0)), 0.001).row is PolicyRow.HELD_WITH_EARLIER
        assert verdict_on(facts(standing=wrote(4.0)), 0.0009).row is PolicyRow.BELOW_HOLD

    def test_ordinary_mail_before_it_saves_no_pitch(self):
        assert verdict_on(facts(standing=wrote(-9.0)), 0.5).row is PolicyRow.QUARANTINE

    def test_who_passed_the_check_is_judged_by_each_email_alone_until_one_is_held_again(self):
        passed = replace(wrote(4.0), credits=1)
        assert verdict_on(facts(standing=passed), 0.3).row is PolicyRow.BELOW_HOLD
        assert verdict_on(facts(standing=passed), 0.9).row is PolicyRow.CREDIT
        assert (
            verdict_on(facts(standing=replace(wrote(4.0, 0.9), credits=1)), 0.3).row
            is PolicyRow.HELD_WITH_EARLIER
        )


class TestObserve:
    """Mode observe moves nothing on a score."""

    def test_earlier_held_mail_does_not_pull_new_mail_out_of_the_inbox(self):
        waiting = facts(standing=wrote(4.0, 0.97), mode=Mode.OBSERVE)
        assert verdict_on(waiting).outcome is Outcome.MARK
        assert verdict_on(waiting, 0.3).outcome is Outcome.MARK
        assert verdict_on(waiting, 0.0009).outcome is Outcome.INBOX

    def test_the_owners_own_block_rule_still_holds(self):
        blocked = facts(standing=known(rules=RuleMatch(address=BLOCK)), mode=Mode.OBSERVE)
        assert verdict_on(blocked).outcome is Outcome.HOLD


class TestThresholds:
    """A message at a threshold is over it."""

    @pytest.mark.parametrize(
        ("probability", "outcome"),
        [(0.4999, Outcome.INBOX), (0.5, Outcome.HOLD), (0.7999, Outcome.HOLD), (0.8, Outcome.CHALLENGE)],
    )
    def test_hold_and_challenge(self, probability: float, outcome: Outcome):
        assert verdict_on(facts(), probability).outcome is outcome

    @pytest.mark.parametrize("broken", [float("nan"), float("inf"), -0.1, 1.01])
    @pytest.mark.parametrize("mode", list(Mode))
    def test_a_score_that_is_no_probability_fails_open(self, broken: float, mode: Mode):
        waiting = facts(standing=wrote(4.0, 0.97), mode=mode)
        verdict = decide(waiting, Score(broken, 0.0), THRESHOLDS, (), NOW)
        assert (verdict.outcome, verdict.row) == (Outcome.INBOX, PolicyRow.FAIL_OPEN)
        assert verdict.cause

    def test_rows_that_need_no_score_decide_without_one(self):
        blocked = facts(standing=known(rules=RuleMatch(address=BLOCK)))
        assert decide(blocked, Score(float("nan"), 0.0), THRESHOLDS, (), NOW).row is PolicyRow.BLOCKED


class TestVerdict:
    """What is recorded beside the outcome."""

    def test_the_credit_row_spends_and_no_other_does(self):
        assert verdict_on(facts(standing=known(credits=2))).spends_credit
        assert not any(verdict_on(s.facts).spends_credit for s in STORIES if s.row is not PolicyRow.CREDIT)

    def test_a_message_below_the_hold_threshold_costs_no_credit(self):
        verdict = verdict_on(facts(standing=known(credits=2)), 0.2)
        assert (verdict.row, verdict.spends_credit) == (PolicyRow.BELOW_HOLD, False)

    def test_the_guards_that_said_no_are_named_where_they_decided(self):
        assert verdict_on(facts(), guards=("stale", "loop")).guards == ("stale", "loop")
        assert verdict_on(facts(), 0.1, ("stale",)).guards == ()

    def test_an_unauthenticated_sender_is_never_answered_even_if_nobody_asked_the_guards(self):
        verdict = verdict_on(facts(authentication=FORGED))
        assert verdict.outcome is Outcome.HOLD
        assert verdict.guards == ("not_authenticated",)

    def test_what_could_not_be_read_in_full_is_never_answered_and_says_so(self):
        verdict = verdict_on(facts(read_limit=ReadLimit.MEMORY))
        assert (verdict.outcome, verdict.guards, verdict.cause) == (
            Outcome.HOLD,
            ("not_read_in_full",),
            "memory",
        )
        assert verdict_on(facts(read_limit=ReadLimit.MEMORY), 0.1).cause == "memory"
        assert verdict_on(facts(read_limit=ReadLimit.MEMORY, standing=known(corresponded=True))).cause == ""

    def test_no_guard_is_invented_where_none_decided(self):
        assert verdict_on(facts(authentication=FORGED, mode=Mode.QUARANTINE)).guards == ()
        assert verdict_on(facts(), 0.6).guards == ()

    def test_the_score_is_kept(self):
        assert verdict_on(facts(), 0.6).score == score(0.6)

    def test_failing_open_keeps_its_cause_and_nothing_else(self):
        assert fail_open(FailOpenCause.TOO_SLOW) == Verdict(
            Outcome.INBOX, PolicyRow.FAIL_OPEN, cause="too_slow"
        )


class TestProperties:
    """For any message, standing and preferences."""

    @given(make.all_facts, make.probabilities | st.floats(), make.guard_lists)
    def test_it_always_decides_and_the_first_matching_row_wins(self, given_, probability, guards):
        verdict = decide(given_, Score(probability, 0.0), THRESHOLDS, guards, NOW)
        off = given_.preferences.rows_off
        case = policy.Case(given_, probability, THRESHOLDS, guards, NOW)
        matching = [e for e in TABLE if e.row not in off and e.applies(case)]
        if verdict.row is PolicyRow.FAIL_OPEN:
            assert not 0.0 <= probability <= 1.0
        elif 0.0 <= probability <= 1.0:
            assert (verdict.row, verdict.outcome) == (matching[0].row, matching[0].outcome_of(case))

    @given(make.all_facts, make.probabilities, make.guard_lists)
    def test_a_forged_sender_fares_as_if_nothing_favourable_were_on_record(self, given_, probability, guards):
        forged = replace(given_, authentication=FORGED)
        standing = forged.standing
        rules = RuleMatch(
            *(None if kind is ALLOW else kind for kind in (standing.rules.address, standing.rules.domain))
        )
        poor = replace(standing, rules=rules, corresponded=False, took_part=False, keeps=False, credits=0)
        bare = replace(forged, standing=poor)
        verdict = verdict_on(forged, probability, guards)
        assert verdict == verdict_on(bare, probability, guards)
        assert verdict.row not in (
            PolicyRow.ALLOWED,
            PolicyRow.SAME_ORGANISATION,
            PolicyRow.CORRESPONDENT,
            PolicyRow.CREDIT,
        )
        assert verdict.outcome is not Outcome.CHALLENGE

    @given(make.all_facts, make.probabilities, make.guard_lists)
    def test_a_challenge_needs_its_mode_its_score_and_every_guard(self, given_, probability, guards):
        if verdict_on(given_, probability, guards).outcome is Outcome.CHALLENGE:
            assert given_.preferences.mode is Mode.CHALLENGE
            earlier = given_.standing.earlier
            surest = max(
                probability, earlier.held_score or 0.0, combined_probability(probability, earlier.proved)
            )
            assert surest >= THRESHOLDS.challenge
            assert probability >= CLEARLY_ORDINARY
            assert not guards
            assert given_.authentication.passed

    @given(make.all_facts, make.probabilities)
    def test_observe_moves_only_what_the_owner_blocked(self, given_, probability):
        observing = replace(given_, preferences=replace(given_.preferences, mode=Mode.OBSERVE))
        verdict = verdict_on(observing, probability)
        assert not verdict.holds or verdict.row is PolicyRow.BLOCKED

    @given(
        make.all_facts,
        make.probabilities,
        st.sampled_from(sorted(set(PolicyRow) - ROWS_ALWAYS_ON - {PolicyRow.FAIL_OPEN})),
    )
    def test_switching_a_row_off_changes_only_what_it_decided(self, given_, probability, row):
        before = verdict_on(given_, probability)
        more = replace(given_.preferences, rows_off=given_.preferences.rows_off | {row})
        after = verdict_on(replace(given_, preferences=more), probability)
        assert after.row is not row
        assert before.row is row or after == before


class TestPrescreen:
    """What history alone tells."""

    @pytest.mark.parametrize("label", ["SENT", "DRAFT", "CHAT", "SPAM", "TRASH"])
    def test_mail_that_is_not_incoming(self, label: str):
        verdict = prescreen(frozenset({"INBOX", label}), Preferences(), True, NOW)
        assert verdict == Verdict(Outcome.IGNORE, PolicyRow.NOT_INCOMING)

    def test_mail_a_filter_kept_out_of_the_inbox(self):
        verdict = prescreen(frozenset({"UNREAD"}), Preferences(), False, NOW)
        assert verdict == Verdict(Outcome.IGNORE, PolicyRow.NOT_INCOMING)

    def test_unknown_labels_are_not_taken_for_missing_ones(self):
        assert prescreen(None, Preferences(), False, NOW) is None

    @pytest.mark.parametrize("labels", [None, frozenset({"INBOX"})])
    def test_paused(self, labels):
        paused = Preferences(paused_until=NOW + timedelta(minutes=1))
        assert prescreen(labels, paused, False, NOW) == Verdict(Outcome.INBOX, PolicyRow.LEFT_ALONE)
        assert prescreen(labels, paused, False, NOW + timedelta(minutes=1)) is None

    def test_a_category_left_to_gmail(self):
        labels = frozenset({"INBOX", "CATEGORY_PROMOTIONS"})
        assert prescreen(labels, Preferences(), False, NOW) == Verdict(Outcome.INBOX, PolicyRow.LEFT_ALONE)
        assert prescreen(labels, Preferences(left_alone=frozenset()), False, NOW) is None

    def test_where_the_owner_blocks_anybody_the_sender_must_be_seen(self):
        paused = Preferences(paused_until=NOW + timedelta(days=1))
        assert prescreen(frozenset({"INBOX"}), paused, True, NOW) is None

    def test_a_message_that_carries_our_block_label_must_be_seen(self):
        paused = Preferences(paused_until=NOW + timedelta(days=1))
        labels = frozenset({"INBOX", "Label_4"})
        assert prescreen(labels, paused, False, NOW, make.LABELS) is None
        assert prescreen(labels, paused, False, NOW, LabelIds()) is not None
        assert prescreen(None, paused, False, NOW, make.LABELS) is not None

    @given(make.all_facts, make.probabilities, make.guard_lists, st.booleans())
    def test_it_agrees_with_the_table(self, given_, probability, guards, has_block_rules):
        standing = given_.standing
        kinds = (standing.rules.address, standing.rules.domain)
        has_block_rules = has_block_rules or BLOCK in kinds
        early = prescreen(given_.arrival.labels, given_.preferences, has_block_rules, NOW, make.LABELS)
        if early is None:
            return
        full = verdict_on(given_, probability, guards)
        assert full.outcome is early.outcome
        order = [entry.row for entry in TABLE]
        # An earlier row that needs the fetched message may claim the same outcome.
        assert order.index(full.row) <= order.index(early.row)
        assert early.outcome in (Outcome.IGNORE, Outcome.INBOX)
