"""Labelled messages from any source, each sent through the very parser and wording that serving uses."""

from __future__ import annotations

import email.message
import email.policy
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from backend.domain.header_text import addresses
from backend.domain.message import Message, Owner
from backend.domain.mime import parse
from backend.domain.wording import prepare
from model_export.errands import errand

CORPUS = Path(__file__).parent / "corpus"
LABELS = ("legit", "sales")


class BadRow(ValueError):
    """A line that is no labelled message; the text says which line and what is wrong."""


@dataclass(frozen=True)
class Row:
    """One labelled message. `group` is what splits go by: the corpus file, or the source's name."""

    id: str
    label: str
    kind: str
    group: str
    message: Message
    owner: Owner

    @property
    def sales(self) -> int:
        """1 for a pitch, 0 for anything else."""
        return int(self.label == "sales")

    @property
    def sender(self) -> str:
        """Address of the sender, lower case."""
        return self.message.sender.address

    @cached_property
    def text(self) -> str:
        """What the model reads."""
        return prepare(self.message, self.owner)

    @cached_property
    def errand(self) -> str:
        """The finer class, see `errands`."""
        return errand(self.label, self.kind, self.text)

    @cached_property
    def language(self) -> str:
        """The language token of `text`."""
        return self.text.rpartition("f_language_")[2]


def raw_mail(record: dict[str, Any]) -> bytes:
    """The message a corpus record stands for, as bytes on the wire."""
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    fields = [("From", record["from"]), ("To", record["to"]), ("Subject", record["subject"])]
    for name, value in [*fields, *record.get("headers", {}).items()]:
        mail[name] = " ".join(str(value).split())
    text, html = record.get("text") or "", record.get("html")
    if text or not html:
        mail.set_content(text)
    if html:
        add = mail.add_alternative if text else mail.set_content
        add(html, subtype="html")
    return mail.as_bytes()


def row_of(record: dict[str, Any], group: str) -> Row:
    """A corpus record as a row. Raises `BadRow`."""
    missing = [key for key in ("id", "subject", "from", "to") if not isinstance(record.get(key), str)]
    if missing:
        raise BadRow(f"{record.get('id', 'a record')}: no text under {', '.join(missing)}")
    label = record.get("label", "legit")
    if label not in LABELS:
        raise BadRow(f"{record['id']}: label {label!r} is neither sales nor legit")
    try:
        message = parse(raw_mail(record))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRow(f"{record['id']}: {error}") from error
    return Row(record["id"], label, record.get("kind", ""), group, message, owner_of(message))


def owner_of(message: Message) -> Owner:
    """In the corpus the owner is whoever the mail is addressed to."""
    first = message.to[0] if message.to else (addresses("")[:1] or (None,))[0]
    return Owner(first.address, first.name) if first else Owner("")


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a JSON Lines file. Raises `BadRow` with the line number."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise BadRow(f"{path.name}, line {number}: not JSON ({error})") from error
            if not isinstance(record, dict):
                raise BadRow(f"{path.name}, line {number}: not an object")
            yield record


def corpus(folder: Path = CORPUS, files: Iterable[str] | None = None) -> list[Row]:
    """Every row of the corpus in a fixed order; `files` (stems) takes only some of its files."""
    wanted = None if files is None else set(files)
    paths = [p for p in sorted(folder.glob("*.jsonl")) if wanted is None or p.stem in wanted]
    return [row_of(record, path.stem) for path in paths for record in records(path)]


def corpus_digest(rows: Iterable[Row]) -> str:
    """SHA-256 over ids, labels and model texts: it changes with the corpus and with the wording."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.id}\x00{row.label}\x00{row.text}\x01".encode())
    return digest.hexdigest()
