"""The shipped model under another version, so that a test can see which of two has answered."""

from __future__ import annotations

from pathlib import Path

from backend.scoring import SHIPPED
from backend.scoring.model_file import digest_of, read_model
from backend.transactions.records import StoredModel

SHIPPED_VERSION = read_model(SHIPPED)[1].version
OTHER_VERSION = "70c5aa-1b2d93f4".ljust(len(SHIPPED_VERSION), "0")[: len(SHIPPED_VERSION)]


def renamed() -> StoredModel:
    """The renamed model, signed as it must be."""
    data, facts = read_model(SHIPPED)
    data = data.replace(SHIPPED_VERSION.encode(), OTHER_VERSION.encode())
    place = data.index(facts.digest.encode())
    digest = digest_of(data, place, place + 64)
    whole = data[:place] + digest.encode() + data[place + 64 :]
    return StoredModel(OTHER_VERSION, digest, "renamed.onnx", whole)


def put_renamed(path: Path) -> None:
    """The renamed model at `path`."""
    put(path, renamed().file)


def put(path: Path, data: bytes) -> None:
    """As an operator must: the file is whole from its first moment on."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)
