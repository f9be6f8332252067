"""Good inputs to begin with: emails as people and programs write them, and what Google sends beside them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jwt

import model_export
from backend.domain.mail.message import Message
from backend.domain.mail.mime import parse
from backend.domain.mailbox.archive import FORMAT, TABLES, VERSION, Column, ColumnKind
from backend.domain.mailbox.mailbox import Preferences
from tests.evasion.measure import mails
from tests.evasion.tricks import tricks
from tests.fakes.google import KEYS
from tests.fuzz.mutate import LARGEST, Json, written

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
AUDIENCE = "https://app.corp.test/hooks/gmail"
ACCOUNT = "push@acme.iam.gserviceaccount.com"
SIGNER = KEYS["k1"]
OWNER = "priya@ledger.test"

TRACE = (
    b"Received: by 2002:a05:6a00:1 with SMTP id a1csp1; Tue, 24 Nov 2026 04:59:59 -0800 (PST)\n"
    b"Received: from mail.corp.test (mail.corp.test. [192.0.2.7]) by mx.google.com with ESMTPS id x1;\n"
    b" Tue, 24 Nov 2026 04:59:58 -0800 (PST)\n"
    b"Authentication-Results: mx.google.com;\n"
    b"       dkim=pass header.i=@corp.test header.s=s1 header.b=abc123;\n"
    b"       spf=pass (google.com: domain of ann@corp.test designates 192.0.2.7 as permitted sender)"
    b" smtp.mailfrom=ann@corp.test;\n"
    b"       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=corp.test\n"
)
MESSAGES = (
    TRACE + b"From: Ann Example <ann@corp.test>\nTo: Priya <priya@ledger.test>\nSubject: Re: quick question\n"
    b"Message-ID: <1@corp.test>\nIn-Reply-To: <0@ledger.test>\nReferences: <0@ledger.test> <1@ledger.test>\n\n"
    b"Hi Priya,\n\nworth ten minutes? Saves 30% or $ 1,500 a month.\n- one\n- two\n\nBest,\nAnn\n\n"
    b"On Mon, 23 Nov 2026 at 10:30, Priya <priya@ledger.test> wrote:\n> What does it cost?\n>> earlier\n",
    b"From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@firma.test>\nTo: priya@ledger.test\n"
    b"Subject: =?utf-8?b?QW5nZWJvdCBmw7xy?=\n =?utf-8?b?IFNpZQ==?=\nMIME-Version: 1.0\n"
    b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\n"
    b"Content-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe aus M=FCnchen=\n!\n--b\n"
    b"Content-Type: text/html; charset=utf-8\n\n<html><body style='color:red'><p>Gr\xc3\xbc\xc3\x9fe<br>"
    b"<a href='https://firma.test/?utm_source=x'>hier</a><img src=https://t.test/p.gif width=1 height=1>"
    b"<div style='display:none'>versteckt</div><blockquote>alt</blockquote><table><tr><td>a<td>b</table>\n--b--\n",
    b"Return-Path: <>\nFrom: Mail Delivery <mailer-daemon@corp.test>\nTo: priya@ledger.test\nSubject: Undelivered\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\n\nIt failed.\n--b\n"
    b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; corp.test\n\nAction: failed\nStatus: 5.1.1\n--b\n"
    b"Content-Type: message/rfc822\n\nFrom: a@b.test\nSubject: inner\n\ninner\n--b--\n",
    b"From: news@shop.test\nTo: priya@ledger.test\nList-Id: Shop <news.shop.test>\nPrecedence: bulk\n"
    b"List-Unsubscribe: <https://shop.test/u?1>, <mailto:u@shop.test>\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.test; s=s1;\n h=from:list-unsubscribe:list-unsubscribe-post; b=x\n"
    b"Subject: Sale\nContent-Type: text/html\n\n<center><font size=7><b>Sale</b></font></center>\n",
    b"From: \"Doe, Jane\" <jane@x.test>, other@y.test\nReply-To: (comment) z@w.test\nSubject: files\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n--b\nContent-Type: image/png;\n"
    b" name*0*=utf-8''a%20; name*1=b.png\nContent-Transfer-Encoding: base64\n\nAAAAAAAA\n--b\n"
    b"Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--b--\n",
    b"Subject: Please confirm your message\nFrom: gate@boxbe.test\nX-Pitchgate-Challenge: 1\n\nClick to verify that you"
    b" are a human and your message is delivered.\n",
    b"",
)  # fmt: skip
RESULTS = tuple(
    value.encode()
    for value in (
        "mx.google.com; dkim=pass header.i=@corp.test header.s=s1 header.b=abc; spf=pass smtp.mailfrom=ann@corp.test;"
        " dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=corp.test",
        "mx.google.com; spf=none (google.com: corp.test does not designate senders) smtp.mailfrom=x@corp.test",
        "mx.google.com 1; dkim=fail (bad (nested) signature) header.d=b\u00fccher.test; dmarc=bestguesspass",
        'mx.google.com; auth=pass smtp.auth="a;b" reason="quoted \\" text"; iprev=pass policy.iprev=192.0.2.1',
        "relay.test; none",
    )
)
LISTS = (b"allow bo@shop.example\nblock,spam.example\n# note\nkind,subject\n*@x.test\n",)


@cache
def messages() -> tuple[bytes, ...]:
    """Small written cases, and each of the model's corpus messages as an email."""
    found = list(MESSAGES)
    for path in sorted((Path(model_export.__file__).parent / "corpus").glob("*.jsonl"))[:4]:
        for line in path.read_text("utf-8").splitlines()[:60]:
            entry = json.loads(line)
            kind = "html" if entry.get("html") else "plain"
            found.append(
                f"From: {entry['from']}\nTo: {entry['to']}\nSubject: {entry['subject']}\n"
                f"Content-Type: text/{kind}; charset=utf-8\n\n{entry.get('html') or entry['text']}".encode()
            )
    return tuple(found)


@cache
def large_messages() -> tuple[bytes, ...]:
    """The same, blown up to `LARGEST`: one of a long text, one of many parts, one of much markup."""
    head = b"From: a@b.test\nSubject: long\n"
    text = b"\n".join(mail.partition(b"\n\n")[2] for mail in messages())
    part = b"--b\nContent-Type: text/plain; name=a.txt\n\nhello\n"
    html = b"<div class=x><p style='color:red'>one <b>two</b> <a href=https://a.test>three</a></div>"
    return tuple(
        (start + body * (LARGEST // len(body) + 1))[:LARGEST]
        for start, body in (
            (head + b"\n", text),
            (head + b"Content-Type: multipart/mixed; boundary=b\n\n", part),
            (head + b"Content-Type: text/html\n\n", html),
        )
    )


@cache
def disguises() -> tuple[Message, ...]:
    """A pitch in each disguise there is, but for the few that are large."""
    pitch = mails("pitches")[0]
    dressed = (trick.dress(pitch).bytes() for trick in tricks())
    return tuple(parse(raw) for raw in dressed if len(raw) < 20_000)


@cache
def disguised_texts() -> tuple[bytes, ...]:
    """What these say, as plain text and as HTML."""
    return tuple((message.html or message.text).encode() for message in disguises())


@cache
def payload() -> Json:
    """A message as Gmail's API tells it."""
    text = base64.urlsafe_b64encode(b"Hi Priya,\n\nworth a call?\n\nBest\nAnn").decode()
    field: Json = [
        {"name": "From", "value": "Ann <ann@corp.test>"},
        {"name": "Subject", "value": "=?utf-8?q?x?="},
    ]
    leaf: Json = {"mimeType": "text/plain", "filename": "", "headers": [], "body": {"size": 9, "data": text}}
    return {
        "id": "18c0a1b2c3d4e5f6", "threadId": "18c0a1b2c3d4e5f6", "labelIds": ["INBOX", "UNREAD"], "sizeEstimate": 900,
        "internalDate": "1795525200000",
        "payload": {
            "mimeType": "multipart/mixed", "filename": "", "headers": field, "body": {"size": 0},
            "parts": [leaf, {**leaf, "mimeType": "text/html"}, {**leaf, "filename": "a.txt"}],
        },
    }  # fmt: skip


def pushes() -> tuple[Json, ...]:
    """Bodies of Pub/Sub pushes, wrapped and not."""
    notice: Json = {"emailAddress": OWNER, "historyId": 884250}
    data = base64.b64encode(json.dumps(notice).encode()).decode()
    wrapped: Json = {"data": data, "messageId": "11", "publishTime": "2026-11-24T13:00:00Z"}
    return ({"message": wrapped, "subscription": "projects/acme/subscriptions/gmail"}, notice)


def event() -> Json:
    """What the add-on host posts for an open message."""
    return {
        "commonEventObject": {
            "userLocale": "de", "hostApp": "GMAIL", "platform": "WEB",
            "timeZone": {"id": "Europe/Berlin", "offset": "3600000"},
            "parameters": {"act": "allow", "key": "card-0", "version": "1.0"},
            "formInputs": {"note": {"stringInputs": {"value": ["hello"]}}},
        },
        "authorizationEventObject": {
            "userOAuthToken": "ya29", "userIdToken": "eyJ", "systemIdToken": "eyJ",
            "authorizedScopes": ["https://www.googleapis.com/auth/gmail.addons.execute"],
        },
        "gmail": {"messageId": "msg-f:1786000000000000000", "threadId": "thread-f:1786000000000000000"},
    }  # fmt: skip


@cache
def push_tokens() -> tuple[bytes, ...]:
    """Signed tokens: a good one, and ones whose claims or header say something odd."""
    issued = NOW.timestamp() - 60
    good = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True,
            "iat": issued, "exp": issued + 3_600}  # fmt: skip
    odd: list[dict[str, object]] = [
        {}, {"aud": ["x"]}, {"exp": "1"}, {"iat": 1e300}, {"exp": -1}, {"email": None}, {"iss": {"a": []}}, {"nbf": []},
        {"email": "\ud800"}, {"aud": "x" * 4_000}, {"email_verified": "true"}, {"exp": True}, {"iat": 2**80},
    ]  # fmt: skip
    headers: list[dict[str, object]] = [{"kid": "k1"}, {"kid": "x" * 300}, {"kid": "k1", "crit": ["b64"]}]
    plain = jwt.PyJWS()  # signs whatever it is given
    tokens = [plain.encode(written(good | claims), SIGNER, "RS256", headers=headers[0]) for claims in odd]
    tokens += [plain.encode(written(good), SIGNER, "RS256", headers=header) for header in headers[1:]]
    tokens.append(plain.encode(written(good), b"k" * 40, "HS256", headers=headers[0]))
    tokens.append(plain.encode(b"[1]", SIGNER, "RS256", headers=headers[0]))
    return tuple(f"Bearer {token}".encode() for token in tokens)


def archive() -> Json:
    """A file of everything an owner has, one entry a list."""
    lists: dict[str, Json] = {
        table.name: [{name: _cell(column) for name, column in table.columns.items()}]
        for table in TABLES.values()
        if table.imported
    }
    about: Json = {"email": OWNER, "preferences": json.loads(json.dumps(Preferences().to_json()))}
    return {"format": FORMAT, "version": VERSION, "mailbox": about, **lists}


def _cell(column: Column) -> Json:
    if column.words:
        return sorted(column.words)[0]
    before: Json = {
        "rules": [{"subject": "a@b.test", "before": None, "after": "allow"}],
        "messages": [{"gmail_id": "1", "placement": None, "decided_by": "", "revision": 1, "moved": True}],
        "challenges": [],
        "refunds": [{"sender": "a@b.test", "gmail_id": "1"}],
    }
    cells: dict[ColumnKind, Json] = {
        ColumnKind.TEXT: "a@b.test",
        ColumnKind.WHOLE: 3,
        ColumnKind.REAL: 0.5,
        ColumnKind.TRUTH: True,
        ColumnKind.TIME: "2026-11-24T13:00:00.000000+00:00",
        ColumnKind.TEXTS: ["one", "two"],
        ColumnKind.REASONS: [{"text": "asks for a call", "weight": 0.5, "words": ["call"]}],
        ColumnKind.UNDO_RECORD: before,
    }
    return cells[column.kind]
