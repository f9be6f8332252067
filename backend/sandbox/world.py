"""The local Google's world: its accounts, its mail, its Cloud projects, all of it in memory."""

from __future__ import annotations

import base64
import random
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from backend.sandbox.faults import FaultPlan, Knobs
from backend.sandbox.mail.history import HistoryRecord
from backend.sandbox.mail.mailbox import Mailbox, Owner
from backend.sandbox.mail.post_office import PostOffice, PostOptions
from backend.sandbox.oauth.grants import Client, Grants
from backend.sandbox.oauth.signing import KeyRing, ServiceAccounts
from backend.sandbox.pubsub.broker import Broker
from backend.sandbox.quota import Clock, Meter
from backend.sandbox.watches import Watches

# ---- What a project holds beside Pub/Sub
# What a project holds beside Pub/Sub's own: services switched on, service accounts, policies of rights, add-ons.


Json = dict[str, Any]


def new_etag() -> str:
    """A new one: base64 with its padding, as Google writes bytes in JSON."""
    return base64.b64encode(secrets.token_bytes(8)).decode()


@dataclass(slots=True)
class Cloud:
    """All projects; each there is when it is asked for."""

    services: set[str] = field(default_factory=set)
    accounts: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    deployments: dict[str, Json] = field(default_factory=dict)

    def policy(self, resource: str) -> Json:
        """Who may what on a resource, with the etag a change must show."""
        return self.policies.setdefault(resource, {"version": 1, "etag": new_etag()})

    def set_policy(self, resource: str, wanted: Json) -> Json | None:
        """Keep it; None when somebody else has changed it since it was read."""
        present = self.policy(resource)
        if wanted.get("etag") and wanted["etag"] != present["etag"]:
            return None
        bindings = wanted.get("bindings") or []
        self.policies[resource] = {"version": 1, "etag": new_etag(), "bindings": bindings}
        return self.policies[resource]

    def forget(self, resource: str) -> None:
        """The resource is no more."""
        self.policies.pop(resource, None)


# ---- The state of one sandbox


MAX_MAILBOXES = 10_000
# Domains whose accounts are consumers: no `hd` claim.
CONSUMER_DOMAINS = frozenset({"gmail.com", "googlemail.com"})


_ADDRESS = re.compile(r"""\A[^\s@<>,;:"'()\[\]/\\?#%]+@[a-z0-9-]+(\.[a-z0-9-]+)+\Z""")


class WorldError(ValueError):
    """A request about mailboxes that cannot be met; the text says why."""


@dataclass(slots=True)
class World:
    """Everything the sandbox knows. One per process; lives in one event loop."""

    knobs: Knobs = field(default_factory=Knobs)
    clock: Clock = field(default_factory=Clock)
    seed: int | None = None
    keys: KeyRing = field(default_factory=KeyRing)
    clients: dict[str, Client] = field(default_factory=dict)
    cloud: Cloud = field(default_factory=Cloud)
    service_accounts: ServiceAccounts = field(default_factory=ServiceAccounts)
    mailboxes: dict[str, Mailbox] = field(init=False, default_factory=dict)
    grants: Grants = field(init=False, default_factory=Grants)
    meter: Meter = field(init=False, default_factory=Meter)
    rng: random.Random = field(init=False)
    faults: FaultPlan = field(init=False)
    broker: Broker = field(init=False)
    watches: Watches = field(init=False)
    post: PostOffice = field(init=False)

    def __post_init__(self) -> None:
        # Gaps between ids and spoilt deliveries, not secrets: a seed makes a run repeatable.
        self.rng = random.Random(self.seed)  # noqa: S311
        self.faults = FaultPlan(self.rng)
        self.broker = Broker(self.rng)
        self.watches = Watches(self.broker, self.knobs)
        self.post = PostOffice(
            self.mailboxes,
            PostOptions(
                bounces=lambda: self.knobs.bounces,
                rewrite_message_ids=lambda: self.knobs.rewrite_message_ids,
                shared_message_ids=lambda: self.knobs.shared_message_ids,
                dated=lambda now_ms: self.dated("mail", now_ms),
                token=lambda: secrets.token_hex(16),
            ),
        )

    def create_mailbox(
        self, email: str, name: str = "", sub: str | None = None, hd: str | None = None
    ) -> Mailbox:
        """A new account with an empty mailbox. Raises WorldError if it exists or the address is none."""
        address = email.strip().lower()
        local, _, domain = address.partition("@")
        if not _ADDRESS.match(address) or len(address) > 254:
            raise WorldError(f"{email[:100]!r} is not an e-mail address.")
        if address in self.mailboxes:
            raise WorldError(f"There is a mailbox {address} already.")
        if len(self.mailboxes) >= MAX_MAILBOXES:
            raise WorldError("There are too many mailboxes.")
        subject = sub or str(self.rng.randint(10**20, 10**21 - 1))
        domain_claim = hd if hd is not None else (None if domain in CONSUMER_DOMAINS else domain)
        owner = Owner(address, name or local.replace(".", " ").title(), subject, domain_claim or None)
        rng = random.Random(self.rng.getrandbits(64))  # noqa: S311
        mailbox = Mailbox(owner, rng, self._changed, lambda: self.knobs.exact_subjects)
        self.mailboxes[address] = mailbox
        return mailbox

    def rename_mailbox(self, mailbox: Mailbox, email: str) -> None:
        """Another primary address for the same account: grants, watches and mail stay, and the former address is one
        that it may be written to and send from. Raises WorldError."""
        address, before = email.strip().lower(), mailbox.address
        if not _ADDRESS.match(address) or len(address) > 254:
            raise WorldError(f"{email[:100]!r} is not an e-mail address.")
        taken = self.post.find(address)
        if taken is not None and taken is not mailbox:
            raise WorldError(f"There is a mailbox {address} already.")
        mailbox.rename(address)
        self.mailboxes[address] = self.mailboxes.pop(before)
        self.watches.rename(before, address)
        self.grants.rename(before, address)

    def delete_mailbox(self, address: str) -> None:
        """Remove an account: its mail, watches and grants. Raises KeyError."""
        del self.mailboxes[address]
        self.watches.forget(address)
        for grant in self.grants.of_account(address):
            self.grants.revoke_grant(address, grant.project)

    def dated(self, what: str, moment_ms: int) -> int:
        """A moment (epoch milliseconds) as others see it. Counts what a skewed clock has dated."""
        if self.clock.skew:
            self.faults.counts[f"skewed_{what}"] += 1
        return moment_ms + int(self.clock.skew * 1000)

    def _changed(self, mailbox: Mailbox, records: list[HistoryRecord]) -> None:
        self.watches.changed(mailbox, records, self.clock.now())
