"""The visible text of HTML mail: the HTML is first rewritten so that it is safe to parse, then read without its hidden
parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser

from backend.domain.mail import styles
from backend.domain.mail.letters import deobfuscate
from backend.domain.mail.message import clean
from backend.domain.mail.styles import MAX_NODES, Declarations, Style

# ---- HTML rewritten safely
# An HTML parser opens elements by itself (a `<b>` left open is opened again in every paragraph that follows), searches
# all open elements at each tag, and compares each attribute of a tag with all others: a few kilobytes can cost it
# gigabytes or minutes. So the HTML is first rewritten in one pass: only known tags, with the few attributes that are
# used below, nested no deeper than `MAX_DEPTH`, without comments, scripts or styles.


MAX_TAGS = 25_000
"""Tags and comments that are read; of the rest only the text is kept."""

MAX_DEPTH = 300
MAX_VALUE, SHORT = 4_000, 500

_S = r"\t\n\f\r "
_ATTRIBUTE = re.compile(
    rf"""([^{_S}/>][^{_S}/>=]*+)(?:[{_S}]*+=[{_S}]*+(?:"([^"]*+)"|'([^']*+)'|([^{_S}"'>][^{_S}>]*+))?)?+"""
)
_TAG = re.compile(
    rf"<(/?)([a-z][^{_S}/>]*+)((?:[{_S}/]*+{_ATTRIBUTE.pattern})*+)(?P<stroke>[{_S}/]*+)>", re.I
)
_TAG_BEGINS = re.compile(r"</?[a-z]", re.I)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_COMMENT_ENDS = re.compile(r"--!?>")
_STYLING_ATTRIBUTES = frozenset({"color", "bgcolor", "background", "dir"})
_KEPT_ATTRIBUTES = _STYLING_ATTRIBUTES.union(
    ("class", "id", "style", "hidden", "width", "height", "src", "href", "open", "value")
)
# In mail with one of these the original tag names matter: style rules select by them, the others show text by them.
_NAMES_MATTER = re.compile(r"<(?:style|details|dialog|bdo|font)\b", re.I)


def _names(**kinds: str) -> dict[str, str]:
    return {name: kind for kind, names in kinds.items() for name in names.split()}


# What each element is rewritten as: elements of one kind look the same in plain text. Above all, no element is left
# that a parser opens again by itself, except links, of which only one can be open.
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
_VOID = frozenset(("br", "hr", "img"))
_DROPPED_WORDS = (
    "area base basefont bgsound col embed frame head html input keygen link meta param source track wbr"
)
_DROPPED = frozenset(_DROPPED_WORDS.split())
_FIELD = frozenset({"type"})
_SKIPPED_CONTENT = frozenset({"iframe", "noembed", "noframes", "script", "style", "title"})
_VERBATIM = frozenset({"textarea", "xmp"})
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[{_S}/>])", re.I) for name in (*_SKIPPED_CONTENT, *_VERBATIM)}
_BLOCK_TAGS = frozenset({"blockquote", "div", "hr", "li", "p", "table", "ul"})
# Elements that a parser closes by itself before one of these tags ("/div": its end tag).
_ENDED_BY = {
    "p": _BLOCK_TAGS
    | {"/div", "/blockquote", "/ul", "/li", "/td", "/tr", "/tbody", "/table", "td", "tr", "tbody"},
    "li": frozenset({"li", "/div", "/blockquote", "/ul", "/td", "/table"}),
    "td": frozenset({"td", "tr", "tbody", "/tr", "/tbody", "/table"}),
    "tr": frozenset({"tr", "tbody", "/tbody", "/table"}),
    "tbody": frozenset({"tbody", "/table"}),
}


def rewritten(html: str) -> Rewritten:
    """HTML that reads like `html` and makes a tree of at most about `MAX_TAGS` elements, about `MAX_DEPTH` deep. Takes
    any text, in time that grows with its length."""
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
    out.cut = len(rest) > 0 and "<" in rest
    out.pieces.append(_ANY_TAG.sub(" ", rest).replace("<", "&lt;"))
    return out


class Rewritten:
    """The rewritten HTML, and the elements that may still be open.

    An element is removed from `open` only where every parser closes it: at a tag that `_ENDED_BY` lists, or at its own
    end tag, if that closes by the same list all elements still open in it. So `open` holds all elements that any
    parser has open, and perhaps more. `named`: original tag names are kept in an attribute, because style rules may
    select by them; `chosen_by`: the attributes that are kept for the same reason. `sheet` holds the mail's style
    sheets. `cut`: there were more tags than are read.
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
                if name in _BLOCK_TAGS and self.pieces[-1:] != ["<br>"]:
                    self.pieces.append("<br>")
                return
            self.open.append(name)
        called = f' t="{original}"' if self.named and original != name and original.isalnum() else ""
        rewrite = _cached_attributes if len(attributes) < SHORT else _attributes
        self.pieces.append(f"<{name}{called}{rewrite(attributes, self.chosen_by) if attributes else ''}>")

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
    unknown = name not in _WRITTEN_AS
    if name == "input":
        field = _kept_attributes(attributes, _FIELD)
        if field.get("type", "").lower() != "hidden":
            out.text(f" {field.get('value', '')} ".replace("&quot;", '"'), attributes)
    if name in _DROPPED or (unknown and "/" in tag["stroke"]):
        return tag.end()
    written = _WRITTEN_AS.get(name, "span")
    if not closing or written == "br":
        out.start(written, attributes, name)
    elif written not in _VOID and written != "body":
        out.end(written)
    return tag.end()


def _raw(html: str, tag: re.Match[str], name: str, out: Rewritten) -> int:
    """Skip the content of an element in which tags have no meaning, and return its end."""
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
"""For attributes of up to `SHORT` characters: mail repeats the same ones."""


def _kept_attributes(text: str, others: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        name = match[1].lower()
        if name in _KEPT_ATTRIBUTES or name in others:
            value = match[2] or match[3] or match[4] or ""
            found.setdefault(name, value[:MAX_VALUE].replace('"', "&quot;"))
    return found


# ---- The visible text


MAX_TEXT = 200_000
MAX_HIDDEN = 50_000
_SKIPPED = frozenset({"style", "script", "head", "title", "template", "noscript", "svg", "math", "object"})
_TAG_MATTERS = _SKIPPED | {"a", "img", "table"}
"""Elements that are counted, or never shown, even if they have no attributes."""
_BLOCKS_WORDS = """
address article aside blockquote center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr
li main nav ol p pre section table tbody td tfoot th thead tr ul
"""
_BLOCKS = frozenset(_BLOCKS_WORDS.split())
_BLOCK_DISPLAYS = frozenset({"block", "table", "table-row", "list-item"})
_QUOTES = re.compile(
    r"gmail_quote|gmail_extra|moz-cite-prefix|yahoo_quoted|protonmail_quote|divrplyfwdmsg|tutanota_quote"
)
_TINY = re.compile(r"\s*[0-2](?:px)?\s*\Z")
_TINY_STYLE = re.compile(r"(?<![-\w])(?:width|height)\s*:\s*[0-2](?:px)?\s*(?:;|$|!)", re.I)
_TYPE = re.compile(r"(?<![\w.#\[=\"'-])([a-z][\w-]*)(?![\w-]*[\"'\]=])", re.I)
_ASCII_BLANKS = re.compile(r"[ \t\n\r\f]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_RTL, _RTL_ENDS = "\u202e", "\u202c"  # Unicode's direction override, which `letters.deobfuscate` undoes
_QUOTED = "\x01"  # put before each text of a quotation; `_emit` takes it out of the mail's own text
_NONE: Declarations = {}
Attributes = Mapping[str, str | None]


@dataclass(slots=True)
class Visible:
    """What a reader sees of an HTML body. `text` has one line per block; quoted blocks begin with "> ". `hidden`: some
    text is not shown; it is in `unseen`. `findings` are those of `letters.deobfuscate`. `cut`: not all was read."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    images: int = 0
    pixels: int = 0
    hidden: bool = False
    tables: int = 0
    unseen: str = ""
    findings: frozenset[str] = frozenset()
    cut: bool = False

    @property
    def much_hidden(self) -> bool:
        """Whether of all words, shown or not, a quarter or more are hidden, and at least 30."""
        hidden = len(_WORD.findall(self.unseen))
        return hidden >= 30 and 3 * hidden >= len(_WORD.findall(self.text))


class _Step(NamedTuple):
    """A node of the tree, when it is entered or left. `style` is that of text in it, None if it is never shown;
    `seen`: text in it is visible. `rtl`: its letters are forced to run from right to left, and `rtl_begins`: from
    this node on. `block`: it starts a new line."""

    node: Any
    entering: bool
    quoted: bool
    style: Style | None
    seen: bool
    rtl: bool = False
    block: bool = False
    rtl_begins: bool = False


def visible(html: str) -> Visible:
    """Read `html` as a browser would show it. Accepts any text; visits at most `MAX_NODES` nodes."""
    result = Visible()
    written = rewritten(styles.with_values(clean(html)))
    result.cut = written.cut
    root = LexborHTMLParser("".join(written.pieces)).body
    if root is None:
        return result
    by_rules = (
        styles.declared_by_rules(root, "\n".join(written.sheet), partial(_TYPE.sub, _original_name))
        if written.sheet
        else {}
    )
    shown: list[str] = []
    unseen: list[str] = []
    for step in _steps(root, result, by_rules):
        _emit(step, shown, unseen)
    lines = "".join(shown)[:MAX_TEXT].split("\n")
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(map(_line, lines))).strip()
    result.text, result.findings = deobfuscate(text)
    result.unseen = deobfuscate(" ".join("".join(unseen)[:MAX_HIDDEN].replace(_QUOTED, " ").split())).text
    return result


def _declarations(node: Any, attributes: Attributes, by_rules: Mapping[int, Declarations]) -> Declarations:
    """What is declared for a node, by style sheets and by its own style."""
    if by_rules and (declared := by_rules.get(node.mem_id)) is not None:
        return declared
    style = attributes.get("style")
    return styles.declarations_of(style) if style else _NONE


def _original_name(name: re.Match[str]) -> str:
    """What selects the rewritten elements that had this name in the mail."""
    called = name[1].lower()
    written = _WRITTEN_AS.get(called, "span")
    return called if written == called else f'{written}[t="{called}"]'


def _line(line: str) -> str:
    quoted = _QUOTED in line
    line = line.replace(_QUOTED, " ") if quoted else line
    # Non-breaking spaces are kept for now: `letters.deobfuscate` decides whether they space out letters.
    text = " ".join(line.split()) if line.isascii() else _ASCII_BLANKS.sub(" ", line).strip()
    return f"> {text}" if quoted and text else text


def _emit(step: _Step, shown: list[str], unseen: list[str]) -> None:
    node = step.node
    pieces = shown if step.seen else unseen
    if node.is_text_node:
        text = node.text_content or ""
        if text.strip():
            pieces.append((_QUOTED if step.quoted else "") + text.replace("\n", " ").replace(_QUOTED, " "))
        elif text:
            pieces.append(" ")
        return
    if step.rtl_begins and not step.entering:
        pieces.append(_RTL_ENDS)
    if step.block or (node.tag == "br" and step.entering):
        # To the eye a table row is one line; one line for each cell is good enough, because a cell ends a phrase.
        pieces.append(f"{_RTL_ENDS}\n{_RTL}" if step.rtl and not step.rtl_begins else "\n")
    if step.rtl_begins and step.entering:
        pieces.append(_RTL)


def _steps(root: Any, result: Visible, by_rules: Mapping[int, Declarations]) -> Iterator[_Step]:
    """Depth first without recursion."""
    stack: list[_Step] = [_Step(root, True, False, Style(), True)]
    visited = 0
    while stack:
        step = stack.pop()
        node = step.node
        if not step.entering:
            yield step
            continue
        visited += 1
        if visited > MAX_NODES:
            result.cut = True
            return
        if node.is_text_node:
            yield step
            continue
        if not node.is_element_node:
            continue
        attributes: Attributes = node.attributes
        inner = _enter(step, attributes, result, by_rules)
        yield inner
        stack.append(_Step(node, False, *inner[2:]))
        stack.extend(reversed(_children(inner, attributes, by_rules)))


def _enter(
    step: _Step, attributes: Attributes, result: Visible, by_rules: Mapping[int, Declarations]
) -> _Step:
    """The step into an element: its parent's, changed by the element's tag and style."""
    node, tag = step.node, step.node.tag
    if not attributes and not by_rules and tag not in _TAG_MATTERS:
        result.hidden |= step.style is not None and not step.seen and tag != "br"
        quoted = step.quoted or tag == "blockquote"
        return _Step(node, True, quoted, step.style, step.seen, step.rtl, tag in _BLOCKS)
    css = attributes.get("style")
    declarations = _declarations(node, attributes, by_rules)
    style, seen = step.style, step.seen
    if style is not None:
        tag_styles = tag == "a" or not _STYLING_ATTRIBUTES.isdisjoint(attributes)
        if by_rules:
            inside = (
                styles.style_in(style, tag, declarations, attributes) if tag_styles or declarations else style
            )
        elif tag_styles or declarations:
            pairs = tuple([(name, attributes[name]) for name in _STYLING_ATTRIBUTES if name in attributes])
            inside = _style_in(style, tag == "a", css or "", pairs)
        else:
            inside = style
        if (
            "hidden" in attributes
            or tag in _SKIPPED
            or (attributes.get("t") == "dialog" and "open" not in attributes)
        ):
            inside = None
        if inside is not style:
            style, seen = inside, inside is not None and inside.seen
        _note(node, attributes, css or "", result, style is not None, seen)
    display = declarations.get("display", "") if declarations else ""
    block = (tag in _BLOCKS and not display.startswith("inline")) or display in _BLOCK_DISPLAYS
    rtl_begins = not step.rtl and _forces_rtl(style, attributes, declarations)
    quoted = step.quoted or _is_quote(tag, attributes)
    return _Step(node, True, quoted, style, seen, step.rtl or rtl_begins, block, rtl_begins)


@lru_cache(maxsize=1_000)
def _style_in(style: Style, link: bool, css: str, pairs: tuple[tuple[str, str | None], ...]) -> Style | None:
    """`styles.style_in`, cached: mail repeats the same styles."""
    return styles.style_in(
        style, "a" if link else "", styles.declarations_of(css) if css else _NONE, dict(pairs)
    )


def _forces_rtl(style: Style | None, attributes: Attributes, declarations: Declarations) -> bool:
    """Whether the element forces its letters to run from right to left."""
    if style is None or not style.right_to_left:
        return False
    return attributes.get("t") == "bdo" or "override" in declarations.get("unicode-bidi", "")


def _children(step: _Step, attributes: Attributes, by_rules: Mapping[int, Declarations]) -> list[_Step]:
    node = step.node
    closed = attributes.get("t") == "details" and "open" not in attributes
    inner: list[_Step] = []
    child = node.child
    while child is not None and len(inner) < MAX_NODES:
        if closed and not (child.is_element_node and child.attributes.get("t") == "summary"):
            inner.append(_Step(child, True, step.quoted, None, False, step.rtl))
        else:
            inner.append(_Step(child, True, step.quoted, step.style, step.seen, step.rtl))
        child = child.next
    # Latin text in such boxes is still read from left to right; Hebrew or Arabic already stands in its reading order.
    if len(inner) > 1 and _boxes_run_leftward(step, attributes, by_rules) and (node.text() or "").isascii():
        inner.reverse()
    return inner


def _boxes_run_leftward(step: _Step, attributes: Attributes, by_rules: Mapping[int, Declarations]) -> bool:
    """Whether the boxes in an element are laid out from right to left."""
    node = step.node
    if step.style is not None and step.style.right_to_left and node.tag == "tr":
        return True
    style = attributes.get("style") or ""
    if not by_rules and "flex" not in style:
        return False
    declarations = _declarations(node, attributes, by_rules)
    return "reverse" in declarations.get("flex-direction", "") + declarations.get("flex-flow", "")


def _is_quote(tag: str, attributes: Attributes) -> bool:
    if tag == "blockquote":
        return True
    if not attributes:
        return False
    mark = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
    return bool(_QUOTES.search(mark))


def _note(node: Any, attributes: Attributes, css: str, result: Visible, displayed: bool, seen: bool) -> None:
    """Count images, links, tables and hidden text. `displayed`: the node may show something; `seen`: its text is
    visible."""
    tag = node.tag
    if tag == "img":
        size = (attributes.get("width") or "", attributes.get("height") or "")
        tiny = any(_TINY.match(s) for s in size if s) or bool(_TINY_STYLE.search(css)) or not displayed
        remote = (attributes.get("src") or "").lower().startswith(("http", "//"))
        result.pixels += tiny and remote
        result.images += not tiny
    elif tag == "a" and displayed and len(result.links) < 300:
        result.links.append((attributes.get("href") or "")[:500])
    elif tag == "table" and displayed:
        result.tables += 1
    if tag not in ("img", "br") and tag not in _SKIPPED and not seen:
        result.hidden = True
