"""The OAuth endpoints, their input, and how faults spoil their answers."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from quart import Blueprint, Response, jsonify, render_template, request

from backend.sandbox.faults import AFTER_KINDS, TOKEN_REFUSALS, drop_connection
from backend.sandbox.gmail.dispatch import HTML_TYPE, PAGES, error_for
from backend.sandbox.mail.mailbox import Owner
from backend.sandbox.oauth.grants import IDENTITY, WORDS, Client, Code, GrantError, expand
from backend.sandbox.oauth.tokens import ISSUER, exchange_code, refresh_access
from backend.sandbox.world import World, json_object, world

# ---- The authorization request


PROMPTS = frozenset({"consent", "select_account"})


class PageError(Exception):
    """A configuration error, which Google shows as a page and never by redirecting."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


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
    login_hint: str
    challenge: str | None

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
    unknown = [scope for scope in scopes if scope not in WORDS]
    if unknown:
        raise PageError("invalid_scope", f"Some requested scopes are unknown: {unknown[0][:200]}")
    challenge, method = values.get("code_challenge"), values.get("code_challenge_method")
    if (challenge or method) and method != "S256":
        raise PageError("invalid_request", "The code_challenge_method must be S256.")
    prompt = frozenset(values.get("prompt", "").split())
    if not prompt <= PROMPTS:
        raise PageError("invalid_request", "The prompt parameter is not valid.")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=values.get("state"),
        nonce=values.get("nonce"),
        offline=values.get("access_type") == "offline" or client.kind == "desktop",
        prompt=prompt,
        login_hint=values.get("login_hint", "").strip().lower(),
        challenge=challenge or None,
    )


# ---- What an answer on the consent page leads to.


def allow(
    world: World, request: AuthorizationRequest, owner: Owner, ticked: frozenset[str]
) -> dict[str, str]:
    """Store the consent of this account to the `ticked` scopes; returns the parameters of the redirect."""
    granted = frozenset(request.scopes) & (IDENTITY | ticked)
    if not granted:
        return {"error": "access_denied"}
    account, project = owner.email, request.client.project
    first = world.grants.consent(account, project, granted)
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
        )
    )
    answer = {"code": code, "scope": " ".join(sorted(granted)), "authuser": "0"}
    answer["prompt"] = "consent" if first or "consent" in request.prompt else "none"
    if owner.hd:
        answer["hd"] = owner.hd
    return answer


# ---- Faults of OAuth routes


_STATUS = {"backend_500": 500, "unavailable": 503, "unavailable_after": 503, "gateway_timeout": 504}


async def spoil(route: str) -> Response | None:
    """A spoilt answer to give at once, or None. Unlike Gmail calls, these cannot fail after taking effect: "drop_after"
    drops before. Errors that only Gmail has are in Gmail's form (the error is an object)."""
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
        status, description = TOKEN_REFUSALS[rule.kind]
        return _refusal(status, rule.kind, description)
    if rule.kind == "drop" or rule.kind in AFTER_KINDS:
        drop_connection(request.scope.get("client"))
        return Response(b"", 500)
    error = error_for(world(), rule)
    response = jsonify(error.body())
    response.status_code = error.code
    return response


def _refusal(status: int, code: str, description: str) -> Response:
    response = jsonify({"error": code, "error_description": description})
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
    except PageError as error:
        return await _error_page(error)
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
    """The answer on the consent page: `account`, `decision` allow or deny, and `grant` once for each ticked scope."""
    form = await request.form
    try:
        authorization = read_request(form, world().clients)
    except PageError as error:
        return await _error_page(error)
    if form.get("decision") != "allow":
        return _redirect(authorization.answer({"error": "access_denied"}))
    mailbox = world().mailboxes.get(form.get("account", "").strip().lower())
    if mailbox is None:
        return await _error_page(PageError("account_unknown", "Choose one of the accounts on the page."))
    granted = allow(world(), authorization, mailbox.owner, frozenset(form.getlist("grant")))
    return _redirect(authorization.answer(granted))


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
        client = _client(form)
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


@blueprint.get("/oauth2/v3/certs")
async def jwks() -> Response:
    """The signing key as a JSON Web Key."""
    spoilt = await spoil("oauth.certs")
    if spoilt is not None:
        return spoilt
    response = jsonify(world().key.jwks())
    response.headers["Cache-Control"] = "public, max-age=20000, must-revalidate, no-transform"
    return response


def _suggested(authorization: AuthorizationRequest) -> str:
    boxes = world().mailboxes
    for box in boxes.values():
        if authorization.login_hint in (box.address, box.owner.sub):
            return box.address
    return next(iter(boxes), "")


def _client(form: Mapping[str, str]) -> Client:
    client = world().clients.get(form.get("client_id", ""))
    if client is None:
        raise GrantError("invalid_client", "The OAuth client was not found.", status=401)
    if not hmac.compare_digest(client.secret.encode(), form.get("client_secret", "").encode()):
        raise GrantError("invalid_client", "Unauthorized", status=401)
    return client


def _grant_error(error: GrantError) -> Response:
    body = {"error": error.code, "error_description": error.description}
    if error.subtype is not None:
        body["error_subtype"] = error.subtype
    response = jsonify(body)
    response.status_code = error.status
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


def _redirect(url: str) -> Response:
    return Response(b"", 302, {"Location": url})


@blueprint.post("/sandbox/service-accounts")
async def create_service_account() -> Response:
    """{"email", "project"}: the key file of a new service account, or a new one for it."""
    body = await json_object()
    here = f"{request.url_root.rstrip('/')}/token"
    email, project = (str(body.get(name, "")) for name in ("email", "project"))
    return jsonify(world().service_accounts.create(email, project, here))
