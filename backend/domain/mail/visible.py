"""The visible text of HTML mail: without its hidden parts, and laid out as on the screen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser

from backend.domain.mail import styles
from backend.domain.mail.letters import deobfuscate
from backend.domain.mail.message import clean
from backend.domain.mail.safe_html import STYLING_ATTRIBUTES, WRITTEN_AS, rewritten
from backend.domain.mail.selectors import MAX_NODES, Selectors
from backend.domain.mail.styles import Declarations, Style

MAX_TEXT = 200_000
MAX_HIDDEN = 50_000
MAX_ALTS = 100
MIN_ALT_WORDS = 45
"""Words that the texts of pictures (`alt`) need to be read: fewer are ordinary, and the model has learned without."""
FEW_WORDS = 20
"""A mail that shows fewer words consists of its pictures, so their texts count as its text."""
MOST_STRANDS = 4
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
_TAG_NAME = re.compile(r"\[[^\[\]]*+\]|:nth-[\w-]{5,15}+\([^()]*+\)|(?<![\w.#:-])([a-z][\w-]*+)", re.I)
"""A tag's name in a part of a selector; what stands in brackets is passed over."""
_ASCII_BLANKS = re.compile(r"[ \t\n\r\f]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_RTL, _RTL_ENDS = "\u202e", "\u202c"  # Unicode's direction override, which `letters.deobfuscate` undoes
_QUOTED = "\x01"  # put before each text of a quotation; `_emit` takes it out of the mail's own text
_LOOKS = ("class", "id", "t", "color", "hidden")
_NONE: Declarations = {}
Attributes = Mapping[str, str | None]


@dataclass(slots=True)
class Visible:
    """What a reader sees of an HTML body. `text` has one line per block; quoted blocks begin with "> ". `hidden`: some
    text is not shown; it is in `unseen`. `findings` are those of `letters.deobfuscate`. `cut`: not all was read.

    `strands` are the texts of single styles, where several styles alternate: if one of them hides its words in a way
    that is not known here, another one is what a person reads. The texts of pictures (`alt`) are one more. `columns`
    are the columns of tables, each read downwards, where there are several."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    images: int = 0
    pixels: int = 0
    hidden: bool = False
    tables: int = 0
    unseen: str = ""
    strands: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
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
    this node on. `block`: it starts a new line. `strand`: the number of its style; `column`: that of its column."""

    node: Any
    entering: bool
    quoted: bool
    style: Style | None
    seen: bool
    rtl: bool = False
    block: bool = False
    rtl_begins: bool = False
    strand: int = 0
    column: int = 0


class _Texts:
    """The texts of a tree, as they are found: what is shown, what is not, what stands for pictures, and what is shown
    by the number of its style and of its column. `numbers`: the looks of an element and of those around it → number."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.unseen: list[str] = []
        self.alts: list[str] = []
        self.strands: dict[int, list[str]] = {}
        self.columns: dict[int, list[str]] = {}
        self.numbers: dict[tuple[object, ...], int] = {}
        self.places: Counter[int] = Counter()
        self.last = -1

    def number(self, look: tuple[object, ...]) -> int:
        return self.numbers.setdefault(look, len(self.numbers) + 1)

    def add(self, strand: int, column: int, text: str) -> None:
        self.strands.setdefault(strand, []).append(f"{text} ")
        self.columns.setdefault(column, []).append(f"{text} ")
        self.places[strand] += strand != self.last
        self.last = strand


def visible(html: str) -> Visible:
    """Read `html` as a browser would show it. Accepts any text; visits at most `MAX_NODES` nodes."""
    result = Visible()
    written = rewritten(styles.with_values(clean(html)))
    result.cut = written.cut
    safe = "".join(written.pieces)
    root = LexborHTMLParser(safe).body
    if root is None:
        return result
    by_rules: Mapping[int, Declarations] = {}
    if written.sheet:
        selectors = Selectors(root, len(safe), partial(_TAG_NAME.sub, _original_name))
        by_rules = styles.declared_by_rules(selectors, "\n".join(written.sheet))
        result.cut |= selectors.spent
    texts = _Texts()
    for step in _steps(root, result, texts, by_rules):
        _emit(step, texts)
    text = "\n".join(map(_line, "".join(texts.shown)[:MAX_TEXT].split("\n")))
    if len(_WORD.findall("".join(texts.alts))) < MIN_ALT_WORDS:
        texts.alts.clear()
    elif len(_WORD.findall(text)) < FEW_WORDS:
        text = "\n".join((text, *map(_line, texts.alts)))
        texts.alts.clear()
    result.text, result.findings = deobfuscate(re.sub(r"\n{3,}", "\n\n", text).strip())
    result.unseen = _in_one_line("".join(texts.unseen))
    result.strands = _strands(texts)
    result.columns = _columns(texts)
    return result


def _strands(texts: _Texts) -> tuple[str, ...]:
    """The texts of single styles that another style often interrupts, except the longest; and those of pictures."""
    often = ["".join(pieces) for strand, pieces in texts.strands.items() if texts.places[strand] > 2]
    often.sort(key=len, reverse=True)
    found = [*often[1 : 1 + MOST_STRANDS], "".join(texts.alts)]
    return tuple(_in_one_line(text) for text in found if text)


def _columns(texts: _Texts) -> tuple[str, ...]:
    """The text outside second and later columns, and each of these columns that has more than two texts."""
    many = [column for column, pieces in texts.columns.items() if column and len(pieces) > 2]
    return tuple(_in_one_line("".join(texts.columns.get(at, ()))) for at in [0, *many[:MOST_STRANDS]] if many)


def _in_one_line(text: str) -> str:
    return deobfuscate(" ".join(text[:MAX_HIDDEN].replace(_QUOTED, " ").split())).text


def _declarations(node: Any, attributes: Attributes, by_rules: Mapping[int, Declarations]) -> Declarations:
    """What is declared for a node, by style sheets and by its own style."""
    if by_rules and (declared := by_rules.get(node.mem_id)) is not None:
        return declared
    style = attributes.get("style")
    return styles.declarations_of(style) if style else _NONE


def _original_name(name: re.Match[str]) -> str:
    """What selects the rewritten elements that had this name in the mail."""
    if not name[1]:
        return name[0]
    called = name[1].lower()
    written = WRITTEN_AS.get(called, "span")
    return called if written == called else f'{written}[t="{called}"]'


def _line(line: str) -> str:
    quoted = _QUOTED in line
    line = line.replace(_QUOTED, " ") if quoted else line
    # Non-breaking spaces are kept for now: `letters.deobfuscate` decides whether they space out letters.
    text = " ".join(line.split()) if line.isascii() else _ASCII_BLANKS.sub(" ", line).strip()
    return f"> {text}" if quoted and text else text


def _emit(step: _Step, texts: _Texts) -> None:
    node = step.node
    pieces = texts.shown if step.seen else texts.unseen
    if node.is_text_node:
        text = node.text_content or ""
        if text.strip():
            pieces.append((_QUOTED if step.quoted else "") + text.replace("\n", " ").replace(_QUOTED, " "))
            if step.seen:
                texts.add(step.strand, step.column, text)
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


def _steps(
    root: Any, result: Visible, texts: _Texts, by_rules: Mapping[int, Declarations]
) -> Iterator[_Step]:
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
        inner = _enter(step, attributes, result, texts, by_rules)
        yield inner
        stack.append(_Step(node, False, *inner[2:]))
        stack.extend(reversed(_children(inner, attributes, texts, by_rules)))


def _enter(
    step: _Step, attributes: Attributes, result: Visible, texts: _Texts, by_rules: Mapping[int, Declarations]
) -> _Step:
    """The step into an element: its parent's, changed by the element's tag and style."""
    node, tag = step.node, step.node.tag
    if not attributes and not by_rules and tag not in _TAG_MATTERS:
        result.hidden |= step.style is not None and not step.seen and tag != "br"
        quoted = step.quoted or tag == "blockquote"
        block = tag in _BLOCKS
        return _Step(node, True, quoted, *step[3:6], block, strand=step.strand, column=step.column)
    css = attributes.get("style")
    declarations = _declarations(node, attributes, by_rules)
    style, seen = step.style, step.seen
    if style is not None:
        tag_styles = tag == "a" or not STYLING_ATTRIBUTES.isdisjoint(attributes)
        inside: Style | None = style
        if tag_styles or declarations:
            pairs = tuple([(name, attributes[name]) for name in STYLING_ATTRIBUTES if name in attributes])
            inside = _style_in(style, tag == "a", tuple(declarations.items()), pairs)
        if (
            "hidden" in attributes
            or tag in _SKIPPED
            or (attributes.get("t") == "dialog" and "open" not in attributes)
        ):
            inside = None
        if inside is not style:
            style, seen = inside, inside is not None and inside.seen
        _note(node, attributes, css or "", result, texts, style is not None, seen)
    display = declarations.get("display", "") if declarations else ""
    block = (tag in _BLOCKS and not display.startswith("inline")) or display in _BLOCK_DISPLAYS
    rtl_begins = not step.rtl and _forces_rtl(style, attributes, declarations)
    quoted = step.quoted or _is_quote(tag, attributes)
    look = (step.strand, tag, css, *map(attributes.get, _LOOKS))
    strand = texts.number(look) if tag != "a" else step.strand
    return _Step(
        node, True, quoted, style, seen, step.rtl or rtl_begins, block, rtl_begins, strand, step.column
    )


@lru_cache(maxsize=1_000)
def _style_in(
    style: Style, link: bool, declared: tuple[tuple[str, str], ...], pairs: tuple[tuple[str, str | None], ...]
) -> Style | None:
    """`styles.style_in`, cached: mail repeats the same styles."""
    return styles.style_in(style, "a" if link else "", dict(declared), dict(pairs))


def _forces_rtl(style: Style | None, attributes: Attributes, declarations: Declarations) -> bool:
    """Whether the element forces its letters to run from right to left."""
    if style is None or not style.right_to_left:
        return False
    return attributes.get("t") == "bdo" or "override" in declarations.get("unicode-bidi", "")


def _children(
    step: _Step, attributes: Attributes, texts: _Texts, by_rules: Mapping[int, Declarations]
) -> list[_Step]:
    node = step.node
    closed = attributes.get("t") == "details" and "open" not in attributes
    inner: list[_Step] = []
    child = node.child
    while child is not None and len(inner) < MAX_NODES:
        shut = closed and not (child.is_element_node and child.attributes.get("t") == "summary")
        style, seen = (None, False) if shut else (step.style, step.seen)
        inner.append(
            _Step(child, True, step.quoted, style, seen, step.rtl, strand=step.strand, column=step.column)
        )
        child = child.next
    if node.tag == "tr" and len(inner) > 1:
        # Each column may be a text of its own, which a person reads downwards.
        cells = [at for at, cell in enumerate(inner) if cell.node.is_element_node]
        for column, at in enumerate(cells[1:]):
            inner[at] = inner[at]._replace(column=texts.number((step.column, column)))
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


def _note(
    node: Any, attributes: Attributes, css: str, result: Visible, texts: _Texts, displayed: bool, seen: bool
) -> None:
    """Count images, links, tables and hidden text. `displayed`: the node may show something; `seen`: its text is
    visible."""
    tag = node.tag
    if tag == "img":
        size = (attributes.get("width") or "", attributes.get("height") or "")
        tiny = any(_TINY.match(s) for s in size if s) or bool(_TINY_STYLE.search(css)) or not displayed
        remote = (attributes.get("src") or "").lower().startswith(("http", "//"))
        result.pixels += tiny and remote
        result.images += not tiny
        if seen and not tiny and len(texts.alts) < MAX_ALTS and (alt := attributes.get("alt")):
            texts.alts.append(f"{alt} ")
    elif tag == "a" and displayed and len(result.links) < 300:
        result.links.append((attributes.get("href") or "")[:500])
    elif tag == "table" and displayed:
        result.tables += 1
    if tag not in ("img", "br") and tag not in _SKIPPED and not seen:
        result.hidden = True
