"""The old messages a store is measured with, and taking away the new ones."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import asyncpg

MAILBOXES = 200
NAMES = [f"box{number:03}" for number in range(MAILBOXES)]

FILL = """
INSERT INTO messages (mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, placement, outcome,
    policy_row, score, logit, model, reasons, decided_at, sender, sender_name, sender_domain, subject,
    message_id, received_at, authenticated, language)
SELECT 'box' || {pad}, {id}, {id}, {no}, {start} + n, {start} + n,
    CASE WHEN n % 53 = 0 THEN 'held' ELSE 'inbox' END, CASE WHEN n % 53 = 0 THEN 'hold' ELSE 'inbox' END,
    'below_hold', 0.25, -1.0, 'm1',
    '[{{"text":"asks for a call","weight":1.5,"words":["quick","call","this","week"]}},'
    || '{{"text":"offers a service","weight":0.8,"words":["platform","agency"]}}]',
    {start} + n, 'sender' || n % 40000 || '@pitch' || n % 9000 || '.test', 'A Sender of Mail',
    'pitch' || n % 9000 || '.test', 'A subject of the usual length, number ' || n, '<' || n || '@pitch.test>',
    {start} + n, {yes}, 'en'
FROM {numbers}
"""
# As Gmail's own: 16 hex digits that rise with time. Each mailbox grows at its end, all of them at once.
OLD, NEW = "16c", "19c"


def gmail_id(number: int) -> str:
    """The id of the new message `number`, above every old one's."""
    return f"{NEW}{number:013x}"


async def fill(kind: str, address: str, count: int, now: datetime) -> None:
    """`count` ended messages of the mailboxes `NAMES`, which exist, written past the store."""
    start = int(now.timestamp() - 90 * 86_400) * 1_000_000
    if kind == "sqlite":
        numbers = (
            f"(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count})"
            " SELECT n FROM c)"
        )
        names = {"pad": f"printf('%03d', n % {MAILBOXES})", "id": f"printf('{OLD}%013x', n)"}
        sql = FILL.format(**names, no=0, yes=1, start=start, numbers=numbers)
        connection = sqlite3.connect(address, isolation_level=None)
        connection.execute(sql)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return
    numbers = f"generate_series(1, {count}) AS n"
    names = {
        "pad": f"lpad(CAST(n % {MAILBOXES} AS TEXT), 3, '0')",
        "id": f"'{OLD}' || lpad(to_hex(n), 13, '0')",
    }
    server = await asyncpg.connect(address)
    await server.execute("SET app.mailbox = '*'")
    await server.execute(FILL.format(**names, no="FALSE", yes="TRUE", start=start, numbers=numbers))
    await server.execute("VACUUM ANALYZE messages")
    await server.close()


async def ended(kind: str, address: str, domain: str) -> int:
    """Messages done with of the owners at `domain`. It reads those alone, however many others there are."""
    query = (
        "SELECT COUNT(*) FROM messages WHERE stage IS NULL"
        f" AND mailbox_id IN (SELECT id FROM mailboxes WHERE email LIKE '%@{domain}')"
    )
    if kind == "sqlite":
        connection = sqlite3.connect(address, timeout=20)
        try:
            return int(connection.execute(query).fetchone()[0])
        finally:
            connection.close()
    server = await asyncpg.connect(address)
    try:
        await server.execute("SET app.mailbox = '*'")
        return int(await server.fetchval(query))
    finally:
        await server.close()


async def tidy(kind: str, address: str) -> None:
    """Take away what a measure left, so that every round finds the size it is about; vacuum as the server would."""
    leftovers = (
        f"DELETE FROM messages WHERE mailbox_id IN (SELECT id FROM mailboxes) AND gmail_id >= '{NEW}'",
    )
    if kind == "sqlite":
        connection = sqlite3.connect(address, isolation_level=None, timeout=20)
        for sql in (*leftovers, "PRAGMA wal_checkpoint(TRUNCATE)"):
            connection.execute(sql)
        connection.close()
        return
    server = await asyncpg.connect(address)
    await server.execute("SET app.mailbox = '*'")
    for sql in (*leftovers, "VACUUM ANALYZE messages", "VACUUM duties"):
        await server.execute(sql)
    await server.close()
