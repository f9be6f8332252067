"""Bytes to text that every later stage can trust: no lone surrogates, no NUL, never an exception."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,39}\Z")
_SURROGATE_OR_NUL = re.compile("[\ud800-\udfff\x00]")

UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What is no text to a person: controls, and marks that turn the direction of what follows."""

# Codecs that are no mail charsets: some take quadratic time, some read escapes out of the text.
_REFUSED = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
# Labels seen in real mail that Python does not know, or whose superset is what senders really use.
_ALIASES = {
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "l1": "cp1252", "iso8859-1": "cp1252",
    "x-unknown": "", "unknown-8bit": "", "unknown": "", "default": "", "none": "", "binary": "", "8bit": "",
    "cp-850": "cp850", "x-sjis": "shift_jis", "ks_c_5601-1987": "cp949", "gb2312": "gb18030", "x-gbk": "gbk",
    "utf8mb4": "utf-8", "utf": "utf-8", "unicode-1-1-utf-7": "utf-7", "iso-8859-8-i": "iso-8859-8",
}  # fmt: skip


def clean(text: str) -> str:
    """`text` with each lone surrogate and NUL replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return _SURROGATE_OR_NUL.sub("\ufffd", text)


def may_match(text: str, signs: Sequence[str]) -> bool:
    """Whether a pattern without case, no match of which lacks all the `signs` (lower case), may match in `text`.

    Beyond ASCII the answer is yes, for some letters there are, without case, the equals of others.
    """
    return not text.isascii() or any(map(text.lower().__contains__, signs))


@lru_cache(maxsize=256)
def codec_for(label: str) -> str | None:
    """Python's codec name for a charset label, or None if it is unknown or not fit for mail."""
    label = label.strip().strip("\"'").lower()
    label = _ALIASES.get(label, label)
    if not _NAME.match(label):
        return None
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    text_codec = getattr(info, "_is_text_encoding", True)
    return info.name if text_codec and info.name.replace("_", "-") not in _REFUSED else None


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """(text, what was wrong or ""), by the declared charset where it fits, else UTF-8, else Windows-1252.

    The guess after a wrong label is worth it: mislabelled Latin-1 is far more common than bad UTF-8.
    """
    codec = codec_for(label) if label else None
    trouble = f"charset {label[:40]}" if label and codec is None and label.lower() not in _ALIASES else ""
    for candidate in (codec, "utf-8"):
        if candidate is None or candidate == "ascii":
            continue
        try:
            return clean(data.decode(candidate)), trouble
        except (UnicodeError, ValueError):
            trouble = trouble or f"bytes not {label[:40] or candidate}"
    if codec == "utf-8":
        return clean(data.decode("utf-8", "replace")), trouble
    return clean(data.decode("cp1252", "replace")), trouble
