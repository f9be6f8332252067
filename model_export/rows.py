"""Labelled messages from the corpus or any other source, parsed and prepared by the server's own code."""

from __future__ import annotations

import email.message
import email.policy
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.headerregistry import HeaderRegistry
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from backend.domain.mail.message import Message, Owner, clean
from backend.domain.mail.mime import parse
from backend.domain.reading.passages import passages
from backend.domain.reading.score import Part

# Why a message was written: finer classes of "sales" and "legit", the field `class` of each row. The model separates
# pitches from each class of ordinary mail on its own, because a newsletter, a colleague and a stranger with a real
# request differ from a pitch in different ways. Pitches differ among themselves just as much.
SALES = "sales"
NOTHING = "nothing"
STRANGER = "stranger"
ORDINARY = ("known", STRANGER, "bulk", NOTHING)
"""People the owner deals with; strangers who sell nothing; mail sent to many; mail that says next to nothing, or is far
from everything in the corpus, by which nobody should be judged."""
UNKNOWN = (STRANGER, "bulk", NOTHING)
"""Those of them whom the owner does not deal with, so that a sender's record does not protect them."""
PITCHES = ("crude", "sequence", "trade", "knowing")
"""Bulk offers to anybody (links, websites, goods, lists, loans); outreach by software and sales people; trades, offices
and insurers; sellers who know the owner's field and hardly ask for anything."""
CLASSES = {"legit": ORDINARY, SALES: PITCHES}
"""The classes of each label. A pitch in an owner's own mail has the class `SALES`, because nothing more is known of
it."""

CORPUS = Path(__file__).parent / "corpus"
OWN_MAIL = "own_mail"
"""The `kind` of rows from an owner's own mail."""
UNLABELLED = "score"
"""The `group` of rows without a label, which only get a score."""
_FIELD_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322: printable ASCII but the colon


class _Fields(HeaderRegistry):
    """Makes the class of a field once, not for each message."""

    def __getitem__(self, name: str) -> Any:
        return _class_of(name)


_class_of = lru_cache(200)(HeaderRegistry().__getitem__)
_POLICY = email.policy.SMTP.clone(header_factory=_Fields())


class BadRow(ValueError):
    """A line that is not a labelled message; the text names the line and the fault."""


@dataclass(frozen=True)
class Row:
    """One labelled message. `finer_class` is the class within its label (see `CLASSES`), "" if it only gets a score.
    `group` is what cross-validation leaves out as a whole: the corpus file, or the name of the source."""

    id: str
    label: str
    kind: str
    finer_class: str
    group: str
    message: Message
    owner: Owner

    @property
    def sales(self) -> int:
        """1 for a pitch, 0 for anything else."""
        return int(self.label == "sales")

    @property
    def own(self) -> bool:
        """Whether it is from an owner's own mail, not from the corpus."""
        return self.kind == OWN_MAIL

    @property
    def sender(self) -> str:
        """Address of the sender, lower case."""
        return self.message.sender.address

    @cached_property
    def _texts_and_said(self) -> tuple[tuple[str, ...], str]:
        # Without a table's column, and pieces gathered from all over a long message: the whole has the same words.
        repeated = (Part.COLUMN, Part.SCATTERED)
        parts = [part for part in passages(self.message, self.owner) if part.part not in repeated]
        return tuple(part.text for part in parts), parts[0].own

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that are scored, the whole message first, then its passages; the highest score counts."""
        return self._texts_and_said[0]

    @property
    def said(self) -> str:
        """Its subject and own text without quoted mail: the input of the second reading."""
        return self._texts_and_said[1]

    @property
    def text(self) -> str:
        """The whole message, from which the model learns."""
        return self.texts[0]

    @cached_property
    def language(self) -> str:
        """The language code, with which `text` ends."""
        return self.text.rpartition("f_language_")[2]


def raw_mail(record: dict[str, Any]) -> bytes:
    """The raw message of a corpus record."""
    mail = email.message.EmailMessage(policy=_POLICY)
    fields = [("From", record["from"]), ("To", record["to"]), ("Subject", record["subject"])]
    for name, value in [*fields, *(record.get("headers") or {}).items()]:
        if value is not None:
            mail[name] = " ".join(clean(str(value)).split())
    text, html = clean(record.get("text") or ""), clean(record.get("html") or "")
    if text or not html:
        mail.set_content(text)
    if html:
        add = mail.add_alternative if text else mail.set_content
        add(html, subtype="html")
    # Not folded: the blanks that folding adds or drops between encoded words depend on the version of Python.
    return mail.as_bytes(policy=mail.policy.clone(max_line_length=0))


def row_of(record: dict[str, Any], group: str) -> Row:
    """A corpus record as a row. Raises `BadRow`."""
    missing = [key for key in ("id", "subject", "from", "to") if not isinstance(record.get(key), str)]
    if missing:
        raise BadRow(f"{record.get('id', 'a record')}: no text under {', '.join(missing)}")
    label = record.get("label", "legit")
    if label not in CLASSES:
        raise BadRow(f"{record['id']}: label {label!r} is neither sales nor legit")
    finer_class = record.get("class")  # only a row without a label may have none
    if finer_class not in (*CLASSES[label], *([""] if group == UNLABELLED else [])):
        raise BadRow(
            f"{record['id']}: class {finer_class!r} is none of {', '.join(CLASSES[label])} ({label})"
        )
    _check_parts(record)
    try:
        message = parse(raw_mail(record))
    except (ValueError, TypeError, LookupError) as error:
        raise BadRow(f"{record['id']}: {error}") from error
    return Row(record["id"], label, record.get("kind") or "", finer_class, group, message, owner_of(message))


def unlabelled(record: dict[str, Any]) -> Row:
    """A record that only gets a score. It needs an id; its label is ignored, and missing values are empty. Raises
    `BadRow`."""
    fields = {
        key: value for key, value in record.items() if value is not None and key not in ("label", "class")
    }
    return row_of({"subject": "", "from": "", "to": "", "class": "", **fields}, UNLABELLED)


def _check_parts(record: dict[str, Any]) -> None:
    for key in ("text", "html"):
        if not isinstance(record.get(key) or "", str):
            raise BadRow(f"{record['id']}: what stands under {key} is no text")
    headers = record.get("headers") or {}
    if not isinstance(headers, dict):
        raise BadRow(f"{record['id']}: headers are no object of names and values")
    for name in headers:
        if not _FIELD_NAME.fullmatch(name):
            raise BadRow(f"{record['id']}: {name!r} is no name of a header field")


def owner_of(message: Message) -> Owner:
    """The owner of a corpus record is its addressee."""
    first = message.to[0] if message.to else None
    return Owner(first.address, first.name) if first else Owner("")


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a JSON Lines file, as `numbered` without the numbers. Raises `BadRow`."""
    return (record for _, record in numbered(path))


def numbered(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number from 1, JSON object) for each line that is not blank. Raises `BadRow` with the line number."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (ValueError, RecursionError) as error:
                raise BadRow(f"{path.name}, line {number}: not JSON ({error})") from error
            if not isinstance(record, dict):
                raise BadRow(f"{path.name}, line {number}: not an object")
            yield number, record


def corpus(folder: Path = CORPUS, files: Iterable[str] | None = None) -> list[Row]:
    """Every row of the corpus in a fixed order; `files` (stems) selects some of its files. Raises `BadRow` if one does
    not exist."""
    paths = {path.stem: path for path in sorted(folder.glob("*.jsonl"))}
    wanted = set(paths) if files is None else set(files)
    if unknown := sorted(wanted - set(paths)):
        raise BadRow(f"the corpus has no file {', '.join(unknown)}; it has {', '.join(paths)}")
    chosen = [path for stem, path in paths.items() if stem in wanted]
    return [row_of(record, path.stem) for path in chosen for record in records(path)]
