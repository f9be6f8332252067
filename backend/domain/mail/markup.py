"""HTML written down once more, so that no parser can make more of it than was put in.

A parser of HTML opens elements by itself (a `<b>` left open is opened in every paragraph that follows), looks through
all open elements at each tag, and compares each attribute of a tag with all others: some kilobytes can cost it
gigabytes or minutes. So what it gets is written here, in one pass over the text: tags it knows, with the few attributes
that anybody asks for, nested no deeper than `MAX_DEPTH`, and no comments, scripts or styles.
"""

from __future__ import annotations

import re

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
_BLOCKS = frozenset({"blockquote", "div", "hr", "li", "p", "table", "ul"})
# Elements that end by themselves where one of the named begins or, with a stroke, ends.
_ENDED_BY = {
    "p": _BLOCKS
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
                if name in _BLOCKS and self.pieces[-1:] != ["<br>"]:
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
