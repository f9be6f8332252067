"""Asks a server whether it is alive, over and over, in a process of its own so that nothing else delays the asking.

    python -m tests.journeys.pulse URL

Until its input is closed; then it prints the times in milliseconds as one JSON list.
"""

from __future__ import annotations

import http.client
import json
import select
import sys
import time
from urllib.parse import urlsplit

ASK_EVERY = 0.11
"""Seconds; the server answers ten such questions a second, and refuses more."""


def main() -> None:
    """Ask until standard input is closed."""
    parts = urlsplit(sys.argv[1])
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    times = []
    while not select.select([sys.stdin], [], [], ASK_EVERY)[0]:
        began = time.perf_counter()
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"{answer.status}")
        times.append(round((time.perf_counter() - began) * 1000, 2))
    print(json.dumps(times))


if __name__ == "__main__":
    main()
