"""What a second model adds to a message: to read and score it, to write the answer and to read that again.

    python -m tests.bench.second_model --count 400

Processor time, of each message the quickest of some rounds: the machine may be busy with other things. Prints one JSON
object as its last line: medians in milliseconds, and what was added.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import statistics
import time

from backend.domain.digest import Digest
from backend.domain.digesting import Challenger, read_and_score
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.gmail.arrivals import read_message
from backend.reader.frames import ANSWER, pack_answer
from backend.reader.pool import ReaderReply
from backend.scoring import SHIPPED
from backend.scoring.session import ModelSession
from model_export import rows

ROUNDS = 5
OWNER = Owner("ana@corp.test", "Ana")


def fetched(text: str, number: int) -> bytes:
    """A message as Gmail answers it."""
    headers = [
        {"name": "From", "value": f"Sam <sam{number}@seller.test>"},
        {"name": "To", "value": OWNER.email},
        {"name": "Subject", "value": "Hello"},
        {"name": "Content-Type", "value": "text/plain; charset=utf-8"},
    ]
    body = base64.urlsafe_b64encode(text.encode()).decode()
    payload = {"mimeType": "text/plain", "headers": headers, "body": {"size": len(text), "data": body}}
    answer = {"id": f"m{number}", "threadId": "t", "labelIds": ["INBOX"], "internalDate": "1764000000000"}
    return json.dumps({**answer, "payload": payload}).encode()


def measure(count: int) -> dict[str, float]:
    """Medians of `count` messages, by turns."""
    session = ModelSession.open(SHIPPED)
    limits = {strictness: session.thresholds(strictness) for strictness in Strictness}
    beside = {"one": None, "two": Challenger(ModelSession.open(SHIPPED).score_alone, limits)}
    messages = [
        fetched(row.message.text, n) for n, row in enumerate(rows.corpus()[:: max(1, 2_900 // count)])
    ]
    times = {name: [math.inf] * len(messages) for name in beside}
    for _ in range(ROUNDS):
        for place, message in enumerate(messages):
            for name, second in beside.items():
                began = time.process_time()
                found = read_and_score(read_message(message), OWNER, session.score, limits, second)
                told = pack_answer({"value": found, "spent": False})[ANSWER.size :]
                read = ReaderReply[Digest].model_validate_json(told)
                times[name][place] = min(times[name][place], 1_000 * (time.process_time() - began))
                assert read.value is not None
                assert (read.value.challenger is None) == (second is None)
    medians = {name: statistics.median(found) for name, found in times.items()}
    added = statistics.median(two - one for one, two in zip(times["one"], times["two"], strict=True))
    return {name: round(value, 3) for name, value in {**medians, "added": added}.items()}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    print(json.dumps(measure(parser.parse_args().count)))


if __name__ == "__main__":
    main()
