"""A sandbox in a process of its own, and a client for its admin routes: for any test that needs Google.

with SandboxProcess("--mailbox", "ana@corp.test=Ana") as google:
    google.deliver("ana@corp.test", sender="bo@ext.test", subject="Hello", text="A pitch")
    assert google.messages("ana@corp.test")[0]["subject"] == "Hello"
"""

import base64
import hashlib
import json
import os
import secrets
import signal
import time
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.machine import Child, machine

CLIENT_ID = "pitchgate-dev.apps.example"
CLIENT_SECRET = "pitchgate-dev-secret"
PROJECT = "pitchgate-dev"
TOPIC = f"projects/{PROJECT}/topics/gmail"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/gmail-push"
PUSH_ACCOUNT = "push@pitchgate-dev.iam.gserviceaccount.com"
MODIFY = "https://www.googleapis.com/auth/gmail.modify"
SETTINGS_BASIC = "https://www.googleapis.com/auth/gmail.settings.basic"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
START_SECONDS = 30.0

Json = dict[str, Any]


class SandboxRefused(AssertionError):
    """The sandbox answered an admin request with an error."""


class SandboxProcess:
    """Forks what `python -m backend.sandbox --port 0 --app "" ARGS` is, with the real time, and speaks to it; stops it
    on exit."""

    def __init__(self, *args: str) -> None:
        self._args = args
        self._process: Child | None = None
        self.url = ""
        self.pid = 0
        self.http = httpx.Client(timeout=30.0, trust_env=False)

    # Life of the process

    def start(self) -> Self:
        """Start it and wait for its line of JSON."""
        words = ["backend.sandbox", "--port", "0", "--app", "", *self._args]
        self._process = machine().begin(words, dict(os.environ), 2, pipe=True, real_time=True)
        line = self._first_line()
        self.url, self.pid = line["sandbox"], line["pid"]
        self.http.base_url = httpx.URL(self.url)
        return self

    def stop(self) -> int:
        """SIGTERM, then SIGKILL after 10 s; returns the exit status."""
        self.http.close()
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        if process.ends(10) is None:
            process.kill()
        status = process.ends(10)
        assert status is not None
        return status

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Addresses a backend needs in its settings

    @property
    def urls(self) -> dict[str, str]:
        """Where the backend finds each part of Google."""
        return {
            "auth": f"{self.url}/o/oauth2/v2/auth",
            "token": f"{self.url}/token",
            "revoke": f"{self.url}/revoke",
            "jwks": f"{self.url}/oauth2/v3/certs",
            "gmail": f"{self.url}/",
            "webmail": f"{self.url}/mail/",
        }

    # Mailboxes and mail

    def create_mailbox(
        self, email: str, name: str = "", sub: str | None = None, hd: str | None = None
    ) -> Json:
        """A new account; returns {email, name, sub, hd, historyId, ...}."""
        wanted = {"email": email, "name": name, "sub": sub, "hd": hd}
        return self._post("/sandbox/mailboxes", {key: value for key, value in wanted.items() if value})

    def mailbox(self, address: str) -> Json:
        """Counts, labels, history position, watches."""
        return self._get(f"/sandbox/mailboxes/{address}")

    def messages(self, address: str, label: str | None = None, full: bool = False) -> list[Json]:
        """Messages, newest first, spam and trash included; `label` is a name or id."""
        params: dict[str, str] = {"full": "1"} if full else {}
        if label is not None:
            params["label"] = label
        return list(self._get(f"/sandbox/mailboxes/{address}/messages", params)["messages"])

    def message(self, address: str, message_id: str) -> Json:
        """One message with headers (list of [name, value]), text and raw."""
        return self._get(f"/sandbox/mailboxes/{address}/messages/{message_id}")

    def deliver(self, to: str | list[str], sender: str | None = None, **letter: Any) -> Json:
        """Mail from outside; returns {mailbox, id, threadId} of the first recipient.

        Keys: subject, text, html, headers, message_id, in_reply_to, references, reply_to, cc, raw,
        raw_base64, attachments, mail_from, auth {dkim, spf, dmarc, ...}, authentication_results,
        labels, category, spam, internal_date, header_to.
        """
        body = {"to": to, **letter} | ({"from": sender} if sender is not None else {})
        delivered: list[Json] = self._post("/sandbox/deliver", body)["delivered"]
        return delivered[0]

    def seed(self, address: str, letters: list[Json], quiet: bool = True) -> list[Json]:
        """Mail that was there before (no history, no push, if quiet); keys as in `deliver` with "from"."""
        body = {"messages": letters, "quiet": quiet}
        return list(self._post(f"/sandbox/mailboxes/{address}/messages", body)["ids"])

    def send(self, address: str, to: str | list[str] | None = None, **letter: Any) -> Json:
        """The owner writes by hand; `reply_to_id` makes it a reply. Returns {id, threadId, messageId}."""
        body = letter if to is None else {"to": to, **letter}
        return self._post(f"/sandbox/mailboxes/{address}/send", body)

    def move_labels(
        self, address: str, ids: list[str], add: list[str] | None = None, remove: list[str] | None = None
    ) -> Json:
        """The owner's hand on labels, by name or id; missing labels are created."""
        body = {"ids": ids, "add": add or [], "remove": remove or []}
        return self._post(f"/sandbox/mailboxes/{address}/labels", body)

    def owner_act(self, address: str, act: str, **data: Any) -> Json:
        """The owner at Gmail's own page: a button with `ids`, or rename_label, delete_label, rename_address."""
        return self._post(f"/sandbox/mailboxes/{address}/act", {"act": act, **data})

    def delete_messages(self, address: str, ids: list[str]) -> Json:
        return self._post(f"/sandbox/mailboxes/{address}/delete", {"ids": ids})

    def set_filters(self, address: str, *filters: Json) -> Json:
        """The owner's filters, as Gmail tells them."""
        return self._call("PUT", f"/sandbox/mailboxes/{address}/filters", json={"filters": list(filters)})

    def set_vacation(self, address: str, **settings: Any) -> Json:
        """Gmail's VacationSettings, for instance enableAutoReply=True."""
        return self._call("PUT", f"/sandbox/mailboxes/{address}/vacation", json=settings)

    def add_alias(self, address: str, email: str, accepted: bool = True) -> Json:
        """A send-as address."""
        return self._post(f"/sandbox/mailboxes/{address}/send-as", {"email": email, "accepted": accepted})

    def outbox(self) -> list[Json]:
        """Everything local mailboxes sent: {sender, recipients, messageId, subject, autoSubmitted, raw}."""
        return list(self._get("/sandbox/outbox")["messages"])

    # Meter, settings, faults, pushes

    def meter(self, address: str | None = None) -> Json:
        """Quota units: the whole report, or one mailbox's {units, calls, high_water, refused, methods}."""
        report = self._get("/sandbox/meter")
        if address is None:
            return report
        empty = {"units": 0, "calls": 0, "high_water": 0, "refused": 0, "most_in_flight": 0, "methods": {}}
        return dict(report["mailboxes"].get(address, empty))

    def reset_meter(self) -> None:
        self._post("/sandbox/meter/reset", {})

    def settings(self, **values: Any) -> Json:
        """Turn knobs (none: read them)."""
        return self._call("PUT", "/sandbox/settings", json=values)

    def fault(self, kind: str, **rule: Any) -> int:
        """Put a fault rule in force; returns its id."""
        return int(self._post("/sandbox/faults", {"kind": kind, **rule})["id"])

    def act(self, act: str, mailbox: str, **data: Any) -> Json:
        """A fault that changes state: revoke, expire_watch, raise_history_floor, ..."""
        return self._post("/sandbox/faults", {"act": act, "mailbox": mailbox, **data})

    def faults(self) -> Json:
        """{"rules": [...], "counts": {...}}"""
        return self._get("/sandbox/faults")

    def clear_faults(self) -> None:
        """Lift all rules."""
        self._call("DELETE", "/sandbox/faults")

    def push(self, **modes: Any) -> Json:
        """Set push modes (none: read) and report {modes, counts, watch, pending, ...}."""
        return self._call("PUT", "/sandbox/push", json=modes)

    def wait_for_pushes(self, seconds: float = 60.0) -> Json:
        """Wait until nothing is waiting or under way. Fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            report = self.push()
            if report["pending"] == 0:
                return report
            if time.monotonic() > deadline:
                raise SandboxRefused(f"pushes still pending after {seconds} s: {report['counts']}")
            time.sleep(0.02)

    def create_subscription(
        self,
        endpoint: str,
        audience: str | None = None,
        name: str = SUBSCRIPTION,
        topic: str = TOPIC,
        account: str = PUSH_ACCOUNT,
        **more: Any,
    ) -> Json:
        """A push subscription; `more` are further fields of the REST resource."""
        token = {"serviceAccountEmail": account, "audience": audience or endpoint}
        body = {"topic": topic, "pushConfig": {"pushEndpoint": endpoint, "oidcToken": token}, **more}
        return self._call("PUT", f"/v1/{name}", json=body)

    def create_topic(self, name: str) -> Json:
        return self._call("PUT", "/sandbox/topics", json={"name": name})

    def advance_clock(self, seconds: float) -> Json:
        """Move the sandbox's clock forward: dates, watches, quota, access tokens; not the times in signed tokens."""
        return self._post("/sandbox/clock", {"advance": seconds})

    def skew_clock(self, seconds: float) -> Json:
        """Tell times that are off by so much: dates of mail, ends of watches, signed tokens, `Date` of answers."""
        return self._post("/sandbox/clock", {"skew": seconds})

    # OAuth

    def allow_redirect(self, *uris: str, client_id: str = CLIENT_ID) -> Json:
        return self._post(f"/sandbox/clients/{client_id}/redirect-uris", {"redirect_uris": list(uris)})

    def tokens(self, account: str, *scopes: str) -> Json:
        """An access and a refresh token without the consent page; default scope gmail.modify."""
        return self._post("/sandbox/tokens", {"account": account, "scopes": list(scopes or (MODIFY,))})

    def consent(self, url: str, account: str, grant: list[str] | None = None, decision: str = "allow") -> str:
        """Answer the consent page at `url` as a person would; returns the redirect's address.

        `grant` are the ticked scopes; None ticks all that were asked for.
        """
        query = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
        page = self.http.get(url)
        if page.status_code == 302:
            return page.headers["Location"]
        if page.status_code != 200:
            raise SandboxRefused(f"consent page: {page.status_code} {page.text[:500]}")
        ticked = query.get("scope", "").split() if grant is None else grant
        form: dict[str, Any] = {**query, "account": account, "decision": decision, "grant": ticked}
        answer = self.http.post("/o/oauth2/v2/auth", data=form)
        if answer.status_code != 302:
            raise SandboxRefused(f"consent answer: {answer.status_code} {answer.text[:500]}")
        return str(answer.headers["Location"])

    def consent_code(self, account: str, redirect_uri: str, *scopes: str, **options: str) -> str:
        """A code for the default client, as a browser would bring it back; `options` are added query parameters."""
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes or ("openid", EMAIL, MODIFY)),
            "access_type": "offline",
            "state": "s",
        } | options
        url = str(httpx.URL(self.urls["auth"], params=query))
        return parse_qs(urlsplit(self.consent(url, account)).query)["code"][0]

    # Plumbing

    def _first_line(self) -> Json:
        assert self._process is not None
        line = self._process.first_line(START_SECONDS)
        if not line:
            raise SandboxRefused(f"the sandbox did not start (exit status {self.stop()})")
        return dict(json.loads(line))

    def _get(self, path: str, params: dict[str, str] | None = None) -> Json:
        return self._call("GET", path, params=params)

    def _post(self, path: str, body: Any) -> Json:
        return self._call("POST", path, json=body)

    def _call(self, verb: str, path: str, **more: Any) -> Json:
        answer = self.http.request(verb, path, **more)
        if answer.status_code >= 400:
            raise SandboxRefused(f"{verb} {path}: {answer.status_code} {answer.text[:500]}")
        return dict(answer.json())


def pkce_pair() -> tuple[str, str]:
    """A verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
