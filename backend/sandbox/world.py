"""The state of the local Google: accounts with their mail and watches, and Cloud projects; and how routes get at it."""

from __future__ import annotations

import base64
import random
import re
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from quart import Response, current_app, jsonify, request

from backend.sandbox import BadRequest
from backend.sandbox.faults import Clock, FaultPlan, Knobs, Meter
from backend.sandbox.mail.history import GmailRefusal, HistoryRecord
from backend.sandbox.mail.mailbox import Mailbox, Owner
from backend.sandbox.mail.post_office import PostOffice
from backend.sandbox.oauth.grants import Client, Grants
from backend.sandbox.oauth.tokens import ServiceAccounts, SigningKey
from backend.sandbox.pubsub import TOPIC_NAME, Broker

# ---- Watches: which changes of a mailbox are published, to which topic, and how often at most


WATCH_LIFE = 7 * 86_400.0
CONFLICT = "Only one user push notification client allowed per developer (call /stop then try again)"


class WatchError(GmailRefusal):
    """A watch that cannot be started."""


@dataclass(slots=True)
class Watch:
    """One active watch. `expires` and `last_published` are epoch seconds."""

    topic: str
    project: str
    expires: float
    labels: frozenset[str] = field(default_factory=frozenset)
    exclude: bool = False
    last_published: float = 0.0

    def covers(self, record: HistoryRecord) -> bool:
        """Whether the label filter lets a change through."""
        if not self.labels:
            return True
        touched = frozenset(record.labels) | frozenset(record.added) | frozenset(record.removed)
        return not (touched & self.labels) if self.exclude else bool(touched & self.labels)


class Watches:
    """All watches, by mailbox and project."""

    def __init__(self, broker: Broker, knobs: Knobs) -> None:
        self._broker = broker
        self._knobs = knobs
        self._watches: dict[tuple[str, str], Watch] = {}
        self.counts: Counter[str] = Counter()

    def start(
        self, mailbox: Mailbox, project: str, topic: str, labels: frozenset[str], exclude: bool, now: float
    ) -> Watch:
        """Start or renew a watch; publishes one notice at once. Raises WatchError."""
        self._check_topic(project, topic)
        present = self._watches.get((mailbox.address, project))
        if present is not None and present.expires > now and present.topic != topic:
            raise WatchError(400, CONFLICT)
        watch = Watch(topic, project, now + WATCH_LIFE, labels, exclude)
        self._watches[(mailbox.address, project)] = watch
        self._publish(mailbox, watch, mailbox.history.current, now)
        return watch

    def stop(self, mailbox: Mailbox, project: str) -> None:
        self._watches.pop((mailbox.address, project), None)

    def expire(self, address: str) -> int:
        """End the mailbox's watches without a notice; returns how many there were."""
        mine = [watch for (owner, _), watch in self._watches.items() if owner == address]
        for watch in mine:
            watch.expires = 0.0
        return len(mine)

    def of(self, address: str) -> list[Watch]:
        return [watch for (owner, _), watch in self._watches.items() if owner == address]

    def rename(self, before: str, address: str) -> None:
        for owner, project in [key for key in self._watches if key[0] == before]:
            self._watches[(address, project)] = self._watches.pop((owner, project))

    def forget(self, address: str) -> None:
        for key in [key for key in self._watches if key[0] == address]:
            del self._watches[key]

    def changed(self, mailbox: Mailbox, records: list[HistoryRecord], now: float) -> None:
        """Publish a change to every watch that covers it."""
        for watch in self.of(mailbox.address):
            if watch.expires <= now:
                self.counts["lapsed"] += 1
            elif any(watch.covers(record) for record in records):
                self._publish(mailbox, watch, records[-1].id, now)

    def _publish(self, mailbox: Mailbox, watch: Watch, history_id: int, now: float) -> None:
        # Google drops, not queues, all beyond one notification per user per second.
        if now - watch.last_published < self._knobs.push_interval:
            self.counts["dropped"] += 1
            return
        watch.last_published = now
        self.counts["published"] += 1
        shown = history_id if self._knobs.history_id_type == "number" else str(history_id)
        payload = {"emailAddress": mailbox.address, "historyId": shown}
        self._broker.publish_json(watch.topic, payload, now)

    def _check_topic(self, project: str, topic: str) -> None:
        match = TOPIC_NAME.match(topic)
        if match is None or match.group(1) != project:
            raise WatchError(400, f"Invalid topicName does not match projects/{project}/topics/*")
        known = self._broker.topics.get(topic)
        name = match.group(2)
        if known is None:
            text = (
                f"Error sending test message to Cloud PubSub {topic} : Resource not found (resource={name})."
            )
            raise WatchError(404, text)
        if not known.gmail_may_publish:
            text = f"Error sending test message to Cloud PubSub {topic} : User not authorized to perform this action."
            raise WatchError(403, text)


# ---- What a project has besides Pub/Sub
# Services switched on, service accounts, IAM policies, add-ons.


Json = dict[str, Any]


def new_etag() -> str:
    """A new etag: base64 with its padding, as Google writes bytes in JSON."""
    return base64.b64encode(secrets.token_bytes(8)).decode()


@dataclass(slots=True)
class Cloud:
    """All Cloud projects; each exists from its first use."""

    services: set[str] = field(default_factory=set)
    accounts: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    deployments: dict[str, Json] = field(default_factory=dict)

    def policy(self, resource: str) -> Json:
        """The IAM policy of a resource, with the etag that a change must name."""
        return self.policies.setdefault(resource, {"version": 1, "etag": new_etag()})

    def set_policy(self, resource: str, wanted: Json) -> Json | None:
        """Set the policy; None if it was changed by somebody else since it was read."""
        present = self.policy(resource)
        if wanted.get("etag") and wanted["etag"] != present["etag"]:
            return None
        bindings = wanted.get("bindings") or []
        self.policies[resource] = {"version": 1, "etag": new_etag(), "bindings": bindings}
        return self.policies[resource]

    def forget(self, resource: str) -> None:
        self.policies.pop(resource, None)


# ---- The state of one sandbox


MAX_MAILBOXES = 10_000
# Domains whose accounts are consumers: no `hd` claim.
CONSUMER_DOMAINS = frozenset({"gmail.com", "googlemail.com"})


_ADDRESS = re.compile(r"""\A[^\s@<>,;:"'()\[\]/\\?#%]+@[a-z0-9-]+(\.[a-z0-9-]+)+\Z""")


@dataclass(slots=True)
class World:
    """All state of the sandbox. One for each process; belongs to one event loop."""

    knobs: Knobs = field(default_factory=Knobs)
    clock: Clock = field(default_factory=Clock)
    seed: int | None = None
    key: SigningKey = field(default_factory=SigningKey)
    clients: dict[str, Client] = field(default_factory=dict)
    cloud: Cloud = field(default_factory=Cloud)
    service_accounts: ServiceAccounts = field(default_factory=ServiceAccounts)
    mailboxes: dict[str, Mailbox] = field(init=False, default_factory=dict)
    grants: Grants = field(init=False, default_factory=Grants)
    meter: Meter = field(init=False, default_factory=Meter)  # quota units used by each mailbox
    rng: random.Random = field(init=False)
    faults: FaultPlan = field(init=False)
    broker: Broker = field(init=False)
    watches: Watches = field(init=False)
    post: PostOffice = field(init=False)

    def __post_init__(self) -> None:
        # Spoilt deliveries and gaps between ids, not secrets: a seed makes a run repeatable.
        self.rng = random.Random(self.seed)  # noqa: S311
        self.faults = FaultPlan(self.rng)
        self.broker = Broker(self.rng)
        self.watches = Watches(self.broker, self.knobs)
        self.post = PostOffice(self.mailboxes, self.knobs, lambda now_ms: self.dated("mail", now_ms))

    def create_mailbox(
        self, email: str, name: str = "", sub: str | None = None, hd: str | None = None
    ) -> Mailbox:
        """A new account with an empty mailbox. Raises BadRequest."""
        address = _checked_address(email)
        local, _, domain = address.partition("@")
        if address in self.mailboxes:
            raise BadRequest(f"There is a mailbox {address} already.", 409)
        if len(self.mailboxes) >= MAX_MAILBOXES:
            raise BadRequest("There are too many mailboxes.")
        subject = sub or str(self.rng.randint(10**20, 10**21 - 1))
        domain_claim = hd if hd is not None else (None if domain in CONSUMER_DOMAINS else domain)
        owner = Owner(address, name or local.replace(".", " ").title(), subject, domain_claim or None)
        rng = random.Random(self.rng.getrandbits(64))  # noqa: S311
        mailbox = Mailbox(owner, rng, self._changed, lambda: self.knobs.exact_subjects)
        self.mailboxes[address] = mailbox
        return mailbox

    def rename_mailbox(self, mailbox: Mailbox, email: str) -> None:
        """Give an account another primary address. Grants, watches and mail stay; the former address still receives
        mail and may send. Raises BadRequest."""
        address, before = _checked_address(email), mailbox.address
        taken = self.post.find(address)
        if taken is not None and taken is not mailbox:
            raise BadRequest(f"There is a mailbox {address} already.")
        mailbox.rename(address)
        self.mailboxes[address] = self.mailboxes.pop(before)
        self.watches.rename(before, address)
        self.grants.rename(before, address)

    def mailbox(self, address: str) -> Mailbox:
        """The mailbox of this address. Raises BadRequest (404)."""
        found = self.mailboxes.get(address.strip().lower())
        if found is None:
            raise BadRequest(f"There is no mailbox {address[:100]!r}.", 404)
        return found

    def delete_mailbox(self, address: str) -> None:
        """Remove an account: its mail, watches and grants."""
        del self.mailboxes[address]
        self.watches.forget(address)
        for grant in self.grants.of_account(address):
            self.grants.revoke_grant(address, grant.project)

    def dated(self, what: str, moment_ms: int) -> int:
        """A time (epoch milliseconds) as Google reports it. Counts the times that a skewed clock made wrong."""
        if self.clock.skew:
            self.faults.counts[f"skewed_{what}"] += 1
        return moment_ms + int(self.clock.skew * 1000)

    def _changed(self, mailbox: Mailbox, records: list[HistoryRecord]) -> None:
        self.watches.changed(mailbox, records, self.clock.now())


def _checked_address(email: str) -> str:
    address = email.strip().lower()
    if not _ADDRESS.match(address) or len(address) > 254:
        raise BadRequest(f"{email[:100]!r} is not an e-mail address.")
    return address


# ---- What route modules share: this app's world, checked JSON bodies, errors


def world() -> World:
    return cast(World, current_app.config["WORLD"])


async def json_object() -> dict[str, Any]:
    """The request's JSON object; an empty body is {}. Raises BadRequest."""
    if not (await request.get_data()).strip():
        return {}
    body = await request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body


def refuse(message: str, status: int = 400) -> Response:
    """An error answer of the sandbox's own routes: {"error": text}."""
    response = jsonify({"error": message})
    response.status_code = status
    return response
