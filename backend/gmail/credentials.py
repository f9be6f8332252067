"""This machine's own credentials with Google Cloud ("application default credentials"), as google-auth finds them:
a key file named by GOOGLE_APPLICATION_CREDENTIALS, what `gcloud auth application-default login` left, or the metadata
server of a machine in the cloud.

google-auth looks and asks synchronously, so it works in a thread, one at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from backend.domain.errors import TryLater
from backend.domain.mailbox.mailbox import Missing


class CloudCredentials:
    """Access tokens for `scopes`. Belongs to one event loop."""

    def __init__(self, scopes: Sequence[str]) -> None:
        self._scopes = tuple(scopes)
        self._held: Any = None
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good now. Raises `TryLater` (reason credentials) where there are none, or they are refused;
        (connection) when nobody could be asked."""
        async with self._lock:
            if self._held is None or not self._held.valid:
                await asyncio.to_thread(self._refresh)
            return str(self._held.token)

    def discard(self) -> None:
        """The token was refused: look for credentials again."""
        self._held = None

    def _refresh(self) -> None:
        import google.auth
        from google.auth import exceptions
        from google.auth.transport.requests import Request

        try:
            held = self._held
            if held is None:
                held, _ = google.auth.default(scopes=self._scopes)
            held.refresh(Request())
        except exceptions.TransportError as error:
            raise TryLater("later.away", reason=Missing.CONNECTION) from error
        except (exceptions.GoogleAuthError, OSError, ValueError) as error:
            self._held = None
            raise TryLater("later.credentials", reason=Missing.CREDENTIALS) from error
        self._held = held
