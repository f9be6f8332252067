"""What an older release wrote as a sentence becomes a code."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from backend.domain.errors import AccessLost
from backend.domain.mailbox.message import FailOpenCause
from backend.store.library import Dialect, migrations
from backend.transactions.script import packed

BOX = (
    "INSERT INTO mailboxes (id, sub, email, name, link, link_cause, scopes, preferences, created_at, changed_at)"
    " VALUES (?, ?, 'e', '', ?, ?, '[]', '{}', 0, 0)"
)
UNJUDGED = {
    "m1": "Gmail would not give the message out: Bad request.",
    "m2": "The message could not be scored (KeyError).",
    "m3": "The model gave no probability.",
    "m4": "No row of the policy table matched.",
    "m5": "The sender's credits or challenges kept changing while it was judged.",
}
CONNECT = "\nConnect again; work resumes where it stopped."
LOST = {
    "The permission to read and label mail is missing.\nConnect again and leave every box ticked.": AccessLost.SCOPE,
    "The organisation's administrator has switched off Gmail for outside programs.\nAsk them.": AccessLost.POLICY,
    "The organisation's administrator does not allow Pitchgate.\nAsk them.": AccessLost.POLICY,
    "This Google account has no Gmail.\nConnect an account that has a mailbox.": AccessLost.NO_GMAIL,
    f"The access you gave can no longer be opened here.{CONNECT}": AccessLost.SEALED,
    f"Google no longer accepts the permission given to Pitchgate.{CONNECT}": AccessLost.GRANT,
}


@contextmanager
def before(name: str) -> Iterator[tuple[sqlite3.Connection, str]]:
    """A database as it was before the step of this name, and the step."""
    connection = sqlite3.connect(":memory:")
    steps = migrations(Dialect.SQLITE)
    (wanted,) = [step for step in steps if step.name == name]
    for step in steps:
        if step.version < wanted.version:
            connection.executescript(step.sql)
    yield connection, wanted.sql
    connection.close()


def test_why_a_message_was_not_judged() -> None:
    with before("unjudged") as (connection, step):
        connection.execute(BOX, ("ana", "s", "connected", ""))
        rows = [(name, "fail_open", text) for name, text in UNJUDGED.items()] + [("m6", "below_hold", "")]
        connection.executemany(
            "INSERT INTO messages (mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, policy_row,"
            " cause) VALUES ('ana', ?, 't', 0, 0, 0, ?, ?)",
            rows,
        )
        connection.executescript(step)
        found = dict(connection.execute("SELECT gmail_id, cause FROM messages"))
    assert found == {
        "m1": FailOpenCause.REFUSED,
        "m2": FailOpenCause.UNREADABLE,
        "m3": FailOpenCause.NO_PROBABILITY,
        "m4": FailOpenCause.NO_ROW,
        "m5": FailOpenCause.UNSETTLED,
        "m6": "",
    }


def test_how_access_was_lost() -> None:
    with before("lost") as (connection, step):
        for number, sentence in enumerate(LOST):
            connection.execute(BOX, (f"box{number}", f"s{number}", "needs_reconnect", sentence))
        connection.execute(BOX, ("well", "w", "connected", ""))
        connection.execute(BOX, ("leaving", "l", "leaving", "disconnected by the operator"))
        connection.executescript(step)
        found = dict(connection.execute("SELECT id, link_cause FROM mailboxes"))
    assert found == {f"box{n}": lost for n, lost in enumerate(LOST.values())} | {"well": "", "leaving": ""}


def test_why_a_message_scored_so() -> None:
    old = [
        {"text": "asks for a call or a meeting", "weight": 1.5, "words": ["a quick call"]},
        {"text": "“Re:” without an earlier mail", "weight": 0.5, "words": []},
        {"text": "words of a pitch", "weight": 0.5, "words": ["costs (amount)", "(sender’s firm)"]},
        {"text": "never heard of", "weight": -0.5, "words": ["asks for a call or a meeting"]},
    ]
    with before("reasons") as (connection, step):
        connection.execute(BOX, ("ana", "s", "connected", ""))
        connection.execute(
            "INSERT INTO messages (mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, reasons)"
            " VALUES ('ana', 'm1', 't', 0, 0, 0, ?)",
            (packed(old),),
        )
        connection.executescript(step)
        (found,) = connection.execute("SELECT reasons FROM messages").fetchone()
    assert json.loads(found) == [
        {"text": "phrase.asks_call", "weight": 1.5, "words": ["a quick call"]},
        {"text": "form.re_unanswered", "weight": 0.5, "words": []},
        {"text": "pitch_words", "weight": 0.5, "words": ["costs {n_money}", "{x_firm}"]},
        {"text": "never heard of", "weight": -0.5, "words": ["asks for a call or a meeting"]},
    ]
