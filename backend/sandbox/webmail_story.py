"""The bar that guides through the demo, and mail's HTML made harmless."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from html import escape, unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from quart import Blueprint, Response, current_app, has_request_context, request

from backend.sandbox import BadRequest
from backend.sandbox.mail.compose import message_ids
from backend.sandbox.mail.mailbox import StoredMessage
from backend.sandbox.world import json_object, world

# ---- Hostile HTML made inert
# Nothing of the input is passed through. Whatever a browser would make of the original, the result holds only the
# tags below, links to http, https and mailto, and text.


MAX_INPUT = 400_000
MAX_OPEN = 60
MAX_UNENDED = 20

_KEPT_NAMES = (
    "abbr b blockquote caption code dd div dl dt em i li ol p pre s small span strong sub sup table tbody td "
    "tfoot th thead tr u ul"
)
_KEPT = frozenset(_KEPT_NAMES.split())
_VOID = frozenset({"br", "hr", "wbr"})
_RENAMED = {"center": "div", "font": "span", "strike": "s", "del": "s", "ins": "u", "section": "div"}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# What stands between these tags is not text for people. (Not "head": its end tag may be left out.)
_DROPPED_NAMES = "script style title template noscript iframe object svg math select textarea"
_DROPPED = frozenset(_DROPPED_NAMES.split())
_SCHEMES = frozenset({"http", "https", "mailto"})
_URL = re.compile(r"https?://[^\s<>\"'`]+", re.I)
_PROPERTY_NAMES = (
    "background background-color border border-bottom border-collapse border-color border-left border-radius "
    "border-right border-spacing border-top color direction display font font-family font-size font-style "
    "font-weight height letter-spacing line-height list-style margin margin-bottom margin-left margin-right "
    "margin-top max-height max-width min-height min-width overflow overflow-wrap padding padding-bottom "
    "padding-left padding-right padding-top text-align text-decoration text-transform vertical-align white-space "
    "width word-break"
)
_PROPERTIES = frozenset(_PROPERTY_NAMES.split())
"""Style properties that mail may use: none that moves anything out of its place."""
_VALUE = re.compile(r"[\w #%.,'\"-]{1,200}")
"""Values without brackets, so that nothing is fetched or computed."""
_MEASURES = ("width", "height", "cellpadding", "cellspacing", "border", "align", "valign", "bgcolor")
MAX_STYLE = 4000
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
    """Collects the output. `_open`: tags to close, innermost last; `_dropping`: open tags whose content is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._dropping: list[str] = []

    def end(self) -> None:
        """Finish. What is left contains a tag that does not end, so its "<" is text; after `MAX_UNENDED` of them, all
        the rest is. (`close` would read to the end for each "<", which takes minutes for some hundred kilobytes.)"""
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
            self._dropping.append(tag)
        if self._dropping:
            return
        values = {name: value or "" for name, value in attrs}
        if tag in _VOID:
            self._out.append(f"<{tag}{_appearance(values)}>")
        elif tag == "img":
            self._out.append(
                f'<span class="no-image">[image: {escape(values.get("alt") or "no text")}]</span>'
            )
        elif tag == "a":
            self._push(tag, "a", _link(values.get("href", ""), _appearance(values)))
        elif tag in _HEADINGS:
            self._push(tag, "p", f'<p class="mail-heading"{_appearance(values)}>')
        else:
            written = _RENAMED.get(tag, tag)
            if written in _KEPT:
                self._push(tag, written, f"<{written}{_cell_spans(values)}{_appearance(values)}>")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag == self._dropping[-1]:
                self._dropping.pop()
            return
        if tag not in [name for name, _ in self._open]:
            return
        while self._open:
            name, written = self._open.pop()
            self._out.append(f"</{written}>")
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self._out.append(escape(data))

    def _push(self, tag: str, written: str, text: str) -> None:
        if len(self._open) < MAX_OPEN:
            self._open.append((tag, written))
            self._out.append(text)


def _link(href: str, appearance: str = "") -> str:
    """The opening tag of a link; its address is left out unless its scheme is harmless."""
    clean = _CONTROL.sub("", href)
    try:
        parts = urlsplit(clean)
    except ValueError:
        return f"<a{appearance}>"
    if parts.scheme.lower() not in _SCHEMES or (parts.scheme.lower() != "mailto" and not parts.netloc):
        return f"<a{appearance}>"
    return f'<a href="{escape(clean)}" target="_blank" rel="noopener noreferrer nofollow"{appearance}>'


def _appearance(values: dict[str, str]) -> str:
    """The style and the sizes of a tag as far as they are harmless, as in Gmail."""
    parts = (part.partition(":") for part in values.get("style", "")[:MAX_STYLE].split(";"))
    declared = ((name.strip().lower(), value.strip()) for name, _, value in parts)
    kept = [f"{name}:{value}" for name, value in declared if name in _PROPERTIES and _VALUE.fullmatch(value)]
    style = f' style="{escape(";".join(kept))}"' if kept else ""
    measures = [
        f' {name}="{escape(value)}"' for name in _MEASURES if _VALUE.fullmatch(value := values.get(name, ""))
    ]
    return style + "".join(measures)


def _cell_spans(values: dict[str, str]) -> str:
    kept = []
    for name in ("colspan", "rowspan"):
        value = values.get(name, "")
        if value.isdecimal() and len(value) <= 2:
            kept.append(f' {name}="{value}"')
    return "".join(kept)


# ---- The bar of a demo
# The demo names its people and gives the texts by `PUT /sandbox/story`; without them there is no bar. The reader's last
# step is in a cookie of their browser, named like the story, which the server's pages on this machine read and write
# too.


blueprint = Blueprint("story", __name__)
KEY = "STORY"
NAME = re.compile(r"story-[A-Za-z0-9-]{1,40}")
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class BarText:
    """What the bar says: who the reader is, what has happened, the next step's button ("": none yet) and address."""

    role: str
    sentence: str
    button: str
    go: str


@dataclass(frozen=True, slots=True)
class Story:
    """The story of a demo: addresses of seller and owner, how the link of a check begins, the addresses of pages to
    watch, and the bar's texts by language. Each run has another `name`: letters, digits, hyphens."""

    name: str
    seller: str
    owner: str
    check: str
    live: str
    review: str
    words: dict[str, dict[str, str]]

    @classmethod
    def read(cls, data: dict[str, Any]) -> Story:
        """Read the JSON of an admin route. Raises BadRequest."""
        if missing := [item.name for item in fields(cls) if not data.get(item.name)]:
            raise BadRequest(f"The story lacks {', '.join(missing)}.")
        if not isinstance(data["words"], dict) or ENGLISH not in data["words"]:
            raise BadRequest("The story has no English words.")
        if not NAME.fullmatch(str(data["name"])):
            raise BadRequest("That is no name for a story.")
        return cls(**{item.name: data[item.name] for item in fields(cls)})

    def bar_text(self, done: int, words: dict[str, str]) -> BarText:
        """What the bar says after `done` steps."""
        if done >= 4:
            return BarText(words["role_ana"], words["tell_5"], words["go_5"], self.review)
        go, told, button = f"/{self.name}/{done + 1}", f"tell_{done + 1}", words[f"go_{done + 1}"]
        if done == 1 and self._reply() is None:
            told, button = "tell_wait", ""
        if done == 3:
            told = "tell_in"
        return BarText(words["role_sam"], words[told], button, go)

    def page_of(self, step: int) -> str:
        """The page of a step, as far as the story has come."""
        reply = self._reply()
        link = re.search(re.escape(self.check) + r"[A-Za-z0-9_-]+", reply.text) if reply else None
        if step == 3 and link:
            return link[0]
        if step in (2, 3):
            return f"/mail/{self.seller}" + (f"/thread/{reply.thread_id}" if reply else "")
        return f"/mail/{self.owner}" if step == 4 else f"/mail/{self.seller}?label=SENT"

    def step_of(self, path: str, label: str) -> int:
        """The step that a page belongs to, 0 for none."""
        if path.startswith(f"/mail/{self.seller}"):
            return 1 if label == "SENT" or path.endswith("/compose") else 2
        return 4 if path.startswith((f"/mail/{self.owner}", f"/addon/{self.owner}")) else 0

    def steps_done(self, before: str, path: str, label: str) -> int:
        """The last step done by a reader whose cookie says `before` and who is on this page. Earlier steps count as
        done too, because readers may skip some."""
        step = int(before) if before in ("1", "2", "3", "4") else 0
        here, reply = self.step_of(path, label), self._reply()
        if reply and self._delivered(reply):
            return max(step, 4 if here == 4 else 3)
        if here == 2:
            here = 2 if reply and path == self.page_of(2) else 1
        return max(step, here if here < 4 else 0)

    def _delivered(self, reply: StoredMessage) -> bool:
        """Whether the message that `reply` answers is in the owner's inbox."""
        asked = message_ids(reply.header("In-Reply-To"))
        found = world().mailbox(self.owner).newest_first(["INBOX"], None, False)
        return any(message.rfc822_id in asked for message in found)

    def _reply(self) -> StoredMessage | None:
        """The newest email in the seller's inbox that contains the link of a check."""
        found = world().mailbox(self.seller).newest_first(["INBOX"], None, False)
        return next((message for message in found if self.check in message.text), None)


@blueprint.put("/sandbox/story")
async def tell() -> Response:
    """{"name", "seller", "owner": addresses, "check": how its links begin, "live", "review": addresses of pages}"""
    story = Story.read(await json_object())
    world().mailbox(story.seller), world().mailbox(story.owner)
    current_app.config[KEY] = story
    return Response("{}", content_type="application/json")


@blueprint.get("/story-<run>/<int:step>")
async def go(run: str, step: int) -> Response:
    """Redirect to the page of a step."""
    story: Story | None = current_app.config.get(KEY)
    if story is None or f"story-{run}" != story.name or not 1 <= step <= 4:
        raise BadRequest("There is no such step.", 404)
    return Response(b"", 303, {"Location": story.page_of(step), "Cache-Control": "no-store"})


@blueprint.app_context_processor
def bar() -> dict[str, object]:
    """The values of the bar for templates."""
    story: Story | None = current_app.config.get(KEY)
    if story is None or not has_request_context():
        return {}
    path, label = request.path, request.args.get("label", "")
    done = _done(story)
    asked = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    tongue = next((each for each in asked if each in story.words), ENGLISH)
    words = story.words[tongue]
    return {
        "story": story,
        "story_here": story.step_of(path, label),
        "story_done": done,
        "told": story.bar_text(done, words),
        "words": words,
        "tongue": tongue,
    }


@blueprint.after_app_request
async def remember(response: Response) -> Response:
    """Remember the last step done, until the browser is closed."""
    story: Story | None = current_app.config.get(KEY)
    if story is not None and response.mimetype == "text/html" and (done := _done(story)):
        response.set_cookie(story.name, str(done), httponly=True, samesite="Lax")
    return response


def _done(story: Story) -> int:
    return story.steps_done(request.cookies.get(story.name, ""), request.path, request.args.get("label", ""))
