"""What an answer on the consent page leads to."""

from dataclasses import dataclass

from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.oauth.grants import Code
from backend.sandbox.oauth.requests import AuthorizationRequest, RedirectError
from backend.sandbox.oauth.scopes import IDENTITY
from backend.sandbox.world import World


@dataclass(frozen=True, slots=True)
class ConsentChoice:
    """Whose account, and which of the optional scopes were ticked."""

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
    """Record the consent and return the parameters of the redirect. Raises RedirectError."""
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
