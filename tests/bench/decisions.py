"""What the log of decisions costs: per entry in time and bytes, and to verify.

    python -m tests.bench.decisions --count 10000

Each figure is the best of some rounds in the processor time of this process. On a busy machine read `times_plain`: how
often an entry takes the time of its payload in JSON and a SHA-256 of that (`plain_us`).
Prints one JSON object as its last line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from backend.demo.letters import letters
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mail.sender import Authentication
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import Outcome, PolicyRow, Verdict
from backend.domain.policy.table import Facts
from backend.domain.reading.model_text import prepare
from backend.domain.reading.score import Score, ScoreTrace, Thresholds
from backend.domain.watching import audit, drift
from backend.domain.watching.audit import grounds
from backend.pipeline.memory import VerdictMetrics
from backend.scoring import SHIPPED
from backend.scoring.session import OUTPUTS, ModelSession
from backend.store.library import Dialect, queries
from backend.store.sqlite import connect_file, upgrade_file
from backend.store.sqlite_writer import run_script
from backend.transactions import decisions
from tests.doubles import START, PlainKeys

ROUNDS = 50
OWNER = Owner("ana@corp.test")
MAILBOX = "01jd3m5k2v9y8x7w6t5s4r3q2p"
INSERT = (
    "INSERT INTO mailboxes (id, sub, email, name, link, scopes, preferences, created_at, changed_at)"
    " VALUES (?, 's', 'e', '', 'connected', '[]', '{}', 0, 0)"
)


def verdict() -> Verdict:
    """A usual one: a stranger's message below the threshold, scored."""
    message = Message(from_=(Address("sam@seller.test"),))
    facts = Facts(
        Arrival("m", "t", frozenset({"INBOX", "UNREAD", "CATEGORY_PERSONAL"}), START, message),
        OWNER,
        Authentication(True),
        Preferences(),
    )
    trace = ScoreTrace("model " * 6, "t" * 32, "s" * 16, 120, 110)
    score = Score(0.123456789, -1.96, (), "2026.11", trace)
    kept = grounds(facts, score, Thresholds(0.1, 0.5, 0.8, 0.3), (), START)
    return Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD, score, grounds=kept)


def best(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Seconds of processor time of the quickest round."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def measured(count: int, folder: Path) -> dict[str, float]:
    """Append `count` entries in one transaction, then read and verify them."""
    path, keys, known, one = folder / "store.sqlite3", PlainKeys(), queries(Dialect.SQLITE), verdict()
    upgrade_file(path)
    connection = connect_file(path)
    connection.execute(INSERT, (MAILBOX,))
    size = path.stat().st_size + _wal(path)

    def append(part: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for number in range(part * count // ROUNDS, (part + 1) * count // ROUNDS):
            script = decisions.log_verdicts(MAILBOX, [(f"{number:016x}", one)], False, START)
            run_script(connection, known, script, None, keys)
        connection.execute("COMMIT")

    parts = iter(range(ROUNDS))
    seconds = best(lambda: append(next(parts)))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    grown = path.stat().st_size + _wal(path) - size
    key = keys.open(connection.execute("SELECT sealed_key FROM chains").fetchone()[0], MAILBOX) or b""
    log = run_script(connection, known, decisions.log(MAILBOX))
    found, entries = log.chain, log.entries
    assert found is not None
    verify = best(lambda: list(audit.faults(key, found, entries)), 5)
    whole = best(
        lambda: list(audit.faults(key, found, run_script(connection, known, decisions.log(MAILBOX)).entries)),
        5,
    )
    assert not list(audit.faults(key, found, entries))
    data, append_us = entries[0].data, seconds / (count / ROUNDS) * 1e6
    plain_us = _each(lambda: sha256(json.dumps(data).encode()).digest())
    connection.close()
    return {
        "entries": count,
        "append_us": round(append_us, 1),
        "plain_us": plain_us,
        "times_plain": round(append_us / plain_us, 1),
        "grounds_us": _each(verdict),
        "bytes_an_entry": round(grown / count),
        "verify_ms": round(verify * 1e3, 1),
        "read_and_verify_ms": round(whole * 1e3, 1),
    }


def of_a_message(count: int, folder: Path) -> dict[str, float]:
    """Microseconds that watching adds to one message, by part: what the reading process notes of a score (`trace`),
    what the server writes down (`grounds`, `append`), the class for the test of drift, and the counters."""
    session, judged, one = ModelSession.open(SHIPPED), VerdictMetrics(), verdict()
    assert one.score is not None
    letter = max(letters(), key=lambda each: len(each.text))
    text = prepare(
        Message(from_=(Address("sam@seller.test"),), subject=letter.subject, text=letter.text), OWNER
    )
    _, _, terms, shares, _ = session._session.run(list(OUTPUTS), {"text": np.array([text], dtype=object)})
    measures = measured(count, folder)
    score = one.score

    def count_it() -> None:
        judged.note(one)
        judged.reading.observe(0.01)
        judged.lag.observe(1.0)

    found = {
        "trace": _each(lambda: session.trace(text, terms, shares)),
        "grounds": measures["grounds_us"],
        "append": measures["append_us"],
        "class": _each(lambda: drift.class_line(score, "en")),
        "counters": _each(count_it),
    }
    return {**found, "all": round(sum(found.values()), 1)}


def _each(work: Callable[[], Any], times: int = 100) -> float:
    return round(best(lambda: [work() for _ in range(times)]) / times * 1e6, 1)


def _wal(path: Path) -> int:
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    with tempfile.TemporaryDirectory() as folder:
        count = parser.parse_args().count
        found: dict[str, Any] = dict(measured(count, Path(tempfile.mkdtemp(dir=folder))))
        found["of_a_message_us"] = of_a_message(count, Path(folder))
        print(json.dumps(found))


if __name__ == "__main__":
    main()
