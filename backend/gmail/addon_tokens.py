"""The two tokens Google sends with every event of the add-on."""

from __future__ import annotations

from backend.gmail.push_tokens import GoogleTokens, bearer, refuse
from backend.settings import Settings


class AddonVerifier:
    """`backend.ports.gmail.AddonCallers`."""

    def __init__(self, settings: Settings, tokens: GoogleTokens) -> None:
        self._account = settings.addon_account
        self._client_id = settings.addon_client_id
        self._tokens = tokens

    async def verify_system(self, authorization: str, audience: str) -> None:
        """The account is checked as well as the audience: every other add-on's token is signed by the same keys."""
        await self._tokens.verify(bearer(authorization), audience, email=self._account)

    async def verify_user(self, token: str) -> str:
        """The account's `sub`; see the port."""
        claims = await self._tokens.verify(token, self._client_id)
        sub = claims.get("sub")
        if not isinstance(sub, str) or not 0 < len(sub) <= 255:
            refuse("sub")
        return sub
