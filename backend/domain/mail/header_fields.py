"""Header fields to be sent, folded so that every mail program reads back exactly what was written.

Text is either printable ASCII, folded at single spaces, or encoded words (RFC 2047) throughout: a space between
an encoded word and what follows it is where programs differ, and where Python's own folding loses one.
"""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Iterator

WIDTH = 76
"""Characters of a line that holds an encoded word, at most (RFC 2047 2)."""

_PLAIN = re.compile(r"(?:[!-~]+(?: [!-~]+)*)?")
_BROKEN = re.compile(r"[\x00\r\n]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_OVERHEAD = len("=?utf-8?b??=")
_FOLD = textwrap.TextWrapper(WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False)


def text_field(name: str, text: str) -> str:
    """`name: text` without the line end. Raises `ValueError` where `text` has a line break, a NUL or half a
    character in it, which no header can carry."""
    if _BROKEN.search(text):
        raise ValueError(f"not fit for a header: {text[:80]!r}")
    if _is_plain(text):
        # The first word stays on the first line, however long: a line left empty would add a space.
        return "\r\n".join(_FOLD.wrap(f"{name}:{text}")).replace(":", ": ", 1)
    return f"{name}: " + "\r\n ".join(_encoded(text, WIDTH - len(name) - 2))


def mailbox_field(name: str, person: str, address: str) -> str:
    """`name: person <address>`, or the address alone where `person` is ""; raises as `text_field` does.

    `address` is written as it is: it must be one that `backend.domain.mail.sender.is_writable` takes.
    """
    if not person:
        return f"{name}: {address}"
    if _is_plain(person) and not _ATOMS.fullmatch(person):
        escaped = person.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}: "{escaped}"\r\n <{address}>'
    return f"{text_field(name, person)}\r\n <{address}>"


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and "=?" not in text


def _encoded(text: str, room: int) -> Iterator[str]:
    """Encoded words of at most `room` characters, each of whole characters; between them blanks mean nothing."""
    most = (room - _OVERHEAD) // 4 * 3
    word = b""
    for character in text:
        encoded = character.encode("utf-8")
        if len(word) + len(encoded) > most:
            yield _word(word)
            word = b""
        word += encoded
    yield _word(word)


def _word(content: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(content).decode('ascii')}?="
