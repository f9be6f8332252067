"""HTML rewritten so that it is safe to parse.

An HTML parser opens elements by itself (a `<b>` left open is opened again in every paragraph that follows), searches
all open elements at each tag, and compares each attribute of a tag with all others: a few kilobytes can cost it
gigabytes or minutes. So the HTML is first rewritten in one pass: only known tags, with the few attributes that are
used, nested no deeper than `MAX_DEPTH`, without comments, scripts or styles.
"""

from __future__ import annotations

import re
from functools import lru_cache

from backend.domain.mail import styles

MAX_TAGS = 25_000
"""Tags and comments that are read; of the rest only the text is kept."""

MAX_DEPTH = 300
MAX_VALUE, MAX_CACHED = 4_000, 500

_S = r"\t\n\f\r "
_ATTRIBUTE = re.compile(
    rf"""([^{_S}/>][^{_S}/>=]*+)(?:[{_S}]*+=[{_S}]*+(?:"([^"]*+)"|'([^']*+)'|([^{_S}"'>][^{_S}>]*+))?)?+"""
)
_TAG = re.compile(rf"<(/?)([a-z][^{_S}/>]*+)((?:[{_S}/]*+{_ATTRIBUTE.pattern})*+)(?P<slash>[{_S}/]*+)>", re.I)
_TAG_BEGINS = re.compile(r"</?[a-z]", re.I)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_COMMENT_ENDS = re.compile(r"--!?>")
STYLING_ATTRIBUTES = frozenset({"color", "bgcolor", "background", "dir"})
_KEPT_ATTRIBUTES = STYLING_ATTRIBUTES.union(
    ("class", "id", "style", "hidden", "width", "height", "src", "href", "open", "value", "alt")
)
# In mail with one of these the original tag names matter: style sheets select by them, or they decide what is shown.
_NAMES_MATTER = re.compile(r"<(?:style|details|dialog|bdo|font)\b", re.I)


def _names(**kinds: str) -> dict[str, str]:
    return {name: kind for kind, names in kinds.items() for name in names.split()}


# What each element is rewritten as: elements of one kind look the same in plain text. Above all, no element is left
# that a parser opens again by itself, except links, of which only one can be open.
WRITTEN_AS = _names(
    div="address article aside center div fieldset figure footer form h1 h2 h3 h4 h5 h6 header main nav pre section",
    ul="dl ol ul",
    li="dd dt li",
    td="td th",
    tbody="tbody tfoot thead",
    img="image img",
    object="audio canvas datalist map meter noscript object progress select template video",
    **{name: name for name in ("a", "blockquote", "body", "br", "hr", "html", "p", "table", "tr")},
)
_VOID = frozenset(("br", "hr", "img"))
_DROPPED_WORDS = (
    "area base basefont bgsound col embed frame head html input keygen link meta param source track wbr"
)
_DROPPED = frozenset(_DROPPED_WORDS.split())
_INPUT_ATTRIBUTES = frozenset({"type"})
_RUBY_NOTES = frozenset({"rp", "rt"})
"""Ruby annotations, left out of the text. They end with the words they annotate, so they cannot hide what follows."""
_SKIPPED_CONTENT = frozenset({"iframe", "noembed", "noframes", "script", "style", "title"})
_VERBATIM = frozenset({"textarea", "xmp"})
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[{_S}/>])", re.I) for name in (*_SKIPPED_CONTENT, *_VERBATIM)}
_BLOCK_TAGS = frozenset({"blockquote", "div", "hr", "li", "p", "table", "ul"})
# Elements that a parser closes by itself before one of these tags ("/div" is </div>).
_ENDED_BY = {
    "p": _BLOCK_TAGS
    | {"/div", "/blockquote", "/ul", "/li", "/td", "/tr", "/tbody", "/table", "td", "tr", "tbody"},
    "li": frozenset({"li", "/div", "/blockquote", "/ul", "/td", "/table"}),
    "td": frozenset({"td", "tr", "tbody", "/tr", "/tbody", "/table"}),
    "tr": frozenset({"tr", "tbody", "/tbody", "/table"}),
    "tbody": frozenset({"tbody", "/table"}),
}


def rewritten(html: str) -> Rewritten:
    """HTML that reads like `html` but parses to a tree of roughly `MAX_TAGS` elements and `MAX_DEPTH` levels at most.
    Accepts any text; the time grows with its length."""
    out = Rewritten(named=_NAMES_MATTER.search(html) is not None)
    position = 0
    for _ in range(MAX_TAGS):
        start = html.find("<", position)
        if start < 0:
            break
        if start > position:
            out.pieces.append(html[position:start])
        position = _markup(html, start, out)
    rest = html[position:]
    out.cut |= "<" in rest
    out.pieces.append(_ANY_TAG.sub(" ", rest).replace("<", "&lt;"))
    return out


class Rewritten:
    """The rewritten HTML, and the elements that may still be open.

    An element leaves `open` only where every parser closes it: at a tag that `_ENDED_BY` lists for it, or at its own
    end tag if that also closes all that is open inside it. So `open` holds at least what any parser has open.
    `named`: original tag names are kept, in `t`, because style rules may select by them; so are the attributes in
    `chosen_by`. `sheet` holds the mail's style sheets. `cut`: there were more
    tags, or more within one another, than are read.
    """

    def __init__(self, named: bool) -> None:
        self.pieces: list[str] = []
        self.open: list[str] = []
        self.body = False
        self.named = named
        self.sheet: list[str] = []
        self.chosen_by: frozenset[str] = frozenset()
        self.cut = False

    def start(self, name: str, attributes: str, original: str) -> None:
        if name == "body" and self.body:
            return
        self.body = True
        del self.open[self._left_open(name) :]
        if name not in _VOID and name != "body":
            if len(self.open) >= MAX_DEPTH:
                self.cut = True
                if name in _BLOCK_TAGS and self.pieces[-1:] != ["<br>"]:
                    self.pieces.append("<br>")
                return
            self.open.append(name)
        extra = f' t="{original}"' if self.named and original != name and original.isalnum() else ""
        extra += ' hidden=""' if original in _RUBY_NOTES else ""
        rewrite = _cached_attributes if len(attributes) < MAX_CACHED else _attributes
        self.pieces.append(f"<{name}{extra}{rewrite(attributes, self.chosen_by) if attributes else ''}>")

    def text(self, text: str, attributes: str) -> None:
        """Text in an element of its own, as in a form's field."""
        self.start("span", attributes, "span")
        self.pieces.append(text.replace("<", "&lt;"))
        self.end("span")

    def end(self, name: str) -> None:
        at = self._left_open(f"/{name}") - 1
        if at >= 0 and self.open[at] == name:
            del self.open[at:]
        self.pieces.append(f"</{name}>")

    def _left_open(self, tag: str) -> int:
        """How many elements stay open after those that `tag` closes implicitly."""
        left = len(self.open)
        while left and tag in _ENDED_BY.get(self.open[left - 1], ()):
            left -= 1
        return left


def _markup(html: str, start: int, out: Rewritten) -> int:
    """Rewrite what begins with the "<" at `start`; returns the offset after it."""
    tag = _TAG.match(html, start)
    if tag:
        return _tag(html, tag, out)
    if html.startswith("<!--", start):
        end = _COMMENT_ENDS.search(html, start + 2)
        return end.end() if end else len(html)
    if _TAG_BEGINS.match(html, start):
        return len(html)  # a tag that never ends: browsers show nothing after it
    if html[start + 1 : start + 2] in ("!", "?", "/"):
        stop = html.find(">", start) + 1 or len(html)
        if html[start : start + 9].lower() == "<!doctype" and stop - start < MAX_VALUE:
            out.pieces.append(html[start:stop])
        return stop
    out.pieces.append("&lt;")
    return start + 1


def _tag(html: str, tag: re.Match[str], out: Rewritten) -> int:
    closing, name, attributes = tag[1], tag[2].lower(), tag[3]
    if name in _RAW_ENDS:
        return tag.end() if closing else _raw(html, tag, name, out)
    unknown = name not in WRITTEN_AS
    if name == "input":
        field = _kept_attributes(attributes, _INPUT_ATTRIBUTES)
        if field.get("type", "").lower() != "hidden":
            out.text(f" {field.get('value', '')} ".replace("&quot;", '"'), attributes)
    if name in _DROPPED or (unknown and "/" in tag["slash"]):
        return tag.end()
    written = WRITTEN_AS.get(name, "span")
    if not closing or written == "br":
        out.start(written, attributes, name)
    elif written not in _VOID and written != "body":
        out.end(written)
    return tag.end()


def _raw(html: str, tag: re.Match[str], name: str, out: Rewritten) -> int:
    """Handle an element whose content is not markup (script, style, textarea); returns the offset after its content."""
    end = _RAW_ENDS[name].search(html, tag.end())
    stop = end.start() if end else len(html)
    content = html[tag.end() : stop]
    if name in _VERBATIM:
        out.text(content, tag[3])
    elif name == "style":
        out.sheet.append(content)
        out.chosen_by |= styles.named_attributes(content)
    return stop


def _attributes(text: str, chosen_by: frozenset[str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in _kept_attributes(text, chosen_by).items())


_cached_attributes = lru_cache(maxsize=1_000)(_attributes)
"""For attributes of up to `MAX_CACHED` characters: mail repeats the same ones."""


def _kept_attributes(text: str, others: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        name = match[1].lower()
        if name in _KEPT_ATTRIBUTES or name in others:
            value = match[2] or match[3] or match[4] or ""
            longest = styles.MAX_SHEET if name == "style" else MAX_VALUE
            found.setdefault(name, value[:longest].replace('"', "&quot;"))
    return found
