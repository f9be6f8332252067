"""What every page is made of: its words, faces, states in words, the demo's bar, and static files."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from hashlib import blake2s
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, available_timezones

from quart import (
    Blueprint,
    Quart,
    Response,
    before_render_template,
    g,
    has_request_context,
    render_template,
    request,
    url_for,
)
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import NotFound

from backend.domain.errors import Failing
from backend.domain.mail.message import UNSEEN
from backend.domain.mailbox.mailbox import Condition, Explanation, Mailbox, Who, explain
from backend.domain.mailbox.message import MessageView, RowName
from backend.domain.reading.score import likeness, points
from backend.locale import DEFAULT, LANGUAGES, Section, Words, catalogue, reason
from backend.web.guards import guarded, per_minute

# ---- An HTML answer from a template.


async def page(template: str, status: int = 200, **values: Any) -> Response:
    """The rendered template."""
    body = await render_template(template, page_half=g.get("page_half", ""), **values)
    return Response(body, status, content_type="text/html; charset=utf-8")


# ---- A page's words


SHARED = ("frame", "card")
"""Sections every owner's page may use beside its own: the sidebar and the pages say the same about a verdict."""


def language_of(accepted: LanguageAccept, fallback: str = DEFAULT) -> str:
    """The best of our languages for this browser, else `fallback`. The country does not matter:
    pt-BR before en is pt. (Werkzeug's own matching would rather have the en that is named exactly.)"""
    wished = (tag.partition("-")[0].lower() for tag, quality in accepted if quality > 0)
    return next((language for language in wished if language in LANGUAGES), fallback)


def sender_words(accepted: LanguageAccept, fallback: str = DEFAULT) -> Section:
    """The words of the pages a sender sees, in the language the browser likes best."""
    return catalogue(language_of(accepted, fallback)).section("check", "error")


def card_words(language: str) -> Section:
    """The words of the sidebar's cards in a two-letter language, English for one we do not have."""
    return catalogue(language).section("card")


def words_for(section: str, accepted: LanguageAccept, zone: str = "") -> Words:
    """The words of one of an owner's pages: its own, then the frame's, then the cards'.

    `zone` is the reader's time zone, as their browser names it.
    """
    return Words(catalogue(language_of(accepted)).section(section, *SHARED), zone_of(zone))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(name: str) -> tzinfo | None:
    """The time zone of that name; None for one we do not know."""
    return ZoneInfo(name) if name in _zones() else None


# ---- Helpers of the templates
# The same on every page.


TINTS = 6
"""Pairs of colours in the style sheet."""


def initials(name: str) -> str:
    """One or two letters for a name or an address, upper-case; "?" if it has no letter."""
    words = UNSEEN.sub("", name).partition("@")[0].replace(".", " ").split()
    letters = [found for word in words if (found := next((sign for sign in word if sign.isalnum()), ""))]
    return "".join(letters[:1] + letters[1:][-1:]).upper()[:2] or "?"


def tint(address: str) -> str:
    """The class of a face's colours: always the same for an address."""
    return f"t{blake2s(address.lower().encode(errors='replace')).digest()[0] % TINTS + 1}"


def because(text: str, language: str) -> str:
    """The words of a reason that stands alone."""
    return reason(language, text)


def register_faces(app: Quart) -> None:
    """Give templates these filters."""
    found = {"initials": initials, "tint": tint, "points": points, "likeness": likeness, "because": because}
    app.jinja_env.filters |= found


# ---- The demo's narrator
# Only where a demo says that there is one; never in production. How far a reader has come is in their browser: in a
# cookie that the sandbox, on another port of this machine, reads and writes too. Its name is the last part of the
# story's address, another one in every run.


CHECK = 3
"""The step that is taken on one of our pages."""

TAKEN = "solved.html"
"""The page that says so."""

SELLER = "pitchgate_seller"
"""Where an app of a demo keeps the address of its seller, whose mail the live page marks."""


def register_story(app: Quart, address: str) -> None:
    """Draw the strip. Below `address` its steps are found by their numbers; its query names the `seller`."""
    address, _, query = address.partition("?")
    name = address.rpartition("/")[2]
    app.extensions[SELLER] = dict(parse_qsl(query)).get("seller", "")

    @app.context_processor
    def story() -> dict[str, object]:
        if not has_request_context():
            return {}
        done = _number(request.cookies.get(name, ""))
        here = CHECK if request.blueprint == "challenge" else 0
        return {
            "story": words_for("story", request.accept_languages),
            "story_address": address,
            "story_here": here,
            "story_done": done,
        }

    def taken(sender: object, template: Any, context: dict[str, Any], **more: object) -> None:
        if template.name == TAKEN:
            g.story_done = context["story_done"] = max(context["story_done"], CHECK)

    before_render_template.connect(taken, app, weak=False)

    @app.after_request
    async def remember(response: Response) -> Response:
        if "story_done" in g:
            response.set_cookie(name, str(g.story_done), httponly=True, samesite="Lax")
        return response


def _number(kept: str) -> int:
    return int(kept) if kept in ("1", "2", "3", "4") else 0


# ---- The verdict in a sentence


OPEN_LINK = "open_challenge"
"""The guard that says no where a link of the sender's still works."""


def row_words(view: MessageView, say: Callable[..., str]) -> str:
    """The sentence for the row that decided, a text of the cards'. Raises `KeyError` for a row of another release."""
    linked = view.row == RowName.QUARANTINE and OPEN_LINK in view.guards
    return say("row_quarantine_linked" if linked else f"row_{view.row}")


# ---- The mailbox's state in words


Moment = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class MailboxState:
    """`title` is two or three words, `cause` and `remedy` a sentence each ("" if there is nothing to mend);
    `warnings` are further sentences about what is not a state but should be known. `ends`: connecting again now saves
    the owner from having to."""

    condition: Condition
    who: Who
    title: str
    cause: str
    remedy: str
    warnings: tuple[str, ...]
    ends: bool = False

    @property
    def text(self) -> str:
        """Cause and remedy as one paragraph."""
        return " ".join(part for part in (self.cause, self.remedy) if part)

    @property
    def line(self) -> str:
        """The paragraph, or the title alone where all goes its way."""
        return self.title if self.condition is Condition.ACTIVE else self.text

    @property
    def mend(self) -> bool:
        """Whether the owner must connect again."""
        return self.who is Who.OWNER


def state_of(
    mailbox: Mailbox,
    language: str,
    now: datetime,
    moment: Moment | None = None,
    skew: timedelta | None = None,
) -> MailboxState:
    """The state of a mailbox at `now`, in a two-letter language. `moment` writes times, if not as pages do. With `skew`
    the machine's clock is ahead by so much, and its owner can set it."""
    about, t = explain(mailbox, now), Words(catalogue(language).section("state"))
    moment = moment or t.moment
    cause, remedy = _sentences(about, t, moment)
    clock = () if skew is None else (_clock(skew, t),)
    return MailboxState(
        about.condition,
        about.who,
        t(about.condition),
        cause,
        remedy,
        (*clock, *_warnings(about, t, moment)),
        ends=about.grant_ends is not None,
    )


def paused_until(at: datetime, language: str, moment: Moment) -> str:
    """That there is a pause, and when it ends."""
    return Words(catalogue(language).section("state"))("paused_cause", until=moment(at))


def _clock(skew: timedelta, t: Words) -> str:
    """Days and hours are enough of a great difference."""
    return t("clock_ahead" if skew > timedelta(0) else "clock_behind", span=t.span(abs(skew)))


def _sentences(explanation: Explanation, t: Words, moment: Moment) -> tuple[str, str]:
    remedy = f"{explanation.condition}_remedy"
    if explanation.lost is not None:
        return t(f"lost_{explanation.lost}"), t(f"lost_{explanation.lost}_remedy")
    if explanation.condition is Condition.DELAYED and explanation.late is not None:
        return _late(explanation.late, t, moment), t(remedy)
    polled = f"{explanation.condition}_polled"
    key = polled if explanation.polled and polled in t else f"{explanation.condition}_cause"
    cause = t(key, until=moment(explanation.paused_until) if explanation.paused_until else "")
    if explanation.indexed is not None:
        done, total = explanation.indexed
        cause = f"{cause} {t('index_progress', done=done, total=total)}"
    return cause, t(remedy) if remedy in t else ""


def _late(late: Failing, t: Words, moment: Moment) -> str:
    key = "delayed_cause" if late.reads else "delayed_some_cause"
    return t(key, since=moment(late.since), why=t(f"delay_{late.blame}"))


def _warnings(explanation: Explanation, t: Words, moment: Moment) -> tuple[str, ...]:
    found: list[str] = []
    if explanation.missing is not None:
        found.append(t(f"missing_{explanation.missing}"))
    if explanation.silent_since is not None:
        found.append(t("silent", since=moment(explanation.silent_since)))
    if explanation.topic_missing:
        found.append(t("topic_missing"))
    if explanation.grant_ends is not None:
        found.append(t("grant_ends", at=moment(explanation.grant_ends)))
    if explanation.watch_lapses:
        found.append(t("watch_lapses"))
    if explanation.condition is Condition.PAUSED and explanation.late is not None:
        found.append(_late(explanation.late, t, moment))
    if (gap := explanation.gap) is not None:
        parts = [t.count("gap", gap.found, since=moment(gap.since), until=moment(gap.until), found=gap.found)]
        if gap.cut:
            parts.append(t(f"gap_{gap.cut}"))
        if gap.unchecked:
            parts.append(t.count("gap_unchecked", gap.unchecked))
        found.append(" ".join(parts))
    return tuple(found)


# ---- Static files


FOLDER = Path(__file__).parent / "static"
YEAR = 31_536_000
SHOWN_ELSEWHERE = frozenset({"logo-128.png"})
"""Gmail shows the add-on's logo in its own pages."""
OFFLINE_WORKER = "offline_worker.js"
WORKERS = frozenset({"solver_worker.js", OFFLINE_WORKER})
"""Scripts that run by themselves, under the policy they are served with. No other file loads anything itself."""

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `version` is a short hash of its content, `packed` the same in gzip where that is shorter."""

    body: bytes
    kind: str
    version: str
    packed: bytes = b""


@blueprint.get("/static/<name>")
@guarded(per_minute(600))
async def asset(name: str) -> Response:
    """One file of the static folder. Cached for good when asked for by its present content."""
    found = assets().get(name)
    if found is None:
        raise NotFound
    packed = bool(found.packed) and request.accept_encodings["gzip"] > 0
    response = Response(found.packed if packed else found.body, content_type=found.kind)
    response.set_etag(f"{found.version}-gzip" if packed else found.version)
    if found.packed:
        response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    current = request.args.get("v") == found.version
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if current else "no-cache"
    if name in SHOWN_ELSEWHERE:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if name not in WORKERS:
        response.headers["Content-Security-Policy"] = "default-src 'none'"
    if name == OFFLINE_WORKER:
        response.headers["Service-Worker-Allowed"] = "/"
    await response.make_conditional(request)
    return response


@cache
def assets() -> Mapping[str, Asset]:
    """Every static file by name. They are small, and a file that is being sent would stay open when the browser goes
    away meanwhile; a name that is not one of these is no path to anything."""
    return {path.name: _read(path) for path in FOLDER.iterdir() if path.is_file()}


def version(name: str) -> str:
    """A short hash of the file's content."""
    return assets()[name].version


def register_static(app: Quart) -> None:
    """Give templates `asset(name)`, the address of a static file."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = lambda name: url_for("assets.asset", name=name, v=version(name))


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    kind, _ = mimetypes.guess_type(path.name)
    text = kind is not None and (kind.startswith("text/") or kind.endswith(("javascript", "xml")))
    written = f"{kind}; charset=utf-8" if text else kind or "application/octet-stream"
    packed = gzip.compress(body, mtime=0) if text else b""
    shorter = packed if len(packed) < len(body) else b""
    return Asset(body, written, hashlib.sha256(body).hexdigest()[:12], shorter)
