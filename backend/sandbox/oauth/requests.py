"""The authorization request, read and judged before any page is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from backend.sandbox.oauth.clients import Client
from backend.sandbox.oauth.scopes import IDENTITY, expand, is_known
from backend.sandbox.oauth.signing import ISSUER

PROMPTS = frozenset({"none", "consent", "select_account"})


class PageError(Exception):
    """A configuration error that Google shows as a page, never as a redirect."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RedirectError(Exception):
    """A refusal that goes back to the client's redirect address."""

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
        """Scopes with a box of their own; identity scopes cannot be unticked."""
        return [scope for scope in self.scopes if scope not in IDENTITY]

    def answer(self, values: Mapping[str, str]) -> str:
        """The redirect address with an answer in its query."""
        parts = urlsplit(self.redirect_uri)
        pairs = dict(values)
        if self.state is not None:
            pairs["state"] = self.state
        pairs["iss"] = ISSUER
        query = "&".join(filter(None, [parts.query, urlencode(pairs)]))
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def read_request(values: Mapping[str, str], clients: Mapping[str, Client]) -> AuthorizationRequest:
    """Read the query. Raises PageError for everything Google answers with a page of its own."""
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
