"""The article's design as one would write it: Flask, a pickled pipeline, google-api-python-client, a small store.

    BASELINE_CONFIG=config.json gunicorn --threads 8 tests.bench.baseline.app:app

Two kinds, by the config's `kind`. "article" builds a service for each push, over a connection of its own, and keeps
its users and what it has done in TinyDB. "kept" keeps one service object and a connection a thread, and an indexed
SQLite file: what a good developer makes of the first in a day.

A push is worked off in its own request, as in the article: token checked, history listed, each new message
fetched, classified, labelled, answered where that is due, recorded.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import secrets
import threading
from collections import defaultdict
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httplib2
from flask import Flask, request
from google.auth import jwt
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build

from tests.bench.baseline.stores import KeptStore, TinyStore

CONFIG: dict[str, Any] = json.loads(Path(os.environ["BASELINE_CONFIG"]).read_text("utf-8"))
KEPT = CONFIG["kind"] == "kept"
THRESHOLD = 0.5
MODEL = pickle.loads(Path(CONFIG["model"]).read_bytes())
STORE = KeptStore(CONFIG["database"]) if KEPT else TinyStore(CONFIG["database"])
CERTS: dict[str, str] = CONFIG["certs"]
LOCKS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
LOCAL = threading.local()

app = Flask(__name__)


def make_service(http: Any) -> Any:
    """The Gmail service, against the local Google."""
    options = {"api_endpoint": CONFIG["google"]}
    return build("gmail", "v1", http=http, client_options=options, static_discovery=True)


SERVICE = make_service(httplib2.Http()) if KEPT else None


class Gmail:
    """Calls on one user's mailbox."""

    def __init__(self, user: dict[str, Any]) -> None:
        tokens = Credentials(
            user["access_token"],
            refresh_token=user["refresh_token"],
            token_uri=CONFIG["token_url"],
            client_id=CONFIG["client_id"],
            client_secret=CONFIG["client_secret"],
        )
        if KEPT and not hasattr(LOCAL, "http"):
            LOCAL.http = httplib2.Http()
        self._http = AuthorizedHttp(tokens, http=LOCAL.http if KEPT else httplib2.Http())
        self._users = (SERVICE or make_service(self._http)).users()

    def added(self, start: str) -> tuple[list[str], str]:
        """Ids of incoming messages since `start`, and the position now."""
        found: list[str] = []
        page, token = "", None
        while True:
            call = self._users.history().list(
                userId="me", startHistoryId=start, historyTypes=["messageAdded"], pageToken=token
            )
            page = call.execute(http=self._http)
            for record in page.get("history", ()):
                for added in record.get("messagesAdded", ()):
                    if "INBOX" in added["message"].get("labelIds", ()):
                        found.append(added["message"]["id"])
            token = page.get("nextPageToken")
            if token is None:
                return found, str(page["historyId"])

    def fetch(self, message_id: str) -> dict[str, Any]:
        """A whole message."""
        call = self._users.messages().get(userId="me", id=message_id, format="full")
        found: dict[str, Any] = call.execute(http=self._http)
        return found

    def hold(self, message_id: str, label: str) -> None:
        """Out of the inbox, under our label."""
        body = {"addLabelIds": [label], "removeLabelIds": ["INBOX"]}
        self._users.messages().modify(userId="me", id=message_id, body=body).execute(http=self._http)

    def send(self, raw: bytes, thread_id: str) -> None:
        """A mail into a thread."""
        body = {"raw": base64.urlsafe_b64encode(raw).decode(), "threadId": thread_id}
        self._users.messages().send(userId="me", body=body).execute(http=self._http)


@app.post("/hooks/gmail")
def push() -> tuple[str, int]:
    """One notice: everything it leads to is done before it is acknowledged."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    claims = jwt.decode(token, certs=CERTS, audience=CONFIG["audience"])
    if claims["email"] != CONFIG["push_account"]:
        return "", 401
    response = json.loads(base64.urlsafe_b64decode(request.get_json()["message"]["data"]))
    with LOCKS[response["emailAddress"]]:
        user = STORE.user(response["emailAddress"])
        if user is not None:
            look(user)
    return "", 204


@app.get("/readyz")
def ready() -> tuple[str, int]:
    """Whether it serves."""
    return "ok", 200


def look(user: dict[str, Any]) -> None:
    """Whatever is new in a mailbox."""
    gmail = Gmail(user)
    new, position = gmail.added(user["history_id"])
    for message_id in new:
        if not STORE.done(user["email"], message_id):
            handle(gmail, user, message_id)
    STORE.move(user["email"], position)


def handle(gmail: Gmail, user: dict[str, Any], message_id: str) -> None:
    """One message: classify, and act."""
    message = gmail.fetch(message_id)
    headers = {field["name"].lower(): field["value"] for field in message["payload"]["headers"]}
    sender = headers.get("from", "").rpartition("<")[2].rstrip(">").lower()
    subject = headers.get("subject", "")
    score = float(MODEL.predict_proba([f"{subject}\n{body_of(message['payload'])}"])[0][1])
    pitch = score >= THRESHOLD and not STORE.known(user["email"], sender)
    answer = pitch and user["mode"] == "challenge" and may_answer(headers)
    if pitch:
        gmail.hold(message_id, user["label"])
    if answer and not STORE.challenged(user["email"], sender):
        gmail.send(challenge(user["email"], headers), message["threadId"])
    STORE.record(user["email"], message_id, sender, subject, score, bool(pitch), bool(answer))


def may_answer(headers: dict[str, str]) -> bool:
    """Whether this is somebody's own mail, as far as Gmail vouches for it."""
    automatic = headers.get("auto-submitted", "no") != "no" or "list-id" in headers
    return "dmarc=pass" in headers.get("authentication-results", "") and not automatic


def body_of(part: dict[str, Any]) -> str:
    """The plain text of a part tree."""
    if part.get("mimeType") == "text/plain" and part["body"].get("data"):
        return base64.urlsafe_b64decode(part["body"]["data"]).decode("utf-8", "replace")
    return "\n".join(body_of(inner) for inner in part.get("parts", ()))


def challenge(owner: str, headers: dict[str, str]) -> bytes:
    """The answer to a pitch, with its link."""
    mail = EmailMessage()
    mail["From"], mail["To"] = owner, headers["from"]
    mail["Subject"] = f"Re: {headers.get('subject', '')}"
    mail["In-Reply-To"] = mail["References"] = headers.get("message-id", "")
    mail["Auto-Submitted"] = "auto-replied"
    link = f"{CONFIG['url']}/c/{secrets.token_urlsafe(24)}"
    mail.set_content(f"Your message was held. If you are a person, please open this page:\n\n{link}\n")
    return mail.as_bytes()
