"""HTML mail as its reader sees it: text with hidden parts dropped, and the marks only the markup shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from backend.domain.mail.charset import clean
from backend.domain.mail.markup import bounded

MAX_NODES = 25_000
MAX_TEXT = 200_000

_SKIPPED = frozenset({"style", "script", "head", "title", "template", "noscript", "svg", "math", "object"})
_BLOCKS_WORDS = """
address article aside blockquote center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr
li main nav ol p pre section table tbody td tfoot th thead tr ul
"""
_BLOCKS = frozenset(_BLOCKS_WORDS.split())
_QUOTES = re.compile(
    r"gmail_quote|gmail_extra|moz-cite-prefix|yahoo_quoted|protonmail_quote|divrplyfwdmsg|tutanota_quote"
)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$|!)|mso-hide\s*:\s*all"
    r"|font-size\s*:\s*[01](?:\.\d*)?(?:px|pt)?\s*(?:;|$|!)|max-height\s*:\s*0(?:px)?\s*(?:;|$|!)",
    re.I,
)
_TINY = re.compile(r"\s*[0-2](?:px)?\s*\Z")
_TINY_STYLE = re.compile(r"(?<![-\w])(?:width|height)\s*:\s*[0-2](?:px)?\s*(?:;|$|!)", re.I)


@dataclass(slots=True)
class Visible:
    """What a reader gets of an HTML body. `text` has one line a block; quoted blocks begin with "> "."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    images: int = 0
    pixels: int = 0
    hidden: bool = False
    tables: int = 0


def visible(html: str) -> Visible:
    """Read `html` as a browser would show it. Any text is accepted; at most `MAX_NODES` nodes are visited."""
    result = Visible()
    root = LexborHTMLParser(bounded(clean(html))).body
    if root is None:
        return result
    pieces: list[str] = []
    for node, entering, quoted in _steps(root, result):
        _emit(node, entering, quoted, pieces)
    lines = "".join(pieces)[:MAX_TEXT].split("\n")
    result.text = re.sub(r"\n{3,}", "\n\n", "\n".join(_line(line) for line in lines)).strip()
    return result


def _line(line: str) -> str:
    marks = line.count("\x01")
    text = " ".join(line.replace("\x01", " ").split())
    return f"> {text}" if marks and text else text


def _emit(node: Any, entering: bool, quoted: bool, pieces: list[str]) -> None:
    if node.is_text_node:
        text = node.text_content or ""
        if text.strip():
            pieces.append(("\x01" if quoted else "") + text.replace("\n", " ").replace("\x01", " "))
        elif text:
            pieces.append(" ")
    elif node.tag == "br" or node.tag in _BLOCKS:
        # A cell ends a phrase but a row is one line to the eye; one line each is good enough for words.
        pieces.append("\n" if entering or node.tag in _BLOCKS else "")


def _steps(root: Any, result: Visible) -> Iterator[tuple[Any, bool, bool]]:
    """Depth first without recursion: (node, True on the way in, inside a quotation)."""
    stack: list[tuple[Any, bool, bool]] = [(root, True, False)]
    visited = 0
    while stack:
        node, entering, quoted = stack.pop()
        if not entering:
            yield node, False, quoted
            continue
        visited += 1
        if visited > MAX_NODES:
            return
        if node.is_text_node:
            yield node, True, quoted
            continue
        if not node.is_element_node or node.tag in _SKIPPED or not _note(node, result):
            continue
        quoted = quoted or _is_quote(node)
        yield node, True, quoted
        stack.append((node, False, quoted))
        children: list[tuple[Any, bool, bool]] = []
        child = node.child
        while child is not None and len(children) < MAX_NODES:
            children.append((child, True, quoted))
            child = child.next
        stack.extend(reversed(children))


def _is_quote(node: Any) -> bool:
    attributes = node.attributes
    mark = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
    return node.tag == "blockquote" or bool(_QUOTES.search(mark))


def _note(node: Any, result: Visible) -> bool:
    """Take down what the node shows of its making; False if a reader does not see it."""
    attributes = node.attributes
    style = attributes.get("style") or ""
    hidden = "hidden" in attributes or bool(style and _HIDDEN.search(style))
    if node.tag == "img":
        size = (attributes.get("width") or "", attributes.get("height") or "")
        tiny = any(_TINY.match(s) for s in size if s) or bool(_TINY_STYLE.search(style)) or hidden
        remote = (attributes.get("src") or "").lower().startswith(("http", "//"))
        result.pixels += tiny and remote
        result.images += not tiny
    elif node.tag == "a" and len(result.links) < 300:
        result.links.append((attributes.get("href") or "")[:500])
    elif node.tag == "table":
        result.tables += 1
    if hidden and node.tag not in ("img", "br"):
        result.hidden = True
    return not hidden
