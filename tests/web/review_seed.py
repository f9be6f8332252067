"""A mailbox with much held mail, written past the scripts: ten thousand verdicts would take a minute."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from backend.store.sqlite import connect_file
from backend.transactions.script import micros

REASONS = json.dumps(
    [
        {
            "text": "phrase.asks_call",
            "weight": 1.9,
            "words": ["quick call", "this week", "15 minutes"],
        },
        {"text": "pitch_words", "weight": 1.2, "words": ["pipeline", "qualified", "guarantee"]},
        {"text": "phrase.claims_result", "weight": 0.8, "words": ["300 %"]},
        {"text": "ordinary_words", "weight": -0.6, "words": ["bees", "paper"]},
    ]
)
INSERT = """
INSERT INTO messages (mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, placement, outcome,
    policy_row, score, logit, model, reasons, decided_at, sender, sender_name, sender_domain, subject, message_id,
    received_at, authenticated, reply_to, language, appeal)
VALUES ('ana', :id, :id, 0, :at, :at, 'held', 'challenge', 'challenge', 0.97, 3.4, 'm1', :reasons, :at, :sender,
    :name, :domain, :subject, :id, :at, 1, :sender, 'en', :appeal)
"""


def fill(path: Path, count: int, before: datetime, per_sender: int = 3) -> None:
    """`count` held messages of `count / per_sender` senders, a minute apart, the newest a minute before `before`.
    Every hundredth has a line of its sender's."""
    rows = [
        {
            "id": f"{0x19A3C0FFEE000000 + number:016x}",
            "at": micros(before - timedelta(minutes=count - number)),
            "reasons": REASONS,
            "sender": f"alexandra.salesperson{number % max(1, count // per_sender):05}@a-vendor-of-things.example",
            "name": f"Alexandra Salesperson {number:05}",
            "domain": "a-vendor-of-things.example",
            "subject": f"Alexandra, following up on the 300 % more pipeline for your firm, as promised ({number:05})",
            "appeal": "We met at the fair in Lisbon and you asked me to write to you about this."
            if number % 100 == 0
            else "",
        }
        for number in range(count)
    ]
    connection = connect_file(path)
    try:
        connection.execute("BEGIN")
        connection.executemany(INSERT, rows)
        connection.execute("COMMIT")
    finally:
        connection.close()
