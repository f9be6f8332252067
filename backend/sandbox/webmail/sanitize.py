"""Hostile HTML made inert: rebuilt from a short list of tags, every text and value escaped again.

Nothing of the input is passed through. Whatever a browser would make of the original, the result
holds only the tags below, links to http, https and mailto, and text.
"""

import re
from html import escape, unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

MAX_INPUT = 400_000
MAX_OPEN = 60
MAX_UNENDED = 20

_KEPT_NAMES = (
    "abbr b blockquote caption code dd div dl dt em i li ol p pre s small span strong sub sup table tbody td "
    "tfoot th thead tr u ul"
)
_KEPT = frozenset(_KEPT_NAMES.split())
_VOID = frozenset({"br", "hr"})
_RENAMED = {"center": "div", "font": "span", "strike": "s", "del": "s", "ins": "u", "section": "div"}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# What stands between these tags is not text for people. (Not "head": its end tag may be left out.)
_DROPPED_NAMES = "script style title template noscript iframe object svg math select textarea"
_DROPPED = frozenset(_DROPPED_NAMES.split())
_SCHEMES = frozenset({"http", "https", "mailto"})
_URL = re.compile(r"https?://[^\s<>\"'`]+", re.I)
_CONTROL = re.compile(r"[\x00-\x20\x7f]+")


def inert_html(source: str) -> str:
    """A harmless rendering of an HTML body."""
    builder = _Builder()
    builder.feed(source[:MAX_INPUT])
    builder.end()
    return builder.result()


def linked_text(text: str) -> str:
    """Plain text as HTML: escaped, with its http and https addresses made links."""
    out, at = [], 0
    for match in _URL.finditer(text[:MAX_INPUT]):
        url = match.group().rstrip(".,;:!?)]}'")
        out.append(escape(text[at : match.start()]))
        out.append(f"{_link(url)}{escape(url)}</a>")
        at = match.start() + len(url)
    out.append(escape(text[at:MAX_INPUT]))
    return "".join(out)


class _Builder(HTMLParser):
    """Collects the output; `_open` are the tags to close, innermost last."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._silent: list[str] = []

    def end(self) -> None:
        """What is left holds a tag that does not end: its "<" is text, and so is all of it after some more.
        (`close` reads on to the end for each of them, which takes minutes for some hundred kilobytes.)"""
        for _ in range(MAX_UNENDED):
            text, lone, rest = self.rawdata.partition("<")
            self.rawdata = ""
            self.handle_data(unescape(text) + lone)
            if not lone:
                return
            self.feed(rest)
        self.handle_data(unescape(self.rawdata))

    def result(self) -> str:
        closing = [f"</{written}>" for _, written in reversed(self._open)]
        return "".join([*self._out, *closing])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._silent.append(tag)
        if self._silent:
            return
        values = {name: value or "" for name, value in attrs}
        if tag in _VOID:
            self._out.append(f"<{tag}>")
        elif tag == "img":
            self._out.append(
                f'<span class="no-image">[image: {escape(values.get("alt") or "no text")}]</span>'
            )
        elif tag == "a":
            self._push(tag, "a", _link(values.get("href", "")))
        elif tag in _HEADINGS:
            self._push(tag, "p", '<p class="mail-heading">')
        else:
            written = _RENAMED.get(tag, tag)
            if written in _KEPT:
                self._push(tag, written, f"<{written}{_span(values)}>")

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
            return
        if tag not in [name for name, _ in self._open]:
            return
        while self._open:
            name, written = self._open.pop()
            self._out.append(f"</{written}>")
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._out.append(escape(data))

    def _push(self, tag: str, written: str, text: str) -> None:
        if len(self._open) < MAX_OPEN:
            self._open.append((tag, written))
            self._out.append(text)


def _link(href: str) -> str:
    """The opening tag of a link, or a span if the address is of no harmless kind."""
    clean = _CONTROL.sub("", href)
    try:
        parts = urlsplit(clean)
    except ValueError:
        return "<a>"
    if parts.scheme.lower() not in _SCHEMES or (parts.scheme.lower() != "mailto" and not parts.netloc):
        return "<a>"
    return f'<a href="{escape(clean)}" target="_blank" rel="noopener noreferrer nofollow">'


def _span(values: dict[str, str]) -> str:
    kept = []
    for name in ("colspan", "rowspan"):
        value = values.get(name, "")
        if value.isdecimal() and len(value) <= 2:
            kept.append(f' {name}="{value}"')
    return "".join(kept)
