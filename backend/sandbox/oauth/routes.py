"""The OAuth endpoints, their input, and how faults spoil their answers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit, urlunsplit

from quart import Blueprint, Response, jsonify, render_template, request

from backend.sandbox.faults import AFTER_KINDS, TOKEN_REFUSALS, drop_connection
from backend.sandbox.gmail.dispatch import HTML_TYPE, PAGES, error_for
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.oauth.grants import IDENTITY, WORDS, Client, Code, GrantError, expand, is_known
from backend.sandbox.oauth.tokens import ISSUER, exchange_code, refresh_access, userinfo
from backend.sandbox.world import World, json_object, world

# ---- The authorization request


PROMPTS = frozenset({"none", "consent", "select_account"})


class PageError(Exception):
    """A configuration error, which Google shows as a page and never by redirecting."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RedirectError(Exception):
    """A refusal that is sent to the client's redirect address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the client asks for."""

    client: Client
    redirect_uri: str
    scopes: list[str]
    state: str | None
    nonce: str | None
    offline: bool
    prompt: frozenset[str]
    include_granted: bool
    login_hint: str
    challenge: str | None
    challenge_method: str

    @property
    def optional_scopes(self) -> list[str]:
        """Scopes with a tick box; identity scopes have none."""
        return [scope for scope in self.scopes if scope not in IDENTITY]

    def answer(self, values: Mapping[str, str]) -> str:
        """The redirect address with the answer in its query."""
        parts = urlsplit(self.redirect_uri)
        pairs = dict(values)
        if self.state is not None:
            pairs["state"] = self.state
        pairs["iss"] = ISSUER
        query = "&".join(filter(None, [parts.query, urlencode(pairs)]))
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def read_request(values: Mapping[str, str], clients: Mapping[str, Client]) -> AuthorizationRequest:
    """Read the query. Raises PageError if Google would answer with a page."""
    client = clients.get(values.get("client_id", ""))
    if client is None:
        raise PageError("invalid_client", "The OAuth client was not found.")
    redirect_uri = values.get("redirect_uri", "")
    if not client.may_redirect_to(redirect_uri):
        raise PageError(
            "redirect_uri_mismatch",
            f"The redirect URI {redirect_uri[:300]!r} is not registered for this client.",
        )
    if values.get("response_type") != "code":
        raise PageError("invalid_request", "The response_type must be code.")
    scopes = expand(values.get("scope", ""))
    if not scopes:
        raise PageError("invalid_request", "Missing required parameter: scope")
    unknown = [scope for scope in scopes if not is_known(scope)]
    if unknown:
        raise PageError("invalid_scope", f"Some requested scopes are unknown: {unknown[0][:200]}")
    method = values.get("code_challenge_method", "plain")
    if method not in ("S256", "plain"):
        raise PageError("invalid_request", "The code_challenge_method must be S256 or plain.")
    prompt = frozenset(values.get("prompt", "").split())
    if not prompt <= PROMPTS or (len(prompt) > 1 and "none" in prompt):
        raise PageError("invalid_request", "The prompt parameter is not valid.")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=values.get("state"),
        nonce=values.get("nonce"),
        offline=values.get("access_type") == "offline" or client.kind == "desktop",
        prompt=prompt,
        include_granted=values.get("include_granted_scopes") == "true",
        login_hint=values.get("login_hint", "").strip().lower(),
        challenge=values.get("code_challenge") or None,
        challenge_method=method,
    )


# ---- What an answer on the consent page leads to.


@dataclass(frozen=True, slots=True)
class ConsentChoice:
    """The chosen account, and the optional scopes that were ticked."""

    mailbox: Mailbox
    ticked: frozenset[str]


def refusal_without_page(world: World, request: AuthorizationRequest) -> None:
    """`prompt=none` never shows a page. Raises RedirectError if one would be needed."""
    if "none" not in request.prompt:
        return
    if request.login_hint not in world.mailboxes:
        raise RedirectError("login_required")
    raise RedirectError("interaction_required")


def allow(world: World, request: AuthorizationRequest, choice: ConsentChoice) -> dict[str, str]:
    """Store the consent; returns the parameters of the redirect."""
    wanted = frozenset(request.scopes)
    granted = (wanted & IDENTITY) | (wanted & choice.ticked)
    if not granted:
        raise RedirectError("access_denied")
    account, project = choice.mailbox.address, request.client.project
    before = world.grants.grant(account, project)
    earlier = frozenset(before.scopes) if before is not None else frozenset()
    first = world.grants.consent(account, project, granted)
    if request.include_granted:
        granted |= earlier
    code = world.grants.issue_code(
        Code(
            client_id=request.client.client_id,
            account=account,
            project=project,
            redirect_uri=request.redirect_uri,
            scopes=granted,
            expires=world.clock.now() + world.knobs.authorization_code_lifetime,
            nonce=request.nonce,
            offline=request.offline
            and (first or "consent" in request.prompt or request.client.kind == "desktop"),
            challenge=request.challenge,
            challenge_method=request.challenge_method,
        )
    )
    answer = {"code": code, "scope": " ".join(sorted(granted)), "authuser": "0"}
    answer["prompt"] = "consent" if first or "consent" in request.prompt else "none"
    if choice.mailbox.owner.hd:
        answer["hd"] = choice.mailbox.owner.hd
    return answer


# ---- Faults of OAuth routes


_STATUS = {"backend_500": 500, "unavailable": 503, "unavailable_after": 503, "gateway_timeout": 504}


async def spoil(route: str) -> Response | None:
    """A spoilt answer to give at once, or None. Unlike Gmail calls, these cannot fail after taking effect: "drop_after"
    drops before. Refusals that Gmail knows have Gmail's form here too (the error is an object), as from Google's front
    end."""
    rule = world().faults.strike(route)
    if rule is None:
        return None
    if rule.kind == "slow":
        await asyncio.sleep(rule.seconds)
        return None
    if rule.kind == "garbage":
        return Response(b"{", 200)
    if rule.kind in PAGES:
        status, page = PAGES[rule.kind]
        return Response(page, status, content_type=HTML_TYPE)
    if rule.kind in _STATUS:
        return _refusal(_STATUS[rule.kind], "internal_failure", "Try again.")
    if rule.kind in TOKEN_REFUSALS:
        status, words = TOKEN_REFUSALS[rule.kind]
        return _refusal(status, rule.kind, words)
    if rule.kind == "drop" or rule.kind in AFTER_KINDS:
        drop_connection(request.scope.get("client"))
        return Response(b"", 500)
    error = error_for(world(), rule)
    response = jsonify(error.body())
    response.status_code = error.code
    return response


def _refusal(status: int, word: str, words: str) -> Response:
    response = jsonify({"error": word, "error_description": words})
    response.status_code = status
    return response


# ---- OAuth over HTTP


blueprint = Blueprint("oauth", __name__)

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@blueprint.get("/o/oauth2/v2/auth")
async def consent_page() -> Response:
    """Ask which account, and which permissions."""
    try:
        authorization = read_request(request.args, world().clients)
        refusal_without_page(world(), authorization)
    except PageError as error:
        return await _error_page(error)
    except RedirectError as error:
        return _back(authorization.answer({"error": error.code}))
    hidden = [(name, value) for name, value in request.args.items(multi=True)]
    page = await render_template(
        "consent.html",
        asked=authorization,
        accounts=[box.owner for box in world().mailboxes.values()],
        chosen=_suggested(authorization),
        scopes=[(scope, WORDS[scope]) for scope in authorization.optional_scopes],
        identity=[WORDS[scope] for scope in authorization.scopes if scope in IDENTITY],
        hidden=hidden,
        app_name=urlsplit(authorization.redirect_uri).netloc,
    )
    return _page(page, authorization)


@blueprint.post("/o/oauth2/v2/auth")
async def consent_answer() -> Response:
    """The answer to that: `account`, `decision` allow or deny, and `grant` once for each ticked scope."""
    form = await request.form
    try:
        authorization = read_request(form, world().clients)
    except PageError as error:
        return await _error_page(error)
    if form.get("decision") != "allow":
        return _back(authorization.answer({"error": "access_denied"}))
    mailbox = world().mailboxes.get(form.get("account", "").strip().lower())
    if mailbox is None:
        return await _error_page(PageError("account_unknown", "Choose one of the accounts on the page."))
    choice = ConsentChoice(mailbox, frozenset(form.getlist("grant")))
    try:
        return _back(authorization.answer(allow(world(), authorization, choice)))
    except RedirectError as error:
        return _back(authorization.answer({"error": error.code}))


@blueprint.post("/token")
async def token() -> Response:
    """Exchange a code or a refresh token."""
    spoilt = await spoil("oauth.token")
    if spoilt is not None:
        return spoilt
    form = await request.form
    try:
        if form.get("grant_type") == JWT_BEARER:
            here = f"{request.url_root.rstrip('/')}/token"
            granted = world().service_accounts.grant(form.get("assertion", ""), here, world().clock.now())
            return jsonify(granted)
        client = _client(form.get("client_id", ""), form.get("client_secret", ""))
        kind = form.get("grant_type", "")
        if kind == "authorization_code":
            answer = exchange_code(world(), client, form)
        elif kind == "refresh_token":
            answer = refresh_access(world(), client, form)
        else:
            raise GrantError("unsupported_grant_type", f"Invalid grant_type: {kind[:60]}")
    except GrantError as error:
        return _grant_error(error)
    response = jsonify(answer)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/revoke")
async def revoke() -> Response:
    """Revoke by access or refresh token: the project's whole grant ends."""
    spoilt = await spoil("oauth.revoke")
    if spoilt is not None:
        return spoilt
    text = (await request.form).get("token") or request.args.get("token", "")
    if world().grants.revoke(text, world().clock.now()):
        return jsonify({})
    return _grant_error(GrantError("invalid_token", "Token expired or revoked"))


@blueprint.get("/v1/userinfo")
@blueprint.get("/oauth2/v3/userinfo")
async def userinfo_v3() -> Response:
    """OpenID Connect claims of the token's account."""
    claims = _identity()
    return jsonify(claims) if claims is not None else _grant_error(_unauthorized())


@blueprint.get("/oauth2/v2/userinfo")
async def userinfo_v2() -> Response:
    """The older shape: `id` and `verified_email`."""
    claims = _identity()
    if claims is None:
        return _grant_error(_unauthorized())
    names = {"sub": "id", "email_verified": "verified_email"}
    return jsonify({names.get(name, name): value for name, value in claims.items()})


@blueprint.get("/oauth2/v3/certs")
async def jwks() -> Response:
    """Signing keys as JSON Web Keys."""
    return await _certs(world().keys.jwks())


@blueprint.get("/oauth2/v1/certs")
async def pem_map() -> Response:
    """Signing keys as a map of certificates."""
    return await _certs(world().keys.pem_map())


@blueprint.get("/tokeninfo")
async def tokeninfo() -> Response:
    """The content of a token; for debugging only, as at Google."""
    now = world().clock.now()
    if "id_token" in request.args:
        claims = world().keys.read(request.args["id_token"])
        if claims is None or claims.get("exp", 0) <= now:
            return _grant_error(GrantError("invalid_token", "Invalid Value"))
        return jsonify({n: str(v).lower() if isinstance(v, bool) else str(v) for n, v in claims.items()})
    token = world().grants.access(request.args.get("access_token", ""), now)
    if token is None:
        return _grant_error(GrantError("invalid_token", "Invalid Value"))
    scopes = " ".join(sorted(world().grants.effective_scopes(token)))
    return jsonify(
        {
            "azp": token.client_id,
            "aud": token.client_id,
            "scope": scopes,
            "expires_in": str(int(token.expires - now)),
        }
    )


@blueprint.get("/.well-known/openid-configuration")
async def discovery() -> Response:
    """The addresses of all endpoints. The issuer is Google's own, which clients check."""
    base = request.url_root.rstrip("/")
    return jsonify(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{base}/o/oauth2/v2/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/v1/userinfo",
            "revocation_endpoint": f"{base}/revoke",
            "jwks_uri": f"{base}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


def _suggested(authorization: AuthorizationRequest) -> str:
    boxes = world().mailboxes
    for box in boxes.values():
        if authorization.login_hint in (box.address, box.owner.sub):
            return box.address
    return next(iter(boxes), "")


def _client(form_id: str, form_secret: str) -> Client:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            form_id, _, form_secret = base64.b64decode(text).decode().partition(":")
        except (binascii.Error, ValueError):
            form_id = ""
        form_id, form_secret = unquote_plus(form_id), unquote_plus(form_secret)
    client = world().clients.get(form_id)
    if client is None:
        raise GrantError("invalid_client", "The OAuth client was not found.", status=401)
    if not client.knows_secret(form_secret):
        raise GrantError("invalid_client", "Unauthorized", status=401)
    return client


def _identity() -> dict[str, Any] | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = (
        world().grants.access(text.strip(), world().clock.now())
        if hmac.compare_digest(scheme.lower(), "bearer")
        else None
    )
    return None if token is None else userinfo(world(), token)


def _unauthorized() -> GrantError:
    return GrantError("invalid_request", "Invalid Credentials", status=401)


def _grant_error(error: GrantError) -> Response:
    body = {"error": error.code, "error_description": error.description}
    if error.subtype is not None:
        body["error_subtype"] = error.subtype
    response = jsonify(body)
    response.status_code = error.status
    return response


async def _certs(body: dict[str, Any]) -> Response:
    spoilt = await spoil("oauth.certs")
    if spoilt is not None:
        return spoilt
    response = jsonify(body)
    response.headers["Cache-Control"] = (
        f"public, max-age={world().knobs.certs_max_age}, must-revalidate, no-transform"
    )
    return response


async def _error_page(error: PageError) -> Response:
    page = await render_template("consent_error.html", error=error)
    response = _page(page, None)
    response.status_code = 401 if error.code == "invalid_client" else 400
    return response


def _page(html: str, authorization: AuthorizationRequest | None) -> Response:
    response = Response(html, 200, content_type="text/html; charset=utf-8")
    # The form's answer redirects to the client, and form-action covers redirects too.
    parts = urlsplit(authorization.redirect_uri) if authorization is not None else None
    target = f" {parts.scheme}://{parts.netloc}" if parts is not None else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{target}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return response


def _back(url: str) -> Response:
    return Response(b"", 302, {"Location": url})


@blueprint.post("/sandbox/service-accounts")
async def create_service_account() -> Response:
    """{"email", "project"}: the key file of a new service account, or a new one for it."""
    body = await json_object()
    here = f"{request.url_root.rstrip('/')}/token"
    email, project = (str(body.get(name, "")) for name in ("email", "project"))
    return jsonify(world().service_accounts.create(email, project, here))
