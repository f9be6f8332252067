"""A browser's sign-in: the cookie that holds its secret, the token its forms carry, what it keeps on the way to
Google; and the frame of an owner's page."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from quart import Response, g, request
from werkzeug.exceptions import Forbidden

from backend.domain.entry.challenge import token_hash
from backend.domain.errors import NotFound
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mailbox
from backend.locale import Words
from backend.pipeline import connect
from backend.pipeline.connect import LIFE
from backend.ports.gmail import Access
from backend.settings import Environment
from backend.transactions.records import Session
from backend.web.api.authentication import service
from backend.web.pages import page, state_of, words_for
from backend.web.services import services

# ---- The return cookie
# The cookie of the way to Google's consent page, which only the way back can use.


def without_cookie(response: Response) -> Response:
    """Let the browser forget the state."""
    response.delete_cookie(cookie_name(), path="/", secure=secure(), httponly=True, samesite="Lax")
    return response


def secure() -> bool:
    """Whether cookies must travel over TLS only."""
    return services().context.settings.public_url.startswith("https://")


def cookie_name() -> str:
    """The prefix makes browsers refuse one that a neighbouring subdomain or plain http tries to plant."""
    return "__Host-pitchgate-connect" if secure() else "pitchgate-connect"


# ---- Browser state during consent
# Google begins the navigation that brings them back, so no strict cookie comes with it: notes are lax, HttpOnly, for
# `/connect` only, and live as long as an attempt to connect.


@dataclass(frozen=True, slots=True)
class Note:
    """One such cookie. Its reader must not believe it: a browser can be given any note."""

    name: str

    def keep(self, response: Response, value: str) -> Response:
        """Let the browser keep `value`; "" makes it forget an earlier one."""
        if not value:
            return self.drop(response)
        response.set_cookie(
            self.name,
            value,
            max_age=int(LIFE.total_seconds()),
            path="/connect",
            secure=secure(),
            httponly=True,
            samesite="Lax",
        )
        return response

    def read(self) -> str:
        """What this browser kept, "" if nothing."""
        return request.cookies.get(self.name, "")

    def drop(self, response: Response) -> Response:
        """Let the browser forget it, if it keeps one."""
        if self.name in request.cookies:
            response.delete_cookie(self.name, path="/connect", secure=secure(), httponly=True, samesite="Lax")
        return response


DEVICE = Note("pitchgate-device")
"""An app's sealed request, while its owner signs in."""

EARLIER = Note("pitchgate-earlier")
"""The hash of the session this browser had when it left: every sign-in ends it."""

WANTED = Note("pitchgate-wanted")
"""The page they wanted when they were asked to sign in."""

PAGES = frozenset(
    {
        "/review",
        "/insights",
        "/settings",
        "/settings/data",
        "/settings/leave",
        "/settings/lists",
        "/settings/notifications",
        "/settings/wording",
        "/devices",
        "/start",
    }
)
"""Where signing in may lead on to. Nothing else is followed, whatever a form or a note says."""


def wanted(page: str) -> str:
    """`page` if it is one of `PAGES`, else ""."""
    return page if page in PAGES else ""


# ---- A browser's sign-in
# Every sign-in makes a new secret. The session a browser had before ends with it: the cookie is not sent when Google
# sends the browser back, so the way there leaves a note of it. A cookie knows no port. At home (`pitchgate home`) the
# browser sends it to whatever else listens on this machine, so there it is half of the secret. The other half is kept
# in the storage of our pages, which belongs to our port alone, and comes with a header, a form's token or, for a
# stream or a file, in the address (`static/opening.js`, `static/page.js`).


LONGEST = 400 * 86_400
"""Seconds a browser keeps a cookie at most. How long the session lives is for the store to say."""


HALF = "X-Pitchgate-Half"
"""The header that brings the page's half."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser whose owner is known. `csrf` is what its forms must carry: only our own pages can know it. At home it
    brings the page's half of the secret too."""

    session: Session
    csrf: str

    @property
    def mailbox_id(self) -> MailboxId:
        """The one mailbox it may touch."""
        return self.session.mailbox_id


class SignedOut(Exception):
    """Nobody has signed in at this browser. Answered by the page that asks them to."""


class HalfShown(SignedOut):
    """A browser at home asks for a page and has shown its cookie alone. Answered by a page that asks for the rest."""


async def present() -> SignedIn | None:
    """Who sits at this browser, None if they have not signed in (or their mailbox is gone or going). Raises
    `HalfShown`."""
    secret = await _shown()
    session = await service().session(secret) if secret else None
    if session is None or not await service().usable(session.mailbox_id):
        return None
    return SignedIn(session, form_token(secret))


async def signed_in() -> SignedIn:
    """The same. Raises `SignedOut`."""
    found = await present()
    if found is None:
        raise SignedOut
    return found


async def signed_in_form() -> tuple[SignedIn, dict[str, str]]:
    """The same with the fields of the form that was sent. Raises `Forbidden` if its token is not this browser's."""
    found = await signed_in()
    fields = {name: str(value) for name, value in (await request.form).items()}
    if not hmac.compare_digest(fields.get("csrf", "").encode(), found.csrf.encode()):
        raise Forbidden
    return found, fields


def csrf_of(secret: str) -> str:
    """The form token of a session, made of its secret and of no use to find that."""
    return token_hash(f"form:{secret}")


def form_token(secret: str) -> str:
    """What forms carry of it: at home with the page's half."""
    return ".".join(filter(None, (csrf_of(secret), _halves(secret)[1])))


def opened(secret: str) -> None:
    """The answer to this request begins a session. If it is a page, that keeps its half of the secret."""
    g.page_half = _halves(secret)[1]


def keep(response: Response, secret: str) -> Response:
    """Let the browser keep its session. An answer that leads on hands the page's half to where it leads."""
    cookie, own = _halves(secret)
    if own and "Location" in response.headers:
        response.headers["Location"] += f"#half={own}"
    response.set_cookie(
        _cookie_name(),
        cookie,
        max_age=LONGEST,
        path="/",
        secure=secure(),
        httponly=True,
        samesite="Strict",
    )
    return response


def drop(response: Response) -> Response:
    """Let the browser forget it."""
    response.delete_cookie(_cookie_name(), path="/", secure=secure(), httponly=True, samesite="Strict")
    return response


def browser_name() -> str:
    """What the browser is roughly, for the list of sessions: "Firefox/Linux", or "" if it does not say. Its
    version and everything else it tells is not kept."""
    agent = request.headers.get("User-Agent", "")[:400]
    name = next((name for name, sign in _BROWSERS if sign in agent), "")
    system = next((system for system, sign in _SYSTEMS if sign in agent), "")
    return f"{name}/{system}" if name and system else name


async def remember_earlier(response: Response) -> Response:
    """Note the session this browser has before it leaves for Google."""
    secret = await _shown()
    return EARLIER.keep(response, token_hash(secret)) if secret else response


async def end_earlier(secret: str) -> None:
    """End the session this browser had, the one it still shows or the one it noted, for the one of `secret`."""
    shown = await _shown(page=False)
    for digest in {token_hash(shown) if shown else "", EARLIER.read()} - {""}:
        await service().end(digest, token_hash(secret))


_BROWSERS = (
    ("Edge", "Edg"),
    ("Opera", "OPR/"),
    ("Samsung Internet", "SamsungBrowser"),
    ("Firefox", "Firefox/"),
    ("Firefox", "FxiOS"),
    ("Chrome", "Chrome/"),
    ("Chrome", "CriOS"),
    ("Safari", "Safari/"),
)
"""In this order: most browsers name others as well."""

_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac", "Macintosh"),
    ("ChromeOS", "CrOS"),
    ("Linux", "Linux"),
)


async def _shown(*, page: bool = True) -> str:
    """The secret that this request shows, "" if none. Raises `HalfShown` for a `page` that the browser may still ask
    for with all of it."""
    cookie = request.cookies.get(_cookie_name(), "")
    if not cookie or not _at_home():
        return cookie
    half = request.headers.get(HALF) or request.args.get("half", "")
    if not half and request.method == "POST":
        half = str((await request.form).get("csrf", "")).partition(".")[2]
    if not half and page and request.method == "GET":
        raise HalfShown
    return cookie + half if half else ""


def _halves(secret: str) -> tuple[str, str]:
    """What the cookie holds and what the page keeps."""
    middle = len(secret) // 2 if _at_home() else len(secret)
    return secret[:middle], secret[middle:]


def _at_home() -> bool:
    """Whether other programs of this machine get our cookies too. In dev and test there is nothing to take."""
    settings = services().context.settings
    return settings.environment is Environment.PRODUCTION and not secure()


def _cookie_name() -> str:
    # The prefix makes browsers refuse one that a neighbouring subdomain or plain http tries to plant.
    return "__Host-pitchgate-session" if secure() else "pitchgate-session"


# ---- A signed-in owner's page
# Templates extend `owner.html` and get t `Words`: every text of the page owner who is signed in; forms carry
# `owner.csrf` (macro `csrf()` of `owner_forms.html`) here the page's name in the menu, a key of `PLACES` state
# `State` of `state_words`: the mailbox's state in their language now the moment of the page


PLACES = (
    ("held", "/review"),
    ("insights", "/insights"),
    ("settings", "/settings"),
)
"""The menu: the name of a page's word and its address."""

ZONE = "pitchgate-zone"
"""The cookie in which our pages' script tells the browser's time zone, so that times are the reader's."""


def words(section: str) -> Words:
    """The words of a page, in the language of the browser that asks."""
    return words_for(section, request.accept_languages, request.cookies.get(ZONE, ""))


async def owner_page(
    template: str,
    owner: SignedIn,
    mailbox: Mailbox,
    *,
    section: str,
    here: str = "",
    status: int = 200,
    **values: Any,
) -> Response:
    """The rendered page. `section` names its texts, `here` its place in the menu."""
    t, now = words(section), services().context.clock.now()
    return await page(
        template,
        status,
        t=t,
        language=t.tag,
        owner=owner,
        mailbox=mailbox,
        places=PLACES,
        here=here,
        state=state_of(mailbox, t.language, now, t.moment, services().context.skew_for_owner()),
        now=now,
        **values,
    )


# ---- Who is at the page, and the way back


Visitor = tuple[SignedIn, Mailbox]


async def visitor() -> Visitor:
    """Who sits at this browser with their mailbox. Raises `SignedOut`."""
    owner = await signed_in()
    return owner, await _mailbox(owner)


async def visitor_form() -> tuple[Visitor, dict[str, str]]:
    """The same with the fields of the form that was sent. Raises `Forbidden` if its token is not this browser's."""
    owner, fields = await signed_in_form()
    return (owner, await _mailbox(owner)), fields


def back(path: str, **args: str) -> Response:
    """To a page, as after every form that changed something."""
    query = urlencode({name: value for name, value in args.items() if value})
    return Response(b"", 303, headers={"Location": f"{path}?{query}" if query else path})


async def _mailbox(owner: SignedIn) -> Mailbox:
    found = await service().context.store.mailbox(owner.mailbox_id)
    if found is None:
        raise NotFound("not_found.mailbox")
    return found


# ---- A page without a sign-in


async def open_page(template: str, status: int = 200, *, section: str, **values: Any) -> Response:
    """The rendered page. `section` names its texts; the template gets them as `t`."""
    t = words(section)
    response = await page(template, status, t=t, language=t.tag, **values)
    response.headers["Vary"] = "Accept-Language"
    return response


async def to_google(account: str = "") -> Response:
    """A page that leads on to where Google asks for access to a mailbox, with the sealed state in a cookie.
    `account`: the only one that may come back."""
    url, state = await connect.begin_again(services().context, services().authorizer, account)
    return await _lead_on(url, state, "connect")


async def to_sign_in() -> Response:
    """The same to where Google asks who it is, and nothing more."""
    url, state = connect.begin(services().context, services().authorizer, Access.IDENTITY)
    return await _lead_on(url, state, "sign_in_title")


async def _lead_on(url: str, state: str, title: str) -> Response:
    response = await open_page("to_google.html", section="connect", google=url, title=title)
    response.set_cookie(
        cookie_name(),
        state,
        max_age=int(connect.LIFE.total_seconds()),
        path="/",
        secure=secure(),
        httponly=True,
        # Lax, not Strict: the way back is a navigation that Google begins.
        samesite="Lax",
    )
    return response
