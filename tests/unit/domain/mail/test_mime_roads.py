"""Raw bytes and a Gmail payload of the same mail give equal messages."""

from __future__ import annotations

import base64
import email
import os
from email.message import Message as StdMessage
from pathlib import Path
from typing import Any

import pytest

from backend.domain.mail.mime import Part, from_parts, parse

CASES = {
    "plain": b"From: a@b.test\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n",
    "alternative": b"Subject: y\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b\n"
    b"Content-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n<p>=FC</p>\n--b--\n",
    "attachment": b"Subject: z\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n"
    b'Content-Type: image/png; name="a.png"\nContent-Transfer-Encoding: base64\n\nAAAAAAAA\n--b--\n',
    "forward": b"Subject: f\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n"
    b"Content-Type: message/rfc822\n\nSubject: inner\n\ninner text\n--b--\n",
    "bounce": b"Subject: r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nfailed\n"
    b"--b\nContent-Type: message/delivery-status\n\nAction: failed\n\n--b--\n",
    "no headers": b"\n\nbody only",
}


def gmail_payload(part: StdMessage, part_id: str = "") -> dict[str, Any]:
    """What `format=full` shows of a part: bytes in base64url, attachments without any."""
    children = part.get_payload() if part.is_multipart() else []
    name = part.get_filename() or ""
    data = part.get_payload(decode=True) if not part.is_multipart() else None
    data = data if isinstance(data, bytes) else b""
    attached = bool(name) or part.get_content_maintype() not in ("text", "multipart")
    body: dict[str, Any] = {"size": len(data)}
    if attached:
        body["attachmentId"] = "ANGjdJ8"
    else:
        body["data"] = base64.urlsafe_b64encode(data).decode()
    return {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": "" if "\ufffd" in name else name,  # the standard library lost its bytes
        "headers": [{"name": k, "value": str(v)} for k, v in part.raw_items()],
        "body": body,
        "parts": [gmail_payload(child, f"{part_id}.{i}".strip(".")) for i, child in enumerate(children)],
    }


def part_of(payload: dict[str, Any]) -> Part:
    body = payload["body"]
    return Part(
        content_type=payload["mimeType"],
        filename=payload["filename"],
        headers=tuple((h["name"], h["value"]) for h in payload["headers"]),
        body=base64.urlsafe_b64decode(body["data"]) if "data" in body else None,
        size=body["size"],
        children=tuple(part_of(child) for child in payload.get("parts", ())),
    )


@pytest.mark.parametrize("name", CASES)
def test_own_cases(name: str):
    raw = CASES[name]
    assert from_parts(part_of(gmail_payload(email.message_from_bytes(raw)))) == parse(raw)


def collected_mail() -> list[Path]:
    """Mail files of the machine's own, named by PITCHGATE_MAIL; the project ships none."""
    folder = os.environ.get("PITCHGATE_MAIL", "")
    return sorted(p for p in Path(folder).rglob("*") if p.is_file()) if folder else []


def test_every_collected_mail_where_there_are_any():
    paths = collected_mail()
    if not paths:
        pytest.skip("PITCHGATE_MAIL names no folder of mail")
    different = []
    for path in paths:
        raw = path.read_bytes()
        built = from_parts(part_of(gmail_payload(email.message_from_bytes(raw))))
        if built != parse(raw):
            different.append(path.name)
    assert different == []
