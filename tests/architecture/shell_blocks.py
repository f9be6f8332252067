"""The shell blocks of the documents: each is played by `tests/deploy/test_machine.py`, or a line above it says to
readers that no test runs it, and why:

    *No test runs this: it needs Google.*

What is run elsewhere says so in a comment, which does not show:

    <!-- tried by tests/browser/test_trial_story.py -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.source import text

REASONS = ("it needs Google", "it needs a person", "it needs a machine")
"""What such a line goes on with."""

PLAYED: Mapping[str, Mapping[str, int]] = {
    "README.md": {"Try it, without any account": 1, "Working on it": 2},
    "addon_manifest/README.md": {"": 1},
    "docs/how-to/audit.md": {"": 3},
    "docs/how-to/back-up.md": {"SQLite": 2},
    "docs/how-to/containers.md": {"": 1, "The image": 1, "Compose": 1, "Cloud Run": 1, "Kubernetes": 1},
    "docs/how-to/deploy.md": {
        "": 1,
        "In one command": 2,
        "1. Project and APIs": 1,
        "2. Topic, and Gmail's right to publish": 1,
        "3. Push subscription with a signed token": 3,
        "5. The program": 3,
        "6. TLS in front": 2,
        "The Gmail add-on": 2,
    },
    "docs/how-to/upgrade.md": {"": 1, "To a new release": 1, "Back": 1},
    "docs/reference/sandbox.md": {"": 1},
}
"""How many blocks are played, by page and heading ("": above the first)."""

_FOUND = re.compile(
    r"^(?P<indent> *)(?:\*No test runs this: (?P<why>[^\n]+)\.\*\n\n(?P=indent)"
    r"|<!-- tried by (?P<tried>[^\n]+) -->\n(?P=indent))?"
    r"```sh\n(?P<code>.*?)^(?P=indent)```$"
    r"|^## (?P<heading>[^\n]+)$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One block, why no test runs it, and which others do ("" and "" if it is played)."""

    page: str
    heading: str
    code: str
    why: str
    tried: str


def blocks(page: str) -> Iterator[Block]:
    """Those of a page, in their order."""
    heading = ""
    for found in _FOUND.finditer(text(Path(page)) or ""):
        if found["heading"]:
            heading = found["heading"]
        else:
            yield Block(page, heading, found["code"], found["why"] or "", found["tried"] or "")


def to_play(page: str, heading: str | None = None) -> list[Block]:
    """Those that are played: of a page, or below the one of its headings that begins so ("": above the first)."""
    return [
        block
        for block in blocks(page)
        if not block.why
        and not block.tried
        and (heading is None or block.heading == heading or (heading and block.heading.startswith(heading)))
    ]
