"""The shell blocks of the documents: each is played by `tests/deploy/test_machine.py`, or says why not in a comment
above it that does not show:

    <!-- not played: needs Google -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.source import text

REASONS = ("needs Google", "needs a person", "needs a cluster", "is for developers")
"""What such a comment begins with."""

PLAYED: Mapping[str, Mapping[str, int]] = {
    "README.md": {"Try it, without any account": 1, "Working on it": 2},
    "addon_manifest/README.md": {"": 1},
    "docs/how-to/audit.md": {"": 3},
    "docs/how-to/back-up.md": {"": 1, "SQLite": 2},
    "docs/how-to/containers.md": {"": 1, "The image": 1, "Compose": 1, "Cloud Run": 1, "Kubernetes": 1},
    "docs/how-to/deploy.md": {
        "": 1,
        "In one command": 1,
        "1. Project and APIs": 1,
        "2. Topic, and Gmail's right to publish": 1,
        "3. Push subscription with a signed token": 2,
        "5. The program": 3,
        "6. TLS in front": 2,
        "The Gmail add-on": 1,
    },
    "docs/how-to/upgrade.md": {"To a new release": 1, "Back": 2},
    "docs/reference/sandbox.md": {"": 1},
}
"""How many blocks are played, by page and heading ("": above the first)."""

_FOUND = re.compile(
    r"^(?P<indent> *)(?:<!-- not played: (?P<why>[^\n]+) -->\n(?P=indent))?```sh\n(?P<code>.*?)^(?P=indent)```$"
    r"|^## (?P<heading>[^\n]+)$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One block, and why it is not played ("" if it is)."""

    page: str
    heading: str
    code: str
    why: str


def blocks(page: str) -> Iterator[Block]:
    """Those of a page, in their order."""
    heading = ""
    for found in _FOUND.finditer(text(Path(page)) or ""):
        if found["heading"]:
            heading = found["heading"]
        else:
            yield Block(page, heading, found["code"], found["why"] or "")


def to_play(page: str, heading: str | None = None) -> list[Block]:
    """Those that are played: of a page, or below the one of its headings that begins so ("": above the first)."""
    return [
        block
        for block in blocks(page)
        if not block.why
        and (heading is None or block.heading == heading or (heading and block.heading.startswith(heading)))
    ]
