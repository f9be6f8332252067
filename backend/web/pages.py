"""What all pages share: texts, template filters, the mailbox's state in words, the demo's bar, and static files."""

from __future__ import annotations

import gzip
import hashlib
import io
import mimetypes
import re
import secrets
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

from backend.domain.errors import FailingJob
from backend.domain.mail.message import INVISIBLE
from backend.domain.mailbox.mailbox import Condition, Explanation, Mailbox, Who, explain
from backend.domain.mailbox.message import MessageView, PolicyRow
from backend.domain.reading.score import percent, score_band
from backend.locale import DEFAULT, LANGUAGES, Section, Words, catalogue, reason
from backend.web.guards import from_elsewhere, guarded, per_minute

# ---- Rendering


async def page(template: str, status: int = 200, **values: Any) -> Response:
    body = await render_template(template, page_secret=g.get("page_secret", ""), **values)
    response = Response(body, status, content_type="text/html; charset=utf-8")
    # Somebody who chooses part of a compressed answer can guess its secrets by its length (BREACH). So requests from
    # other sites get plain answers, and form tokens and the length change with every answer.
    if request.accept_encodings["gzip"] > 0 and not from_elsewhere():
        response.set_data(_packed(body))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _packed(body: str) -> bytes:
    """`body` in gzip, with a file name of random length in its header, so that the size varies."""
    packed = io.BytesIO()
    with gzip.GzipFile(secrets.token_hex(secrets.randbelow(64)), "wb", 6, packed, mtime=0) as file:
        file.write(body.encode())
    return packed.getvalue()


def wants_page() -> bool:
    """Whether the caller prefers HTML to JSON, as a browser that navigates does."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


# ---- A page's texts


SHARED = ("frame", "card")
"""Catalogue sections that every owner's page may use beside its own. "card" because the pages describe a verdict with
the add-on's texts."""


def language_of(accepted: LanguageAccept, fallback: str = DEFAULT) -> str:
    """The browser's most preferred of our languages, else `fallback`. Countries are ignored: "pt-BR, en" gives pt,
    where Werkzeug's own matching would choose en."""
    preferred = (tag.partition("-")[0].lower() for tag, quality in accepted if quality > 0)
    return next((language for language in preferred if language in LANGUAGES), fallback)


def sender_words(accepted: LanguageAccept, fallback: str = DEFAULT) -> Section:
    return catalogue(language_of(accepted, fallback)).section("check", "error")


def card_words(language: str) -> Section:
    """The texts of the add-on's cards in a two-letter language, or in English if we do not have it."""
    return catalogue(language).section("card")


def kept_whole(text: str) -> str:
    """`text` with a word joiner after the hyphen of each German E-Mail, where browsers would break the line."""
    return text.replace("E-Mail", "E-\u2060Mail")


class PageWords(Words):
    """The texts of a page, each `kept_whole`."""

    def form(self, key: str, number: int) -> str:
        return kept_whole(super().form(key, number))


def words_for(section: str, accepted: LanguageAccept, zone: str = "") -> Words:
    """The texts of an owner's page in the browser's language: its own section, then those of `SHARED`.

    `zone` is the name of the browser's time zone.
    """
    return PageWords(catalogue(language_of(accepted)).section(section, *SHARED), zone_of(zone))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(name: str) -> tzinfo | None:
    """The time zone of that name; None if it is unknown."""
    return ZoneInfo(name) if name in _zones() else None


# ---- Template filters


TINTS = 6
"""Number of avatar colours in the style sheet."""


def initials(name: str) -> str:
    """One or two capital letters for a name or an address; "?" if it has none."""
    words = INVISIBLE.sub("", name).partition("@")[0].replace(".", " ").split()
    letters = [found for word in words if (found := next((sign for sign in word if sign.isalnum()), ""))]
    return "".join(letters[:1] + letters[1:][-1:]).upper()[:2] or "?"


def tint(address: str) -> str:
    return f"t{blake2s(address.lower().encode(errors='replace')).digest()[0] % TINTS + 1}"


def register_filters(app: Quart) -> None:
    app.jinja_env.filters |= {
        "initials": initials,
        "tint": tint,
        "points": percent,
        "score_band": score_band,
        "because": lambda text, language: reason(language, text),
    }


# ---- The demo's bar
# A bar with the four steps of the demo's story, never shown in production. The browser keeps the number of the last
# step taken in a cookie, which the sandbox on another port of this machine reads and writes too. The cookie's name is
# the last part of the story's address, different in every run.


CAPTCHA_STEP = 3
"""The step of the story that happens on our challenge page."""

STEP_TEMPLATE = "solved.html"
"""The template whose rendering completes that step."""

SELLER = "pitchgate_seller"
"""Key in `app.extensions`: the address of the demo's seller, whose mail the live page highlights."""


def register_story(app: Quart, address: str) -> None:
    """Show the demo's bar on all pages. Step n is at `address`/n; the query of `address` has the `seller`."""
    address, _, query = address.partition("?")
    name = address.rpartition("/")[2]
    app.extensions[SELLER] = dict(parse_qsl(query)).get("seller", "")

    @app.context_processor
    def story() -> dict[str, object]:
        if not has_request_context():
            return {}
        done = _number(request.cookies.get(name, ""))
        here = CAPTCHA_STEP if request.blueprint == "challenge" else 0
        return {
            "story": words_for("story", request.accept_languages),
            "story_address": address,
            "story_here": here,
            "story_done": done,
        }

    def complete_step(sender: object, template: Any, context: dict[str, Any], **more: object) -> None:
        if template.name == STEP_TEMPLATE:
            g.story_done = context["story_done"] = max(context["story_done"], CAPTCHA_STEP)

    before_render_template.connect(complete_step, app, weak=False)

    @app.after_request
    async def remember(response: Response) -> Response:
        if "story_done" in g:
            response.set_cookie(name, str(g.story_done), httponly=True, samesite="Lax")
        return response


def _number(cookie: str) -> int:
    return int(cookie) if cookie in ("1", "2", "3", "4") else 0


# ---- The verdict in a sentence


OPEN_LINK = "open_challenge"
"""The guard that prevents a challenge because the sender has a link that still works."""


def row_words(view: MessageView, say: Callable[..., str]) -> str:
    """The sentence for the row of the policy table that decided. `say` returns a text of the cards. Raises `KeyError`
    for an unknown row, from another release."""
    linked = view.row == PolicyRow.QUARANTINE and OPEN_LINK in view.guards
    return say("row_quarantine_linked" if linked else f"row_{view.row}")


# ---- The mailbox's state in words


Moment = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class MailboxState:
    """The state in words: `title` is two or three words, `cause` and `remedy` one sentence each (`remedy` "" if
    there is nothing to do), `warnings` further sentences. `who` must act. `ends`: Google will end the grant soon."""

    condition: Condition
    who: Who
    title: str
    cause: str
    remedy: str
    warnings: tuple[str, ...]
    ends: bool = False

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.cause, self.remedy) if part)

    @property
    def line(self) -> str:
        return self.title if self.condition is Condition.ACTIVE else self.text

    @property
    def mend(self) -> bool:
        return self.who is Who.OWNER


def state_of(
    mailbox: Mailbox,
    language: str,
    now: datetime,
    moment: Moment | None = None,
    skew: timedelta | None = None,
) -> MailboxState:
    """The state of a mailbox at `now`, in a two-letter language. `moment` formats times, by default as on pages.
    `skew`: how far the machine's clock is ahead, if the owner should correct it."""
    explanation, t = explain(mailbox, now), Words(catalogue(language).section("state"))
    moment = moment or t.moment
    cause, remedy = _sentences(explanation, t, moment)
    clock = () if skew is None else (_clock(skew, t),)
    return MailboxState(
        explanation.condition,
        explanation.who,
        t(explanation.condition),
        cause,
        remedy,
        (*clock, *_warnings(explanation, t, moment)),
        ends=explanation.grant_ends is not None,
    )


def paused_until(at: datetime, language: str, moment: Moment) -> str:
    return Words(catalogue(language).section("state"))("paused_cause", until=moment(at))


def _clock(skew: timedelta, t: Words) -> str:
    return t("clock_ahead" if skew > timedelta(0) else "clock_behind", span=t.span(abs(skew)))


def _sentences(explanation: Explanation, t: Words, moment: Moment) -> tuple[str, str]:
    remedy = f"{explanation.condition}_remedy"
    if explanation.lost is not None:
        return t(f"lost_{explanation.lost}"), t(f"lost_{explanation.lost}_remedy")
    if explanation.condition is Condition.DELAYED and explanation.failing_job is not None:
        return _late(explanation.failing_job, t, moment), t(remedy)
    polled = f"{explanation.condition}_polled"
    key = polled if explanation.polled and polled in t else f"{explanation.condition}_cause"
    cause = t(key, until=moment(explanation.paused_until) if explanation.paused_until else "")
    if explanation.indexed is not None:
        done, total = explanation.indexed
        cause = f"{cause} {t('index_progress', done=done, total=total)}"
    return cause, t(remedy) if remedy in t else ""


def _late(late: FailingJob, t: Words, moment: Moment) -> str:
    key = "delayed_cause" if late.stops_reading else "delayed_some_cause"
    return t(key, since=moment(late.since), why=t(f"delay_{late.blame}"))


def _warnings(explanation: Explanation, t: Words, moment: Moment) -> tuple[str, ...]:
    found: list[str] = []
    if explanation.pull_failure is not None:
        found.append(t(f"missing_{explanation.pull_failure}"))
    if explanation.silent_since is not None:
        found.append(t("silent", since=moment(explanation.silent_since)))
    if explanation.topic_missing:
        found.append(t("topic_missing"))
    if explanation.grant_ends is not None:
        found.append(t("grant_ends", at=moment(explanation.grant_ends)))
    if explanation.watch_lapses:
        found.append(t("watch_lapses"))
    if explanation.condition is Condition.PAUSED and explanation.failing_job is not None:
        found.append(_late(explanation.failing_job, t, moment))
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
"""Files that other sites may show: Gmail shows the add-on's logo."""
OFFLINE_WORKER = "offline_worker.js"
WORKERS = frozenset({"solver_worker.js", OFFLINE_WORKER})
"""Worker scripts: they run under the content policy they are served with, so it must let them work."""

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file. `version` is a short hash of its content; `packed` is the gzip of it, b"" if not shorter."""

    body: bytes
    kind: str
    version: str
    packed: bytes = b""


@blueprint.get("/static/<name>")
@guarded(per_minute(600))
async def asset(name: str) -> Response:
    """A static file. Cached for a year if the address has the version of its current content."""
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
    """All static files by name, in memory: they are small, a file being sent would stay open if the browser
    disconnects, and a name is never used as a path."""
    return {path.name: _read(path) for path in FOLDER.iterdir() if path.is_file()}


def version(name: str) -> str:
    return assets()[name].version


def register_static(app: Quart) -> None:
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = lambda name: url_for("assets.asset", name=name, v=version(name))


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    if path.suffix == ".css":  # comments are a sixth of what would be sent
        body = re.sub(rb"/\*.*?\*/\n*", b"", body, flags=re.DOTALL)
    kind, _ = mimetypes.guess_type(path.name)
    text = kind is not None and (kind.startswith("text/") or kind.endswith(("javascript", "xml")))
    content_type = f"{kind}; charset=utf-8" if text else kind or "application/octet-stream"
    packed = gzip.compress(body, mtime=0) if text else b""
    shorter = packed if len(packed) < len(body) else b""
    return Asset(body, content_type, hashlib.sha256(body).hexdigest()[:12], shorter)
