"""A mailbox as release 0.1.0 kept it (`make.py` made it), moved to the present and put back with a sandbox that has the
same mail and the same grant."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.sandbox_process import EMAIL, MODIFY, SandboxProcess

HERE = Path(__file__).parent
AGO = timedelta(hours=1)
"""How long ago 0.1.0 ended."""
VERSION = 10
"""The last step of its schema."""


class Kept:
    """What is known of the mailbox beside its rows."""

    def __init__(self) -> None:
        known: dict[str, Any] = json.loads((HERE / "kept.json").read_text(encoding="utf-8"))
        self.ids: dict[str, str] = known["ids"]
        self.messages: list[dict[str, Any]] = known["messages"]
        self.labels: dict[str, str] = known["labels"]
        self.link, self.solved_link = str(known["link"]), str(known["solved_link"])
        self.tray_token = str(known["tray_token"])
        self.cookie: dict[str, str] = dict([known["cookie"]])
        self.owner: dict[str, str] = known["owner"]
        self.secret_key, self.refresh_token = str(known["secret_key"]), str(known["refresh_token"])
        self.settings: dict[str, str] = known["settings"]
        made = datetime.fromtimestamp(known["made_at"], UTC)
        self.later = datetime.now(UTC) - AGO - made

    def rows(self) -> sqlite3.Connection:
        """The database in memory, to be closed, every time and day as much later as 0.1.0 is the past."""
        micros, made = self.later // timedelta(microseconds=1), datetime.now(UTC) - AGO - self.later
        days = (made + self.later).date() - made.date()
        sql = (HERE / "database.sql").read_text(encoding="utf-8")
        sql = re.sub(r"\b1[78]\d{14}\b", lambda found: str(int(found[0]) + micros), sql)
        sql = re.sub(r"'(20\d\d-\d\d-\d\d)'", lambda found: f"'{date.fromisoformat(found[1]) + days}'", sql)
        database = sqlite3.connect(":memory:")
        database.executescript(sql)
        return database

    def restore(self, path: Path, cursor: str) -> None:
        """Write the file, at the position `cursor` of the mailbox's history."""
        path.parent.mkdir(mode=0o700)
        with closing(self.rows()) as database, closing(sqlite3.connect(path)) as file:
            database.execute("UPDATE mailboxes SET cursor = ?", (cursor,))
            database.commit()
            with file:
                database.backup(file)

    def settle(self, google: SandboxProcess) -> str:
        """The same mail, labels and grant in a sandbox; where its history is."""
        email = self.owner["email"]
        google.create_mailbox(email, self.owner["name"], self.owner["sub"])
        shift = self.later // timedelta(milliseconds=1)
        for mail in self.messages:
            own = [label for label in mail["labels"] if label in self.labels]
            letter = {"id": mail["id"], "raw": mail["raw"], "internal_date": mail["internal_date"] + shift}
            found = google.seed(email, [letter | {"labels": [*{*mail["labels"]} - {*own}]}])
            assert found == [{"id": mail["id"], "threadId": mail["threadId"]}]
            if mail is self.messages[0]:
                names = sorted(self.labels, key=lambda name: self.labels[name])
                google.move_labels(email, [mail["id"]], add=names)  # made in their order, so under their ids
                google.move_labels(email, [mail["id"]], remove=names)
            if own:
                google.move_labels(email, [mail["id"]], add=own)
        scopes = ["openid", EMAIL, MODIFY]
        google._post(
            "/sandbox/tokens",
            {"account": email, "scopes": scopes, "refresh_token": self.refresh_token},
        )
        box = google.mailbox(email)
        assert box["userLabels"] == self.labels
        return str(box["historyId"])
