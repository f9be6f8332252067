"""OAuth over HTTP: the consent page, tokens, revocation, identity, keys, discovery."""

import base64
import binascii
import hmac
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from quart import Blueprint, Response, jsonify, render_template, request

from backend.sandbox.oauth.clients import Client
from backend.sandbox.oauth.consent import ConsentChoice, allow, refusal_without_page
from backend.sandbox.oauth.grants import GrantError
from backend.sandbox.oauth.requests import AuthorizationRequest, PageError, RedirectError, read_request
from backend.sandbox.oauth.scopes import IDENTITY, WORDS
from backend.sandbox.oauth.signing import ISSUER
from backend.sandbox.oauth.token_answers import exchange_code, refresh_access, userinfo
from backend.sandbox.spoil import spoil
from backend.sandbox.web import json_object, world

blueprint = Blueprint("oauth", __name__)

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@blueprint.get("/o/oauth2/v2/auth")
async def consent_page() -> Response:
    """Ask the person: which account, which permissions."""
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
    """The person's answer: `account`, `decision` allow or deny, and `grant` once per ticked scope."""
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
    """Revoke by access or refresh token: the project's whole grant dies."""
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
    """What a token says; for debugging only, as at Google."""
    now = world().clock.now()
    if "id_token" in request.args:
        claims = world().keys.read(request.args["id_token"])
        if claims is None or claims.get("exp", 0) <= now:
            return _grant_error(GrantError("invalid_token", "Invalid Value"))
        return jsonify({name: _as_text(value) for name, value in claims.items()})
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
    """Where everything is; the issuer stays Google's, so that clients check the same name everywhere."""
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


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@blueprint.post("/sandbox/service-accounts")
async def create_service_account() -> Response:
    """{"email", "project"}: the key file of a new service account, or a new one for it."""
    body = await json_object()
    here = f"{request.url_root.rstrip('/')}/token"
    email, project = (str(body.get(name, "")) for name in ("email", "project"))
    return jsonify(world().service_accounts.create(email, project, here))
