"""One mailbox of a sandbox in its own process, and our adapter open against it."""

from __future__ import annotations

import itertools
from typing import Any

from backend.gmail.client import open_google
from backend.settings import Settings
from backend.system import SystemClock
from tests.fakes.google import Keeper, watching
from tests.sandbox_process import CLIENT_ID, CLIENT_SECRET, PUSH_ACCOUNT, SUBSCRIPTION, TOPIC, SandboxProcess

_numbers = itertools.count(1)


class Story:
    """One mailbox of the sandbox, connected as m1."""

    correspondent = "bo@ext.test"

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.address = f"ana{next(_numbers)}@corp.test"
        self.keeper = Keeper()
        self.hosts: set[str] = set()
        sandbox.create_mailbox(self.address, "Ana")
        self.keeper.grants["m1"] = sandbox.tokens(self.address)["refresh_token"]

    def settings(self, **changes: Any) -> Settings:
        urls = self.sandbox.urls
        return Settings(
            **{
                "gmail_url": urls["gmail"],
                "token_url": urls["token"],
                "revoke_url": urls["revoke"],
                "jwks_url": urls["jwks"],
                "authorize_url": urls["auth"],
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "topic": TOPIC,
                "subscription": SUBSCRIPTION,
                "push_account": PUSH_ACCOUNT,
                "quota_per_user_minute": 1_000_000,
                **changes,
            }
        )

    def open(self, clock: Any = None, **changes: Any) -> Any:
        return open_google(
            self.settings(**changes), self.keeper, clock or SystemClock(), traces=[watching(self.hosts)]
        )

    def deliver(self, **letter: Any) -> str:
        letter = {"sender": "Bo <bo@ext.test>", "subject": "An offer", "text": "Buy this", **letter}
        return str(self.sandbox.deliver(self.address, **letter)["id"])

    def fault(self, kind: str, **rule: Any) -> None:
        self.sandbox.fault(kind, mailbox=self.address, **rule)

    def calls(self, method: str) -> int:
        methods = self.sandbox.meter(self.address)["methods"]
        return int(methods.get(f"gmail.users.{method}", {"calls": 0})["calls"])
