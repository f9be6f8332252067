"""HTML mail as its reader sees it: rewritten so that no parser can make more of it, then read as text without
hidden parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from backend.domain.mail.message import clean

# ---- HTML rewritten safely
# A parser of HTML opens elements by itself (a `<b>` left open is opened in every paragraph that follows), looks
# through all open elements at each tag, and compares each attribute of a tag with all others: some kilobytes can cost
# it gigabytes or minutes. So what it gets is written here, in one pass over the text: tags it knows, with the few
# attributes that anybody asks for, nested no deeper than `MAX_DEPTH`, and no comments, scripts or styles.


MAX_MARKS = 25_000
"""Tags and comments that are read; of what follows only the words are kept."""

MAX_DEPTH = 300
MAX_VALUE = 4_000

_S = r"\t\n\f\r "
_ATTRIBUTE = re.compile(
    rf"""([^{_S}/>][^{_S}/>=]*+)(?:[{_S}]*+=[{_S}]*+(?:"([^"]*+)"|'([^']*+)'|([^{_S}"'>][^{_S}>]*+))?)?+"""
)
_TAG = re.compile(rf"<(/?)([a-z][^{_S}/>]*+)((?:[{_S}/]*+{_ATTRIBUTE.pattern})*+)([{_S}/]*+)>", re.I)
_TAG_BEGINS = re.compile(r"</?[a-z]", re.I)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_COMMENT_ENDS = re.compile(r"--!?>")
_ASKED_FOR = frozenset({"class", "id", "style", "hidden", "width", "height", "src", "href"})


def _names(**kinds: str) -> dict[str, str]:
    return {name: kind for kind, names in kinds.items() for name in names.split()}


# What each element is written as: elements of one kind differ in nothing that a reader of the text sees. Above all,
# none of those is left that a parser opens again by itself, but for links, of which only one can be open.
_WRITTEN_AS = _names(
    div="address article aside center div fieldset figure footer form h1 h2 h3 h4 h5 h6 header main nav pre section",
    ul="dl ol ul",
    li="dd dt li",
    td="td th",
    tbody="tbody tfoot thead",
    img="image img",
    object="noscript object template",
    **{name: name for name in ("a", "blockquote", "body", "br", "hr", "p", "table", "tr")},
)
_VOID = frozenset({"br", "hr", "img"})
_DROPPED_WORDS = """
area base basefont bgsound col embed frame head html input keygen link meta param source track wbr
"""
_DROPPED = frozenset(_DROPPED_WORDS.split())
_UNREAD = frozenset({"iframe", "noembed", "noframes", "script", "style", "title"})
_VERBATIM = frozenset({"textarea", "xmp"})
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[{_S}/>])", re.I) for name in (*_UNREAD, *_VERBATIM)}
_BLOCK_TAGS = frozenset({"blockquote", "div", "hr", "li", "p", "table", "ul"})
# Elements that end by themselves where one of the named begins or, with a stroke, ends.
_ENDED_BY = {
    "p": _BLOCK_TAGS
    | {"/div", "/blockquote", "/ul", "/li", "/td", "/tr", "/tbody", "/table", "td", "tr", "tbody"},
    "li": frozenset({"li", "/div", "/blockquote", "/ul", "/td", "/table"}),
    "td": frozenset({"td", "tr", "tbody", "/tr", "/tbody", "/table"}),
    "tr": frozenset({"tr", "tbody", "/tbody", "/table"}),
    "tbody": frozenset({"tbody", "/table"}),
}


def bounded(html: str) -> str:
    """HTML that reads like `html` and makes a tree of at most about `MAX_MARKS` elements, about `MAX_DEPTH` deep.

    Any text is accepted. Time grows with its length.
    """
    out = _Out()
    position = 0
    for _ in range(MAX_MARKS):
        start = html.find("<", position)
        if start < 0:
            break
        if start > position:
            out.pieces.append(html[position:start])
        position = _mark(html, start, out)
    rest = html[position:]
    out.pieces.append(_ANY_TAG.sub(" ", rest).replace("<", "&lt;"))
    return "".join(out.pieces)


class _Out:
    """What is written, and the elements that may still be open.

    An element is struck off only where every parser closes it: by its own end tag while nothing is open in it but what
    ends with it, or by the beginning of one that `_ENDED_BY` names. So `open` holds all that any parser has open, and
    perhaps more.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.open: list[str] = []
        self.body = False

    def start(self, name: str, attributes: str) -> None:
        if name == "body" and self.body:
            return
        self.body = True
        del self.open[self._within(name) :]
        if name not in _VOID and name != "body":
            if len(self.open) >= MAX_DEPTH:
                if name in _BLOCK_TAGS and self.pieces[-1:] != ["<br>"]:
                    self.pieces.append("<br>")
                return
            self.open.append(name)
        self.pieces.append(f"<{name}{_attributes(attributes)}>")

    def end(self, name: str) -> None:
        at = self._within(f"/{name}") - 1
        if at >= 0 and self.open[at] == name:
            del self.open[at:]
        self.pieces.append(f"</{name}>")

    def _within(self, tag: str) -> int:
        """How many open elements are left if those end that `tag` ends by the way."""
        left = len(self.open)
        while left and tag in _ENDED_BY.get(self.open[left - 1], ()):
            left -= 1
        return left


def _mark(html: str, start: int, out: _Out) -> int:
    """Write what begins with the "<" at `start`; the offset behind it."""
    tag = _TAG.match(html, start)
    if tag:
        return _tag(html, tag, out)
    if html.startswith("<!--", start):
        end = _COMMENT_ENDS.search(html, start + 2)
        return end.end() if end else len(html)
    if _TAG_BEGINS.match(html, start):
        return len(html)  # it never ends, and to a browser there is nothing behind it
    if html[start + 1 : start + 2] in ("!", "?", "/"):
        end_of_it = html.find(">", start) + 1 or len(html)
        if html[start : start + 9].lower() == "<!doctype" and end_of_it - start < MAX_VALUE:
            out.pieces.append(html[start:end_of_it])
        return end_of_it
    out.pieces.append("&lt;")
    return start + 1


def _tag(html: str, tag: re.Match[str], out: _Out) -> int:
    name = tag[2].lower()
    if name in _RAW_ENDS:
        return tag.end() if tag[1] else _raw(html, tag.end(), name, out)
    unknown = name not in _WRITTEN_AS
    if name in _DROPPED or (unknown and "/" in tag[8]):
        return tag.end()
    written = _WRITTEN_AS.get(name, "span")
    if not tag[1] or written == "br":
        out.start(written, tag[3])
    elif written not in _VOID and written != "body":
        out.end(written)
    return tag.end()


def _raw(html: str, position: int, name: str, out: _Out) -> int:
    """Pass over the content of an element in which tags are no tags."""
    end = _RAW_ENDS[name].search(html, position)
    stop = end.start() if end else len(html)
    if name in _VERBATIM:
        out.pieces.append(html[position:stop].replace("<", "&lt;"))
    return stop


def _attributes(text: str) -> str:
    if not text:
        return ""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        name = match[1].lower()
        if name in _ASKED_FOR:
            value = match[2] or match[3] or match[4] or ""
            found.setdefault(name, value[:MAX_VALUE].replace('"', "&quot;"))
    return "".join(f' {name}="{value}"' for name, value in found.items())


# ---- HTML as its reader sees it


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
