"""What an older release wrote as a sentence becomes a code."""

from __future__ import annotations

import sqlite3

from backend.domain.mailbox.verdict import FailOpen
from backend.store.library import Dialect, migrations

SENTENCES = {
    "m1": "Gmail would not give the message out: Bad request.",
    "m2": "The message could not be scored (KeyError).",
    "m3": "The model gave no probability.",
    "m4": "No row of the policy table matched.",
    "m5": "The sender's credits or challenges kept changing while it was judged.",
}


def test_sentences_become_codes_and_other_rows_are_left_alone() -> None:
    connection = sqlite3.connect(":memory:")
    steps = migrations(Dialect.SQLITE)
    (unjudged,) = [step for step in steps if step.name == "unjudged"]
    for step in steps:
        if step.version < unjudged.version:
            connection.executescript(step.sql)
    connection.execute(
        "INSERT INTO mailboxes (id, sub, email, name, link, scopes, preferences, created_at, changed_at)"
        " VALUES ('ana', 's', 'e', '', 'connected', '[]', '{}', 0, 0)"
    )
    rows = [(name, "fail_open", text) for name, text in SENTENCES.items()] + [("m6", "below_hold", "")]
    connection.executemany(
        "INSERT INTO messages (mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, policy_row, cause)"
        " VALUES ('ana', ?, 't', 0, 0, 0, ?, ?)",
        rows,
    )

    connection.executescript(unjudged.sql)

    found = dict(connection.execute("SELECT gmail_id, cause FROM messages"))
    connection.close()
    assert found == {
        "m1": FailOpen.REFUSED,
        "m2": FailOpen.UNREADABLE,
        "m3": FailOpen.NO_PROBABILITY,
        "m4": FailOpen.NO_ROW,
        "m5": FailOpen.UNSETTLED,
        "m6": "",
    }
