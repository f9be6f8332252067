"""A browser's session: the cookie with its secret, the CSRF token of its forms, the cookies during Google's consent
page; and the rendering of an owner's page."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from quart import Response, g, request
from werkzeug.exceptions import Forbidden

from backend.domain.challenge import token_hash
from backend.domain.errors import NotFound
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mailbox
from backend.locale import Words
from backend.pipeline.account import LIFE, begin, begin_again
from backend.ports.gmail import Access
from backend.settings import Environment
from backend.transactions.records import Session
from backend.web.api.contract import service
from backend.web.pages import page, state_of, words_for
from backend.web.services import services

# ---- The state cookie
# Set before the browser goes to Google's consent page, and checked when it comes back.


def without_state_cookie(response: Response) -> Response:
    response.delete_cookie(state_cookie(), path="/", secure=secure(), httponly=True, samesite="Lax")
    return response


def secure() -> bool:
    """Whether cookies are sent over TLS only."""
    return services().context.settings.public_url.startswith("https://")


def state_cookie() -> str:
    """The state cookie's name. With the prefix, browsers refuse one set by another subdomain or over plain http."""
    return "__Host-pitchgate-connect" if secure() else "pitchgate-connect"


# ---- Other cookies during consent
# Google starts the navigation back to us, and browsers send no strict cookie with it: so these are lax, HttpOnly, for
# `/connect` only, and live as long as an attempt to connect.


@dataclass(frozen=True, slots=True)
class ConsentCookie:
    """One of these cookies. Its value is not trusted: a browser can be given any."""

    name: str

    def keep(self, response: Response, value: str) -> Response:
        """Set the cookie; "" deletes it."""
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
        """The cookie's value, or ""."""
        return request.cookies.get(self.name, "")

    def drop(self, response: Response) -> Response:
        """Delete the cookie if the browser has it."""
        if self.name in request.cookies:
            response.delete_cookie(self.name, path="/connect", secure=secure(), httponly=True, samesite="Lax")
        return response


DEVICE = ConsentCookie("pitchgate-device")
"""A desktop app's sealed request to connect, while its owner signs in."""

EARLIER_SESSION = ConsentCookie("pitchgate-earlier")
"""The hash of the session the browser had before: every sign-in ends it."""

WANTED_PAGE = ConsentCookie("pitchgate-wanted")
"""The page that was requested before the sign-in."""

_UNDER_SETTINGS = ("", "/data", "/leave", "/lists", "/notifications", "/wording")
PAGES = frozenset(
    {"/review", "/insights", "/devices", "/start", *(f"/settings{name}" for name in _UNDER_SETTINGS)}
)
"""The only pages a sign-in may redirect to, whatever a form or a cookie says."""


def wanted(page: str) -> str:
    """`page` if it is one of `PAGES`, else ""."""
    return page if page in PAGES else ""


# ---- The session
# Every sign-in creates a new secret and ends the session the browser had before. (The session cookie is not sent on the
# way back from Google, so `EARLIER_SESSION` remembers that session.)
# Cookies are not separated by port: with `pitchgate home` the browser sends ours to every other server on this machine.
# So there the cookie holds only half of the secret. The page's script keeps the other half in its storage, which is
# separated by port, and sends it in a header, in a form's token or, for a stream or a file, in the address
# (`static/opening.js`, `static/page.js`).


LONGEST = 400 * 86_400
"""Longest time in seconds browsers keep a cookie. The store decides how long the session lives."""


HALF = "X-Pitchgate-Half"
"""The header with the page's half of the secret."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser with a session. `csrf` is a token that its forms must send, known only to our own pages and different
    in every answer. At home it also contains the page's half of the secret."""

    session: Session
    csrf: str

    @property
    def mailbox_id(self) -> MailboxId:
        """The only mailbox this session may use."""
        return self.session.mailbox_id


class SignedOut(Exception):
    """The browser has no session. Answered with the sign-in page."""


class HalfSent(SignedOut):
    """At home, a browser requested a page with only the cookie's half. Answered with a page that sends the other
    half."""


async def signed_in_or_none() -> SignedIn | None:
    """The browser's session; None if it has none, or if its mailbox is deleted or being deleted. Raises `HalfSent`."""
    secret = await _sent_secret()
    session = await service().session(secret) if secret else None
    if session is None or not await service().usable(session.mailbox_id):
        return None
    return SignedIn(session, form_token(secret))


async def signed_in() -> SignedIn:
    """The browser's session. Raises `SignedOut`."""
    found = await signed_in_or_none()
    if found is None:
        raise SignedOut
    return found


async def signed_in_form() -> tuple[SignedIn, dict[str, str]]:
    """The browser's session and the form's fields. Raises `SignedOut`, and `Forbidden` for a wrong CSRF token."""
    found = await signed_in()
    fields = {name: str(value) for name, value in (await request.form).items()}
    sent = fields.get("csrf", "")
    if not hmac.compare_digest(sent.encode(), form_token(await _sent_secret(), sent[:SALT]).encode()):
        raise Forbidden
    return found, fields


SALT = 16
"""Characters at the start of a CSRF token that are random, and so different in every answer."""


def csrf_of(secret: str, salt: str = "") -> str:
    """A CSRF token of a session: a salt, new unless one is given, and a hash of it and the session's secret."""
    salt = salt or secrets.token_hex(SALT // 2)
    return salt + token_hash(f"form:{salt}:{secret}")


def form_token(secret: str, salt: str = "") -> str:
    """The CSRF token that forms send; at home followed by the page's half of the secret."""
    return ".".join(filter(None, (csrf_of(secret, salt), _split_secret(secret)[1])))


def session_begun(secret: str) -> None:
    """Give the page rendered by this request its half of a new session's secret."""
    g.page_secret = _split_secret(secret)[1]


def keep_session(response: Response, secret: str) -> Response:
    """Set the session cookie. A redirect gets the page's half in its fragment."""
    value, page_half = _split_secret(secret)
    if page_half and "Location" in response.headers:
        response.headers["Location"] += f"#half={page_half}"
    response.set_cookie(
        _session_cookie(), value, max_age=LONGEST, path="/", secure=secure(), httponly=True, samesite="Strict"
    )
    return response


def drop_session(response: Response) -> Response:
    response.delete_cookie(_session_cookie(), path="/", secure=secure(), httponly=True, samesite="Strict")
    return response


def browser_name() -> str:
    """The browser and system, such as "Firefox/Linux", for the list of sessions; "" if unknown. Nothing else of the
    User-Agent is stored."""
    agent = request.headers.get("User-Agent", "")[:400]
    name = next((name for name, sign in _BROWSERS if sign in agent), "")
    system = next((system for system, sign in _SYSTEMS if sign in agent), "")
    return f"{name}/{system}" if name and system else name


async def remember_earlier(response: Response) -> Response:
    """Store the browser's current session in a cookie before it goes to Google."""
    secret = await _sent_secret()
    return EARLIER_SESSION.keep(response, token_hash(secret)) if secret else response


async def end_earlier(secret: str) -> None:
    """End the browser's earlier sessions, from its session cookie and from `EARLIER_SESSION`; `secret` is the new
    one."""
    sent = await _sent_secret(page=False)
    for digest in {token_hash(sent) if sent else "", EARLIER_SESSION.read()} - {""}:
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
"""In order: most browsers also name others in their User-Agent."""

_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac", "Macintosh"),
    ("ChromeOS", "CrOS"),
    ("Linux", "Linux"),
)


async def _sent_secret(*, page: bool = True) -> str:
    """The session secret of this request, "" if none. Raises `HalfSent` if only the cookie's half came with the GET of
    a page: the browser can then repeat it with both."""
    cookie = request.cookies.get(_session_cookie(), "")
    if not cookie or not _at_home():
        return cookie
    half = request.headers.get(HALF) or request.args.get("half", "")
    if not half and request.method == "POST":
        half = str((await request.form).get("csrf", "")).partition(".")[2]
    if not half and page and request.method == "GET":
        raise HalfSent
    return cookie + half if half else ""


def _split_secret(secret: str) -> tuple[str, str]:
    """The cookie's part and the page's part of the secret. The latter is "" unless at home."""
    middle = len(secret) // 2 if _at_home() else len(secret)
    return secret[:middle], secret[middle:]


def _at_home() -> bool:
    """Whether we run in production without TLS, so that other servers on this machine get our cookies too."""
    settings = services().context.settings
    return settings.environment is Environment.PRODUCTION and not secure()


def _session_cookie() -> str:
    # With the prefix, browsers refuse one set by another subdomain or over plain http.
    return "__Host-pitchgate-session" if secure() else "pitchgate-session"


# ---- A signed-in owner's page
# Templates extend `owner.html` and get `t` (the page's texts), `owner` (the session, with the CSRF token of forms),
# `here` (the page's name in `PLACES`), `state` (the `MailboxState`) and `now`.


PLACES = (("held", "/review"), ("insights", "/insights"), ("settings", "/settings"))
"""The menu: the catalogue key of each page's name, and its address."""

ZONE = "pitchgate-zone"
"""The cookie in which our script stores the browser's time zone, so that pages show local times."""


def page_texts(section: str) -> Words:
    """The texts of an owner's page, with the language and time zone of this browser."""
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
    """Render an owner's page. `section`: the catalogue section of its texts; `here`: its place in the menu."""
    t, now = page_texts(section), services().context.clock.now()
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


# ---- The signed-in owner, and redirects


Visitor = tuple[SignedIn, Mailbox]


async def visitor() -> Visitor:
    """The session and its mailbox. Raises `SignedOut`."""
    owner = await signed_in()
    return owner, await _mailbox(owner)


async def visitor_form() -> tuple[Visitor, dict[str, str]]:
    """The session, its mailbox and the form's fields. Raises `SignedOut`, and `Forbidden` for a wrong CSRF token."""
    owner, fields = await signed_in_form()
    return (owner, await _mailbox(owner)), fields


def back(path: str, **args: str) -> Response:
    """Redirect to a page after a form was handled; empty `args` are omitted."""
    query = urlencode({name: value for name, value in args.items() if value})
    return Response(b"", 303, headers={"Location": f"{path}?{query}" if query else path})


async def _mailbox(owner: SignedIn) -> Mailbox:
    found = await service().context.store.mailbox(owner.mailbox_id)
    if found is None:
        raise NotFound("not_found.mailbox")
    return found


# ---- A page without a sign-in


async def open_page(template: str, status: int = 200, *, section: str, **values: Any) -> Response:
    """Render a page in the browser's language. `section`: the catalogue section of its texts, passed as `t`."""
    t = page_texts(section)
    response = await page(template, status, t=t, language=t.tag, **values)
    response.headers["Vary"] = "Accept-Language"
    return response


async def to_google(account: str = "") -> Response:
    """A page that redirects to Google's consent page for a mailbox, with the sealed state in a cookie. `account`: the
    only Google account to be accepted afterwards; "" for any."""
    url, state = await begin_again(services().context, services().authorizer, account)
    return await _google_page(url, state, "connect")


async def to_sign_in() -> Response:
    """A page that redirects to Google's sign-in, which only identifies the owner, with the sealed state in a cookie."""
    url, state = begin(services().context, services().authorizer, Access.IDENTITY)
    return await _google_page(url, state, "sign_in_title")


async def _google_page(url: str, state: str, title: str) -> Response:
    response = await open_page("to_google.html", section="connect", google=url, title=title)
    response.set_cookie(
        state_cookie(),
        state,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=secure(),
        httponly=True,
        # Lax, not Strict: Google starts the navigation back.
        samesite="Lax",
    )
    return response
