"""Hashes of a model's training data: they show whether the model must be trained again, and whether it can be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import Path

from backend.domain.reading import model_text
from model_export.disguises import copies
from model_export.rows import CORPUS, Row, records, row_of

LEXICON = Path(model_text.__file__).parent / "lexicon"


def corpus_digest(rows: Iterable[Row]) -> str:
    """SHA-256 over ids, labels, classes and prepared texts. It changes with the corpus and with the text
    preparation."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.id}\x00{row.label}\x00{row.errand}\x00{chr(2).join(row.texts)}\x01".encode())
    return digest.hexdigest()


@cache
def sources() -> dict[str, str]:
    """Quick hashes of the training data: of the files of corpus and lexicon, and of the prepared texts of every
    twentieth message and of its copy, which change with the code. `corpus_digest` reads all messages."""
    paths = sorted(CORPUS.glob("*.jsonl"))
    some = [row_of(record, path.stem) for path in paths for record in islice(records(path), 0, None, 20)]
    return {
        "corpus": _files_digest(paths),
        "lexicon": _files_digest(
            sorted(path for path in LEXICON.rglob("*") if path.suffix not in (".py", ".pyc"))
        ),
        "wording": corpus_digest([*some, *copies(some)]),
    }


def _files_digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            digest.update(f"{path.name}\x00".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
