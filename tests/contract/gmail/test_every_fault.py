"""Every call of the port through every fault the sandbox knows, and what the job loop is told of each: a table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from backend.domain.errors import (
    NO_TOPIC,
    Blame,
    FailingJob,
    Gone,
    GoogleError,
    HistoryGone,
    NeedsReconnect,
    Rejected,
    SendUncertain,
    TryLater,
    Unexplained,
    cause_of,
)
from backend.domain.mailbox.message import LABEL_NAMES
from backend.gmail.client import Google
from backend.gmail.quota import NEW_PRICES
from backend.ports.gmail import Gmail, OutgoingMail
from backend.sandbox import faults
from tests.contract.gmail.sandbox_story import Story
from tests.doubles import in_english

MAIL = b"From: ana@corp.test\r\nTo: bo@ext.test\r\nSubject: Re: An offer\r\n\r\nHello"

Answered = type[GoogleError] | None
"""The error a call ends with, None: it succeeds."""

FAULTS: dict[str, tuple[Answered, Answered]] = {
    "unauthenticated": (None, TryLater),
    "rate_limit": (TryLater, TryLater),
    "user_rate_limit": (TryLater, TryLater),
    "daily_limit": (TryLater, TryLater),
    "too_many_requests": (TryLater, TryLater),
    "too_many_concurrent": (TryLater, TryLater),
    "access_not_configured": (TryLater, TryLater),
    "forbidden_page": (TryLater, TryLater),
    "failed_precondition": (Unexplained, Unexplained),
    "domain_policy": (NeedsReconnect, NeedsReconnect),
    "insufficient_scope": (NeedsReconnect, NeedsReconnect),
    "invalid_argument": (Rejected, Rejected),
    "not_found": (Unexplained, Unexplained),
    "missing_topic": (Unexplained, Unexplained),
    "label_conflict": (TryLater, TryLater),
    "backend_500": (TryLater, SendUncertain),
    "bad_gateway": (TryLater, SendUncertain),
    "unavailable": (TryLater, SendUncertain),
    "gateway_timeout": (TryLater, SendUncertain),
    "slow": (None, None),
    "drop": (TryLater, SendUncertain),
    "drop_after": (TryLater, SendUncertain),
    "drop_mid": (TryLater, SendUncertain),
    "unavailable_after": (TryLater, SendUncertain),
    "garbage": (TryLater, SendUncertain),
    "label_taken": (TryLater, TryLater),
}
"""By kind: what a read or a label change ends with, and what ends a call that makes mail."""

OF_ONE_THING = dict.fromkeys(("not_found", "missing_topic"), Gone)
OWN: dict[str, dict[str, Answered]] = {
    "history.list": dict.fromkeys(("not_found", "missing_topic", "invalid_argument"), HistoryGone),
    "messages.get": OF_ONE_THING,  # type: ignore[dict-item]
    "messages.modify": OF_ONE_THING,  # type: ignore[dict-item]
    "messages.send": OF_ONE_THING,  # type: ignore[dict-item]
    "threads.get": dict.fromkeys(("not_found", "missing_topic")),
    "labels.create": {"label_taken": None},
    "watch": {"missing_topic": TryLater},
    "stop": {"drop_mid": None},  # an answer without a body has no middle
}
"""Where a method means something else by it."""

CREATES_MAIL = ("messages.send", "messages.insert")
CALLS: dict[tuple[str, str], Callable[[Gmail, str, str], Awaitable[object]]] = {
    ("profile", "getProfile"): lambda gmail, box, _: gmail.profile(box),
    ("watch", "watch"): lambda gmail, box, _: gmail.watch(box),
    ("stop_watch", "stop"): lambda gmail, box, _: gmail.stop_watch(box),
    ("history", "history.list"): lambda gmail, box, _: history(gmail, box),
    ("list_messages", "messages.list"): lambda gmail, box, _: gmail.list_messages(box, "in:inbox"),
    ("fetch", "messages.get"): lambda gmail, box, mail: gmail.fetch(box, mail),
    ("labels_on", "messages.get"): lambda gmail, box, mail: gmail.labels_on(box, mail),
    ("relabel", "messages.modify"): lambda gmail, box, mail: gmail.relabel(
        box, mail, frozenset({"STARRED"}), frozenset()
    ),
    ("send", "messages.send"): lambda gmail, box, mail: gmail.send(box, MAIL, mail),
    ("find_sent", "messages.list"): lambda gmail, box, mail: gmail.find_sent(box, leaving(mail)),
    ("find_sent", "threads.get"): lambda gmail, box, mail: gmail.find_sent(box, leaving(mail)),
    ("find_link", "threads.get"): lambda gmail, box, mail: gmail.find_link(box, leaving(mail)),
    ("place", "messages.insert"): lambda gmail, box, _: gmail.place(box, MAIL),
    ("find_placed", "messages.list"): lambda gmail, box, _: gmail.find_placed(box, "<a@corp.test>"),
    ("ensure_labels", "labels.list"): lambda gmail, box, _: gmail.ensure_labels(box),
    ("ensure_labels", "labels.create"): lambda gmail, box, _: gmail.ensure_labels(box),
    ("identity", "settings.sendAs.list"): lambda gmail, box, _: gmail.identity(box),
    ("filtered", "settings.filters.list"): lambda gmail, box, _: gmail.filtered(
        box, "<a@corp.test>", "IMPORTANT"
    ),
    ("vacation_on", "settings.getVacation"): lambda gmail, box, _: gmail.vacation_on(box),
}
"""The port's calls, and the method of Google's that each fault strikes under it."""

TOKENS: dict[str, Answered] = {
    **dict.fromkeys(faults.KINDS, TryLater),
    **dict.fromkeys(("invalid_grant", "admin_policy_enforced", "org_internal"), NeedsReconnect),
    "slow": None,
}
"""What a call ends with whose access token had to be renewed when the token endpoint said that."""

PASSES = (TryLater, SendUncertain)


async def history(gmail: Gmail, box: str) -> object:
    return await gmail.history(box, (await gmail.profile(box)).history_id)


def leaving(thread_id: str) -> OutgoingMail:
    return OutgoingMail("<a@corp.test>", thread_id, "marker", "bo@ext.test", datetime.now(UTC))


def test_no_call_method_or_fault_is_missing() -> None:
    called = {name for name, value in vars(Gmail).items() if callable(value) and not name.startswith("_")}
    assert {name for name, _ in CALLS} == called
    assert {f"gmail.users.{method}" for _, method in CALLS} == set(NEW_PRICES)
    assert FAULTS.keys() | faults.TOKEN_REFUSALS.keys() == set(faults.KINDS)


@pytest.mark.parametrize(("name", "method"), CALLS)
async def test_what_becomes_of_a_call(story: Story, google: Google, name: str, method: str) -> None:
    mail = story.deliver()
    grant = story.keeper.grants["m1"]
    await google.gmail.ensure_labels("m1")
    for kind, (usual, making) in FAULTS.items():
        # A mailbox of its own for us, since limits and lost grants are remembered.
        story.keeper.grants[kind] = grant
        await google.gmail.profile(kind)
        if method == "labels.create":
            story.sandbox.act("delete_label", story.address, label=LABEL_NAMES["would_hold"])
        # A GET on a connection that turns out dead is repeated once by the HTTP library.
        times, before = 2 if kind.startswith("drop") else 1, _struck(story, kind, method)
        story.fault(kind, method=method, times=times, seconds=0.01)
        expected = OWN.get(method, {}).get(kind, making if method in CREATES_MAIL else usual)
        error = await _ended(CALLS[name, method](google.gmail, kind, mail))
        assert type(error) is (expected or type(None)), f"{kind}: {error!r}"
        assert _struck(story, kind, method) > before, f"{kind} did not strike"
        story.sandbox.clear_faults()
        _told(error)
        await google.gmail.ensure_labels("m1")


@pytest.mark.parametrize("kind", TOKENS)
async def test_what_becomes_of_a_call_without_a_token(story: Story, google: Google, kind: str) -> None:
    story.sandbox.fault(kind, method="oauth.token", seconds=0.01)
    error = await _ended(google.gmail.profile("m1"))
    assert type(error) is (TOKENS[kind] or type(None)), repr(error)
    _told(error)
    if isinstance(error, TryLater):
        assert (await google.gmail.profile("m1")).email == story.address, (
            "it passes, and nobody need do anything"
        )


def _struck(story: Story, kind: str, method: str) -> int:
    return int(story.sandbox.faults()["methods"].get(kind, {}).get(method, 0))


async def _ended(call: Awaitable[object]) -> GoogleError | None:
    try:
        await call
    except GoogleError as error:
        return error
    return None


def _told(error: GoogleError | None) -> None:
    """What passes is waited out and told for what it is: never as a fault of ours."""
    if isinstance(error, PASSES):
        cause = cause_of(error)
        assert cause is not None
        blamed = FailingJob("screen", cause, datetime.now(UTC)).blame
        assert (blamed is Blame.OURS) == (error.reason == NO_TOPIC), "a topic that is missing is ours to make"
        assert in_english(error)
