"""One owner's ids in another owner's hands: every method of the port, nothing seen, nothing changed."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.challenge import ChallengeHistory, LedgerEntry, Posting
from backend.domain.errors import AccessLost, Cause, LaneLost, NotFound
from backend.domain.mail.message import Owner
from backend.domain.mailbox.decisions import Correction, Decision, Origin, RuleKind
from backend.domain.mailbox.mailbox import AccessState, Mailbox, NoticeMode, Preferences
from backend.domain.mailbox.message import LabelIds, Outcome, PolicyRow, Verdict
from backend.domain.mailbox.rules import Rule
from backend.domain.policy.preview import PreviewAnswer, PreviewFetch
from backend.domain.policy.table import Standing
from backend.domain.watching.trial import Answer
from backend.ports.system import Pushed
from backend.transactions.records import (
    Debt,
    Duty,
    DutyJob,
    MessageJob,
    Sighting,
    SyncPage,
    WebPush,
)
from backend.transactions.store import Bound, Store
from tests.contract.store.dump import dump
from tests.contract.store.stories import BO, Story

ABOUT_ALL = {
    "open": "no mailbox",
    "close": "no mailbox",
    "ping": "no mailbox",
    "on_due": "no mailbox",
    "keep_away": "the start's: owners who left before the backup was made",
    "connect": "named by Google's account id",
    "mailboxes": "the operator's",
    "sealed_tokens": "the start's: do our keys open any",
    "mailbox_by_email": "named by address",
    "note_push": "named by address, checked by Pub/Sub's token",
    "lanes": "the lanes'",
    "note_pull_failure": "the fetcher's",
    "bring_back": "a server's: its clock was wrong",
    "challenge_by_token": "named by a secret",
    "receipt": "named by a secret",
    "drop_receipts": "the worker's",
    "solve": "named by the challenge found by that secret",
    "schedule_release": "named by the challenge found by that secret",
    "digest_link": "named by a secret",
    "use_digest_link": "named by a secret",
    "undo_digest_link": "named by a secret",
    "ledger_differences": "the operator's",
    "census": "the operator's",
    "models_in_use": "a server's: no mailbox",
    "known_models": "the operator's: no mailbox",
    "stored_model": "a server's: no mailbox",
    "add_model": "the operator's: no mailbox",
    "change_models": "the operator's: no mailbox",
    "model_acts": "the operator's: no mailbox",
    "trial_labels": "the operator's: figures",
    "trial_counts": "the operator's: figures",
}
"""Methods that name no mailbox, and who may call them instead."""

SERVED = {
    *"""
    add_code add_session insert_unseen archive_page begin_unsubscribe change_preferences changed
    device_by_token device_seen devices exchange figures held mail news overview
    save_preferences_unless_changed card_data redeem_ticket remove_device
    remove_other_sessions extend_session remove_session restore_rows review review_news sender
    sender_profile session sessions tenant finish_unsubscribe
    """.split()
}
"""What pages, apps and the add-on ask for: the walk of `test_tenants_services`."""

OWN = {
    *"""
    mailbox sealed_token save_sealed_token swap_sealed_token save_grant_expiry owed_links room_at
    save_preferences save_labels save_watch set_link lose_link lane_work held_at_rest release_due forget
    request_duty set_notice_mode owner_acted set_rule screening_context history_context mailbox_without_failures
    learn order_preview preview_run count_rules put_rules ask_to_leave count_weeks decision_chain
    decisions drift draw_questions questions labels answered swap_chain_key
    """.split()
}
"""Methods that name a mailbox and nothing in it."""


DEBT = Debt("m1", "t-m1", BO, "pitch.test")


class Eve:
    """Holds valid work of her own mailbox and every id of Ana's."""

    def __init__(
        self, story: Story, mailbox: Mailbox, message: MessageJob, duty: DutyJob, browser: WebPush
    ) -> None:
        self.mailbox, self.browser = mailbox, browser
        self.store, self.now, self.story = story.store, story.now, story
        self.message = replace(message, mailbox_id="eve")
        self.duty = replace(duty, mailbox_id="eve")
        self.screened = story.screened()

    def calls(self) -> dict[str, Callable[[], Awaitable[Any]]]:
        """One call a method, with Eve's mailbox and Ana's ids."""
        store, now, message, duty = self.store, self.now, self.message, self.duty
        correction = Correction("key-eve", "m1", Decision.ALLOW, Origin.TRAY)
        page = SyncPage((Sighting("m9", "t9", None),), deleted=("m1", "m2"), cursor="9999")
        verdict = Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD)
        return {
            "mailbox": lambda: store.mailbox("eve"),
            "sealed_token": lambda: store.sealed_token("eve"),
            "save_sealed_token": lambda: store.save_sealed_token("eve", b"eve", now),
            "count_weeks": lambda: store.count_weeks("eve", now + timedelta(days=8)),
            "drift": lambda: store.drift("eve"),
            "decision_chain": lambda: store.decision_chain("eve"),
            "keep_head": lambda: store.keep_head("eve"),
            "decisions": lambda: store.decisions("eve", "m1"),
            "decided_messages": lambda: store.decided_messages("eve"),
            "swap_chain_key": lambda: store.swap_chain_key("eve", b"sealed", b"eve"),
            "draw_questions": lambda: store.draw_questions("eve", now),
            "questions": lambda: store.questions("eve", now),
            "answer_question": lambda: store.answer_question("eve", "m1", Answer.YES, Origin.PAGE, now),
            "labels": lambda: store.labels("eve", now),
            "answered": lambda: store.answered("eve", "v1", now),
            "swap_sealed_token": lambda: store.swap_sealed_token("eve", b"sealed", b"eve", now),
            "save_grant_expiry": lambda: store.save_grant_expiry("eve", b"sealed", now),
            "owed_links": lambda: store.owed_links("eve", now),
            "room_at": lambda: store.room_at("eve", now),
            "pay_link": lambda: store.pay_link("eve", DEBT, verdict, self.story.intent(), now),
            "save_preferences": lambda: store.save_preferences("eve", Preferences(), now),
            "save_labels": lambda: store.save_labels("eve", LabelIds("a", "b", "c", "d"), Owner("")),
            "save_watch": lambda: store.save_watch("eve", now, "1"),
            "set_link": lambda: store.set_link("eve", AccessState.CONNECTED, now),
            "lose_link": lambda: store.lose_link("eve", AccessLost.GRANT, now, now),
            "begin_leaving": lambda: store.begin_leaving(duty),
            "lane_work": lambda: store.lane_work("eve", 9),
            "history_context": lambda: store.history_context("eve", ["sent-c1"], ["m1", "m2"]),
            "held_at_rest": lambda: store.held_at_rest("eve", 10),
            "digest_state": lambda: store.digest_state("eve"),
            "tell_digest": lambda: store.tell_digest(duty, "<d@x>", now, (), now),
            "digest_told": lambda: store.digest_told(duty, now, "m1"),
            "web_pushes": lambda: store.web_pushes("eve", now),
            "add_web_push": lambda: store.add_web_push("eve", self.browser, now),
            "swap_web_push": lambda: store.swap_web_push("eve", self.browser.id, self.browser.sealed, b"eve"),
            "remove_web_push": lambda: store.remove_web_push("eve", self.browser.session),
            "hand_over_web_push": lambda: store.hand_over_web_push("eve", self.browser.session, "s-eve"),
            "web_pushed": lambda: store.web_pushed(duty, [(self.browser, Pushed.GONE)], now),
            "release_due": lambda: store.release_due("eve", now),
            "decided_on": lambda: store.decided_on("eve", ["m0", "m1"]),
            "request_duty": lambda: store.request_duty("eve", Duty.SYNC, now),
            "set_notice_mode": lambda: store.set_notice_mode("eve", NoticeMode.POLL),
            "owner_acted": lambda: store.owner_acted("eve", now),
            "finish_duty": lambda: store.finish_duty(duty, now),
            "postpone_duty": lambda: store.postpone_duty(duty, now, "", now),
            "count_death": lambda: store.count_death(message),
            "take_back_death": lambda: store.take_back_death(message),
            "finish_stage": lambda: store.finish_stage(message, now),
            "postpone": lambda: store.postpone(message, now, "", now),
            "dead_letters": lambda: store.dead_letters("eve"),
            "retry_dead_letter": lambda: store.retry_dead_letter("eve", "m3", now),
            "drop_dead_letter": lambda: store.drop_dead_letter("eve", "m3", now),
            "make_dead_letter": lambda: store.make_dead_letter(message, "", now),
            "gone": lambda: store.gone(message, now),
            "commit_sync": lambda: store.commit_sync(duty, page, now),
            "commit_look": lambda: store.commit_look("eve", self.mailbox, page, None, (), (), now),
            "postpone_look": lambda: store.postpone_look("eve", None, now, now, Cause.GOOGLE),
            "mailbox_without_failures": lambda: store.mailbox_without_failures("eve"),
            "sent_challenge_ids": lambda: store.sent_challenge_ids("eve", ["sent-c1"]),
            "challenge_pending_in": lambda: store.challenge_pending_in("eve", "t-m2"),
            "known": lambda: store.known("eve", ["m1", "m2"]),
            "learn": lambda: store.learn("eve", frozenset({BO}), "t-m1", now),
            "held_from": lambda: store.held_from("eve", frozenset({BO})),
            "save_index": lambda: store.save_index(duty, "", 1, 1, finished=True, now=now),
            "challenge_history": lambda: store.challenge_history(
                "eve", "carl@x.test", "pitch.test", "t7", now
            ),
            "standing": lambda: store.standing("eve", "carl@x.test", "pitch.test", "t7", now),
            "record_verdict": lambda: store.record_verdict(message, verdict, self.screened, None, now),
            "earlier_in_inbox": lambda: store.earlier_in_inbox("eve", "m1", now - timedelta(days=7)),
            "take_out": lambda: store.take_out("eve", "m1", ["m2"], now),
            "decide": lambda: store.decide("eve", correction.order, now),
            "undo": lambda: store.undo("eve", "key-ana", now),
            "set_rule": lambda: store.set_rule("eve", BO, RuleKind.ALLOW, now),
            "screening_context": lambda: store.screening_context("eve"),
            "challenge_of": lambda: store.challenge_of("eve", "m1"),
            "screened": lambda: store.screened("eve", "m1"),
            "mark_sending": lambda: store.mark_sending(message, "c1", now),
            "mark_sent": lambda: store.mark_sent(message, "c1", "x", now),
            "take_up": lambda: store.take_up(message, "c1", "hash", "x", now),
            "mark_unsent": lambda: store.mark_unsent(message, "c1", "", now),
            "post": lambda: store.post("eve", LedgerEntry(BO, 1, Posting.GRANTED, "grant:1"), now),
            "balance": lambda: store.balance("eve", "di@pitch.test"),
            "messages": lambda: store.messages("eve", before="m1"),
            "retain": lambda: store.retain("eve", now, now + timedelta(days=400), 1_000),
            "begin_challenge": lambda: store.begin_challenge("eve", "c1", now),
            "count_try": lambda: store.count_try("eve", "c1", "k1"),
            "write_note": lambda: store.write_note("eve", "c1", "Hello", now),
            "note_bounce": lambda: store.note_bounce("eve", "t-m1", now),
            "order_preview": lambda: store.order_preview("eve", now),
            "preview_run": lambda: store.preview_run("eve"),
            "add_previews": lambda: store.add_previews(duty, 1, [("m1", "t1")], now),
            "previews_to_read": lambda: store.previews_to_read("eve", 10),
            "record_previews": lambda: store.record_previews(duty, 1, [PreviewFetch("m1", None)], now),
            "previews": lambda: store.previews("eve"),
            "label_preview": lambda: store.label_preview("eve", "m1", PreviewAnswer.SALES, now),
            "rules": lambda: store.rules("eve", None, "", "", 10),
            "count_rules": lambda: store.count_rules("eve"),
            "rules_of": lambda: store.rules_of("eve", ["bad.test"]),
            "put_rules": lambda: store.put_rules("eve", [Rule("bad.test", RuleKind.ALLOW)], now),
            "ask_to_leave": lambda: store.ask_to_leave("eve", "hash", now),
            "forget": lambda: store.forget("eve"),
        }


async def eve_beside_ana(story: Story) -> Eve:
    """Ana's mailbox with one of everything in it, and Eve's empty one."""
    await story.mailbox("ana")
    eve = await story.mailbox("eve")
    await story.receive("ana", "m1", Outcome.CHALLENGE)
    await story.preview("ana", "m1")
    await story.store.learn("ana", frozenset({"carl@x.test"}), "t7", story.now)
    await story.store.set_rule("ana", "bad.test", RuleKind.BLOCK, story.now)
    await story.store.post("ana", LedgerEntry("di@pitch.test", 3, Posting.GRANTED, "grant:1"), story.now)
    await story.receive("ana", "m0", Outcome.HOLD, "ed@x.test")
    await story.decide("ana", "m0", Decision.RELEASE, "key-ana")
    await story.work()
    await story.arrive("ana", "m3")
    await story.store.make_dead_letter(await story.job("m3"), "", story.now)
    await story.arrive("ana", "m2")
    await story.judge(await story.job("m2"), Outcome.CHALLENGE, "fay@fay.test")
    browser = await story.browser("ana")
    return Eve(story, eve, await story.job("m2"), await story.hold("ana"), browser)


def methods() -> set[str]:
    """Every method of the store that this walk is about."""
    named = {
        name
        for name, kind in vars(Store).items()
        if (inspect.isfunction(kind) or isinstance(kind, Bound)) and not name.startswith("_")
    }
    assert named >= SERVED
    return named - SERVED


async def eve_again(story: Story) -> None:
    """Eve's mailbox as it was before her last call."""
    await story.store.forget("eve")
    await story.connect("eve")
    for job in (await story.store.lane_work("eve", 0)).duties:
        await story.store.finish_duty(job, None)


async def test_another_owners_ids_are_nothing(story: Story, address: str) -> None:
    eve = await eve_beside_ana(story)
    before = await dump(address, "ana")
    assert before["messages"]
    assert before["challenges"]
    found = {}
    for name in sorted(methods() - ABOUT_ALL.keys()):
        try:
            seen = await eve.calls()[name]()
        except (NotFound, LaneLost):
            seen = None
        if (after := await dump(address, "ana")) != before:
            found[name], before = "changed what is Ana's", after
        elif name not in OWN and name not in ("post", "commit_sync"):
            if seen and seen not in (Standing(), ChallengeHistory()):
                found[name] = f"told {seen!r}"
        elif name in (
            *"""
            mailbox mailbox_without_failures sealed_token screening_context history_context
            """.split(),
        ) and "ana" in repr(seen):
            found[name] = f"told {seen!r}"
        await eve_again(story)
    assert found == {}


def test_every_method_of_the_port_is_in_this_walk(store: Store) -> None:
    # A new method without a call above fails the walk with a KeyError; a stale name fails here.
    assert methods() >= ABOUT_ALL.keys()
    assert methods() >= OWN
    for name in methods():
        assert callable(getattr(store, name))


async def test_even_with_work_of_her_own_she_reaches_only_her_own(story: Story, address: str) -> None:
    await eve_beside_ana(story)
    await story.arrive("eve", "m1")
    mine = await story.job("m1", "eve")
    duty = await story.hold("eve")
    before = await dump(address, "ana")
    for reach in (
        story.store.mark_sending(mine, "c1", story.now),
        story.store.mark_sent(mine, "c2", "x", story.now),
        story.store.take_up(mine, "c2", "hash", "x", story.now),
        story.store.mark_unsent(mine, "c2", "", story.now),
    ):
        with pytest.raises(NotFound):
            await reach
    page = SyncPage((Sighting("m2", "t9", None),), deleted=("m1", "m0"), cursor="9999")
    assert await story.store.commit_sync(duty, page, story.now) == 1
    now, look = story.now, replace(page, cursor="10000")
    kept = [replace(mine, gmail_id=gmail_id) for gmail_id in ("m2", "m3")]
    look = replace(look, sightings=(Sighting("m2", "t9", None), Sighting("m3", "t9", None)))
    seen = await story.store.mailbox_without_failures("eve")
    assert seen is not None
    found = await story.store.commit_look("eve", seen, look, None, kept, (), now)
    assert found.keys() == {"m3"}
    assert await dump(address, "ana") == before
