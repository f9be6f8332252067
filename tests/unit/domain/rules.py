"""Builders for the tests of the rules: one ordinary pitch to one ordinary owner, to be changed in one place."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from backend.domain.challenge import ChallengeHistory
from backend.domain.mail.message import Address, Arrival, Attachment, Headers, Message, Owner
from backend.domain.mail.sender import Authentication
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import CATEGORIES, ROWS_ALWAYS_ON, Mode, Preferences
from backend.domain.mailbox.message import LabelIds, PolicyRow, ReadLimit
from backend.domain.policy.evidence import EarlierEvidence
from backend.domain.policy.guards import GuardInput
from backend.domain.policy.table import Facts, Standing
from backend.domain.reading.score import Score, Thresholds
from tests.conftest import IN_CI

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OWNER = Owner("ana@corp.test", "Ana Corp", frozenset({"ana@corp.test", "a.corp@other.test"}))
THRESHOLDS = Thresholds(clear=0.1, hold=0.5, challenge=0.8, strict=0.3)
LABELS = LabelIds("Label_1", "Label_2", "Label_3", "Label_4", "Label_5")
UNKNOWN = Standing()
AUTHENTIC = Authentication(True, "dmarc", "dmarc=pass for seller.test")
FORGED = Authentication(False, "dmarc", "dmarc=fail")


def pitch(
    *fields: tuple[str, str],
    sender: str = "sam@seller.test",
    to: tuple[str, ...] = ("ana@corp.test",),
    cc: tuple[str, ...] = (),
    **changes: Any,
) -> Message:
    """A stranger's one-to-one mail to Ana. `fields` are added header fields, `changes` other attributes."""
    headers = (("Return-Path", f"<{sender}>"), ("From", sender), ("To", ", ".join(to)), *fields)
    base = Message(
        headers=Headers(headers),
        from_=(Address(sender, "Sam"),),
        to=tuple(Address(address) for address in to),
        cc=tuple(Address(address) for address in cc),
        subject="Quick question",
        message_id="<1@seller.test>",
        text="Could we talk about your growth next week?",
    )
    return replace(base, **changes)


def arrival(message: Message | None = None, labels: frozenset[str] = frozenset({"INBOX"})) -> Arrival:
    """`message`, or the ordinary pitch, two minutes after it came."""
    return Arrival("18c1", "18c1", labels, NOW - timedelta(minutes=2), message or pitch())


def facts(
    message: Message | None = None,
    *,
    labels: frozenset[str] = frozenset({"INBOX"}),
    authentication: Authentication = AUTHENTIC,
    owner: Owner = OWNER,
    standing: Standing = UNKNOWN,
    mode: Mode = Mode.CHALLENGE,
    read_limit: ReadLimit | None = None,
    **preferences: Any,
) -> Facts:
    """An authenticated stranger's pitch to a mailbox in mode *challenge*, unless said otherwise."""
    return Facts(
        arrival(message, labels),
        owner,
        authentication,
        Preferences(mode=mode, **preferences),
        standing,
        LABELS,
        read_limit=read_limit,
    )


def score(probability: float = 0.97) -> Score:
    return Score(probability, 0.0, (), "test")


def inquiry(message: Message | None = None, **changes: Any) -> GuardInput:
    """A question whose answer may leave, unless `message` or `changes` say otherwise."""
    base = GuardInput(
        arrival=arrival(message),
        owner=OWNER,
        authentication=AUTHENTIC,
        preferences=Preferences(mode=Mode.CHALLENGE),
        challenge_history=ChallengeHistory(),
        vacation_on=False,
        backlog=False,
        fresh=timedelta(hours=6),
        now=NOW,
    )
    return replace(base, **changes)


_TEXT = st.text(max_size=40)
_HEADER_NAMES = st.sampled_from(
    [
        "From", "List-Id", "List-Unsubscribe", "Precedence", "Auto-Submitted", "Return-Path", "Content-Type", "X-Loop",
        "In-Reply-To", "Authentication-Results", "Received", "X-Whatever", "Sender", "Feedback-ID",
    ]
)  # fmt: skip
_HEADER_VALUES = _TEXT | st.sampled_from(
    ["auto-replied", "bulk", "<>", "<l.lists.test>", "no", "multipart/report; report-type=delivery-status"]
)
_ADDRESSES = st.sampled_from(
    [
        "sam@seller.test",
        "ana@corp.test",
        "bo@mail.corp.test",
        "x@gmail.com",
        "mailer-daemon@x.test",
        "",
        "no at",
    ]
) | st.text(max_size=30)
addresses = st.builds(Address, _ADDRESSES, _TEXT)
messages = st.builds(
    Message,
    headers=st.builds(Headers, st.lists(st.tuples(_HEADER_NAMES, _HEADER_VALUES), max_size=8).map(tuple)),
    from_=st.lists(addresses, max_size=2).map(tuple),
    reply_to=st.lists(addresses, max_size=2).map(tuple),
    to=st.lists(addresses, max_size=3).map(tuple),
    cc=st.lists(addresses, max_size=2).map(tuple),
    subject=_TEXT,
    message_id=_TEXT | st.just("<a@b.test>"),
    in_reply_to=_TEXT,
    references=st.lists(_TEXT, max_size=3).map(tuple),
    text=_TEXT,
    html=st.none() | _TEXT,
    content_type=st.sampled_from(["text/plain", "multipart/report", "multipart/mixed"]),
    attachments=st.lists(
        st.builds(
            Attachment,
            _TEXT,
            st.sampled_from(["text/calendar", "message/delivery-status", "application/pdf"]),
            method=st.sampled_from(["", "reply", "request"]),
        ),
        max_size=2,
    ).map(tuple),
)  # fmt: skip
label_sets = st.frozensets(
    st.sampled_from(
        ["INBOX", "SENT", "SPAM", "TRASH", "DRAFT", "CHAT", "UNREAD", "Label_3", "Label_4", *CATEGORIES]
    )
).map(lambda labels: labels | {"INBOX"}) | st.frozensets(st.sampled_from(["SENT", "UNREAD", "SPAM"]))
rules = st.builds(
    RuleMatch, st.none() | st.sampled_from(list(RuleKind)), st.none() | st.sampled_from(list(RuleKind))
)
standings = st.builds(
    Standing,
    rules=rules,
    corresponded=st.booleans(),
    took_part=st.booleans(),
    keeps=st.booleans(),
    credits=st.integers(0, 3),
    earlier=st.builds(
        EarlierEvidence,
        st.floats(-9, 9) | st.just(0.0),
        st.floats(-9, 9) | st.just(0.0),
        st.none() | st.sampled_from([0.6, 0.8, 1.0]),
    ),
)
preferences = st.builds(
    Preferences,
    mode=st.sampled_from(list(Mode)),
    left_alone=st.frozensets(st.sampled_from(CATEGORIES)),
    rows_off=st.frozensets(st.sampled_from(sorted(set(PolicyRow) - ROWS_ALWAYS_ON - {PolicyRow.FAIL_OPEN}))),
    paused_until=st.sampled_from([None, NOW - timedelta(days=1), NOW + timedelta(days=1)]),
)
authentications = st.sampled_from([AUTHENTIC, FORGED])
probabilities = st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.5, 0.8, 1.0])
guard_lists = st.lists(st.sampled_from(["stale", "list_headers"]), max_size=2, unique=True).map(tuple)
all_facts = st.builds(
    Facts,
    st.builds(Arrival, st.just("1"), st.just("1"), label_sets, st.just(NOW), messages),
    st.just(OWNER),
    authentications,
    preferences,
    standings,
    st.just(LABELS),
    read_limit=st.none() | st.sampled_from(ReadLimit),
)


def judge_of(program: str) -> str:
    """A program that judges what we send; skips without, but not in CI."""
    found = shutil.which(program)
    if found is None:
        assert not IN_CI, f"CI has {program}: bash requirements/setup.sh mail"
        pytest.skip(f"needs {program}; as root: bash requirements/setup.sh mail")
    return found


def html_faults(page: str) -> list[str]:
    """What HTML Tidy finds wrong with a whole page. It does not know the attributes of ARIA 1.1 and later."""
    command = [judge_of("tidy"), "-quiet", "-errors", "-utf8"]
    found = subprocess.run(command, input=page.encode(), capture_output=True, check=False).stderr.decode()
    return [line for line in found.splitlines() if "aria-roledescription" not in line]
