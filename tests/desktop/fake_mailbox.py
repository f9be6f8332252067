"""The state behind the fake backend: one owner's mailbox, in memory, as docs/reference/api.md describes it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def make_message(number: int, **changes: Any) -> dict[str, Any]:
    """One message of docs/reference/api.md. Even numbers come from a free-mail address, so they offer no domain."""
    domain = "" if number % 2 == 0 else f"seller{number}.example"
    at = (START + timedelta(minutes=number)).isoformat()
    return {
        "gmail_id": f"m{number:05}",
        "thread_id": f"t{number:05}",
        "sender": f"ann{number}@{domain or 'mail.example'}",
        "sender_name": f"Ann Seller {number}",
        "domain": domain,
        "subject": f"Quick question {number}",
        "placement": "held",
        "outcome": "hold",
        "row": "quarantine",
        "score": 0.91,
        "told": "Looks like a pitch: asks for a call (“15 minutes”)",
        "reasons": [
            {"text": "asks for a call", "weight": 1.4, "words": ["15 minutes"]},
            {"text": "knows your name", "weight": -0.3, "words": ["olga"]},
        ],
        "guards": [],
        "cause": "",
        "model": "test",
        "received_at": at,
        "decided_at": at,
        "changed_at": at,
        "decided_by": "",
        "note": "",
    } | changes


@dataclass
class FakeMailbox:
    """Mailbox, devices and events. Thread-safe; `changed` is called after every event."""

    email: str = "owner@example.com"
    condition: str = "active"
    title: str = "Active"
    cause: str = ""
    remedy: str = ""
    who: str = "nobody"
    warnings: list[str] = field(default_factory=list)
    version: str = "0.1.0"
    paused_until: str | None = None
    strictness: str = "normal"
    asked: list[str] = field(default_factory=list)  # ids of messages
    answers: dict[str, str] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    corrections: dict[str, dict[str, Any]] = field(default_factory=dict)
    applied: list[tuple[str, str, str]] = field(default_factory=list)  # (key, gmail_id, decision), each once
    undone: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)  # "METHOD /path" as they came
    forged: set[str] = field(default_factory=set)  # ids an allowed sender does not bring in
    events: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    forgotten: int = 0  # events up to this id are no longer known
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)  # by token hash
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    tickets: set[str] = field(default_factory=set)
    changed: Callable[[], None] = lambda: None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def hold(self, number: int, **changes: Any) -> dict[str, Any]:
        """A message is held now."""
        with self.lock:
            message = make_message(number, **changes)
            self.messages[message["gmail_id"]] = message
            self.tell("held", message)
            return message

    def put(self, message: dict[str, Any]) -> None:
        self.messages[message["gmail_id"]] = message

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """One more event."""
        with self.lock:
            self.events.append((self.latest + 1, name, data))
        self.changed()

    @property
    def latest(self) -> int:
        return self.events[-1][0] if self.events else self.forgotten

    def held(self) -> list[dict[str, Any]]:
        """Held and undecided, newest first."""
        with self.lock:
            waiting = [m for m in self.messages.values() if m["placement"] == "held" and not m["decided_by"]]
            return sorted(waiting, key=lambda m: m["received_at"], reverse=True)

    def senders(self, query: str = "") -> list[dict[str, Any]]:
        """The held messages by sender, newest sender first."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for message in self.held():
            text = f"{message['sender']} {message['sender_name']} {message['subject']}".lower()
            if query.lower() in text:
                groups.setdefault(message["sender"], []).append(message)
        return [
            {
                "sender": sender,
                "sender_name": mail[0]["sender_name"],
                "domain": mail[0]["domain"],
                "count": len(mail),
                "latest_at": mail[0]["received_at"],
                "messages": mail[:20],
            }
            for sender, mail in groups.items()
        ]

    def status(self) -> dict[str, Any]:
        """The answer of GET /status."""
        held = self.held()
        return {
            "version": self.version,
            "email": self.email,
            "name": "Olga Owner",
            "condition": self.condition,
            "title": self.title,
            "cause": self.cause,
            "remedy": self.remedy,
            "who": self.who,
            "warnings": list(self.warnings),
            "watch_expires_at": (START + timedelta(days=6)).isoformat(),
            "index": {"done": 0, "total": 0},
            "preferences": {
                "mode": "quarantine",
                "strictness": self.strictness,
                "paused_until": self.paused_until,
                "left_alone": [],
                "rows_off": [],
                "wording": {},
                "retention_days": 90,
                "questions_a_week": 3,
                "digest": "off",
                "zone": "UTC",
                "language": "en",
                "credits_per_solve": 3,
                "daily_challenges": 50,
                "domain_challenges": 3,
            },
            "held": {"messages": len(held), "senders": len({m["sender"] for m in held})},
            "questions": len(self.asked),
            "event": str(self.latest),
        }

    def correct(self, key: str, gmail_id: str, decision: str) -> dict[str, Any] | str:
        """Apply a correction; a known key changes nothing. A string is an error code."""
        with self.lock:
            if known := self.corrections.get(key):
                same = (known["gmail_id"], known["decision"]) == (gmail_id, decision)
                return known["answer"] if same else "key_reused"
            about = self.messages.get(gmail_id)
            if about is None:
                return "not_found"
            moved = self._settle(about, decision)
            gone = [one for one, (place, _) in moved.items() if place != self.messages[one]["placement"]]
            answer = {"key": key, "gmail_id": gmail_id, "decision": decision, "moved": gone}
            self.corrections[key] = {
                "gmail_id": gmail_id,
                "decision": decision,
                "answer": answer,
                "before": moved,
                "undone": False,
            }
            self.applied.append((key, gmail_id, decision))
            return answer

    def _settle(self, about: dict[str, Any], decision: str) -> dict[str, tuple[str, str]]:
        """A rule reaches beyond the message the owner pointed at; one that lets in leaves forged mail where it is."""
        chosen = [about]
        others = [m for m in self.held() if m is not about]
        if decision.startswith("allow"):
            others = [m for m in others if m["gmail_id"] not in self.forged]
        if decision in ("allow", "block"):
            chosen += [m for m in others if m["sender"] == about["sender"]]
        elif decision in ("allow_domain", "block_domain"):
            chosen += [m for m in others if m["domain"] == about["domain"]]
        elif decision == "keep":
            theirs = [m for m in others if m["sender"] == about["sender"]]
            chosen += [m for m in theirs if m["received_at"] < about["received_at"]]
        before = {}
        for message in chosen:
            before[message["gmail_id"]] = (message["placement"], message["decided_by"])
            message["decided_by"] = "kept" if decision == "keep" else "owner"
            if decision in ("release", "allow", "allow_domain"):
                message["placement"] = "inbox"
            elif decision == "sales":
                message["placement"] = "held"
            self._moved(message)
        return before

    def undo(self, key: str) -> dict[str, Any] | str:
        """Take a correction back; again changes nothing."""
        with self.lock:
            known = self.corrections.get(key)
            if known is None:
                return "not_found"
            if not known["undone"]:
                known["undone"] = True
                self.undone.append(key)
                for gmail_id, (placement, decided_by) in known["before"].items():
                    message = self.messages[gmail_id]
                    message["placement"], message["decided_by"] = placement, decided_by
                    if placement == "held":
                        self.tell("held", message)
                    else:
                        self._moved(message)
            return {"key": key, "moved": known["answer"]["moved"]}

    def _moved(self, message: dict[str, Any]) -> None:
        self.tell("moved", {k: message[k] for k in ("gmail_id", "placement", "decided_by")})

    def enrol(self, token: str, name: str) -> str:
        """A device with this token; returns its id."""
        device_id = f"d{len(self.devices) + 1}"
        self.devices[hashed(token)] = {
            "device_id": device_id,
            "name": name,
            "created_at": START.isoformat(),
            "last_seen_at": START.isoformat(),
        }
        return device_id


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
