"""A real Google account, given by the environment. Only with `pytest --linked`; without credentials it is skipped.

    PITCHGATE_LINKED_CLIENT_ID, PITCHGATE_LINKED_CLIENT_SECRET, PITCHGATE_LINKED_REFRESH_TOKEN
    PITCHGATE_LINKED_TOPIC        for the watch test; skipped without
    PITCHGATE_LINKED_GMAIL_URL, PITCHGATE_LINKED_TOKEN_URL    elsewhere than Google, to rehearse

Mail is put in with users.messages.insert, under a label of its own; the one mail that is sent goes to the account
itself.
"""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from backend.gmail.client import Google, open_google
from backend.settings import Settings
from backend.system import SystemClock
from tests.fakes.google import Keeper

CLIENT_ID = "PITCHGATE_LINKED_CLIENT_ID"
CLIENT_SECRET = "PITCHGATE_LINKED_CLIENT_SECRET"
REFRESH_TOKEN = "PITCHGATE_LINKED_REFRESH_TOKEN"
TOPIC = "PITCHGATE_LINKED_TOPIC"
GMAIL_URL = "PITCHGATE_LINKED_GMAIL_URL"
TOKEN_URL = "PITCHGATE_LINKED_TOKEN_URL"
NEEDED = (CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN)


def _given(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


class RealAccount:
    """`tests.contract.gmail.portable.Account` on a real mailbox."""

    def __init__(self) -> None:
        self.settings = Settings(
            client_id=_given(CLIENT_ID),
            client_secret=_given(CLIENT_SECRET),
            gmail_url=_given(GMAIL_URL, "https://gmail.googleapis.com"),
            token_url=_given(TOKEN_URL, "https://oauth2.googleapis.com/token"),
            topic=_given(TOPIC, "projects/none/topics/none"),
        )
        self.keeper = Keeper()
        self.keeper.grants["m1"] = _given(REFRESH_TOKEN)
        self._http = httpx.Client(timeout=30.0)
        self._http.headers["Authorization"] = f"Bearer {self._access()}"
        self.address = str(self._call("GET", "profile")["emailAddress"]).lower()
        self.correspondent = self.address

    def deliver(self, **letter: Any) -> str:
        """Put a mail into the inbox."""
        mail = EmailMessage()
        mail["From"] = letter.get("sender", "Bo <bo@ext.test>")
        mail["To"], mail["Subject"] = self.address, letter.get("subject", "An offer")
        mail["Message-ID"] = letter.get("message_id", f"<{os.urandom(8).hex()}@ext.test>")
        mail.set_content(letter.get("text", "Buy this"))
        if "html" in letter:
            mail.add_alternative(letter["html"], subtype="html")
        raw = base64.urlsafe_b64encode(mail.as_bytes()).decode()
        return str(self._call("POST", "messages", {"raw": raw, "labelIds": ["INBOX", "UNREAD"]})["id"])

    def close(self) -> None:
        self._http.close()

    def _access(self) -> str:
        form = {
            "grant_type": "refresh_token",
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret.get_secret_value(),
            "refresh_token": self.keeper.grants["m1"],
        }
        answer = self._http.post(self.settings.token_url, data=form)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def _call(self, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._http.request(verb, f"{self.settings.gmail_url}/gmail/v1/users/me/{path}", json=body)
        answer.raise_for_status()
        return dict(answer.json())


@pytest.fixture(scope="session")
def account() -> Iterator[RealAccount]:
    """The account, or a skip that says what is missing."""
    missing = [name for name in NEEDED if not _given(name)]
    if missing:
        pytest.skip(f"no real account: set {', '.join(missing)} (docs/how-to/deploy.md)")
    real = RealAccount()
    yield real
    real.close()


@pytest.fixture
def story(account: RealAccount) -> RealAccount:
    """The name the contract knows it by."""
    return account


@pytest.fixture
async def google(account: RealAccount) -> AsyncIterator[Google]:
    """Our adapter, open on it."""
    async with open_google(account.settings, account.keeper, SystemClock()) as opened:
        yield opened
